"""Random numbers that remember: white noise through first-order lags.

Every draw is keyed by the seed, by what it is for, and where it belongs to a date by that day. So the weather of a
day is the same whatever span it is simulated in.

Letters: n steps, m series.
"""

import zlib

import numpy as np
from scipy.signal import lfilter

_EPOCH = 1_000_000  # keeps the numbers of days before 1970 positive


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A stream of its own for a seed and a purpose in words."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def by_day(seed: int, purpose: str, days: np.ndarray, a_day: int) -> np.ndarray:
    """(len(days) * a_day,) standard normal numbers, each day's own for datetime64[D] days."""
    key = zlib.crc32(purpose.encode())
    numbers = days.astype("datetime64[D]").astype(np.int64) + _EPOCH
    return np.concatenate([np.random.default_rng([seed, key, day]).standard_normal(a_day) for day in numbers])


def lagged(white: np.ndarray, *lags: float) -> np.ndarray:
    """Unit-variance noise from (n,) white noise through lags in steps, started from rest."""
    impulse = np.zeros(int(12 * sum(lags)) + 2)
    impulse[0] = 1.0
    for lag in lags:
        keep = np.exp(-1.0 / lag)
        white = lfilter([1 - keep], [1, -keep], white)
        impulse = lfilter([1 - keep], [1, -keep], impulse)
    return white / np.sqrt(np.sum(impulse**2))


class Wander:
    """m slow, independent, unit-variance series that go on from block to block.

    Args:
        lag: steps after which a series has forgotten most of where it was.
        start: (m,) standard normal numbers, the values before the first step.
    """

    def __init__(self, *, lag: float, start: np.ndarray) -> None:
        self._keep = float(np.exp(-1.0 / lag))
        self._last = start

    def __call__(self, white: np.ndarray) -> np.ndarray:
        """(n, m) further values from (n, m) white noise."""
        gain = np.sqrt(1 - self._keep**2)
        values, _ = lfilter([gain], [1, -self._keep], white, axis=0, zi=self._keep * self._last[None])
        self._last = values[-1]
        return values
