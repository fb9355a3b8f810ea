"""The marks that a person made in events.csv, in whatever way a spreadsheet saved the file."""

import csv
import datetime
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exp.detection.feedback import LONGEST_NAME, RIGHT, Feedback, Mark
from utils.csv_safety import harmless
from utils.errors import UserError

LARGEST_FILE = 2**28  # bytes
NEEDED = ("file", "fault", "start", "peak_confidence")
SAID = {
    **dict.fromkeys(("yes", "y", "true", "right", "1"), True),
    **dict.fromkeys(("no", "n", "false", "wrong", "0"), False),
}
_AGAIN = "give --events the events.csv of a detect, or a copy of it"
_LONGEST_HEADER = 2**14  # characters
_SHOWN = 40  # characters of a cell in a message
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?"
_ISO = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})[T ]+{_CLOCK}\s*(Z|[+-]\d\d:?\d\d)?")
_OTHER = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}|\d\d),?\s+{_CLOCK}(?:\s*([AaPp])\.?[Mm]\.?)?")


@dataclass(frozen=True)
class Row:
    """A row of events.csv: its line, and its cells by column."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Marked:
    """What an events.csv says.

    Attributes:
        marks: of its events.
        ignored: lines for a person about marks that were not taken.
    """

    marks: list[Mark]
    ignored: list[str]


def read_marks(path: Path, *beside: Path) -> Marked:
    """The marks of an events.csv.

    Args:
        path: the file.
        beside: folders with the windows.csv of the same detection, which holds the times that a spreadsheet changed.

    Raises:
        UserError: it is no events.csv, has no column for marks, or a row cannot be understood.
    """
    rows = table_of(path)
    if RIGHT not in rows[0].cells:
        what = f"has no column '{RIGHT}'"
        raise UserError(f"{path} {what}; run detect again, or add the column and write yes or no into it")
    said = [row for row in rows[1:] if row.cells[RIGHT]]
    for row in said:
        if row.cells[RIGHT].lower() not in SAID:
            _refuse(path, row, f"'{row.cells[RIGHT][:_SHOWN]}' is neither yes nor no; write one of them, or nothing")
    events = [row for row in said if row.cells.get("confirmed", "yes").lower() not in ("no", "false")]
    ignored = [
        f"line {row.line}: ignored, for it counts windows outside events (confirmed: no)"
        for row in said
        if row not in events
    ]
    starts = _starts(path, rows[1:], events, beside)
    return Marked([_mark(path, row, start) for row, start in zip(events, starts, strict=True)], ignored)


def not_taken(path: Path, feedback: Feedback) -> int:
    """How many marks of an events.csv, if there is one, `feedback` has not read.

    Raises:
        UserError: a mark cannot be understood.
    """
    try:
        rows = table_of(path)
    except UserError:
        return 0  # nothing that could have been marked
    if not any(row.cells.get(RIGHT) for row in rows[1:]):
        return 0
    return sum(not feedback.holds(mark) for mark in read_marks(path, path.parent).marks)


def table_of(path: Path) -> list[Row]:
    """The header and the rows of an events.csv, cells without blanks around them, names in small letters.

    Raises:
        UserError: it cannot be read, or is no events.csv.
    """
    text = _text(path)
    skipped = 0
    if re.match(r"sep=.\n", text):  # a line that tells Excel how columns are separated
        text, skipped = text.split("\n", 1)[1], 1
    separator = _separator(text.split("\n", 1)[0])
    if not separator:
        raise UserError(f"{path} is not an events.csv: its first line does not name {', '.join(NEEDED)}; {_AGAIN}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    names = _names(next(reader))
    rows = [Row(1 + skipped, {name: name for name in names})]
    line = reader.line_num
    try:
        for cells in reader:
            values = [cell.strip() for cell in cells]
            if any(values):
                given = values + [""] * (len(names) - len(values))
                rows.append(Row(line + 1 + skipped, dict(zip(names, given, strict=False))))
            line = reader.line_num
    except csv.Error as error:
        raise UserError(f"{path}, line {line + 1 + skipped}: {error}; {_AGAIN}") from None
    return rows


def _separator(first: str) -> str:
    """What stands between the columns that the first line names; "" where it does not name those of events.csv."""
    if len(first) > _LONGEST_HEADER:
        return ""
    rows = {separator: _names(next(csv.reader([first], delimiter=separator), [])) for separator in ",;\t|"}
    return next((separator for separator, names in rows.items() if set(NEEDED) <= set(names)), "")


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _text(path: Path) -> str:
    """The file's text, its lines ended by a line feed."""
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder; name the events.csv in it with --events")
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is no regular file; {_AGAIN}")
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path} has more than {LARGEST_FILE} bytes; keep the rows that are marked")
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {_AGAIN}") from None
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}); {_AGAIN}") from None
    if not content.strip():
        raise UserError(f"{path} is empty; {_AGAIN}")
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UserError(f"{path} is a workbook; save its sheet as CSV, and name that")
    text = decoded(content)
    if "\0" in text:
        raise UserError(f"{path} is not an events.csv: it is no text; {_AGAIN}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(content: bytes) -> str:
    """Text as spreadsheets save it: UTF-8, UTF-16 with its mark, or Western European."""
    try:
        return content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _refuse(path: Path, row: Row, words: str) -> None:
    raise UserError(f"{path}, line {row.line}: {words}")


def _mark(path: Path, row: Row, start: str) -> Mark:
    cells = row.cells
    for name in ("file", "fault"):
        if not 0 < len(cells[name]) <= LONGEST_NAME:
            _refuse(path, row, f"the column {name} is {'too long' if cells[name] else 'empty'}; {_AGAIN}")
    given = "peak_confidence"
    if not cells[given] and cells.get("peak_novelty"):
        given = "peak_novelty"  # of an unknown event, which has no class to be sure of
    try:
        peak = float(cells[given].replace(",", "."))
    except ValueError:
        peak = math.nan
    if not 0 <= peak <= 1:
        _refuse(path, row, f"{given} '{cells[given][:_SHOWN]}' is no number from 0 to 1; {_AGAIN}")
    right = SAID[cells[RIGHT].lower()]
    return Mark(file=cells["file"], fault=cells["fault"], start=start, peak_confidence=peak, right=right)


def _starts(path: Path, rows: Sequence[Row], events: Sequence[Row], beside: Sequence[Path]) -> list[str]:
    """When the marked events start, as events.csv wrote it, as far as that can be known."""
    changed = [row for row in events if not _unchanged(row.cells["start"])]
    if not changed:
        return [row.cells["start"] for row in events]
    orders, known = _orders(rows), _known(changed, (path.parent, *beside))
    return [_start(path, row, orders, known) for row in events]


def _start(path: Path, row: Row, orders: Sequence[str], known: dict[tuple[str, str], set[str]]) -> str:
    text = row.cells["start"]
    if _unchanged(text):
        return text
    asked = f"the start '{text[:_SHOWN]}'"
    possible = sorted({read for order in orders or "md" if (read := _read(text, order))})
    if not possible:
        _refuse(path, row, f"{asked} cannot be read as a time; write it as 2008-05-06T06:48:00")
    windows = known.get((harmless(row.cells["file"]), harmless(row.cells["fault"])), set())
    found = [start for start in windows if start.startswith(tuple(possible))]
    if len(found) == 1:
        return found[0]
    if len(possible) > 1:
        words = " or ".join(possible)
        _refuse(path, row, f"{asked} cannot be matched: it is {words}; write it as 2008-05-06T06:48:00")
    return possible[0]


def _unchanged(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d)?", text) is not None and bool(_read(text, "d"))


def _read(text: str, order: str) -> str:
    """A time in the style of events.csv, with the parts that it has; "" where it is none.

    Args:
        text: the cell.
        order: "d" where the day stands first, "m" where the month does.
    """
    iso, other = _ISO.fullmatch(text), _OTHER.fullmatch(text)
    if iso:
        year, month, day, hour, minute, second, zone = iso.groups()
    elif other:
        first, mark, middle, year, hour, minute, second, half = other.groups()
        day, month = (first, middle) if order == "d" or mark == "." else (middle, first)
        year, zone = year if len(year) == 4 else f"20{year}", None
        if half:
            if not 1 <= int(hour) <= 12:
                return ""
            hour = str(int(hour) % 12 + 12 * (half.lower() == "p"))
    else:
        return ""
    try:
        time = datetime.datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        return ""
    zone = "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}" if zone else ""
    return time.isoformat(timespec="seconds" if second else "minutes") + zone


def _orders(rows: Sequence[Row]) -> list[str]:
    """Whether day or month stands first in a file's times: what every row allows, none ending before it starts."""
    return [order for order in "md" if all(_holds(row, order) for row in rows)]


def _holds(row: Row, order: str) -> bool:
    cells = [row.cells["start"], row.cells.get("end", "")]
    read = [_read(cell, order) for cell in cells]
    if any(_OTHER.fullmatch(cell) and not time for cell, time in zip(cells, read, strict=True)):
        return False
    return not all(read) or read[0][:16] <= read[1][:16]


def _known(rows: Sequence[Row], folders: Sequence[Path]) -> dict[tuple[str, str], set[str]]:
    """Starts of windows by file and verdict, of what some rows name."""
    wanted = {(harmless(row.cells["file"]), harmless(row.cells["fault"])) for row in rows}
    starts: dict[tuple[str, str], set[str]] = {}
    for path in sorted({path for folder in folders for path in folder.glob("windows*.csv")}):
        for window in _windows(path):
            kind = (window.get("file") or "", window.get("verdict") or "")
            if kind in wanted and window.get("start"):
                starts.setdefault(kind, set()).add(window["start"])
    return starts


def _windows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a windows.csv, up to the first that cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)
    except (OSError, ValueError, csv.Error):
        return
