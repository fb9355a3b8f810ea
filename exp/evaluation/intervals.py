"""Intervals of measures: draws of whole blocks, and Wilson's where draws cannot vary.

Windows of a block depend on each other, so the block is the unit of evidence. A measure that is the same in every draw,
as 1.000 where no window is wrong, has no interval by draws: 1.000 to 1.000 would claim to know it exactly. For a rate,
Wilson's score interval (1927) takes its place. Its trials are the blocks that hold a window of the rate's denominator,
for all windows of a block may say the same. Another measure has no interval then.

Letters: G blocks, R draws of blocks.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from utils.written import written

LEVEL = 0.95
_Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution
DRAWS = "no draws were asked for"
ONE_BLOCK = "all windows are of one block and depend on each other, so there is nothing to draw from"


class Bounds(NamedTuple):
    """An interval.

    Attributes:
        low, high: its ends.
        trials: of Wilson's interval, 0 where the bounds come from draws.
    """

    low: float
    high: float
    trials: int = 0


def block_draws(blocks: int, draws: int, seed: int) -> np.ndarray:
    """(R, G) float64, how often each draw has each block; every draw has G."""
    shares = np.full(blocks, 1 / blocks)
    return np.random.default_rng(seed).multinomial(blocks, shares, size=draws).astype(np.float64)


def percentiles(values: np.ndarray) -> Bounds | None:
    """Bounds of the middle 95 % of (R,) draws; None where fewer than two known ones differ by a written digit."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return None if written(low) == written(high) else Bounds(float(low), float(high))


def wilson(share: float, trials: int) -> Bounds | None:
    """Wilson's 95 % score interval of a share (0 to 1) in a number of trials; None without a trial."""
    if trials < 1:
        return None
    square = _Z**2 / trials
    middle = (share + square / 2) / (1 + square)
    reach = math.sqrt(share * (1 - share) * square + square**2 / 4) / (1 + square)
    low = 0.0 if share == 0 else max(0.0, middle - reach)
    return Bounds(low, 1.0 if share == 1 else min(1.0, middle + reach), trials)


def bounded(
    values: dict[str, float], drawn: dict[str, np.ndarray], wholes: dict[str, np.ndarray], *, draws: int
) -> tuple[dict[str, dict[str, float | None]], dict[str, Any]]:
    """Measures with their intervals, and a description of these.

    Args:
        values: measure -> value, NaN where undefined.
        drawn: measure -> (R,) values in draws of blocks; empty without draws.
        wholes: rate -> (G,) its denominator, block by block.
        draws: R asked for; 0 for no interval at all.

    Returns:
        measure -> {"value", "low", "high"}, None where undefined; and {"level", "draws", "wilson"}: "wilson" has the
        rates with Wilson's interval and its trials.
    """
    measures: dict[str, dict[str, float | None]] = {}
    trials: dict[str, int] = {}
    for name, value in values.items():
        found = None
        if draws and not np.isnan(value):
            found = percentiles(drawn[name]) if name in drawn else None
            if found is None and name in wholes:
                found = wilson(float(value), int((wholes[name] > 0).sum()))
        if found is not None and found.trials:
            trials[name] = found.trials
        low, high = (None, None) if found is None else (found.low, found.high)
        measures[name] = {"value": None if np.isnan(value) else float(value), "low": low, "high": high}
    return measures, {"level": LEVEL, "draws": draws if drawn else 0, "wilson": trials}
