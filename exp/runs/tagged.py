"""The runs of an ablation, found by their tags: `--des` is part of a run folder's path."""

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from exp.runs.folds_folder import FoldsFolder
from exp.runs.record import read_config
from exp.runs.run_folder import RunFolder
from utils.errors import UserError, unknown_name


def runs_of_tags(
    results: Path, tags: Sequence[str], *, data: str | None = None, model: str | None = None
) -> tuple[list[Path], int]:
    """The finished runs whose `--des` is one of some tags, the newest of each seed and fold.

    Args:
        results: folder of all run folders.
        tags: names, or patterns as `ablation_*`.
        data, model: whose runs; None for those of any.

    Returns:
        Run folders, in the order of the tags; and how many older ones of the same seed and fold were left out.

    Raises:
        UserError: a tag that no finished run has, or runs of several data sets.
    """
    runs = [path for path in sorted(results.glob(f"{data or '*'}/{model or '*'}/*/*")) if _is_finished(path)]
    known = sorted({path.parent.name for path in runs})
    found: list[Path] = []
    for tag in tags:
        matching = [path for path in runs if fnmatch.fnmatchcase(path.parent.name, tag)]
        if not matching:
            if known:
                raise unknown_name(f"tag of a finished run in {results}", tag, known)
            raise UserError(f"{results} has no finished run; name its folder with --result_path, or train first")
        found += matching
    found = list(dict.fromkeys(found))
    sets = sorted({path.parents[2].name for path in found})
    if len(sets) > 1:
        raise UserError(f"the tags have runs of several data sets; choose one with --data: {', '.join(sets)}")
    newest: dict[tuple[Path, int, str], Path] = {}
    for path in found:  # a run folder's name begins with its time
        config = read_config(path)
        newest[path.parent, config["seed"], config.get("folds") or ""] = path
    return list(newest.values()), len(found) - len(newest)


def _is_finished(path: Path) -> bool:
    folder = RunFolder(path)
    return not path.is_symlink() and folder.metrics.is_file() and not FoldsFolder.is_one(path)
