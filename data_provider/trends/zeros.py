"""Zeros that some systems write for a reading that failed.

Letters: T readings.
"""

import numpy as np

from data_provider.trends.checks import Readings, note
from data_provider.trends.problems import Problem

_FAR_FROM_ZERO = {"F": 18.0, "C": 10.0, "K": 10.0}  # no temperature moves so far within a reading


def drop_zeros(file: str, readings: Readings) -> list[Problem]:
    """Makes zeros unknown that stand for no reading: temperatures of 0 between others far from it."""
    if readings.signal.quantity != "temperature":
        return []
    rows = np.flatnonzero(~np.isnan(readings.raw))
    values = readings.raw[rows]
    zero = values == 0
    if not zero.any() or zero.all():
        return []
    edges = np.flatnonzero(np.diff(zero)) + 1
    begins, ends = np.append(0, edges), np.append(edges, len(values))  # runs of zeros and runs of others
    far = _FAR_FROM_ZERO[readings.unit.name if readings.unit else "F"]
    dropped = np.zeros(len(readings.raw), bool)
    for begin, end in zip(begins, ends, strict=True):
        beside = np.abs(values[[place for place in (begin - 1, end) if 0 <= place < len(values)]])
        if zero[begin] and (beside > far).all():
            dropped[rows[begin:end]] = True
    if not dropped.any():
        return []
    readings.drop(dropped)
    what = f"0 stands {int(dropped.sum())} times between readings far from it: taken as no reading"
    return [note(file, readings.signal, what, "leave such cells empty", "code")]
