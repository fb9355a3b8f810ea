"""What an engineer looks at to believe an event: its points, a fault-free day beside it, rules, and the cost.

Letters: N readings of a file, m readings of a chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_provider.trends.units import UNITS, Unit, convert
from exp.detection.evidence.charts import Chart, Shown, chart_of
from exp.detection.evidence.cost import Cost, Times, cost_of
from exp.detection.evidence.derived import Curve, curve_of, derived
from exp.detection.evidence.held_rules import RuleHeld, rules_held
from exp.detection.evidence.kinds import DERIVED_WORDS, Kind, kind_of
from exp.detection.evidence.points import FilePoint, UnitReadings
from exp.detection.evidence.weather import LikeDay, like_day

CONTEXT = 0.35  # of an event's length, shown before and after it
Figure = tuple[str, str, str, float | None, float | None]
_LEAST_CONTEXT = np.timedelta64(1, "h")


@dataclass(frozen=True, kw_only=True)
class Physics:
    """What the report shows of an event's physics.

    Attributes:
        event: the points around the event.
        like: the same on the fault-free day beside it, None where there is none.
        like_words: which day that is, or why there is none.
        day, like_day: of the event, the one that is compared, and the fault-free one, "" where there is none.
        figures: while the unit worked: what, the file's name of it, unit, median on that day and on the fault-free one.
        rules: that held, None where none could be evaluated.
        cost: None where trends do not tell.
    """

    event: Chart
    like: Chart | None
    like_words: str
    day: str
    like_day: str
    figures: tuple[Figure, ...]
    rules: tuple[RuleHeld, ...] | None
    cost: Cost | None


def physics_of(readings: UnitReadings, fault: str, windows: np.ndarray, peak: int, drawn: Sequence[str]) -> Physics:
    """What to show of an event.

    Args:
        readings: of its unit.
        fault: its name.
        windows: places of its windows.
        peak: place of the surest of them.
        drawn: columns that speak for it, shown where physics has no points for its kind.
    """
    evaluated = readings.evaluated
    kind, p = kind_of(fault), readings.standard
    expected, own = curve_of(p, readings.free_rows, readings.hours)
    shown = _shown(readings, kind, p, expected, drawn)
    event = readings.covered(windows)
    clock_day = readings.clock_day
    day = evaluated.clock_time(evaluated.start[peak]).astype("datetime64[D]")
    like = like_day(readings, event, day, by_weather=kind.by_weather)
    like_rows = np.zeros(len(event), bool) if like.day is None else readings.covered(readings.free[like.day])
    like_rows &= clock_day == like.day if like.day is not None else like_rows
    times = Times(
        points=p, event=event, free=readings.free_rows, like=like_rows, days=len(np.unique(clock_day[event])),
        like_days=int(like.day is not None), hours=readings.hours, expected=expected, own_curve=own,
    )  # fmt: skip
    return Physics(
        event=chart_of(readings.clock, shown, _around(evaluated.trend.times, event), event, readings.hours),
        like=_like_chart(readings, shown, like, like_rows),
        like_words=like.words,
        day=str(day),
        like_day="" if like.day is None else str(like.day),
        figures=_figures(shown, event & (clock_day == day), like_rows),
        rules=rules_held(readings, p, event, kind.speaks),
        cost=cost_of(kind.cost, times),
    )


def _shown(
    readings: UnitReadings, kind: Kind, p: dict[str, np.ndarray], expected: Curve, drawn: Sequence[str]
) -> list[Shown]:
    """The points of a kind and what is made of them, as far as the unit has them; else what the network points at."""
    found = [_point(name, readings.points[name]) for name in kind.points if name in readings.points]
    if len(found) < 2:
        named = {point.name: name for name, point in readings.points.items()}
        names = [name if name in readings.points else named.get(name, "") for name in drawn]
        return [_point(name, readings.points[name]) for name in names if name in readings.points]
    for name in kind.derived:
        values = derived(name, p, expected)
        if values is not None and np.isfinite(values).any():
            found.append(_made(name, values, readings))
    return found


def _point(role: str, point: FilePoint) -> Shown:
    return Shown(
        role, point.words or point.name, point.name, point.quantity, point.unit.name if point.unit else "", point.values
    )


def _made(name: str, values: np.ndarray, readings: UnitReadings) -> Shown:
    """A derived quantity in the units of the file."""
    words = DERIVED_WORDS[name]
    if name.startswith("fraction"):
        unit = _unit_of(readings, "fraction") or UNITS["0-1"]
        return Shown(name, words, "", "fraction", unit.name, convert(values, UNITS["0-1"], unit))
    unit = _unit_of(readings, "temperature") or UNITS["F"]
    if name == "mixed_expected":
        return Shown(name, words, "", "temperature", unit.name, convert(values, UNITS["F"], unit))
    factor = UNITS["F"].factor / unit.factor
    return Shown(name, words, "", "difference", "F" if unit.name == "F" else "K", factor * values)


def _unit_of(readings: UnitReadings, quantity: str) -> Unit | None:
    return next((p.unit for p in readings.points.values() if p.unit and p.unit.quantity == quantity), None)


def _around(times: np.ndarray, event: np.ndarray) -> np.ndarray:
    """(N,) bool: the event's readings and some before and after."""
    first, last = times[event][0], times[event][-1]
    beside = max(np.timedelta64(int((last - first).astype(np.int64) * CONTEXT), "s"), _LEAST_CONTEXT)
    return (times >= first - beside) & (times <= last + beside)


def _like_chart(readings: UnitReadings, shown: list[Shown], like: LikeDay, rows: np.ndarray) -> Chart | None:
    if like.day is None:
        return None
    whole = readings.clock_day == like.day
    return chart_of(readings.clock, shown, whole, rows, readings.hours)


def _figures(shown: list[Shown], event: np.ndarray, like: np.ndarray) -> tuple[Figure, ...]:
    return tuple(
        (line.label, line.name, line.unit, _median(line.values[event]), _median(line.values[like])) for line in shown
    )


def _median(values: np.ndarray) -> float | None:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else None
