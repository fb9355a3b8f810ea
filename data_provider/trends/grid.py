"""Readings at any times to an even grid on the clock, only where there are readings.

Letters: T readings of a file, N steps of the grid, C signals.
"""

from dataclasses import dataclass

import numpy as np

from data_provider.segmentation import HOLD_STEPS
from data_provider.trends.files import MOST_READINGS
from data_provider.trends.problems import Unusable

EVEN_SHARE = 0.9  # of the steps between readings, for a file to count as evenly sampled
_JITTER = 0.1  # of a step: a logger that is a little late is still even
_SILENT = 0.5  # of a column's cells; beyond, an even file holds changes of value in that column


def even_step(times: np.ndarray) -> int | None:
    """Seconds between readings if nearly all steps are alike, None for changes of value at uneven times.

    Args:
        times: (T,) datetime64[s] in the file's order.
    """
    steps = np.abs(np.diff(times).astype(np.int64))
    steps = steps[steps > 0]
    if len(steps) == 0:
        return None
    step = int(np.median(steps))
    return step if (np.abs(steps - step) <= max(2, step * _JITTER)).mean() >= EVEN_SHARE else None


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Where the steps are.

    Attributes:
        times: (N,) datetime64[s], multiples of the period; nothing between readings too far apart.
        period: seconds between steps.
        gaps: (G, 2) rows of readings before and after each gap.
    """

    times: np.ndarray
    period: int
    gaps: np.ndarray


def grid_of(times: np.ndarray, *, period: int, reach: float, columns: int) -> Grid:
    """The steps between the first and the last reading, without those in gaps.

    Args:
        times: (T,) datetime64[s], rising.
        period: seconds between steps.
        reach: seconds after which the next reading begins again.
        columns: C, to bound the whole.

    Raises:
        Unusable: more steps than memory should hold.
    """
    seconds = times.astype(np.int64)
    breaks = np.flatnonzero(np.diff(seconds) > reach)
    begin = seconds[np.append(0, breaks + 1)]
    end = seconds[np.append(breaks, len(seconds) - 1)]
    first, last = -(-begin // period), end // period
    number = np.maximum(last - first + 1, 0)
    if int(number.sum()) * columns > MOST_READINGS:
        raise Unusable(f"{int(number.sum())} steps of {period} s", "split the file, a month a file")
    offset = np.cumsum(number) - number
    steps = np.arange(int(number.sum())) - np.repeat(offset, number) + np.repeat(first, number)
    return Grid(times=(steps * period).astype("datetime64[s]"), period=period, gaps=np.stack([breaks, breaks + 1], 1))


def snapped(times: np.ndarray, step: int, *, within: float = _JITTER) -> np.ndarray:
    """(T,) times of an even file on the multiples of its step, if nearly all are close to them.

    A logger that writes 0:05:02 and 0:09:59 means 0:05 and 0:10; otherwise the direct way would take one reading twice.

    Args:
        times: (T,) datetime64[s].
        step: seconds.
        within: share of the step that a time may be off.
    """
    seconds = times.astype(np.int64)
    near = (seconds + step // 2) // step * step
    close = np.abs(seconds - near) <= max(1, step * within)
    return np.where(close, near, seconds).astype("datetime64[s]") if close.mean() >= EVEN_SHARE else times


def changes_only(values: np.ndarray, marked: np.ndarray) -> bool:
    """Whether a column of an even file holds changes of value: most of its cells say nothing at all.

    Args:
        values: (T,) NaN where there is no reading.
        marked: (T,) bool, True where a word marks the reading as missing.
    """
    silent = np.isnan(values) & ~marked
    return bool(silent.mean() > _SILENT and not np.isnan(values).all())


def hold_seconds(step: int | None, period: int, longest: float) -> float:
    """How old a reading may be: as in training for even files, up to the longest age for changes of value.

    Readings further apart than the period are held until the next.
    """
    if step is None:
        return longest
    return max(min(longest, HOLD_STEPS * period), step + period if step > period else 0)


def at_steps(grid: np.ndarray, times: np.ndarray, values: np.ndarray, marked: np.ndarray, age: float) -> np.ndarray:
    """The last reading at or before each step, if it is young enough.

    Args:
        grid: (N,) datetime64[s].
        times: (T,) datetime64[s], rising.
        values: (T,) NaN where there is no reading.
        marked: (T,) bool, True where the file marks the reading as missing, which ends the hold, unlike an empty cell.
        age: seconds.

    Returns:
        (N,) float64.
    """
    kept = ~np.isnan(values) | marked
    if not kept.any():
        return np.full(len(grid), np.nan)
    source, readings = times[kept], values[kept]
    last = np.searchsorted(source, grid, side="right") - 1
    young = (last >= 0) & ((grid - source[last]).astype(np.int64) <= age)
    return np.where(young, readings[last], np.nan)


def mean_steps(
    grid: np.ndarray,
    times: np.ndarray,
    values: np.ndarray,
    marked: np.ndarray,
    age: float,
    *,
    period: int,
    fine: int,
) -> np.ndarray:
    """The mean over each step of the held readings, sampled at a finer step; half of the samples must be known.

    Args and returns as `at_steps`; fine: seconds between samples, a divisor of the period.
    """
    shifts = np.arange(0, period, fine).astype("timedelta64[s]")
    until = times[-1] if len(times) else None
    total, number = np.zeros(len(grid)), np.zeros(len(grid), np.int64)
    for shift in shifts:
        sample = at_steps(grid + shift, times, values, marked, age)
        known = ~np.isnan(sample) & (grid + shift <= until)
        total += np.where(known, sample, 0)
        number += known
    enough = number * 2 >= len(shifts)
    return np.where(enough, total / np.maximum(number, 1), np.nan)
