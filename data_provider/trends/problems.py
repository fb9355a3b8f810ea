"""What is wrong with a trend file, in one line each."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something about a file that its reader must know.

    Attributes:
        file: the file.
        where: a line, a column or a span of time; "" where it concerns the whole file.
        what: what was found.
        what_to_do: the way out.
        fatal: True if the file cannot be evaluated.
        kind: one word for programs: "file", "style", "time", "order", "zone", "gap", "rate", "column", "missing",
            "unit", "cell", "range", "code", "stuck", "hold" or "text".
        column: the model's column concerned, "" if none.
    """

    file: str
    where: str
    what: str
    what_to_do: str
    fatal: bool
    kind: str = "file"
    column: str = ""

    @property
    def reason(self) -> str:
        """The problem without the file's name."""
        return ": ".join(part for part in (self.where, self.what) if part) + f"; {self.what_to_do}"

    @property
    def line(self) -> str:
        """The problem as one line."""
        return f"{self.file}: {self.reason}"


class Unusable(Exception):
    """A file cannot be read any further. Only `trends` raises and catches it; it becomes a fatal `Problem`."""

    def __init__(self, what: str, what_to_do: str, *, where: str = "", kind: str = "file") -> None:
        super().__init__(what)
        self.what, self.what_to_do, self.where, self.kind = what, what_to_do, where, kind

    def problem(self, file: str) -> Problem:
        """The problem of a file."""
        return Problem(file, self.where, self.what, self.what_to_do, True, self.kind)


def shown(text: str, longest: int = 60) -> str:
    """Text of a file, fit to stand in a message: one line, no control characters, not too long."""
    plain = "".join("?" if unicodedata.category(c)[0] == "C" else c for c in text[: longest + 1])
    return plain if len(text) <= longest else plain[:longest] + "..."


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in a row; beyond a few, their number."""
    head = ", ".join(shown(name) for name in names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
