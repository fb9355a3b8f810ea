"""The digits of an answer: what is written, and all that is compared.

Processors add in different orders, so the last digits of a probability depend on the machine. Evaluation computes in
float64, where that concerns the 13th decimal or so. Here it is cut off: a number is rounded before it is written,
compared, ranked or counted, so the answer follows from the digits that a reader sees.
"""

from typing import Any

import numpy as np

DIGITS = 6  # decimals
SINGLE_DIGITS = 4  # decimals that evaluation in float32 determined, as programs did that noted no digits
ONE = 10**DIGITS  # in units of the last digit


def written(values: Any) -> Any:
    """Numbers (any shape) rounded to `DIGITS` decimals, as float64; infinities and NaN stay.

    Every step is one that IEEE 754 defines to the last bit, so equal numbers come out equal on every machine.
    """
    return np.rint(np.asarray(values, np.float64) * ONE) / ONE + 0.0  # + 0.0 makes -0.0 a plain 0


def units(values: Any) -> np.ndarray:
    """Written numbers in units of the last digit, as int64: their sums are exact in any order."""
    return np.rint(np.asarray(values, np.float64) * ONE).astype(np.int64)


def mean_written(values: np.ndarray) -> float:
    """The written mean of written numbers (n,), n at least 1; the same in any order."""
    return float(written(int(units(values).sum()) / (ONE * len(values))))


def rounded(plain: Any) -> Any:
    """Lists and dictionaries of plain values with every float in them as it is written."""
    if isinstance(plain, dict):
        return {name: rounded(value) for name, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [rounded(value) for value in plain]
    return float(written(plain)) if isinstance(plain, float) else plain


def agree(found: Any, stored: Any, *, digits: int = DIGITS) -> bool:
    """Whether plain values are the same; of floats, to half a unit of a decimal, or as written for `DIGITS`."""
    if isinstance(found, dict) and isinstance(stored, dict):
        return found.keys() == stored.keys() and all(agree(found[k], stored[k], digits=digits) for k in found)
    if isinstance(found, list | tuple) and isinstance(stored, list | tuple):
        pairs = zip(found, stored, strict=False)
        return len(found) == len(stored) and all(agree(a, b, digits=digits) for a, b in pairs)
    if isinstance(found, float) and isinstance(stored, float):
        if digits == DIGITS:
            return bool(written(found) == written(stored))
        return abs(found - stored) <= 0.5 * 10**-digits
    return bool(found == stored)
