"""The unit that a model's training readings are in, where nobody said so: as far as the readings tell it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from data_provider.trends.role_names import Role, is_temperature, role_of
from data_provider.trends.units import POSSIBLE, TABLE_UNITS, UNITS, Unit, interval, units_of

_FRACTION_TO = 1.05  # a training maximum up to this is that of a share, beyond it of percent
_NO_PERCENT_FROM = 130


def likely_units(columns: Sequence[str], ranges: Mapping[str, tuple[float, float]]) -> dict[str, Unit]:
    """Column -> the unit that its training readings look like, where they look like one only.

    A system writes all temperatures alike, so they are asked together. A column of the single-duct set's own name is
    taken to be in that set's unit if it may be.
    """
    fits: dict[str, list[Unit]] = {}
    for column in columns:
        role = role_of(column)
        if role is None or column not in ranges or role.quantity not in TABLE_UNITS or role.quantity == "fraction":
            continue
        middle = sum(ranges[column]) / 2 if role.quantity == "temperature" else ranges[column][1]
        limits = role.usual or POSSIBLE[role.quantity]
        units = [(unit, *interval(limits, role.quantity, unit)) for unit in units_of(role.quantity)]
        fits[column] = [unit for unit, low, high in units if low <= middle <= high]
        own = UNITS[TABLE_UNITS[role.quantity]]
        if column == role.name and role.usual and own in fits[column]:
            fits[column] = [own]
    warm = [column for column in fits if is_temperature(column)]
    votes = Counter(unit.name for column in warm if len(fits[column]) == 1 for unit in fits[column])
    if len(votes) == 1:
        fits |= {column: [UNITS[name] for name in votes] for column in warm}
    return {column: units[0] for column, units in fits.items() if len(units) == 1}


def unit_by_role(column: str, role: Role | None, trained: tuple[float, float] | None) -> Unit | None:
    """The unit of a share or a state; the data sets give none for them."""
    if role is None or role.quantity not in ("fraction", "state"):
        return None
    if role.quantity == "state":
        return UNITS["on/off"]
    if trained is not None:
        return UNITS["0-1"] if trained[1] <= _FRACTION_TO else UNITS["%"] if trained[1] < _NO_PERCENT_FROM else None
    return UNITS["0-1"] if column == role.name else None  # documented so for the single-duct set
