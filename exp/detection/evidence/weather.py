"""The fault-free day of a unit that is most like a day of an event.

Letters: N readings of a file, D days.
"""

from typing import NamedTuple

import numpy as np

from exp.detection.evaluated import EvaluatedFile
from exp.detection.evidence.points import UnitReadings
from exp.evaluation.decision import NO_ANSWER, NORMAL

ALIKE_F = 9.0  # mean outdoor temperatures of two days further apart are not the same weather
_ANSWERED = 0.5  # of a day's windows


class LikeDay(NamedTuple):
    """A fault-free day beside a day of an event.

    Attributes:
        day: datetime64[D], None where there is none.
        words: which it is and why, or why there is none.
    """

    day: np.datetime64 | None
    words: str


def free_windows(evaluated: EvaluatedFile) -> dict[np.datetime64, np.ndarray]:
    """Fault-free days -> places of their windows with an answer.

    Where days are decided about, those called normal; else those without a window that says something else.
    """
    clock = np.array([evaluated.clock_time(time) for time in evaluated.start], "datetime64[s]").astype("datetime64[D]")
    verdict = evaluated.verdict.astype(str)
    called = {day.day for day in evaluated.days if day.verdict == NORMAL}
    found = {}
    for day in np.unique(clock):
        mine = clock == day
        free = mine & (verdict == NORMAL)
        plain = (verdict[mine] == NORMAL) | (verdict[mine] == NO_ANSWER)
        if (day in called) if evaluated.days else (plain.all() and free.sum() >= _ANSWERED * mine.sum()):
            found[day] = np.flatnonzero(free)
    return {day: places for day, places in found.items() if len(places)}


def like_day(readings: UnitReadings, windows: np.ndarray, day: np.datetime64, *, by_weather: bool) -> LikeDay:
    """The fault-free day nearest in outdoor temperature to a day of an event; in time where that is not known.

    Args:
        readings: of the unit.
        windows: places of the event's windows.
        day: of the event.
        by_weather: whether the outdoor sensor can be believed.
    """
    free = free_windows(readings.evaluated)
    days = np.unique(readings.clock[readings.covered(windows)].astype("datetime64[D]"))
    free = {other: places for other, places in free.items() if other not in days}
    if not free:
        return LikeDay(None, "The file has no fault-free day to compare with.")
    outdoor = readings.points.get("OA_TEMP")
    values = outdoor.standard() if outdoor else None
    mine = _mean(readings, values, windows, day)
    means = {other: _mean(readings, values, places, other) for other, places in free.items()}
    means = {other: mean for other, mean in means.items() if np.isfinite(mean)}
    if outdoor is None or values is None or not by_weather or not np.isfinite(mine) or not means:
        nearest = min(free, key=lambda other: (abs((other - day).astype(int)), other))
        why = "the outdoor sensor is in doubt" if not by_weather else "no outdoor temperature is known"
        return LikeDay(nearest, f"Fault-free day nearest in time, as {why}: {nearest}.")
    nearest = min(means, key=lambda other: (abs(means[other] - mine), other))
    unit = outdoor.unit.name if outdoor.unit else ""
    here, there = _said(mine, unit), _said(means[nearest], unit)
    if abs(means[nearest] - mine) > ALIKE_F:
        return LikeDay(None, f"The file has no fault-free day of the same weather: outdoor air was at {here} on {day}, "
                       f"and on the nearest, {nearest}, at {there}.")  # fmt: skip
    return LikeDay(nearest, f"Fault-free day of the same weather: {nearest}, outdoor air at {there} on average while "
                   f"the unit worked; at {here} on {day}.")  # fmt: skip


def _mean(readings: UnitReadings, values: np.ndarray | None, windows: np.ndarray, day: np.datetime64) -> float:
    """F of outdoor air in some windows of a day; NaN where there is no reading."""
    if values is None:
        return np.nan
    there = values[readings.covered(windows) & (readings.clock.astype("datetime64[D]") == day)]
    return float(np.nanmean(there)) if np.isfinite(there).any() else np.nan


def _said(fahrenheit: float, unit: str) -> str:
    return f"{(fahrenheit - 32) / 1.8:.0f}\u00a0\u00b0C" if unit in ("C", "K") else f"{fahrenheit:.0f}\u00a0\u00b0F"
