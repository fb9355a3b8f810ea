"""Which column of a file is which of the model's signals: all at once, by names and by what readings say.

Letters: T readings of a file, R rows: the model's signals and behind them the known points that it does not use,
P columns of a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from data_provider.trends.columns import Origin, Signal, signals_of, split_unit
from data_provider.trends.evidence import HOLDS, POSITIONS, Statement, against, told
from data_provider.trends.likeness import likeness
from data_provider.trends.problems import shown
from data_provider.trends.role_names import is_temperature, known_roles
from data_provider.trends.units import UNITS, Unit, convert

ALIKE = 0.5  # names less alike are not proposed
_SURE, _NEAR = 0.9, 0.1  # likeness from which a name settles a point, unless another column comes so near
_WANTED = 0.001  # on top of a likeness, so that of points that are as alike the model gets those that it uses
_BROKEN = 0.3  # taken off a whole assignment for a statement of physics that readings speak against
_LOSS = 0.4  # of likeness, that what readings say together may cost
_MOST_MOVES, _MOST_TRIED, _MOST_ROWS = 20, 200, 2000
_HOT_C = 45.0  # most temperatures of a unit are below it in C, and above it in F


@dataclass(frozen=True)
class Column:
    """A file's column.

    Attributes:
        name: in the header.
        values: (T,) float64, NaN where there is no reading.
        unit: behind its numbers, None if there is none.
        bare: its name without the unit that stands before every point of the file.
    """

    name: str
    values: np.ndarray
    unit: Unit | None
    bare: str = ""


@dataclass(frozen=True)
class Match:
    """The column of a signal.

    Attributes:
        place: of the column.
        doubt: why a person should check it, "" where nothing speaks against it.
    """

    place: int
    doubt: str = ""


@dataclass
class _Table:
    """How likely each column is each row, and which has been chosen.

    Attributes:
        rows: R signals; those behind `wanted` are points that the model does not use.
        wanted: how many are asked for.
        places: P places of columns.
        score: (R, P) likeness less what readings have against it.
        off: (R, P) what readings have against it.
        chosen: row -> column among P.
        fixed: role -> its column, as a person said.
    """

    rows: list[Signal]
    wanted: int
    places: list[int]
    score: np.ndarray
    off: np.ndarray
    columns: Mapping[int, Column]
    times: np.ndarray | None
    fixed: dict[str, Column]
    chosen: dict[int, int] = field(default_factory=dict)


def assigned(
    signals: Sequence[Signal],
    origins: Sequence[Origin | None],
    columns: Mapping[int, Column],
    times: np.ndarray | None = None,
) -> dict[int, Match]:
    """Number of a signal -> its column.

    Args:
        signals: the model's.
        origins: what the role map or names alone say; what the role map says stays.
        columns: place in the file -> its column, without times.
        times: (T,) datetime64[s], None if unknown.
    """
    said = {number: Match(origin.place) for number, origin in enumerate(origins) if origin and origin.by == "map"}
    table = _table_of(signals, origins, columns, times)
    _by_likeness(table)
    _by_physics(table)
    numbers = [number for number in range(len(signals)) if number not in said]
    named = {origin.place: signals[number].column for number, origin in enumerate(origins) if origin}
    broken = _broken(table, table.chosen)
    for row, column in table.chosen.items():
        if row < table.wanted:
            place = table.places[column]
            other = named.get(place)
            also = other not in (None, table.rows[row].column)
            doubts = [f"'{shown(columns[place].name)}' is also a name of {other}"] if also else []
            doubts += _doubts(table, row, column)
            doubts += [_words(statement, share) for statement, share in broken if _is_of(table.rows[row], statement)]
            said[numbers[row]] = Match(place, "; ".join(dict.fromkeys(doubts)))
    return said | _positions(table, numbers)


def _positions(table: _Table, numbers: Sequence[int]) -> dict[int, Match]:
    """Number of a command that no column is -> the column of its position, which no signal of the model is."""
    row_of = {signal.role.name: row for row, signal in enumerate(table.rows) if signal.role}
    found = {}
    for command, position in POSITIONS.items():
        row, other = row_of.get(command, table.wanted), row_of.get(position, 0)
        if row < table.wanted <= other and row not in table.chosen and other in table.chosen:
            place = table.places[table.chosen[other]]
            found[numbers[row]] = Match(place, f"it is a {table.rows[other].words}, and no column is the command")
    return found


def _table_of(
    signals: Sequence[Signal],
    origins: Sequence[Origin | None],
    columns: Mapping[int, Column],
    times: np.ndarray | None,
) -> _Table:
    taken = {number: origin.place for number, origin in enumerate(origins) if origin and origin.by == "map"}
    wanted = [signal for number, signal in enumerate(signals) if number not in taken]
    have = {signal.role.name for signal in signals if signal.role}
    others = [name for name in known_roles() if name not in have]
    rows = [*wanted, *signals_of(others, [""] * len(others), None)]
    places = [place for place in columns if place not in taken.values()]
    score, off = np.zeros((2, len(rows), len(places)))
    for at, place in enumerate(places):
        column = columns[place]
        name, beside = split_unit(column.bare or column.name)
        unit = beside or column.unit
        for row, signal in enumerate(rows):
            if unit and signal.quantity and unit.quantity != signal.quantity:
                continue
            own = column.name.strip().casefold() == signal.column.casefold()
            alike = 1.0 if own else likeness(name, signal.column, quantity=unit.quantity if unit else "")
            if alike >= ALIKE:
                off[row, at] = against(signal, column.values, unit)
                score[row, at] = max(alike - off[row, at], 0.0) + (_WANTED if row < len(wanted) else 0.0)
    roles = {place: signals[number].role for number, place in taken.items() if place in columns}
    fixed = {role.name: columns[place] for place, role in roles.items() if role}
    return _Table(rows, len(wanted), places, score, off, columns, times, fixed)


def _by_likeness(table: _Table) -> None:
    """Chooses columns so that all together are as alike as they can be; what nothing is like stays open."""
    from scipy.optimize import linear_sum_assignment  # a start that assigns nothing does without

    rows, columns = table.score.shape
    open_too = np.hstack([table.score, np.full((rows, rows), ALIKE)])
    for row, column in zip(*linear_sum_assignment(open_too, maximize=True), strict=True):
        if column < columns and table.score[row, column] >= ALIKE:
            table.chosen[int(row)] = int(column)


def _by_physics(table: _Table) -> None:
    """Exchanges columns where names hardly tell them apart, and readings say together that they are the other way."""
    best = _worth(table, table.chosen)
    for _ in range(_MOST_MOVES):
        worth, chosen = max(
            ((_worth(table, other), other) for other in _moves(table)), default=(best, {}), key=lambda entry: entry[0]
        )
        if worth <= best + 1e-9:
            return
        best, table.chosen = worth, chosen


def _moves(table: _Table) -> list[dict[int, int]]:
    """Assignments with two columns exchanged, or with one that is free, whose names are not much less alike."""
    chosen, fits = table.chosen, table.score >= ALIKE
    free = np.ones(len(table.places), bool)
    free[list(chosen.values())] = False
    found = [
        {**chosen, a: chosen[b], b: chosen[a]}
        for a, b in combinations(chosen, 2)
        if fits[a, chosen[b]] and fits[b, chosen[a]]
    ]
    found += [{**chosen, row: column} for row in chosen for column in np.flatnonzero(fits[row] & free).tolist()]
    least = _likeness(table, chosen) - _LOSS
    return [other for other in found[:_MOST_TRIED] if _likeness(table, other) >= least]


def _likeness(table: _Table, chosen: Mapping[int, int]) -> float:
    return float(sum(table.score[row, column] for row, column in chosen.items()))


def _worth(table: _Table, chosen: Mapping[int, int]) -> float:
    return _likeness(table, chosen) - _BROKEN * sum(share for _, share in _broken(table, chosen))


def _broken(table: _Table, chosen: Mapping[int, int]) -> list[tuple[Statement, float]]:
    """What physics says and readings speak against."""
    rows = {table.rows[row].role: table.columns[table.places[column]] for row, column in chosen.items()}
    of_role = {**{role.name: column for role, column in rows.items() if role}, **table.fixed}
    points: dict[str, np.ndarray] = {}
    step = max(1, max((len(column.values) for column in of_role.values()), default=1) // _MOST_ROWS)
    for name, column in of_role.items():
        values = column.values[::step]
        points[name] = _celsius(values, column) if is_temperature(name) else values
    times = table.times[::step] if table.times is not None else None
    return [(statement, share) for statement, share in told(points, times) if share >= HOLDS]


def _celsius(values: np.ndarray, column: Column) -> np.ndarray:
    """(T,) temperatures in C; those of unstated unit are in F where most are higher than air is in C."""
    unit = split_unit(column.name)[1] or column.unit
    if unit is None:
        unit = UNITS["F" if np.isfinite(values).any() and np.nanmedian(values) > _HOT_C else "C"]
    return convert(values, unit, UNITS["C"]) if unit.quantity == "temperature" else values


def _is_of(signal: Signal, statement: Statement) -> bool:
    return signal.role is not None and signal.role.name in statement.points


def _words(statement: Statement, share: float) -> str:
    return statement.words + (f" in {100 * share:.0f} % of its readings" if share < 1 else "")


def _doubts(table: _Table, row: int, column: int) -> list[str]:
    """Why names and readings of a column leave a doubt."""
    score, off = table.score, table.off[row, column]
    found = [f"its readings are odd for {table.rows[row].words}"] if off else []
    if score[row, column] + off < _SURE:
        found.append("by a similar name")
    own = {c: score[r, c] for r, c in table.chosen.items()}
    near = np.flatnonzero(score[row] >= score[row, column] - _NEAR)
    better = [c for c in near.tolist() if c != column and score[row, c] > own.get(c, 0.0)]
    if better:
        found.append(f"or '{shown(table.columns[table.places[better[0]]].name)}'")
    return found
