"""What the checks look at: the prepared data of a training, before it starts.

Letters: N rows of all segments, R runs, C signals, K classes, n windows, L steps of a window.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from data_provider.scaler import Scaler
from data_provider.segments import Segments
from data_provider.splits.split import PARTS, Windows
from data_provider.splits.strategy import overlap


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a training was told.

    Attributes:
        seq_len: L.
        split: the choice of `--split`.
        strategy: the data set's own way to split.
        units_named: the groups of runs are units.
        means: a step is the mean of the readings in it.
    """

    seq_len: int
    split: str = "blocked"
    strategy: str = "auto"
    units_named: bool = False
    means: bool = False


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The data, and how it was divided.

    Attributes:
        segments: the readings; the rows of a run lie together.
        windows: n windows of all parts.
        target: (n,) class numbers.
        classes: K names.
        labels: the class of each of R runs.
        normal: the class without fault, None if there is none.
        asked: what the training was told.
        scaler: None where it is the same for all data.
        report: what was noted while the files were read.
        found: what `find_leaks` of `windows.py` gave.
    """

    segments: Segments
    windows: Windows
    target: np.ndarray
    classes: tuple[str, ...]
    labels: list[str]
    normal: str | None
    asked: Asked
    scaler: Scaler | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """C names."""
        return self.segments.recipe.columns

    @property
    def names(self) -> list[str]:
        """R names."""
        return [run.name for run in self.segments.runs]

    @property
    def period(self) -> int:
        """Seconds of a step."""
        return self.segments.recipe.period_seconds

    @property
    def physical(self) -> bool:
        """True for channels, which are no columns of a file."""
        return self.segments.missing is not None

    @cached_property
    def of_run(self) -> np.ndarray:
        """(R,) int64, the class number of each run."""
        return np.array([self.classes.index(label) for label in self.labels])

    @cached_property
    def run_of_row(self) -> np.ndarray:
        """(N,) int64."""
        return np.repeat(self.segments.run, self.segments.rows)

    @cached_property
    def segment_of_row(self) -> np.ndarray:
        """(N,) int64."""
        return np.repeat(np.arange(len(self.segments.rows)), self.segments.rows)

    @cached_property
    def seconds(self) -> np.ndarray:
        """(N,) int64 seconds since 1970, the time of each row."""
        place = np.arange(len(self.segments.values)) - np.repeat(self.segments.first, self.segments.rows)
        return np.repeat(self.segments.start.astype(np.int64), self.segments.rows) + place * self.period

    @cached_property
    def covered(self) -> list[np.ndarray]:
        """A part: (N,) bool, the rows that some of its windows cover."""
        found = []
        for part in range(len(PARTS)):
            change = np.zeros(len(self.segments.values) + 1, np.int64)
            mine = self.windows.first[self.windows.part == part]
            np.add.at(change, mine, 1)
            np.add.at(change, mine + self.asked.seq_len, -1)
            found.append(np.cumsum(change)[:-1] > 0)
        return found

    @cached_property
    def one_unit(self) -> bool:
        """True if all runs may be of one unit: none lie side by side in time."""
        return self.asked.strategy != "units" and (self.asked.strategy == "days" or not overlap(self.segments))

    def parts_of_runs(self) -> Iterator[tuple[int, slice]]:
        """Each run that has rows, and where they lie."""
        begins = np.flatnonzero(np.diff(self.run_of_row, prepend=-1))
        for begin, end in zip(begins, np.append(begins[1:], len(self.run_of_row)), strict=True):
            yield int(self.run_of_row[begin]), slice(int(begin), int(end))

    @cached_property
    def rows_of_run(self) -> np.ndarray:
        """(R,) int64."""
        return np.bincount(self.run_of_row, minlength=len(self.labels))

    def runs_of(self, classes: list[str]) -> tuple[str, ...]:
        """Names of the runs of some classes."""
        return tuple(name for name, label in zip(self.names, self.labels, strict=True) if label in classes)
