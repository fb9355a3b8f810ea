"""What the rules of a baseline must know of prepared data: roles of signals, and readings behind scaled values.

Letters: C signals.
"""

import numpy as np

from data_provider import Prepared
from data_provider.trends.columns import split_unit
from data_provider.trends.role_names import Role, role_of
from data_provider.trends.units import TABLE_UNITS, find_unit
from models.baselines.rules import Signals

_OVER_ONE = 1.5  # a share whose largest reading is above this is written in percent


def signals_of(data: Prepared) -> Signals:
    """The signals of prepared data as conditions read them.

    A column's unit is the one that the data set gives, or the one in its name; without either it is taken to be that of
    its role in role_names.yaml, and shares above 1 to be percent.
    """
    info = data.info
    low, high = (np.asarray(edge, np.float64).copy() for edge in (data.scaler.minimum, data.scaler.maximum))
    names = [split_unit(column) for column in info.columns]
    roles = [role_of(name) for name, _ in names]
    for place, (role, (_, named)) in enumerate(zip(roles, names, strict=True)):
        if role is not None:
            unit = info.units[place] or (named.name if named else "")
            factor, offset = _to_table(role, unit, high[place])
            low[place], high[place] = low[place] * factor + offset, high[place] * factor + offset
    return Signals(
        roles=tuple(role.name if role is not None else "" for role in roles),
        low=low,
        high=high,
        minutes=info.period_seconds / 60,
        classes=info.classes,
        normal=info.normal,
    )


def _to_table(role: Role, unit: str, highest: float) -> tuple[float, float]:
    """Factor and offset from a column's unit to the table's."""
    to = find_unit(TABLE_UNITS.get(role.quantity, ""))
    if role.quantity == "fraction" and not unit:
        unit = "%" if highest > _OVER_ONE else ""
    given = find_unit(unit) if unit else None
    if given is None or to is None or given.quantity != to.quantity:
        return 1.0, 0.0
    return given.factor / to.factor, (given.offset - to.offset) / to.factor
