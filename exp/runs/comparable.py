"""Run folders to be compared: which repeat one experiment, and which must not be compared at all."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exp.runs.folds_folder import FoldsFolder
from exp.runs.record import read_config, read_run
from exp.runs.run_folder import RunFolder
from utils.errors import UserError
from utils.options import GROUPS, flags
from utils.verbs import GROUPS_OF_VERB

# Facts that must agree for two runs to be comparable; the split itself is compared within a seed.
_FACTS = ("data", "columns", "classes", "period_seconds", "seq_len", "step", "protocol", "leaking")
# Options that repeat an experiment, say where its files are, or are other verbs', and so make no other experiment.
NOT_THE_EXPERIMENT = frozenset(
    {"checkpoint_minutes", "max_bad_steps", "seed", "folds", "itr", "resume", "config", "run", "result_path"}
    | {field.name for field in flags(*(set(GROUPS) - set(GROUPS_OF_VERB["train"])))}
)


@dataclass(frozen=True)
class ComparedRun:
    """One row to be: `metrics` is None where the run has not ended."""

    path: Path
    config: dict[str, Any]
    metrics: dict[str, Any] | None
    effective: tuple[int, ...] = ()
    split: str = ""

    @property
    def seed(self) -> int:
        """What the run's randomness came from."""
        return self.config["seed"]

    @property
    def repeat(self) -> tuple[int, str]:
        """Seed and fold: what tells runs of one experiment apart."""
        return self.seed, self.config.get("folds") or ""

    @property
    def facts(self) -> dict[str, Any]:
        """What must be the same in runs whose numbers are compared."""
        if self.metrics is None:
            return {}
        facts = {name: self.metrics["data"][name] for name in _FACTS}
        return facts | {"protocol": re.sub(r"fold \d+ of (\d+)", r"\1 folds", facts["protocol"])}

    @property
    def marks(self) -> list[str]:
        """The leaks that stay on its numbers, beside that of the split."""
        return [] if self.metrics is None else list(self.metrics["data"].get("marks", []))

    def measured(self, part: str, name: str) -> dict[str, Any] | None:
        """A metric with its interval; None where the part was not evaluated."""
        evaluated = None if self.metrics is None else self.metrics[part]
        return None if evaluated is None else evaluated[name]

    @property
    def accumulation(self) -> str:
        """Windows of a micro-batch times micro-batches of a step, "4 x 4"; "?" before an epoch, "-" without any."""
        if self.metrics is not None and not self.metrics["epochs"]:
            return "-"
        batch = self.config["batch_size"]
        times = [f"{size / batch:g}" for size in self.effective]
        return f"{batch} x {' to '.join(times)}" if times else "?"


@dataclass
class _Data:
    """Runs on the same data: `splits` holds the windows of each seed's and fold's split."""

    letter: str
    facts: dict[str, Any]
    splits: dict[tuple[int, str], str] = field(default_factory=dict)

    def fits(self, run: ComparedRun) -> bool:
        return self.facts == run.facts and self.splits.get(run.repeat, run.split) == run.split

    def differs_in(self, run: ComparedRun) -> str:
        return ", ".join(name for name in _FACTS if self.facts[name] != run.facts[name]) or "windows"


def load(folders: Sequence[Path], *, by_tag: bool = False) -> tuple[list[list[ComparedRun]], dict[Path, list[str]]]:
    """Read run folders.

    Args:
        folders: run folders, and folders of folds, which stand for their runs; links and repetitions are read once.
        by_tag: put runs of one `--des` and model together, whatever else differs.

    Returns:
        The runs in groups that differ only in their seed or share their tag, in the order given; and for each run's
        path its notes, beginning with "!" where its numbers must not be compared with the first run's.

    Raises:
        UserError: no folder, or one is not a run folder or damaged.
    """
    paths = list(dict.fromkeys(run for folder in folders for run in _runs_of(Path(folder).resolve())))
    if not paths:
        raise UserError("nothing to compare; name run folders, as: python run.py report --compare A B")
    runs = [_read(path) for path in paths]
    notes = _notes(runs)
    groups: dict[str, list[ComparedRun]] = {}
    for run in runs:
        names = ("des", "model") if by_tag else set(run.config) - NOT_THE_EXPERIMENT
        experiment = {name: run.config[name] for name in names}
        groups.setdefault(json.dumps(experiment, sort_keys=True, default=str), []).append(run)
    return list(groups.values()), notes


def _runs_of(path: Path) -> list[Path]:
    """The run folders that a folder stands for: those of a cross-validation that have begun, or itself."""
    folds = FoldsFolder(path)
    if not FoldsFolder.is_one(path):
        return [path]
    runs = (folds.run_of(place) for place in range(len(folds.rows())))
    return [run.path.resolve() for run in runs if run is not None]


def _read(path: Path) -> ComparedRun:
    if not RunFolder(path).metrics.is_file():
        return ComparedRun(path=path, config=read_config(path), metrics=None)
    record = read_run(path)
    windows = sorted((row["file"], row["start"], row["target"]) for row in record.predictions)
    split = hashlib.sha256(json.dumps([record.metrics["data"]["counts"], windows]).encode()).hexdigest()
    sizes = tuple(sorted({int(float(row["effective_batch_size"])) for row in record.epochs}))
    return ComparedRun(path=path, config=record.config, metrics=record.metrics, effective=sizes, split=split)


def finished(group: Iterable[ComparedRun]) -> list[ComparedRun]:
    """Those that have numbers."""
    return [run for run in group if run.metrics is not None]


def _notes(runs: Sequence[ComparedRun]) -> dict[Path, list[str]]:
    """What keeps a run from being compared with the others; the first run's data is A."""
    known: list[_Data] = []
    notes: dict[Path, list[str]] = {run.path: [] for run in runs}
    home: dict[Path, _Data] = {}
    for run in finished(runs):
        data = next((data for data in known if data.fits(run)), None)
        if data is None:
            data = _Data(letter=_letter(len(known)), facts=run.facts)
            known.append(data)
        data.splits.setdefault(run.repeat, run.split)
        home[run.path] = data
    for run in runs:
        if run.metrics is None:
            notes[run.path].append("not finished")
            continue
        if run.metrics["data"]["leaking"]:
            notes[run.path].append("! split leaks")
        if run.marks:
            notes[run.path].append(f"! leaks: {', '.join(run.marks)}")
        if home[run.path] is not known[0]:
            notes[run.path].append(f"! data {home[run.path].letter} (unlike A in {known[0].differs_in(run)})")
        elif len(known) > 1:
            notes[run.path].append("data A")
    return notes


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"
