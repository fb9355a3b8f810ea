"""What stands between whole and part of a file's numbers: found in its cells, where they show it."""

import re
from collections.abc import Iterable
from typing import NamedTuple

# Marks between groups of three digits, beside a decimal mark.
GROUPS = {".": ",'\u00a0\u202f ", ",": ".'\u00a0\u202f "}
_GROUPED = re.compile(r"[+\u2212-]?\d{1,3}(?:([.,'\u00a0\u202f ])\d{3})+([.,])\d+(?![\d.,])")
_PLAIN = re.compile(r"[+\u2212-]?(\d+)([.,])(\d+)(?![\d.,])")


class Decimal(NamedTuple):
    """A decimal mark, and a number of the file that could be read with another one, "" if there is none."""

    mark: str
    doubtful: str

    @property
    def notes(self) -> list[tuple[str, str, str]]:
        """(kind, what, what to do) about commas that may be either; a point before three digits hardly ever is."""
        if not self.doubtful or ("," not in self.doubtful and self.mark == "."):
            return []
        if "." not in self.doubtful:
            meant = "decimals" if self.mark == "," else "groups of digits"
            what = f"the commas of numbers as {self.doubtful[:20]} are taken for {meant}"
        else:
            mark = "comma" if self.mark == "," else "point"
            what = f"in numbers as {self.doubtful[:40]} the {mark} is taken for the decimal mark"
        return [("style", what, "name the decimal mark with --decimal if that is wrong")]


def find_decimal(cells: Iterable[str], default: str, *, separator: str) -> Decimal:
    """The decimal mark of a file.

    A mark before other than three digits, or behind a lone zero, is one. A mark before exactly three digits may also
    stand between groups of them: where nothing else is seen, the style decides.

    Args:
        cells: some of the file's.
        default: the style's mark.
        separator: between columns. A comma that stands there stands in quoted cells only, between groups of digits.
    """
    sure: set[str] = set()
    perhaps: dict[str, str] = {}
    for cell in cells:
        plain, grouped = _PLAIN.match(cell), _GROUPED.match(cell)
        if grouped and grouped[1] != grouped[2]:
            sure.add(grouped[2])
        elif plain and (len(plain[3]) != 3 or plain[1] == "0" or len(plain[1]) > 3):
            sure.add(plain[2])
        elif plain:
            perhaps.setdefault(plain[2], cell)
    if len(sure) == 1:
        return Decimal(sure.pop(), "")
    if sure or not perhaps:
        return Decimal(default, "")
    mark = next(iter(perhaps)) if len(perhaps) == 1 and separator != "," and default == "." else default
    return Decimal(mark, " and ".join(perhaps.values()))
