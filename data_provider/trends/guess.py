"""A first role map: which column of a file may be which of the model's, for a person to check.

Nothing else in this program acts on a guess.
Letters: T readings of a file, C signals of the model.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import yaml

from data_provider.trends.checks import CODES, are_counts, statistic
from data_provider.trends.columns import Origin, Signal, match, split_unit
from data_provider.trends.opened import OpenTrend
from data_provider.trends.request import Request
from data_provider.trends.role_names import ABBREVIATED, FAN_SHOWS, likeness, role_of
from data_provider.trends.states import STATES
from data_provider.trends.units import Unit, convert, units_of

_ALIKE = 0.5  # names less alike are not proposed
_OUT_OF_RANGE = 0.3  # taken off for readings that no unit makes usual


@dataclass(frozen=True)
class Column:
    """A file's column.

    Attributes:
        name: in the header.
        values: (T,) float64, NaN where there is no reading.
        unit: behind its numbers, None if there is none.
    """

    name: str
    values: np.ndarray
    unit: Unit | None


@dataclass(frozen=True)
class Guess:
    """What a signal may be in the file.

    Attributes:
        signal: the model's.
        column: the file's column, None if none looks like it.
        unit: its unit, None if unknown.
        doubt: why a person should check it, "" where the names leave none.
    """

    signal: Signal
    column: str | None
    unit: Unit | None
    doubt: str


def guess(
    signals: Sequence[Signal],
    origins: Sequence[Origin | None],
    columns: Mapping[int, Column],
    *,
    working_column: str | None = None,
) -> list[Guess]:
    """A guess for each signal.

    Args:
        signals: the model's, C.
        origins: those that names or a role map settle already, C.
        columns: place in the file -> its column, without times.
        working_column: the signal that says when the unit works, if there is one: a fan shows it too.
    """
    chosen, likely = _assigned(signals, origins, columns)
    stated = {number: origin.unit for number, origin in enumerate(origins) if origin and origin.unit}
    units = {number: _unit(signals[number], columns[place]) for number, place in chosen.items()}
    habit = _habit(units)
    result = []
    for number, signal in enumerate(signals):
        if number not in chosen:
            fan = _fan(columns) if signal.column == working_column else None
            doubt = "nothing says when the unit works; this shows it" if fan else ""
            result.append(Guess(signal, fan.name if fan else None, None, doubt))
            continue
        column = columns[chosen[number]]
        unit, doubt = units[number]
        if number in stated:
            unit, doubt = stated[number], ""
        elif unit is None:
            unit = habit.get(signal.quantity, signal.unit)
            doubt = "its readings do not tell the unit" if signal.unit is not None else "the model's unit is unknown"
        if likely[number] < 1:
            by = "an abbreviation" if likely[number] == ABBREVIATED else "a similar name"
            doubt = f"by {by}" + (f"; {doubt}" if doubt else "")
        result.append(Guess(signal, column.name, unit, doubt))
    return result


def _assigned(
    signals: Sequence[Signal], origins: Sequence[Origin | None], columns: Mapping[int, Column]
) -> tuple[dict[int, int], dict[int, float]]:
    """Number of a signal -> place of its column, and how likely that is."""
    chosen = {number: origin.place for number, origin in enumerate(origins) if origin}
    likely = dict.fromkeys(chosen, 1.0)
    free = [place for place in columns if place not in chosen.values()]
    scores = [
        (score, number, place)
        for number, signal in enumerate(signals)
        if number not in chosen
        for place in free
        if (score := _score(signal, columns[place])) >= _ALIKE
    ]
    for score, number, place in sorted(scores, key=lambda entry: (-entry[0], entry[1], entry[2])):
        if number not in chosen and place not in chosen.values():
            chosen[number], likely[number] = place, score
    return chosen, likely


def _fan(columns: Mapping[int, Column]) -> Column | None:
    """The column that shows best that the supply fan runs."""
    by_role = {role.name: column for column in columns.values() if (role := role_of(split_unit(column.name)[0]))}
    return next((by_role[name] for name in FAN_SHOWS if name in by_role), None)


def columns_of(source: OpenTrend, request: Request) -> tuple[list[Origin | None], dict[int, Column]]:
    """What names and the role map settle in a file, and all its columns but the times.

    Raises:
        Unusable: the file cannot be read.
    """
    origins, _ = match(source.file, source.names, request.signals, request.roles, source.time)
    places = [place for place, name in enumerate(source.names) if place not in source.time and name.strip()]
    read = source.read(places, states=lambda place: STATES)
    columns = {place: Column(source.names[place], cells.values, cells.unit) for place, cells in read.cells.items()}
    return origins, columns


def _score(signal: Signal, column: Column) -> float:
    """How likely a column is a signal: by its name, less where its unit or its readings speak against it."""
    name, unit = split_unit(column.name)
    unit = unit or column.unit
    if unit and signal.quantity and unit.quantity != signal.quantity:
        return 0.0
    score = likeness(name, signal.column)
    if signal.usual is None or signal.unit is None or score < _ALIKE:
        return score
    return score if _fitting(signal, column) else score - _OUT_OF_RANGE


def _fitting(signal: Signal, column: Column) -> list[Unit]:
    """Units in which a column's readings are usual for a signal; the model's own first."""
    values = np.where(np.isin(column.values, CODES), np.nan, column.values)
    if signal.unit is None or signal.usual is None or np.isnan(values).all():
        return []
    fitting = []
    for unit in sorted(units_of(signal.unit.quantity), key=lambda unit: unit is not signal.unit):
        value = statistic(convert(values, unit, signal.unit), signal.quantity)
        if value is not None and signal.usual[0] <= value <= signal.usual[1]:
            fitting.append(unit)
    return fitting


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
    fitting = _fitting(signal, column)
    if not fitting:
        return None, ""
    own = fitting[0] is signal.unit
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


def written(guesses: Sequence[Guess], *, file: str, time_column: str | None) -> str:
    """The role map as YAML, with "# check" where a person should look."""
    lines = [
        f"# First role map for {' '.join(file.split())}, written by: python run.py doctor",
        "# role (the model's column): {column: the file's column, unit: the file's unit}",
        "# Lines marked '# check' are guesses. Correct them, then give this file with --roles.",
    ]
    if time_column is not None:
        lines.append(f"time: {{column: {_quoted(time_column)}}}")
    for entry in guesses:
        role = _quoted(entry.signal.column)
        unit = f", unit: {_quoted(entry.unit.name)}" if entry.unit else ""
        if entry.column is None:
            own = f", unit: {_quoted(entry.signal.unit.name)}" if entry.signal.unit else ""
            lines.append(f"# {role}: {{column: ...{own}}}  # check: nothing in the file looks like it")
        else:
            doubt = f"  # check: {entry.doubt}" if entry.doubt else ""
            lines.append(f"{role}: {{column: {_quoted(entry.column)}{unit}}}{doubt}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Text as YAML reads it back."""
    if text.replace("_", "").isalnum() and text.isascii() and yaml.safe_load(text) == text:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf")).strip()
