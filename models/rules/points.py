"""The trends of one unit as rules read them.

Letters: T readings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class UnitPoints:
    """A unit's trends.

    Attributes:
        times: (T,) datetime64[s], rising.
        working: (T,) bool.
        values: role (data_provider/trends/role_names.yaml) -> (T,) float64 readings, temperatures in F, shares from 0
            to 1, pressures in in. w.g., NaN where there is none; roles that the unit lacks are absent. With one
            set point of supply air, SA_TEMPSPT is both that of heating and that of cooling.

    Raises:
        ValueError: there are not as many readings of a role as times.
    """

    times: np.ndarray
    working: np.ndarray
    values: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        for name, readings in {"working": self.working, **self.values}.items():
            if np.shape(readings) != self.times.shape:
                raise ValueError(f"{name} is {np.shape(readings)} and not {self.times.shape}, the shape of its times")
