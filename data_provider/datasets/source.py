"""Where data comes from, and what a data set is.

Letters: C signals.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data_provider.frames import Frame
from data_provider.notes import Notes
from data_provider.trends.read_options import ReadOptions


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a reader is told.

    Attributes:
        root: folder or file of the data.
        rows: read only the first rows of each file, all if None.
        period_seconds: the step asked for, None if nobody asked.
        label_column: the column with the class, for one labelled file.
        group_column: the column with the group, None if nobody named one.
        reading: how the files are written.
    """

    root: Path
    rows: int | None = None
    period_seconds: int | None = None
    label_column: str = "label"
    group_column: str | None = None
    reading: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """An entry of `DATASETS`.

    Attributes:
        files: the files of a source, which are also what the cache depends on.
        read: the runs of a source, one at a time.
        root: default place, relative to the repository; None if the user must name it.
        simulated: the kind of unit that is simulated where nothing is at the default place, None for no such thing.
        period_seconds: default step of the windows, None for that of the files.
        steps: default steps between windows, from the steps of a window.
        strategy: "calendar" (the same blocks in every run), "days" (whole runs of one unit) or "auto";
            "units" keeps the runs of a group together and every group on a line of time of its own.
        bond: what the groups of its runs are called, "" where it has none.
        group_columns: a column may say which group a row belongs to.
        classes: published order of classes; found by name if empty.
        normal: the class without fault; found by its name if None.
        keep_constant: keep signals that never change.
        unit_of: the unit of a column.
        origin: whose readings these are, in words that follow "trained on".
    """

    files: Callable[[Source], list[Path]]
    read: Callable[[Source, Notes], Iterator[Frame]]
    root: str | None = None
    simulated: str | None = None
    period_seconds: int | None = None
    steps: Callable[[int], int] = lambda seq_len: max(1, seq_len // 2)
    strategy: str = "auto"
    bond: str = ""
    group_columns: bool = False
    classes: tuple[str, ...] = ()
    normal: str | None = None
    keep_constant: bool = False
    unit_of: Callable[[str], str] = lambda column: ""
    origin: str = "labelled files given to the program"
