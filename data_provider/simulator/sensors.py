"""What every run has of its own: noise of sensors, a little of the gains and of the chilled water.

All of it has mean zero and no constant part, so that nothing but a fault tells one run from another for good.

Letters: n minutes.
"""

import numpy as np

from data_provider.simulator.noise import Wander, generator
from data_provider.simulator.records import NOISE, POINT_NAMES, ZONES

_TEMPERATURES = 4 + ZONES
_FAST_F, _SLOW_F = 0.07, 0.22  # F
_STATIC = 2.0  # Pa
_FAST_PART, _SLOW_PART = 0.008, 0.012  # of a flow or power
_GAINS = 0.07  # of the gains
_WATER = 0.35  # K
_SLOW_STEPS, _LAYER_STEPS, _GAIN_STEPS = 360.0, 45.0, 120.0  # minutes

# series that wander, in one array so that one filter does them all
_SLOW = _TEMPERATURES + 5 + 1  # temperatures, flows and powers, water
_FAST = _TEMPERATURES + 5 + 1  # temperatures, flows and powers, static pressure

# digits behind the point that a building-automation system stores
_DIGITS = {"TEMP": 1, "CFM": 0, "WAT": 0, "SP": 3}
DIGITS: dict[str, int] = {
    name: next((digits for part, digits in _DIGITS.items() if name.split("_")[1].startswith(part)), 3)
    for name in POINT_NAMES
}


class Disturbances:
    """The disturbances of one run, block after block.

    Args:
        seed: of the whole data set.
        run: the run's name, which gives it a stream of its own.
    """

    def __init__(self, *, seed: int, run: str) -> None:
        self._draw = generator(seed, f"run {run}")
        self._slow = Wander(lag=_SLOW_STEPS, start=self._draw.standard_normal(_SLOW))
        self._layers = Wander(lag=_LAYER_STEPS, start=self._draw.standard_normal(1))
        self._gains = Wander(lag=_GAIN_STEPS, start=self._draw.standard_normal(ZONES))

    def __call__(self, heat: np.ndarray, latent: np.ndarray, occupied: np.ndarray) -> np.ndarray:
        """(n,) NOISE records for the next n minutes.

        Args:
            heat: (n, 5) W of the gains that all runs share.
            latent: (n,) W as vapour.
            occupied: (n,) 0 or 1.
        """
        n = len(heat)
        white = self._draw.standard_normal((n, _FAST + _SLOW + 1 + ZONES))  # at once: blocks of any length fit together
        fast, wander = white[:, :_FAST], white[:, _FAST:]
        slow = self._slow(wander[:, :_SLOW])
        noise = np.zeros(n, NOISE)
        noise["temperature"] = _FAST_F * fast[:, :_TEMPERATURES] + _SLOW_F * slow[:, :_TEMPERATURES]
        part = _FAST_PART * fast[:, _TEMPERATURES:-1] + _SLOW_PART * slow[:, _TEMPERATURES:-1]  # (n, 5)
        noise["flow"], noise["power"] = part[:, :3], part[:, 3:]
        noise["static"] = _STATIC * fast[:, -1]
        noise["water"] = _WATER * slow[:, -1]
        noise["layers"] = self._layers(wander[:, _SLOW : _SLOW + 1])[:, 0]
        noise["gains"] = heat * np.maximum(1.0 + _GAINS * self._gains(wander[:, _SLOW + 1 :]), 0.0)
        noise["latent"] = latent
        noise["occupied"] = occupied
        return noise


def as_stored(points: np.ndarray) -> dict[str, np.ndarray]:
    """Column -> (n,) float32, rounded as a building-automation system stores it, for (n,) POINTS records."""
    return {name: rounded(points[name], DIGITS[name]) for name in POINT_NAMES}


def rounded(values: np.ndarray, digits: int) -> np.ndarray:
    """(n,) float32, with so many digits behind the point."""
    return (np.round(values, digits) + 0.0).astype(np.float32)
