"""Names of points: the unit that stands before them."""

import re
from collections.abc import Sequence

_PREFIX = re.compile(r"^(.*[/:.]|[A-Za-z][A-Za-z -]*\d+[A-Za-z]?)[ _.:/-]*(?=\D)")


def unit_prefix(name: str) -> str:
    """The unit that stands before a point, as AHU1 in AHU1_SAT; "" if none does."""
    match = _PREFIX.match(name)
    return match[1].rstrip("/:. ") if match else ""


def without_unit(names: Sequence[str]) -> list[str]:
    """Names of points without the unit that stands before each of them, as in AHU1.SAT and AHU1.MAT.

    The words before are a unit's if they end in one with a digit, or in a mark as systems set between equipment and
    point.
    """
    if len(names) < 2:
        return list(names)
    shared = 0
    while all(len(name) > shared + 1 and name[shared] == names[0][shared] for name in names):
        shared += 1
    for end in range(shared, 0, -1):
        before = names[0][:end]
        if re.search(r"[./:]$", before) or re.search(r"\d[A-Za-z]?[ _-]+$", before):
            return [name[end:].strip() for name in names]
    return list(names)


def plain_name(name: str) -> str:
    """A column's name in lower case, without what stands in brackets behind it."""
    return re.sub(r"[(\[].*", "", name).strip().casefold()
