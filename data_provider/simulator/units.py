"""Units: physics inside is SI, what a building-automation system shows is not."""

from typing import TypeVar

import numpy as np

_T = TypeVar("_T", float, np.ndarray)

KELVIN_TO_F = 1.8  # F per K, for differences
CFM = 2118.88  # cubic feet a minute per m3/s
INWG = 249.089  # Pa per inch of water


def to_f(celsius: _T) -> _T:
    """Degrees Celsius to Fahrenheit."""
    return celsius * KELVIN_TO_F + 32.0


def to_c(fahrenheit: _T) -> _T:
    """Degrees Fahrenheit to Celsius."""
    return (fahrenheit - 32.0) / KELVIN_TO_F
