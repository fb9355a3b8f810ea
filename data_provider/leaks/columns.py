"""What a run's file says of each signal beside its readings: range, steps of its numbers, how often it changes.

Letters: R runs, C signals, K classes, n rows of a run, q quantiles.
"""

from dataclasses import dataclass

import numpy as np

from data_provider.leaks.evidence import Evidence

STEPS = (10, 5, 1, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001, 0.0001)  # of numbers that were rounded, coarse to fine
NO_STEP = 1e-6
QUANTILES = (0.05, 0.95)
SAMPLE = 4000  # rows of a run that are enough to tell
LEAST_DISTINCT, LEAST_CHANGES = 20, 20
_ULP = 2e-7  # of float32, with room


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """Of every run and signal, NaN where the run does not tell.

    Attributes:
        low, high: (R, C) smallest and largest reading.
        quantiles: (q, R, C) of `QUANTILES`.
        step: (R, C) the step that the numbers are multiples of, `NO_STEP` where none is seen.
        loose: (R, C) the step that most of them are multiples of, coarser or the same.
        refresh: (R, C) every how many steps of a window a new number may come.
    """

    low: np.ndarray
    high: np.ndarray
    quantiles: np.ndarray
    step: np.ndarray
    loose: np.ndarray
    refresh: np.ndarray


def column_facts(evidence: Evidence) -> ColumnFacts:
    """The facts of all runs."""
    shape = (len(evidence.labels), len(evidence.columns))
    empty = {name: np.full(shape, np.nan) for name in ("low", "high", "step", "loose", "refresh")}
    facts = ColumnFacts(**empty, quantiles=np.full((len(QUANTILES), *shape), np.nan))
    for run, rows in evidence.parts_of_runs():
        values = evidence.segments.values[rows]
        facts.low[run], facts.high[run] = values.min(0), values.max(0)
        some = np.sort(values[:: max(1, len(values) // SAMPLE)], axis=0)
        places = [round(q * (len(some) - 1)) for q in QUANTILES]
        facts.quantiles[:, run] = some[places]
        facts.step[run], facts.loose[run] = _steps(some)
        facts.refresh[run] = _refreshes(evidence, run)
    return facts


def _steps(some: np.ndarray) -> np.ndarray:
    """(2, C) the coarsest of `STEPS` that all distinct numbers of a sorted column, and most, are multiples of."""
    new = np.ones(some.shape, bool)
    new[1:] = some[1:] != some[:-1]
    distinct = new.sum(0)
    enough = distinct >= LEAST_DISTINCT
    found = np.tile(np.where(enough, NO_STEP, np.nan), (2, 1))
    size = np.abs(some).max(0)
    for step in reversed(STEPS):  # the coarsest is written last
        scaled = some / np.float64(step)
        off = np.abs(scaled - np.round(scaled)) > 1e-3 + _ULP * np.abs(scaled)
        share = (off & new).sum(0) / distinct
        seen = _ULP * size / step < 0.05  # finer steps drown in the rounding of float32
        for place, most in enumerate((0.01, 0.1)):
            found[place, (share <= most) & seen & enough] = step
    return found


def _refreshes(evidence: Evidence, run: int) -> np.ndarray:
    """(C,) greatest common divisor of the steps between changes, in the run's longest segment."""
    segments = evidence.segments
    mine = np.flatnonzero(segments.run == run)
    place = mine[np.argmax(segments.rows[mine])]
    first = segments.first[place]
    values = segments.values[first : first + min(SAMPLE, segments.rows[place])]
    changed = values[1:] != values[:-1]  # (n - 1, C)
    enough = changed.sum(0) >= LEAST_CHANGES
    if not len(changed) or not enough.any():
        return np.full(len(enough), np.nan)
    since = np.arange(len(changed))[:, None] - changed.argmax(0)
    divisor = np.gcd.reduce(np.where(changed, since, 0), axis=0)
    return np.where(enough, divisor, np.nan)


def told_apart(low: np.ndarray, high: np.ndarray, of_run: np.ndarray, classes: int) -> np.ndarray:
    """Which classes lie wholly below or above all others.

    Args:
        low, high: (R, C) ends of what each run has, NaN where unknown.
        of_run: (R,) class numbers.
        classes: K.

    Returns:
        (K, C) bool.
    """
    lows = np.full((classes, low.shape[1]), np.inf)
    highs = np.full(lows.shape, -np.inf)
    np.minimum.at(lows, of_run, np.where(np.isnan(low), np.inf, low))
    np.maximum.at(highs, of_run, np.where(np.isnan(high), -np.inf, high))
    known = lows <= highs
    alone = np.zeros(lows.shape, bool)
    for number in range(classes):
        others = (np.arange(classes) != number)[:, None] & known
        apart = (lows[number] > highs) | (highs[number] < lows)
        alone[number] = known[number] & others.any(0) & (apart | ~others).all(0)
    return alone


def told_names(alone: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    """The classes that (K,) `alone` marks; where it marks all, those but the first, of which one is the other side."""
    told = [name for name, mine in zip(classes, alone, strict=True) if mine]
    return told if len(told) < len(classes) else told[1:]
