"""A first role map: which column of a file may be which of the model's, for a person to check.

Nothing else in this program acts on a guess.
Letters: T readings of a file, C signals of the model.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data_provider.trends.assignment import Column, assigned
from data_provider.trends.checks import are_counts
from data_provider.trends.columns import Origin, Signal, match, split_unit
from data_provider.trends.evidence import fitting as usual_units
from data_provider.trends.opened import OpenTrend
from data_provider.trends.point_names import without_unit
from data_provider.trends.request import Request
from data_provider.trends.role_names import FAN_SHOWS, role_of
from data_provider.trends.states import STATES
from data_provider.trends.units import Unit, units_of

_ALIKE = 2  # other points of a file whose units leave no doubt, and settle that of one more


@dataclass(frozen=True)
class Guess:
    """What a signal may be in the file.

    Attributes:
        signal: the model's.
        place: of the file's column, None if none looks like it.
        unit: its unit, None if unknown.
        doubt: why a person should check it, "" where the names leave none.
    """

    signal: Signal
    place: int | None
    unit: Unit | None
    doubt: str


def guess(
    signals: Sequence[Signal],
    origins: Sequence[Origin | None],
    columns: Mapping[int, Column],
    *,
    times: np.ndarray | None = None,
    working_column: str | None = None,
) -> list[Guess]:
    """A guess for each signal.

    Args:
        signals: the model's, C.
        origins: those that names or a role map settle already, C.
        columns: place in the file -> its column, without times.
        times: (T,) datetime64[s] of the columns, None if unknown.
        working_column: the signal that says when the unit works, if there is one: a fan shows it too.
    """
    chosen = assigned(signals, origins, columns, times)
    stated = {number: origin.unit for number, origin in enumerate(origins) if origin and origin.by == "map"}
    units = {number: _unit(signals[number], columns[match.place]) for number, match in chosen.items()}
    habit = _habit(units)
    result = []
    for number, signal in enumerate(signals):
        if number not in chosen:
            place = _fan(columns) if signal.column == working_column else None
            doubt = "" if place is None else "nothing says when the unit works; this shows it"
            result.append(Guess(signal, place, None, doubt))
            continue
        match = chosen[number]
        unit, doubt = units[number]
        if number in stated:
            unit, doubt = stated[number] or unit, ""
        elif unit is None:
            unit = habit.get(signal.quantity, signal.reads_in)
            known = signal.reads_in is not None
            doubt = "its readings do not tell the unit" if known else "the model's unit is unknown"
            doubt = "" if sum(u is unit and not why for u, why in units.values()) >= _ALIKE else doubt
        result.append(Guess(signal, match.place, unit, "; ".join(filter(None, (match.doubt, doubt)))))
    return result


def _fan(columns: Mapping[int, Column]) -> int | None:
    """The place of the column that shows best that the supply fan runs."""
    by_role = {role.name: place for place, c in columns.items() if (role := role_of(split_unit(c.name)[0]))}
    return next((by_role[name] for name in FAN_SHOWS if name in by_role), None)


def columns_of(source: OpenTrend, request: Request) -> tuple[list[Origin | None], dict[int, Column], np.ndarray | None]:
    """What names and the role map settle in a file, all its columns but the times, and what its clock showed.

    Raises:
        Unusable: the file cannot be read.
    """
    origins, _ = match(source.file, source.names, request.signals, request.roles, source.time)
    places = [place for place, name in enumerate(source.names) if place not in source.time and name.strip()]
    read = source.read(places, states=lambda place: STATES)
    bare = dict(zip(places, without_unit([source.names[place].strip() for place in places]), strict=True))
    columns = {
        place: Column(source.names[place], cells.values, cells.unit, bare[place]) for place, cells in read.cells.items()
    }
    number = max((len(column.values) for column in columns.values()), default=0)
    times = read.clock.times + read.clock.shift if read.clock and len(read.clock.times) == number else None
    return origins, columns, times


def _unit(signal: Signal, column: Column) -> tuple[Unit | None, str]:
    """The unit of a column, and why that is not certain; None where nothing tells it."""
    beside = split_unit(column.name)[1] or column.unit
    if beside:
        return beside, ""
    if signal.quantity == "fraction" and not np.isnan(column.values).all():
        top = float(np.nanmax(column.values))
        shares = {unit.name: unit for unit in units_of("fraction")}
        if top <= 0:
            return None, ""
        return shares["0-10000" if are_counts(column.values) else "%" if top > 1.5 else "0-1"], ""
    if signal.quantity == "state":
        return signal.unit, ""
    fitting = usual_units(signal, column.values)
    if not fitting:
        return None, ""
    own = fitting[0] is signal.reads_in
    if own and signal.quantity == "temperature":
        return fitting[0], ""
    return fitting[0], f"its readings look like {' or '.join(unit.name for unit in fitting)}"


def _habit(units: Mapping[int, tuple[Unit | None, str]]) -> dict[str, Unit]:
    """Quantity -> the unit that most columns of the file have: a system seldom mixes them."""
    counts: dict[str, Counter[str]] = {}
    known = {unit.name: unit for unit, _ in units.values() if unit}
    for unit in (unit for unit, _ in units.values() if unit):
        counts.setdefault(unit.quantity, Counter())[unit.name] += 1
    return {quantity: known[counter.most_common(1)[0][0]] for quantity, counter in counts.items()}
