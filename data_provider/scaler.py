"""Scaling to [-1, 1] by what the training part holds.

Letters: C signals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """Puts every signal's training range on [-1, 1].

    A signal that never changed in training becomes 0 whatever it reads later: there is no range to hold it against.

    Attributes:
        minimum: (C,) float32, smallest training reading.
        maximum: (C,) float32, largest training reading.
    """

    minimum: np.ndarray
    maximum: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray) -> "Scaler":
        """The scaler of training readings, (rows, C) float32 without NaN."""
        return cls(minimum=values.min(0).astype(np.float32), maximum=values.max(0).astype(np.float32))

    @property
    def constant(self) -> np.ndarray:
        """(C,) bool, True where training saw a single value."""
        return self.maximum <= self.minimum

    @property
    def factor(self) -> np.ndarray:
        """(C,) float32: scaled = (reading - minimum) * factor + shift."""
        span = np.where(self.constant, 1, self.maximum.astype(np.float64) - self.minimum)
        return np.where(self.constant, 0, 2 / span).astype(np.float32)

    @property
    def shift(self) -> np.ndarray:
        """(C,) float32: -1, or 0 for a constant signal."""
        return np.where(self.constant, 0, -1).astype(np.float32)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(..., C) readings to (..., C) float32, in [-1, 1] inside the training range and beyond it outside."""
        return (values - self.minimum) * self.factor + self.shift

    def inverse(self, scaled: np.ndarray) -> np.ndarray:
        """(..., C) scaled values to readings; a constant signal gives its training value back."""
        span = np.where(self.constant, 0, (self.maximum - self.minimum) / 2)
        return (scaled - self.shift) * span + self.minimum

    def outside(self, values: np.ndarray) -> np.ndarray:
        """(..., C) bool, True where a reading lies outside the training range, and so gets clipped."""
        return (values < self.minimum) | (values > self.maximum)

    def to_dict(self) -> dict[str, list[float]]:
        """Plain numbers, exact for float32."""
        return {"minimum": self.minimum.tolist(), "maximum": self.maximum.tolist()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Scaler":
        """What `to_dict` gave."""
        return cls(minimum=np.asarray(stored["minimum"], np.float32), maximum=np.asarray(stored["maximum"], np.float32))
