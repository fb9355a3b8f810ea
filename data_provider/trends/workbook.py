"""A sheet of an Excel workbook as CSV text, row by row, for the one reader of tables."""

import csv
import datetime
import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from data_provider.trends.files import LARGEST_FILE, LARGEST_RATIO, RATIO_FROM, too_large
from data_provider.trends.problems import Unusable, listed

# What openpyxl raises about the parts of a broken workbook.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError,
    SyntaxError, InvalidFileException,
)  # fmt: skip


def sheet_text(path: Path, sheet: str | None, lines: int | None) -> bytes:
    """A sheet as UTF-8 text: a line a row, cells as their formulas were last computed.

    Args:
        path: a .xlsx or .xlsm file.
        sheet: its name; the first one if None.
        lines: how many are needed, all if None.

    Raises:
        Unusable: it is not a workbook, too large, or has no such sheet.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size, packed = sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
        if size > LARGEST_FILE or (size > RATIO_FROM and size > LARGEST_RATIO * packed):
            raise too_large(f"unpacked it has {size} bytes")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Unusable:
        raise
    except _BROKEN as error:
        reason = " ".join(str(error).split())[:80]
        raise Unusable(f"it cannot be read as a workbook ({reason})", "save it again", kind="text") from None
    try:
        return _text(book, sheet, lines)
    finally:
        book.close()


def _text(book: Any, sheet: str | None, lines: int | None) -> bytes:
    names = [name for name in book.sheetnames if hasattr(book[name], "iter_rows")]
    if sheet is not None and sheet not in names:
        raise Unusable(f"there is no sheet '{sheet}'", f"name one of {listed(names)} with --sheet")
    if not names:
        raise Unusable("the workbook has no sheet with cells", "export it again")
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    table = book[sheet or names[0]]
    table.reset_dimensions()  # a wrong size in the file would cut it
    for row in table.iter_rows(max_row=lines, values_only=True):
        cells = [_cell(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        writer.writerow(cells)
    return _even(target.getvalue())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return str(value.date())  # a clock may stand beside it
    if isinstance(value, datetime.datetime):
        return str(value.replace(microsecond=0) + datetime.timedelta(seconds=value.microsecond >= 500_000))
    return " ".join(str(value).split())


def _even(text: str) -> bytes:
    """Rows below the longest one get its empty cells, which a sheet has and the loop above cut."""
    rows = list(csv.reader(io.StringIO(text)))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    width = max((len(row) for row in rows), default=0)
    for row in rows:
        writer.writerow(row if len(row) < 2 else [*row, *[""] * (width - len(row))])
    return target.getvalue().encode()
