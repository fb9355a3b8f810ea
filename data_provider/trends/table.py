"""One trend file, CSV or Parquet, to a table of numbers; what had to be repaired is counted, never hidden.

Nothing here knows about labels, windows or data sets.
Letters: T readings of a file, C columns of numbers.
"""

import dataclasses
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from data_provider.columns import require
from data_provider.culprits import line_of_row
from data_provider.times import ISO
from utils.errors import UserError

if TYPE_CHECKING:
    import pyarrow

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a trend file holds.

    Attributes:
        name: the file's path, for messages.
        columns: C names, blanks at their ends removed.
        values: (T, C) float32, NaN where a reading is missing.
        times: (T,) datetime64[s], strictly increasing; None if the file has no column of times.
        texts: column -> T words, for the columns asked for as text.
        missing: column -> number of missing readings, where there are any.
        repaired: what was put right -> how often.
    """

    name: str
    columns: tuple[str, ...]
    values: np.ndarray
    times: np.ndarray | None
    texts: dict[str, np.ndarray]
    missing: dict[str, int]
    repaired: dict[str, int]

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


def read_table(
    path: Path,
    *,
    rows: int | None = None,
    columns: Sequence[str] | None = None,
    texts: Sequence[str] = (),
    time_formats: tuple[str, ...] = (ISO,),
) -> Table:
    """Reads a trend file.

    Args:
        path: a .csv or .parquet file.
        rows: read only the first rows.
        columns: the columns of numbers wanted; all but times and texts if None.
        texts: columns to read as words.
        time_formats: how times may be written, see `arrow_times.parse_times`.

    Raises:
        UserError: the file cannot be read as a table of numbers with rising times.
    """
    _check_file(path)
    table, time, repaired = _format_of(path).load(path, rows, columns, texts)
    if table.num_rows == 0:
        raise UserError(f"{path}: there are column names but no readings")
    numbers = tuple(name for name in table.column_names if name != time and name not in texts)
    values = np.empty((len(numbers), table.num_rows), np.float32).T  # (T, C), each column in one piece: written so
    for place, name in enumerate(numbers):
        values[:, place] = table[name].to_numpy()
    endless = np.isinf(values)
    if endless.any():
        values[endless] = np.nan
        repaired = {**repaired, "infinite readings taken as missing": int(endless.sum())}
    result = Table(
        name=str(path),
        columns=numbers,
        values=values,
        times=_times(path, table[time], time_formats) if time else None,
        texts={name: np.array(table[name].to_pylist(), str) for name in texts},
        missing={name: int(n) for name, n in zip(numbers, np.isnan(values).sum(0), strict=True) if n},
        repaired=repaired,
    )
    return _in_order(path, result)


def column_names(path: Path) -> list[str]:
    """The names of a file's columns, blanks at their ends removed.

    Raises:
        UserError: no names, or one twice.
    """
    _check_file(path)
    return _format_of(path).names_of(path)


def _format_of(path: Path) -> ModuleType:
    """The module that reads such a file; imported here, since a start with prepared data reads none."""
    return importlib.import_module("data_provider." + path.suffix.lower().removeprefix(".") + "_file")


def _check_file(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: only .csv and .parquet files can be read")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty")


def _times(path: Path, column: "pyarrow.ChunkedArray", formats: tuple[str, ...]) -> np.ndarray:
    from pyarrow.types import is_timestamp

    from data_provider.arrow_times import parse_times, to_seconds

    if is_timestamp(column.type):
        if column.null_count:
            raise UserError(f"{path}: {column.null_count} rows have no time; remove them")
        return to_seconds(column)
    times, failed = parse_times(column, formats)
    if times is None:
        raise UserError(
            f"{path}: line {line_of_row(path, failed)}: the time '{column[failed].as_py()}' is not written as "
            f"{' or '.join(formats)}; name its format with --time_format, as '%d.%m.%Y %H:%M'"
        )
    return times


def _in_order(path: Path, table: Table) -> Table:
    """Checks that times rise; rows that are there twice, reading for reading, are kept once."""
    if table.times is None:
        return table
    steps = np.diff(table.times).astype(np.int64)
    if (steps > 0).all():
        return table
    same = np.append(False, steps == 0)
    for place in np.flatnonzero(same).tolist():
        now, before = slice(place, place + 1), slice(place - 1, place)
        alike = np.array_equal(table.values[now], table.values[before], equal_nan=True)
        if not alike or any(words[now] != words[before] for words in table.texts.values()):
            raise _disorder(path, table, place, "is there twice with different readings; keep one")
    if (steps < 0).any():
        place = int(np.flatnonzero(steps < 0)[0]) + 1
        raise _disorder(path, table, place, f"comes after {_clock(table.times[place - 1])}; sort the file by time")
    return dataclasses.replace(
        table,
        values=table.values[~same],
        times=table.times[~same],
        texts={name: words[~same] for name, words in table.texts.items()},
        repaired={**table.repaired, "identical rows dropped": int(same.sum())},
    )


def _disorder(path: Path, table: Table, place: int, what: str) -> UserError:
    assert table.times is not None
    return UserError(f"{path}: line {line_of_row(path, place)}: the time {_clock(table.times[place])} {what}")


def _clock(time: np.datetime64) -> str:
    return str(time).replace("T", " ")
