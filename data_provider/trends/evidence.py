"""What readings say about which point they are of: each by itself, and points together, as physics has them.

Letters: T readings of a file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from data_provider.trends.checks import CODES, are_counts, statistic
from data_provider.trends.columns import Signal
from data_provider.trends.role_names import FAN_SHOWS
from data_provider.trends.units import TABLE_UNITS, Unit, interval, units_of

Points = Mapping[str, np.ndarray]

WRONG_KIND, UNUSUAL = 0.4, 0.3  # taken off a likeness for readings of another kind of point, and for odd values
_WRONG_REST = 0.2  # and for a set point that never rests, or a sensor that always does
_MOVES, _RESTS = 0.6, 0.01  # share of steps at which a set point does not change, and at which a sensor does
_HIGHEST_SHARE = 130.0  # percent
_MOST_STATES = 6
_FEW = 12  # readings that say something together
_NEAR_K, _SWING_K = 6.0, 1.0  # how far a set point lies from its sensor at most; air mixes that exactly
_TOGETHER = 0.3  # correlation of what moves together, and of what moves against each other
HOLDS = 0.5  # share of readings against a statement from which on it is told


def against(signal: Signal, values: np.ndarray, unit: Unit | None) -> float:
    """How much (T,) readings speak against being a signal: 0, or what is to be taken off its likeness."""
    finite = values[np.isfinite(values) & ~np.isin(values, CODES)]
    if not len(finite) or not signal.quantity:
        return 0.0
    usual = signal.role is None or signal.role.usual is None or bool(fitting(signal, values))
    off = UNUSUAL if unit is None and not usual else 0.0
    two = bool(np.isin(finite, (0.0, 1.0)).all())
    if signal.quantity == "state":
        off = 0.0 if len(np.unique(finite[:5000])) <= _MOST_STATES and (finite % 1 == 0).all() else WRONG_KIND
    elif signal.quantity == "fraction":
        top, low = finite.max(), finite.min()
        off = WRONG_KIND if low < -0.2 * max(top, 1.0) or (top > _HIGHEST_SHARE and not are_counts(finite)) else 0.0
    elif two and len(finite) > _FEW and finite.any():
        off = WRONG_KIND
    return off + _rest(signal, values)


def _rest(signal: Signal, values: np.ndarray) -> float:
    """What a set point that moves all the time, or a sensor that never does, has against it."""
    if signal.role is None or signal.quantity != "temperature" or len(values) < _FEW:
        return 0.0
    steps = np.diff(values)
    moves = float(np.mean(steps[np.isfinite(steps)] != 0)) if np.isfinite(steps).any() else None
    if moves is None:
        return 0.0
    wrong = moves > _MOVES if signal.role.kind == "setpoint" else moves < _RESTS
    return _WRONG_REST if wrong else 0.0


def fitting(signal: Signal, values: np.ndarray) -> list[Unit]:
    """Units in which (T,) readings are usual for a signal; the model's own first."""
    values = np.where(np.isin(values, CODES), np.nan, values)
    unit = signal.reads_in
    usual, quantity = signal.role.usual if signal.role else None, signal.quantity
    value = None if np.isnan(values).all() else statistic(values, quantity)
    if usual is None or value is None or quantity not in TABLE_UNITS:
        return []
    limits = [(other, *interval(usual, quantity, other)) for other in units_of(quantity)]
    found = [other for other, low, high in limits if low <= value <= high]
    return sorted(found, key=lambda other: other is not unit)


@dataclass(frozen=True)
class Statement:
    """What physics says about some points.

    Attributes:
        points: roles that it is about.
        broken: (T,) readings of them while the unit works, temperatures in C -> the share that speaks against it.
        words: what is found where it is broken.
    """

    points: tuple[str, ...]
    broken: Callable[[Points], float]
    words: str


def _outside(p: Points) -> float:
    low, high = np.minimum(p["OA_TEMP"], p["RA_TEMP"]), np.maximum(p["OA_TEMP"], p["RA_TEMP"])
    return float(np.mean((p["MA_TEMP"] < low - _SWING_K) | (p["MA_TEMP"] > high + _SWING_K)))


def _away(point: str, other: str) -> Callable[[Points], float]:
    return lambda p: float(np.median(np.abs(p[point] - p[other])) > _NEAR_K)


def _apart(point: str, other: str) -> Callable[[Points], float]:
    return lambda p: float(np.median(np.abs(p[point] - p[other])) > 0.5 * np.median(np.abs(p[other])))


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """None where one of them rests."""
    if a.std() < 1e-6 or b.std() < 1e-6:
        return None
    return float(np.corrcoef(a, b)[0, 1])


def _unlike(point: str, other: str, sign: int = 1) -> Callable[[Points], float]:
    def broken(p: Points) -> float:
        found = _correlation(p[point], p[other])
        return float(found is not None and sign * found < (_TOGETHER if sign > 0 else -_TOGETHER))

    return broken


def _coil(valve: str, sign: int) -> Callable[[Points], float]:
    """Against a valve that opens while the air behind the coil grows warmer, or with -1 colder."""

    def broken(p: Points) -> float:
        found = _correlation(p[valve], sign * (p["SA_TEMP"] - p["MA_TEMP"]))
        return float(found is not None and found > _TOGETHER)

    return broken


def _more(point: str, other: str) -> Callable[[Points], float]:
    return lambda p: float(np.mean(p[point] > 1.1 * p[other]))


# Commands, and the positions that follow them.
POSITIONS = {
    "OA_DMPR_DM": "OA_DMPR", "RA_DMPR_DM": "RA_DMPR", "CHWC_VLV_DM": "CHWC_VLV", "SF_CS": "SF_SPD", "RF_CS": "RF_SPD",
}  # fmt: skip
_SWINGS = "return air swings more than outdoor air"
STATEMENTS = (
    Statement(("MA_TEMP", "OA_TEMP", "RA_TEMP"), _outside, "mixed air lies outside outdoor and return air"),
    Statement(("OA_TEMP", "RA_TEMP"), lambda p: float(p["OA_TEMP"].std() < p["RA_TEMP"].std()),
              _SWINGS),
    Statement(("SA_TEMP", "SA_TEMPSPT"), _away("SA_TEMP", "SA_TEMPSPT"), "supply air keeps far from its set point"),
    Statement(("SA_SP", "SA_SPSPT"), _apart("SA_SP", "SA_SPSPT"), "duct pressure keeps far from its set point"),
    Statement(("RA_TEMP", "ZONE_TEMP_1"), _away("RA_TEMP", "ZONE_TEMP_1"), "return air and zone lie far apart"),
    *(Statement(pair, _unlike(*pair), "a command and its position do not move together") for pair in POSITIONS.items()),
    Statement(("CHWC_VLV_DM", "SA_TEMP", "MA_TEMP"), _coil("CHWC_VLV_DM", 1), "air grows warmer as this valve opens"),
    Statement(("HWC_VLV_DM", "SA_TEMP", "MA_TEMP"), _coil("HWC_VLV_DM", -1), "air grows colder as this valve opens"),
    Statement(("SA_CFM", "OA_CFM"), _more("OA_CFM", "SA_CFM"), "more outdoor air than supply air"),
)  # fmt: skip


def told(points: Points, times: np.ndarray | None) -> list[tuple[Statement, float]]:
    """The statements that readings speak about, with the share of them that speaks against each.

    Args:
        points: role -> (T,) readings, temperatures in C, the rest in any unit.
        times: (T,) datetime64[s], None if unknown: swings are compared over a day or longer.
    """
    working = _working(points)
    long = times is not None and len(times) > 1 and (times[-1] - times[0]) >= np.timedelta64(1, "D")
    found = []
    for statement in STATEMENTS:
        if not all(name in points for name in statement.points) or (statement.words == _SWINGS and not long):
            continue
        rows = working & np.all([np.isfinite(points[name]) for name in statement.points], axis=0)
        if rows.sum() >= _FEW:
            found.append((statement, statement.broken({name: points[name][rows] for name in statement.points})))
    return found


def _working(points: Points) -> np.ndarray:
    """(T,) bool: whether the fan turns, as far as points show it."""
    fan = next((points[name] for name in ("SF_SPD_DM", *FAN_SHOWS) if name in points), None)
    number = len(next(iter(points.values()), np.empty(0)))
    if fan is None or not np.isfinite(fan).any() or np.nanmax(fan) <= 0:
        return np.ones(number, bool)
    with np.errstate(invalid="ignore"):
        return fan > 0.1 * np.nanmax(fan)
