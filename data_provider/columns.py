"""Names of a file's columns: checked, and found missing where they are."""

from collections.abc import Collection, Sequence
from pathlib import Path

from data_provider.times import NAMES
from utils.errors import UserError

SHOWN = 8


def checked(raw: Sequence[str], path: Path) -> list[str]:
    """Names without blanks at their ends.

    Raises:
        UserError: no names, a column without one, or a name twice.
    """
    names = [name.strip() for name in raw]
    if not any(names):
        raise UserError(f"{path}: line 1 holds no column names")
    twice = next((name for name in names if names.count(name) > 1), None)
    if "" in names or twice is not None:
        what = f"column {names.index('') + 1} has no name" if "" in names else f"column '{twice}' appears twice"
        raise UserError(f"{path}: {what}; give every column a name of its own in line 1")
    return names


def time_of(names: Sequence[str], path: Path) -> str | None:
    """The column that holds the times, by its name; None if there is none.

    Raises:
        UserError: several columns could be it.
    """
    found = [name for name in names if name.casefold() in NAMES]
    if len(found) > 1:
        raise UserError(f"{path}: columns {' and '.join(found)} both look like times; keep one, with date and time")
    return found[0] if found else None


def require(wanted: Sequence[str], names: Collection[str], where: object) -> None:
    """Raises UserError if a column wanted is not among the names."""
    absent = [name for name in wanted if name not in names]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        shown = ", ".join([*names][:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        raise UserError(f"{where}: column '{absent[0]}'{more} is missing; the file has {shown}")


def wanted(
    names: Sequence[str], columns: Sequence[str] | None, texts: Sequence[str], time: str | None, path: Path
) -> list[str]:
    """Columns to read: the times, the texts, and the numbers asked for, or all others if None.

    Raises:
        UserError: one asked for is not there, or none holds readings.
    """
    require([*(columns or ()), *texts], names, path)
    numbers = columns if columns is not None else [name for name in names if name not in {time, *texts}]
    if not numbers:
        raise UserError(f"{path}: there is no column of readings")
    return list(dict.fromkeys([*([time] if time else []), *texts, *numbers]))


def agree(first: Collection[str], first_name: str, other: Collection[str], other_name: str) -> None:
    """Raises UserError if two runs have different columns."""
    for have, lack, where, there in ((first, other, other_name, first_name), (other, first, first_name, other_name)):
        absent = [name for name in have if name not in lack]
        if absent:
            raise UserError(f"{where}: column '{absent[0]}' is missing, which {there} has; runs must agree")
