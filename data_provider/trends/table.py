"""One trend file as training takes it: all its numbers, in its own order; what had to be repaired is counted.

Letters: T readings of a file, C columns of numbers.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_provider.trends.columns import require
from data_provider.trends.files import TrendFile, one_file
from data_provider.trends.problems import Problem
from data_provider.trends.read_options import ReadOptions


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a trend file holds.

    Attributes:
        name: the file, for messages.
        columns: C names, blanks at their ends removed.
        values: (T, C) float32, NaN where a reading is missing.
        times: (T,) datetime64[s], strictly increasing, on the file's clock as if it were never changed; None if the
            file has no column of times.
        texts: column -> T words, for the columns asked for as text.
        missing: column -> number of missing readings, where there are any.
        repaired: what was put right -> how often.
        problems: what a person should know.
        units: column -> its unit, where the role map, the header or the cells state one.
        left_out: column that holds words -> one of them.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    times: np.ndarray | None
    texts: dict[str, np.ndarray]
    missing: dict[str, int]
    repaired: dict[str, int]
    problems: tuple[Problem, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    left_out: tuple[tuple[str, str], ...] = ()

    def column(self, name: str) -> np.ndarray:
        """(T,) float32 readings of one column."""
        return self.select((name,))[:, 0]

    def select(self, names: Sequence[str]) -> np.ndarray:
        """(T, len(names)) float32 readings, in that order.

        Raises:
            UserError: a column is not there.
        """
        require(names, self.columns, self.name)
        return self.values[:, [self.columns.index(name) for name in names]]


def no_unit(column: str) -> str:
    """The unit of a column of which nothing is known."""
    return ""


def read_table(
    file: Path | TrendFile,
    options: ReadOptions | None = None,
    *,
    rows: int | None = None,
    columns: Sequence[str] | None = None,
    texts: Sequence[str] = (),
    needed: Collection[str] = (),
    unit_of: Callable[[str], str] = no_unit,
) -> Table:
    """Reads a trend file for training.

    Args:
        file: a .csv, .csv.gz or .parquet file.
        options: how it is written; as ISO CSV if None.
        rows: read only the first rows.
        columns: the columns of numbers wanted; all but times and texts if None.
        texts: columns to read as words.
        needed: columns that must hold numbers if they are there; others are left out where they hold words only.
        unit_of: the unit of a column, "" where unknown.

    Raises:
        UserError: the file cannot be read as a table of numbers with rising times.
    """
    from data_provider.trends.tabulate import Tabulation  # a start with prepared data reads no file

    found = file if isinstance(file, TrendFile) else one_file(file)
    reading = Tabulation(
        found, options or ReadOptions(), rows=rows, unit_of=unit_of, needed={*needed, *(columns or ())}
    )
    return reading.table(columns, texts)


def column_names(file: Path, options: ReadOptions) -> list[str]:
    """The names of a file's columns but the times, blanks at their ends removed.

    Raises:
        UserError: no names, or one twice.
    """
    from data_provider.trends.tabulate import Tabulation

    return [*Tabulation(one_file(file), options, rows=1).places]
