"""What a check found: one record, in plain values."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STOP, MARK, NOTE = "stop", "mark", "note"
LEVELS = (STOP, MARK, NOTE)
MOST_FILES = 100
REMEDY_COLUMN = "take it out with --drop_columns"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A leak, or what may be one.

    Attributes:
        check: the check's name, as `--accept_leaks` takes it.
        level: "stop" ends a training that did not accept it, "mark" stays on its numbers, "note" is told.
        words: one line: what, where, how much.
        remedy: what to do about it.
        files: the runs that it is about.
        column: the signal, "" where it is none's.
        rows: how many rows, windows or days, as the words say; 0 where nothing is counted.
    """

    check: str
    level: str
    words: str
    remedy: str
    files: tuple[str, ...] = ()
    column: str = ""
    rows: int = 0

    @property
    def line(self) -> str:
        """Name, words and remedy in a line."""
        return f"{self.check}: {self.words}; {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; of many files the first `MOST_FILES`."""
        return {**dataclasses.asdict(self), "files": list(self.files[:MOST_FILES])}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Finding":
        """What `to_dict` gave."""
        return cls(**{**stored, "files": tuple(stored["files"])})
