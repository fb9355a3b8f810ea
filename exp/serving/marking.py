"""The events of a detection as a form, and the marks of a person as `feedback` reads them.

Marks go into the column `right` of events.csv, where a person with a spreadsheet writes them too.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exp.detection.feedback import RIGHT, read_feedback
from utils.errors import UserError
from utils.files import csv_text, write_text
from utils.safe_reading import read_bounded

MOST_SHOWN = 500  # events
_LARGEST = 2**26  # bytes
SAID = ("yes", "no")


@dataclass(frozen=True)
class Shown:
    """An event to be marked.

    Attributes:
        row: its place in events.csv.
        cells: its columns.
        said: "yes", "no", or "" where nobody marked it.
    """

    row: int
    cells: Mapping[str, str]
    said: str


@dataclass(frozen=True)
class Events:
    """The events of an events.csv.

    Attributes:
        state: of the file; it changes with the rows, not with the marks.
        shown: those that are shown, the longest first.
        number: of all.
    """

    state: str
    shown: list[Shown]
    number: int


def events_of(folder: Path) -> Events:
    """The events of a folder of results, with what feedback.json says of them.

    Raises:
        UserError: events.csv or feedback.json cannot be read.
    """
    _, rows = _table(folder)
    feedback = read_feedback(folder)
    shown = []
    for place, cells in enumerate(rows):
        if cells["confirmed"] == "yes":
            marks = [m.right for m in feedback.of(cells["file"], cells["fault"]) if m.of(cells["start"])]
            said = ("yes" if marks[-1] else "no") if marks else cells[RIGHT]
            shown.append(Shown(place, cells, said))
    shown.sort(key=lambda event: -float(event.cells["hours"]))
    return Events(_state(rows), shown[:MOST_SHOWN], len(shown))


def mark(folder: Path, said: Mapping[int, str], state: str) -> None:
    """Writes marks into events.csv.

    Args:
        folder: of the results.
        said: place of an event -> "yes" or "no".
        state: of the events that were shown.

    Raises:
        UserError: the events are others by now, or a mark is none.
    """
    names, rows = _table(folder)
    if state != _state(rows):
        raise UserError("the events have changed since this page was shown; look at them again, then mark them")
    for place, word in said.items():
        if not 0 <= place < len(rows) or word not in SAID:
            raise UserError(f"event {place}: '{word[:20]}' is no mark of an event; load the page again")
        rows[place][RIGHT] = word
    write_text(folder / "events.csv", csv_text(names, rows))


def _table(folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    path = folder / "events.csv"
    text = read_bounded(path, largest=_LARGEST, within=folder).decode("utf-8", errors="replace")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = [{name: cell or "" for name, cell in row.items() if name is not None} for row in reader]
    names = list(reader.fieldnames or ())
    if not {"file", "fault", "start", "hours", "confirmed", RIGHT} <= set(names):
        raise UserError(f"{path} is no events.csv of this version; find faults again")
    return names, rows


def _state(rows: list[dict[str, str]]) -> str:
    told = "\n".join(f"{row['file']}\t{row['fault']}\t{row['start']}" for row in rows)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
