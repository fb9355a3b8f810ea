"""Finds the line and cell that made a file unreadable. Slow, and only called once the reading has failed."""

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from utils.errors import UserError


def bad_cell(
    path: Path, names: Sequence[str], numbers: Collection[str], missing: Collection[str], reason: str
) -> UserError:
    """The error for a CSV file that a fast reader refused.

    Args:
        path: the file.
        names: its columns.
        numbers: those that must hold numbers.
        missing: words that stand for a missing reading.
        reason: what the fast reader said, used if no culprit is found.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            for row in reader:
                error = _bad_row(path, reader.line_num, row, names, numbers, missing)
                if error:
                    return error
    except UnicodeDecodeError:
        return UserError(f"{path}: not UTF-8 text; save the file as CSV in UTF-8")
    except csv.Error as error:
        return UserError(f"{path}: not a CSV file ({error})")
    return UserError(f"{path}: cannot be read as CSV ({reason.splitlines()[0]})")


def _bad_row(
    path: Path, line: int, row: list[str], names: Sequence[str], numbers: Collection[str], missing: Collection[str]
) -> UserError | None:
    if not row:
        return None
    if len(row) != len(names):
        return UserError(f"{path}: line {line} has {len(row)} columns, line 1 has {len(names)}; mend that line")
    for name, cell in zip(names, row, strict=True):
        if name in numbers and cell.strip() not in missing and not _is_number(cell):
            return UserError(
                f"{path}: line {line}, column '{name}': '{cell[:40]}' is not a number; correct it, "
                "leave it empty if it is missing, or take the column out (times go in a column named Datetime)"
            )
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def line_of_row(path: Path, row: int) -> int:
    """The line, counted from 1, where reading `row`, counted from 0, stands; for Parquet the row counted from 1."""
    if path.suffix.lower() == ".parquet":
        return row + 1
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.reader(file)
        next(reader)
        seen = -1
        for cells in reader:
            seen += bool(cells)
            if seen == row:
                return reader.line_num
    return row + 2
