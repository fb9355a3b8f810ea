"""One trend file, CSV or Parquet, to a table of numbers; what had to be repaired is counted, never hidden.

Nothing here knows about labels, windows or data sets.
Letters: T readings of a file, C columns of numbers.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from data_provider.culprits import bad_cell, line_of_row
from data_provider.times import ISO, parse_times, time_column, to_seconds
from utils.errors import UserError

SUFFIXES = (".csv", ".parquet")

_WORDS = ("null", "none", "n/a", "na", "nan", "bad", "comm fail", "-nan", "missing", "nil")
MISSING = tuple(
    dict.fromkeys(
        ["", "-", "--", "---", "#N/A", "#VALUE!", "#DIV/0!", "#REF!", "#NUM!", "#NAME?", "#NULL!"]
        + [form for word in _WORDS for form in (word, word.upper(), word.title(), word.capitalize())]
        + ["NaN", "N/a", "n/A", "-NaN"]
    )
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a trend file holds.

    Attributes:
        name: the file's name, for messages.
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
        return self.values[:, self.columns.index(name)]

    def select(self, names: Sequence[str]) -> np.ndarray:
        """(T, len(names)) float32 readings, in that order.

        Raises:
            UserError: a column is not there.
        """
        _require(names, self.columns, self.name)
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
        time_formats: how times may be written, see `times.parse_times`.

    Raises:
        UserError: the file cannot be read as a table of numbers with rising times.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: only .csv and .parquet files can be read")
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise UserError(f"{path}: the file is empty")
    load = _load_parquet if path.suffix.lower() == ".parquet" else _load_csv
    table, repaired = load(path, rows, columns, texts)
    if table.num_rows == 0:
        raise UserError(f"{path}: there are column names but no readings")
    return _as_table(path, table, repaired, texts, time_formats)


def column_names(path: Path) -> list[str]:
    """The names of a file's columns, blanks at their ends removed.

    Raises:
        UserError: no names, or one twice.
    """
    if path.suffix.lower() == ".parquet":
        return _checked_names([*_parquet(path).schema_arrow.names], path)
    return _csv_header(path)


def _load_csv(
    path: Path, rows: int | None, columns: Sequence[str] | None, texts: Sequence[str]
) -> tuple[pa.Table, dict[str, int]]:
    names = _csv_header(path)
    time = time_column(names, str(path))
    words = {*texts, *([time] if time else [])}
    wanted = _wanted(names, columns, texts, time, path)
    numbers = [name for name in wanted if name not in words]
    try:
        table = pa.csv.read_csv(
            _first_lines(path, rows + 1) if rows else path,
            read_options=pa.csv.ReadOptions(column_names=names, skip_rows=1),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() if name in words else pa.float32() for name in wanted},
                include_columns=wanted,
                null_values=MISSING,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise bad_cell(path, names, numbers, MISSING, str(error)) from None
    return _without_empty_rows(table, time)


def _first_lines(path: Path, number: int) -> pa.BufferReader:
    with path.open("rb") as file:
        return pa.BufferReader(b"".join(itertools.islice(file, number)))


def _csv_header(path: Path) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(1 << 20)
    try:
        text = line.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise UserError(f"{path}: line 1 is not UTF-8 text; save the file as CSV in UTF-8") from None
    if "\0" in text:
        raise UserError(f"{path}: this is not a text file; save it as CSV")
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if "," not in text and mark in text:
            raise UserError(f"{path}: columns are parted by {word}; save the file with commas")
    import csv

    return _checked_names(next(csv.reader([text]), []), path)


def _checked_names(raw: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in raw]
    if not any(names):
        raise UserError(f"{path}: line 1 holds no column names")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or "" in names:
        what = f"column '{twice}' appears twice" if twice else f"column {names.index('') + 1} has no name"
        raise UserError(f"{path}: {what}; give every column a name of its own in line 1")
    return names


def _wanted(
    names: Sequence[str], columns: Sequence[str] | None, texts: Sequence[str], time: str | None, path: Path
) -> list[str]:
    """Columns to read, in the order asked for: the times, numbers and texts."""
    _require([*(columns or ()), *texts], names, str(path))
    head = [time] if time else []
    numbers = columns if columns is not None else [name for name in names if name not in {time, *texts}]
    if not numbers:
        raise UserError(f"{path}: there is no column of readings")
    return list(dict.fromkeys([*head, *texts, *numbers]))


def _require(wanted: Sequence[str], names: Sequence[str], where: str) -> None:
    absent = [name for name in wanted if name not in names]
    if absent:
        rest = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise UserError(f"{where}: column '{absent[0]}'{rest} is missing; it has {', '.join(names[:8])}...")


def _without_empty_rows(table: pa.Table, time: str | None) -> tuple[pa.Table, dict[str, int]]:
    """Drops rows without a time and without a single reading: spreadsheets leave such lines behind."""
    import pyarrow.compute as pc

    if time is None:
        return table, {}
    blank = pc.equal(pc.utf8_trim_whitespace(table[time]), "")
    if not pc.any(blank).as_py():
        return table, {}
    empty = blank
    for name in table.column_names:
        column = table[name]
        nothing = pc.is_null(column) if column.type != pa.string() else pc.equal(pc.utf8_trim_whitespace(column), "")
        empty = pc.and_(empty, nothing)
    return table.filter(pc.invert(empty)), {"empty rows dropped": int(pc.sum(empty).as_py())}


def _parquet(path: Path) -> pa.parquet.ParquetFile:
    try:
        return pa.parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})") from None


def _load_parquet(
    path: Path, rows: int | None, columns: Sequence[str] | None, texts: Sequence[str]
) -> tuple[pa.Table, dict[str, int]]:
    file = _parquet(path)
    raw = file.schema_arrow.names
    names = _checked_names([*raw], path)
    wanted = _wanted(names, columns, texts, time_column(names, str(path)), path)
    stored = [raw[names.index(name)] for name in wanted]
    try:
        if rows is None:
            table = file.read(columns=stored)
        else:
            batches = itertools.islice(file.iter_batches(batch_size=rows, columns=stored), 1)
            table = pa.Table.from_batches(batches, schema=None) if file.metadata.num_rows else file.read(stored)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: cannot be read ({str(error).splitlines()[0]})") from None
    table = table.select(stored).rename_columns(wanted)
    for place, name in enumerate(wanted):
        table = table.set_column(place, name, _parquet_column(table[name], name, name in texts, path))
    return table, {}


def _parquet_column(column: pa.ChunkedArray, name: str, text: bool, path: Path) -> pa.ChunkedArray:
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    if text:
        return column.cast(pa.string()).fill_null("")
    if pa.types.is_timestamp(column.type) or (time_column([name], "") and pa.types.is_string(column.type)):
        return column
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    try:
        return column.cast(pa.float32(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UserError(f"{path}: column '{name}' holds text, not numbers; leave it out or put numbers") from None


def _as_table(
    path: Path, table: pa.Table, repaired: dict[str, int], texts: Sequence[str], time_formats: tuple[str, ...]
) -> Table:
    names = table.column_names
    time = time_column(names, str(path))
    numbers = tuple(name for name in names if name != time and name not in texts)
    values = np.empty((table.num_rows, len(numbers)), np.float32)
    for place, name in enumerate(numbers):
        values[:, place] = table[name].to_numpy()
    endless = int(np.isinf(values).sum())
    if endless:
        values[np.isinf(values)] = np.nan
        repaired = {**repaired, "infinite readings taken as missing": endless}
    result = Table(
        name=str(path),
        columns=numbers,
        values=values,
        times=_times(path, table[time], time_formats) if time else None,
        texts={name: table[name].to_numpy().astype(str) for name in texts},
        missing={name: int(n) for name, n in zip(numbers, np.isnan(values).sum(0), strict=True) if n},
        repaired=repaired,
    )
    return _in_order(path, result)


def _times(path: Path, column: pa.ChunkedArray, formats: tuple[str, ...]) -> np.ndarray:
    if pa.types.is_timestamp(column.type):
        if column.null_count:
            raise UserError(f"{path}: {column.null_count} rows have no time; remove them")
        return to_seconds(column)
    times, failed = parse_times(column, formats)
    if times is None:
        word = column[failed].as_py()
        raise UserError(
            f"{path}: line {line_of_row(path, failed)}: the time '{word}' is not written as "
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
    keep = ~same
    return dataclasses.replace(
        table,
        values=table.values[keep],
        times=table.times[keep],
        texts={name: words[keep] for name, words in table.texts.items()},
        repaired={**table.repaired, "identical rows dropped": int(same.sum())},
    )


def _disorder(path: Path, table: Table, place: int, what: str) -> UserError:
    assert table.times is not None
    return UserError(f"{path}: line {line_of_row(path, place)}: the time {_clock(table.times[place])} {what}")


def _clock(time: np.datetime64) -> str:
    return str(time).replace("T", " ")
