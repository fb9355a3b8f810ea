"""A role map as text: what `doctor` guesses, with what a person needs to check it, beside what a person has written.

Letters: T readings of a file, C signals of the model.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import yaml

from data_provider.trends.assignment import Column
from data_provider.trends.guess import Guess
from data_provider.trends.role_names import FAN_SHOWS

_OWN = "# doctor wrote: "  # before the marks of lines, by which the next call knows its own
_TITLE = "# Role map for "
_MARK = 8  # digits of a mark
_IN_A_LINE = 12  # marks
_NOTHING = "check: nothing in the file looks like it"
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_SWITCHED_OFF = re.compile(r"^\s*#\s*[\"']?([^\"':{#]+?)[\"']?\s*:\s*[{\"'\w]")


@dataclass(frozen=True)
class Content:
    """A role map to be.

    Attributes:
        guesses: for signals that nobody has settled.
        columns: place in the file -> its column.
        names: place -> what the map calls the column.
        file: where the guesses are from.
        times: (T,) datetime64[s] of the columns as the file's clock showed them, None if unknown.
        time_column: the column of times, None where its name tells.
        units: how many units the map is for.
    """

    guesses: Sequence[Guess]
    columns: Mapping[int, Column]
    names: Mapping[int, str]
    file: str
    times: np.ndarray | None
    time_column: str | None
    units: int = 1


def written(content: Content) -> str:
    """The role map as YAML, with "# check" where a person should look."""
    lines = [*_head(content), *_lines(content).values()]
    return _signed(lines, lines, "\n")


def updated(old: str, content: Content) -> str:
    """The role map with what doctor wrote before brought up to date, and every other line as it is."""
    own, result, mine = _marks(old), list[str](), list[str]()
    off = {match[1].strip().casefold() for line in kept(old).splitlines() if (match := _SWITCHED_OFF.match(line))}
    fresh = {_start(line): line for role, line in _lines(content).items() if role.casefold() not in off}
    head = _head(content)
    for line in old.splitlines():
        if _mark(line) not in own and not line.startswith(_OWN):
            result.append(line)
            continue
        found = [fresh.pop(_start(line))] if _start(line) in fresh else head if line.startswith(_TITLE) else []
        result += found
        mine += found
    return _signed([*result, *fresh.values()], [*mine, *fresh.values()], "\r\n" if "\r\n" in old else "\n")


def _head(content: Content) -> list[str]:
    lines = [
        f"{_TITLE}{' '.join(content.file.split())}, written by: python run.py doctor",
        "# role (the model's column): {column: the file's column, unit: the file's unit}  # what it is; a reading",
        *(["# {unit} is what stands there in each file: the map serves every unit"] if content.units > 1 else []),
        "# Lines marked '# check' are guesses. Correct them, then give this file with --roles. The next doctor brings",
        "# its own lines up to date and keeps what you changed or added; a '#' before a line leaves that point out.",
    ]
    time = content.time_column
    return lines if time is None else [*lines, f"time: {{column: {_quoted(time)}}}"]


def kept(old: str) -> str:
    """What a person has written into a role map: all but the lines that doctor wrote and nobody changed."""
    own = _marks(old)
    return "\n".join(line for line in old.splitlines() if _mark(line) not in own and not line.startswith(_OWN))


def _lines(content: Content) -> dict[str, str]:
    """Signal -> its line."""
    row = _row_of(content)
    lines = {}
    for entry in content.guesses:
        role, unit = _quoted(entry.signal.column), entry.unit.name if entry.unit else ""
        if entry.place is None:
            own = entry.signal.reads_in
            stated = f", unit: {_quoted(own.name)}" if own else ""
            lines[entry.signal.column] = f"# {role}: {{column: ...{stated}}}  # {_NOTHING}"
            continue
        stated = f", unit: {_quoted(unit)}" if unit else ""
        words = f"{entry.signal.words}, {unit}" if unit and entry.signal.quantity != "state" else entry.signal.words
        sample = _sample(content.columns[entry.place].values, row, content.times)
        told = "; ".join(filter(None, (words, sample)))
        doubt = f"  # check: {entry.doubt}" if entry.doubt else ""
        column = _quoted(content.names[entry.place])
        lines[entry.signal.column] = f"{role}: {{column: {column}{stated}}}  # {told}{doubt}"
    return {role: " ".join(line.split("\n")) for role, line in lines.items()}


def _row_of(content: Content) -> int | None:
    """A row at which the unit works, if its fan shows that, and most columns read something; in the middle of them."""
    placed = [entry for entry in content.guesses if entry.place is not None]
    if not placed:
        return None
    values = [content.columns[entry.place].values for entry in placed if entry.place is not None]
    says = np.sum([np.isfinite(column) & (column != 0) for column in values], axis=0)
    for entry, column in zip(placed, values, strict=True):
        if entry.signal.role and entry.signal.role.name in FAN_SHOWS and np.isfinite(column).any():
            says = says + len(values) * (column > 0.5 * np.nanmax(column))
    if not len(says):
        return None
    rows = np.flatnonzero(says == says.max())
    return int(rows[len(rows) // 2])


def _sample(values: np.ndarray, row: int | None, times: np.ndarray | None) -> str:
    """A reading and its day, as "12.9 on 2 March"; "" where there is none."""
    if row is None or row >= len(values) or not np.isfinite(values[row]):
        return ""
    when = times[row].astype("datetime64[s]").item() if times is not None and row < len(times) else None
    return f"{values[row]:.4g}" + (f" on {when.day} {_MONTHS[when.month - 1]}" if when else "")


def _signed(lines: Sequence[str], mine: Sequence[str], end: str) -> str:
    """The text with the marks of doctor's own lines at its end."""
    marks = [_mark(line) for line in mine]
    rows = [f"{_OWN}{' '.join(marks[at : at + _IN_A_LINE])}" for at in range(0, len(marks), _IN_A_LINE)]
    return end.join([*lines, *rows, ""])


def _marks(text: str) -> set[str]:
    return {mark for line in text.splitlines() if line.startswith(_OWN) for mark in line[len(_OWN) :].split()}


def _mark(line: str) -> str:
    return hashlib.sha256(line.rstrip().encode()).hexdigest()[:_MARK]


def _start(line: str) -> str:
    """The role that a line is about, as it is written."""
    return line.removeprefix("# ").partition(": {column:")[0]


def _quoted(text: str) -> str:
    """Text as YAML reads it back."""
    if text.replace("_", "").isalnum() and text.isascii() and yaml.safe_load(text) == text:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf")).strip()
