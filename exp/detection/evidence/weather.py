"""The fault-free day of a unit that is most like a day of an event.

Letters: N readings of a file, D days.
"""

from typing import NamedTuple

import numpy as np

from exp.detection.evidence.points import UnitReadings

ALIKE_F = 9.0  # mean outdoor temperatures of two days further apart are not the same weather


class LikeDay(NamedTuple):
    """A fault-free day beside a day of an event.

    Attributes:
        day: datetime64[D], None where there is none.
        words: which it is and why, or why there is none.
    """

    day: np.datetime64 | None
    words: str


def like_day(readings: UnitReadings, event: np.ndarray, day: np.datetime64, *, by_weather: bool) -> LikeDay:
    """The fault-free day nearest in outdoor temperature to a day of an event; in time where that is not known.

    Args:
        readings: of the unit.
        event: (N,) bool, readings of the event's windows.
        day: of the event.
        by_weather: whether the outdoor sensor can be believed.
    """
    days = np.unique(readings.clock_day[event])
    free = [other for other in readings.free if other not in days]
    if not free:
        return LikeDay(None, "The file has no fault-free day to compare with.")
    outdoor, mine = readings.points.get("OA_TEMP"), _mean(readings, event & (readings.clock_day == day))
    means = {other: readings.free_outdoor[other] for other in free if other in readings.free_outdoor}
    if outdoor is None or not by_weather or not np.isfinite(mine) or not means:
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


def _mean(readings: UnitReadings, rows: np.ndarray) -> float:
    """F of outdoor air in some readings, (N,) bool; NaN where there is none."""
    values = readings.standard.get("OA_TEMP")
    there = values[rows] if values is not None else np.zeros(0)
    return float(np.nanmean(there)) if np.isfinite(there).any() else np.nan


def _said(fahrenheit: float, unit: str) -> str:
    return f"{(fahrenheit - 32) / 1.8:.0f}\u00a0\u00b0C" if unit in ("C", "K") else f"{fahrenheit:.0f}\u00a0\u00b0F"
