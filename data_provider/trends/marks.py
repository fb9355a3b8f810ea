"""What stands between whole and part of a file's numbers: found in its cells, where they show it."""

import re
from collections.abc import Iterable

# Marks between groups of three digits, beside a decimal mark.
GROUPS = {".": ",'\u00a0\u202f ", ",": ".'\u00a0\u202f "}
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})*([.,])\d+(?![\d.,])")
_PLAIN = re.compile(r"[+-]?(\d+)([.,])(\d+)(?![\d.,])")


def find_decimal(cells: Iterable[str], default: str, *, separator: str) -> str:
    """The decimal mark of a file.

    A mark before other than three digits, or behind a lone zero, is one. A mark before exactly three digits may also
    stand between groups of them: where nothing else is seen, the style decides.

    Args:
        cells: some of the file's.
        default: the style's mark.
        separator: between columns. A comma that stands there stands in quoted cells only, between groups of digits.
    """
    sure: set[str] = set()
    perhaps: set[str] = set()
    for cell in cells:
        plain = _PLAIN.match(cell)
        if plain:
            whole, mark, part = plain.groups()
            (sure if len(part) != 3 or whole == "0" or len(whole) > 3 else perhaps).add(mark)
        elif (grouped := _GROUPED.match(cell)) and len({*re.findall(r"[.,]", grouped[0])}) > 1:
            sure.add(grouped[1])
    if len(sure) == 1:
        return sure.pop()
    if not sure and len(perhaps) == 1 and separator != ",":
        return perhaps.pop() if default == "." else default
    return default
