"""The rules of Guideline 36 and APAR that held during an event: in which hours, and by how much.

Letters: N readings of a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from exp.detection.evidence.derived import Standard
from exp.detection.evidence.points import UnitReadings
from models.rules import RULES, Parameters, UnitPoints, evaluate, infer

MOST = 5  # of an event
_AROUND = np.timedelta64(2, "h")  # of the event, so that averages and delays of its first readings are whole


@dataclass(frozen=True, kw_only=True)
class RuleHeld:
    """A rule that held during an event.

    Attributes:
        name: as published.
        words: what it says.
        hours: in which it held.
        when: in which hours of the day, and on how many days.
        exceeded: by how much, the median and the most, with the unit.
        speaks: whether it speaks for the event's fault.
    """

    name: str
    words: str
    hours: float
    when: str
    exceeded: str
    speaks: bool


def rules_held(
    readings: UnitReadings, p: Standard, event: np.ndarray, speaks: Sequence[str]
) -> tuple[RuleHeld, ...] | None:
    """Rules that held in an event's readings, those that speak for its fault first, then the longest; None where the
    unit's points let no rule be evaluated.

    Args:
        readings: of the unit.
        p: its points in standard units.
        event: (N,) bool.
        speaks: kinds of `models.rules.KINDS`.
    """
    times = readings.evaluated.trend.times
    if not event.any() or not p:
        return None
    known = _parameters(readings, p)
    first, last = times[event][0] - _AROUND, times[event][-1] + _AROUND
    rows = (times >= first) & (times <= last)
    unit = UnitPoints(times[rows], event[rows], {name: values[rows] for name, values in p.items()})
    celsius = any(point.unit and point.unit.name in ("C", "K") for point in readings.points.values())
    found, results = [], evaluate(unit, [*RULES.values()], known)
    if not any(rule.evaluated.any() for rule in results):
        return None
    for rule in results:
        if rule.held.any():
            held = rule.held
            found.append(
                RuleHeld(
                    name=rule.condition.name,
                    words=rule.condition.text,
                    hours=float(held.sum()) * readings.hours,
                    when=_when(readings.clock[rows], held, event[rows], readings.hours),
                    exceeded=_exceeded(rule.margin[held], rule.condition.unit, celsius=celsius),
                    speaks=bool({*speaks} & {*rule.condition.kinds}),
                )
            )
    return tuple(sorted(found, key=lambda rule: (not rule.speaks, -rule.hours, rule.name))[:MOST])


def _parameters(readings: UnitReadings, p: Standard) -> Parameters:
    evaluated = readings.evaluated
    working = readings.covered(np.arange(len(evaluated.start)))
    return infer(UnitPoints(evaluated.trend.times, working, p))


def _when(clock: np.ndarray, held: np.ndarray, event: np.ndarray, hours: float) -> str:
    """ "07:10 to 17:55 on 4 of 6 days"; of several spans of a day the first begins it and the last ends it."""
    days = np.unique(clock[held].astype("datetime64[D]"))
    whole = np.unique(clock[event].astype("datetime64[D]"))
    of_day = (clock[held] - clock[held].astype("datetime64[D]")).astype("timedelta64[s]").astype(int)
    begin, end = int(of_day.min()), int(of_day.max() + hours * 3600)
    words = f"{begin // 3600:02}:{begin // 60 % 60:02} to {end // 3600:02}:{end // 60 % 60:02}"
    on = f" on {days[0]}" if len(days) == 1 else f" on {len(days)} of {len(whole)} days"
    return words + on


def _exceeded(margin: np.ndarray, unit: str, *, celsius: bool) -> str:
    if unit == "F" and celsius:
        margin, unit = margin / 1.8, "K"
    elif unit == "0-1":
        margin, unit = 100 * margin, "points of %"
    elif unit == "changes":
        unit = "changes an hour"
    unit = "\u00b0F" if unit == "F" else unit
    return f"{np.median(margin):.2g}\u00a0{unit}, at most {margin.max():.2g}"
