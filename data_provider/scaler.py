"""Scaling to [-1, 1] by what the training part holds.

Letters: C signals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

KINDS = ("quantile", "range")
CORE = 0.9  # where the quantiles lie; what is beyond them shares the rest
TAIL = 0.005  # share of the training readings beyond each quantile


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """Puts every signal's training readings on [-1, 1].

    By range, the smallest is -1 and the largest 1, and what lies outside is clipped. By quantiles, the readings between
    two of them fill [-CORE, CORE], and those beyond approach -1 and 1 without reaching them: one spike in a year of
    readings does not press all others together, and stays the largest.

    A signal that never changed in training becomes 0 whatever it reads later: there is no range to hold it against.

    Attributes:
        minimum: (C,) float32, smallest training reading.
        maximum: (C,) float32, largest training reading.
        low, high: (C,) float32, the quantiles; None for a scaler by range.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @classmethod
    def fit(cls, values: np.ndarray, kind: str = "range") -> "Scaler":
        """The scaler of training readings, (rows, C) float32 without NaN.

        A signal of which the quantiles are one number, as a damper that is closed but for an hour, is scaled by range.
        """
        minimum, maximum = values.min(0).astype(np.float32), values.max(0).astype(np.float32)
        if kind == "range":
            return cls(minimum=minimum, maximum=maximum)
        low, high = np.quantile(values, [TAIL, 1 - TAIL], axis=0, method="nearest").astype(np.float32)
        same = high <= low
        return cls(
            minimum=minimum, maximum=maximum, low=np.where(same, minimum, low), high=np.where(same, maximum, high)
        )

    @property
    def constant(self) -> np.ndarray:
        """(C,) bool, True where training saw a single value."""
        return self.maximum <= self.minimum

    @property
    def begin(self) -> np.ndarray:
        """(C,) float32, the reading that becomes the shift."""
        return self.minimum if self.low is None else self.low

    @property
    def factor(self) -> np.ndarray:
        """(C,) float32: scaled = (reading - begin) * factor + shift."""
        begin, end = (self.minimum, self.maximum) if self.low is None or self.high is None else (self.low, self.high)
        span = np.where(self.constant, 1, end.astype(np.float64) - begin)
        return np.where(self.constant, 0, 2 * self._core / span).astype(np.float32)

    @property
    def shift(self) -> np.ndarray:
        """(C,) float32: -1, or -CORE by quantiles, or 0 for a constant signal."""
        return np.where(self.constant, 0, -self._core).astype(np.float32)

    @property
    def _core(self) -> float:
        return 1.0 if self.low is None else CORE

    def bound(self, scaled: np.ndarray) -> np.ndarray:
        """Brings scaled readings of any shape into [-1, 1], in place.

        By quantiles, a distance t from the core becomes 1 - 1 / (1 + t), in units of the room that is left: sums and
        quotients alone, so that the result is the same on every processor.
        """
        if self.low is None:
            return np.clip(scaled, -1, 1, out=scaled)
        beyond = np.abs(scaled) > CORE
        outer = scaled[beyond]
        room = outer.dtype.type(1 - CORE)
        distance = (np.abs(outer) - outer.dtype.type(CORE)) / room
        scaled[beyond] = np.sign(outer) * (outer.dtype.type(CORE) + room * (1 - 1 / (1 + distance)))
        return scaled

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(..., C) readings to (..., C) float32, before `bound`: linear everywhere."""
        return (values - self.begin) * self.factor + self.shift

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """(..., C) scaled values, before `bound`, to readings; a constant signal gives its training value back."""
        end = self.maximum if self.high is None else self.high
        span = np.where(self.constant, 0, (end - self.begin) / (2 * self._core))
        return (scaled - self.shift) * span + self.begin

    def outside(self, values: np.ndarray) -> np.ndarray:
        """(..., C) bool, True where a reading lies outside the training range."""
        return (values < self.minimum) | (values > self.maximum)

    def to_dict(self) -> dict[str, list[float]]:
        """Plain numbers, exact for float32."""
        stored = {"minimum": self.minimum, "maximum": self.maximum, "low": self.low, "high": self.high}
        return {name: numbers.tolist() for name, numbers in stored.items() if numbers is not None}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Scaler":
        """What `to_dict` gave."""
        names = ("minimum", "maximum", "low", "high")
        return cls(**{name: np.asarray(stored[name], np.float32) for name in names if name in stored})
