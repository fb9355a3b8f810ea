"""The models that the web app offers: the base model, the run of `--run`, and the runs of the results folder."""

from dataclasses import dataclass
from pathlib import Path

from exp.runs.names import DESCRIPTION
from exp.runs.run_folder import RunFolder
from utils.options import Options

BASE = "base"
_MOST = 20  # runs of the results folder, the newest


@dataclass(frozen=True)
class Choice:
    """A model to choose.

    Attributes:
        key: by which a form names it.
        words: for a person.
        flags: by which a verb takes it.
    """

    key: str
    words: str
    flags: tuple[str, ...] = ()


def choices(options: Options) -> list[Choice]:
    """What can be chosen, the usual one first.

    Raises:
        UserError: `--run` is no run folder.
    """
    base = Choice(BASE, "The base model: for units without labels, trained on simulated ones")
    runs = sorted(Path(options.result_path).expanduser().glob(f"*/*/*/[0-9]*/model/{DESCRIPTION}"), reverse=True)
    found = [path.parent.parent for path in sorted(runs, key=lambda path: path.parent.parent.name, reverse=True)]
    own = [_run(Path(options.run).expanduser(), options)] if options.run else []
    offered = [*own, base, *(_choice(path) for path in found[:_MOST])]
    return list({choice.key: choice for choice in reversed(offered)}.values())[::-1]


def _run(path: Path, options: Options) -> Choice:
    if not (path / DESCRIPTION).is_file():
        RunFolder.find(str(path), options)  # says what is wrong
    return _choice(path)


def _choice(path: Path) -> Choice:
    return Choice(str(path), f"Run {path}", ("--run", str(path)))
