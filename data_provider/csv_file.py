"""Reads a CSV file into Arrow: numbers as float32, times and texts as words."""

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from data_provider.columns import checked, time_of, wanted
from data_provider.culprits import bad_cell
from utils.errors import UserError

_WORDS = ("null", "none", "n/a", "na", "nan", "-nan", "nil", "bad", "missing", "comm fail")
_SIGNS = ("", "-", "--", "---", "#N/A", "#VALUE!", "#DIV/0!", "#REF!", "#NUM!", "#NAME?", "#NULL!")
MISSING = tuple(
    dict.fromkeys([*_SIGNS, "NaN", "-NaN", *(form(word) for word in _WORDS for form in (str, str.upper, str.title))])
)

Loaded = tuple[pa.Table, str | None, dict[str, int]]


def load(path: Path, rows: int | None, columns: Sequence[str] | None, texts: Sequence[str]) -> Loaded:
    """The columns wanted, the name of the one with the times, and what was repaired.

    Raises:
        UserError: the file is no CSV with these columns; names line and cell.
    """
    names = names_of(path)
    time = time_of(names, path)
    read = wanted(names, columns, texts, time, path)
    words = {*texts, *([time] if time else [])}
    try:
        table = pa.csv.read_csv(
            path if rows is None else _first_lines(path, rows + 1),
            read_options=pa.csv.ReadOptions(column_names=names, skip_rows=1),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() if name in words else pa.float32() for name in read},
                include_columns=read,
                null_values=MISSING,
            ),
        )
    except pa.ArrowInvalid as error:
        raise bad_cell(path, names, [name for name in read if name not in words], MISSING, str(error)) from None
    return _without_empty_rows(table, time)


def names_of(path: Path) -> list[str]:
    """The names in the first line.

    Raises:
        UserError: the first line is not that of a CSV file.
    """
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
            raise UserError(f"{path}: columns are parted by {word}; save the file with commas and decimal points")
    return checked(next(csv.reader([text]), []), path)


def _first_lines(path: Path, number: int) -> pa.BufferReader:
    with path.open("rb") as file:
        return pa.BufferReader(b"".join(itertools.islice(file, number)))


def _without_empty_rows(table: pa.Table, time: str | None) -> Loaded:
    """Drops rows without a time and without a single reading: spreadsheets leave such lines behind."""
    if time is None:
        return table, time, {}
    table = table.set_column(table.column_names.index(time), time, pc.utf8_trim_whitespace(table[time]))
    empty = pc.equal(table[time], "")
    if not pc.any(empty).as_py():
        return table, time, {}
    for name in table.column_names:
        column = table[name]
        empty = pc.and_(empty, pc.equal(column, "") if column.type == pa.string() else pc.is_null(column))
    number = int(pc.sum(empty).as_py())
    return table.filter(pc.invert(empty)), time, {"empty rows dropped": number} if number else {}
