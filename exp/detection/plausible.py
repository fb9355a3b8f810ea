"""Whether the points of a unit can be those of an air-handling unit, before any model is run.

A column in the wrong unit, or under another's name, makes every rule and every network call a unit faulty. Limits are
wide: a fault must never be taken for a mistake in the role map.

Letters: N readings while the unit works.
"""

from collections.abc import Mapping

import numpy as np

# Medians, in F, between which the air of a working unit lies.
_MEDIANS = {"SA_TEMP": (40.0, 125.0), "RA_TEMP": (50.0, 95.0), "MA_TEMP": (20.0, 110.0), "OA_TEMP": (-40.0, 125.0)}
_WORDS = {"SA_TEMP": "supply air", "RA_TEMP": "return air", "MA_TEMP": "mixed air", "OA_TEMP": "outdoor air"}
_FEWEST = 8  # readings that something may be concluded from
_SAME = 0.98  # of the readings of two columns are the same number where they are one
_STILL_F = 0.3  # every temperature of a unit moves by more while it works, over a day at least


def implausible(points: Mapping[str, np.ndarray]) -> str:
    """Why points cannot be those of an air-handling unit; "" if they can.

    Args:
        points: name -> (N,) readings while the unit works, F and shares from 0 to 1, NaN where there is none.
    """
    air = {name: values[~np.isnan(values)] for name, values in points.items() if name in _MEDIANS}
    air = {name: values for name, values in air.items() if len(values) >= _FEWEST}
    for name, values in air.items():
        low, high = _MEDIANS[name]
        median = float(np.median(values))
        if not low <= median <= high:
            unit = "; a unit in C, or another column?" if median < low else "; another column?"
            return (
                f"{_WORDS[name]} reads {median:.0f} F most of the time, which no working air-handling unit does{unit} "
                f"Check {name} in the role map"
            )
    return _same_column(points, air) or _still(air)


def _same_column(points: Mapping[str, np.ndarray], air: Mapping[str, np.ndarray]) -> str:
    names = list(air)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            with np.errstate(invalid="ignore"):
                both = ~np.isnan(points[first]) & ~np.isnan(points[second])
                same = both.sum() >= _FEWEST and (points[first][both] == points[second][both]).mean() > _SAME
            if same and np.ptp(points[first][both]) > 0:
                return (
                    f"{_WORDS[first]} and {_WORDS[second]} read the same: one column stands for both; correct "
                    f"{first} or {second} in the role map"
                )
    return ""


def _still(air: Mapping[str, np.ndarray]) -> str:
    if air and all(float(np.ptp(values)) <= _STILL_F for values in air.values()):
        return "no temperature of it ever changes, so nothing can be told of it; check the export"
    return ""
