"""What people said of events, kept in feedback.json, and what follows from it for the next detection.

A mark says that an event was right or wrong. Of each unit and kind of fault the marks set a threshold: the least peak
confidence that an event needs. Peaks count in units of the last written digit, so that what is compared is exact.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from utils.csv_safety import harmless
from utils.errors import UserError
from utils.files import write_text
from utils.written import ONE, units

NAME = "feedback.json"
RIGHT = "right"  # the column of events.csv for marks; `detect` leaves it empty
WRITTEN_BY = "run.py feedback"
FORMAT = 1
MOST_MARKS = 100_000
LARGEST_FILE = 2**26  # bytes
LONGEST_NAME = 4096  # characters of a file's or fault's name
_START = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(?::(\d\d))?([+-]\d\d:\d\d)?")
_FIELDS = {"file", "fault", "start", "peak_confidence", "right"}
_UNDO = "put back a copy, or delete it and mark the events again"

E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What somebody said of an event.

    Attributes:
        file, fault: as in events.csv.
        start: as in events.csv; seconds and distance from UTC may be lacking, where a spreadsheet dropped them.
        peak_confidence: of the event, in [0, 1].
        right: whether the fault was there.
    """

    file: str
    fault: str
    start: str
    peak_confidence: float
    right: bool

    @property
    def kind(self) -> tuple[str, str]:
        """The unit and the fault."""
        return harmless(self.file), harmless(self.fault)

    def of(self, start: str) -> bool:
        """Whether an event of this unit and fault that starts then is the one marked."""
        mine, other = _START.fullmatch(self.start), _START.fullmatch(start)
        if not mine or not other:
            return self.start == start
        return all(a == b or not (a and b) for a, b in zip(mine.groups(), other.groups(), strict=True))


@dataclass(frozen=True)
class Threshold:
    """The least peak confidence of events of a unit and fault, in units of the last digit; 0 lets all pass.

    Attributes:
        least: the threshold.
        limited: it would be higher, but an event that was marked right would be lost.
    """

    least: int
    limited: bool


@dataclass(frozen=True)
class Feedback:
    """The marks of a folder of results, in the order in which they were made."""

    marks: tuple[Mark, ...] = ()
    _kinds: dict[tuple[str, str], list[Mark]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for mark in self.marks:
            self._kinds.setdefault(mark.kind, []).append(mark)

    def of(self, file: str, fault: str) -> list[Mark]:
        """The marks of a unit and fault."""
        return self._kinds.get((harmless(file), harmless(fault)), [])

    def threshold(self, file: str, fault: str) -> Threshold:
        """Just above the highest peak that was marked wrong, but not above the lowest that was marked right."""
        marks = self.of(file, fault)
        wrong = [int(units(mark.peak_confidence)) for mark in marks if not mark.right]
        right = [int(units(mark.peak_confidence)) for mark in marks if mark.right]
        if not wrong:
            return Threshold(0, limited=False)
        above = max(wrong) + 1
        least = min([above, *right])
        return Threshold(least, limited=least < above)

    def holds(self, mark: Mark) -> bool:
        """Whether this was said before, of the same event."""
        return any(known.of(mark.start) and known.right is mark.right for known in self.of(mark.file, mark.fault))

    def joined(self, marks: Iterable[Mark]) -> "Feedback":
        """With further marks; a later one of the same event replaces the earlier."""
        kinds = {kind: list(known) for kind, known in self._kinds.items()}
        for mark in marks:
            mine = kinds.setdefault(mark.kind, [])
            mine[:] = [known for known in mine if not known.of(mark.start)] + [mark]
        return Feedback(tuple(mark for mine in kinds.values() for mark in mine))

    def sift(
        self,
        file: str,
        events: Sequence[E],
        named: Callable[[E], tuple[str, str]],
        peak: Callable[[E], float],
        words: Mapping[str, str],
    ) -> tuple[list[E], list[str]]:
        """The events of a unit that stay, and in words what became of the others.

        Args:
            file: the unit.
            events: what was found in it.
            named: fault and start of an event, as in events.csv.
            peak: the peak confidence of an event.
            words: fault -> its name in words.
        """
        kept: list[E] = []
        gone: Counter[tuple[str, bool]] = Counter()  # fault, and whether this very event was marked
        for event in events:
            fault, start = named(event)
            marks = self.of(file, fault)
            said = next((mark.right for mark in reversed(marks) if mark.of(start)), None)
            if said or not marks or (said is None and units(peak(event)) >= self.threshold(file, fault).least):
                kept.append(event)
            else:
                gone[fault, said is False] += 1
        return kept, [_words(file, words[fault], marked, number) for (fault, marked), number in gone.items()]


def _words(file: str, fault: str, marked: bool, number: int) -> str:
    several = number > 1
    many = f"{file}: {fault}: {number} event{'s' * several}"
    if marked:
        return f"{many} {'were' if several else 'was'} marked wrong"
    return f"{many} {'lie' if several else 'lies'} below the threshold that feedback set"


def read_feedback(folder: Path) -> Feedback:
    """The marks of a folder of results; none where it has no feedback.json.

    Raises:
        UserError: the file is damaged, of a later format, or was not written by `feedback`.
    """
    path = folder / NAME
    try:
        if not path.exists():
            return Feedback()
        if not path.is_file():
            raise UserError(f"{path} is not a file; take it away, or name another folder with --output")
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path} has more than {LARGEST_FILE} bytes, so it cannot be of {WRITTEN_BY}; {_UNDO}")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror}); make it readable, or take it away") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is damaged: it is no text; {_UNDO}") from None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{path} is damaged: it is no JSON; {_UNDO}") from None
    return Feedback(tuple(_marks(path, content)))


def _marks(path: Path, content: Any) -> list[Mark]:
    if not isinstance(content, dict) or content.get("written_by") != WRITTEN_BY:
        raise UserError(f"{path} was not written by {WRITTEN_BY}; move it, or name another folder with --output")
    form, marks = content.get("format"), content.get("marks")
    if type(form) is int and form > FORMAT:
        known = f"and this program knows {FORMAT}; use the later program, or delete the file"
        raise UserError(f"{path} is of format {form}, {known}")
    if form != FORMAT or type(form) is not int or not isinstance(marks, list) or len(marks) > MOST_MARKS:
        raise UserError(f"{path} is damaged: its format or its list of marks is not as it was written; {_UNDO}")
    for number, mark in enumerate(marks, 1):
        if not _is_mark(mark):
            raise UserError(f"{path} is damaged: mark {number} is not as it was written; {_UNDO}")
    return [Mark(**mark) for mark in marks]


def _is_mark(mark: Any) -> bool:
    if not isinstance(mark, dict) or set(mark) != _FIELDS:
        return False
    named = all(isinstance(mark[name], str) and 0 < len(mark[name]) <= LONGEST_NAME for name in ("file", "fault"))
    started = isinstance(mark["start"], str) and bool(_START.fullmatch(mark["start"]))
    peak = mark["peak_confidence"]
    return named and started and type(peak) in (int, float) and 0 <= peak <= 1 and type(mark["right"]) is bool


def write_feedback(folder: Path, feedback: Feedback) -> Path:
    """Writes feedback.json, whole or not at all; returns its path.

    Raises:
        UserError: there are too many marks, or it cannot be written.
    """
    path = folder / NAME
    rows = [{name: getattr(mark, name) for name in ("file", "fault", "start", "peak_confidence", "right")}
            for mark in feedback.marks]  # fmt: skip
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    text = f'{{"written_by": "{WRITTEN_BY}", "format": {FORMAT}, "marks": [\n{lines}\n]}}\n'
    if len(rows) > MOST_MARKS or len(text.encode()) > LARGEST_FILE:
        raise UserError(f"{path} cannot hold more than {MOST_MARKS} marks; delete it, and mark fewer events")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another --output") from None
    return path


def threshold_words(feedback: Feedback, file: str, fault: str) -> str:
    """What the marks of a unit and fault come to: "threshold raised to 0.83"."""
    threshold = feedback.threshold(file, fault)
    if not threshold.least:
        return "no threshold"
    if threshold.limited:
        return f"threshold at {digits(threshold.least)}, the lowest that was marked right, below one marked wrong"
    if threshold.least > ONE:
        return "threshold raised above 1, so only events marked right stay"
    return f"threshold raised to {digits(threshold.least)}"


def digits(number: int) -> str:
    """A number in units of the last digit as it is written: 0.83."""
    return f"{number / ONE:.6f}".rstrip("0").rstrip(".")
