"""Times of readings: what their column is called, and the length of a step in seconds and in words.

Letters: T readings of a file.
"""

import re

import numpy as np

from utils.errors import UserError

NAMES = frozenset({"datetime", "date time", "date_time", "date/time", "timestamp", "time", "date"})

LONGEST = 366 * 86400  # seconds of a step
_UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "d": 86400, "day": 86400}


def seconds_of(period: str) -> int:
    """Seconds of a step in words, as "5min", "30s" or "1h".

    Raises:
        UserError: the words name no length of time.
    """
    match = re.fullmatch(r"(\d+)\s*([a-z]+?)s?", period.strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None or not match[1].strip("0"):
        raise UserError(f"--sample_period '{period[:40]}' is not a length of time; write it as 30s, 5min or 1h")
    if len(match[1]) > 12 or int(match[1]) * unit > LONGEST:
        raise UserError(f"--sample_period '{period[:40]}' is longer than a year; write it as 30s, 5min or 1h")
    return int(match[1]) * unit


def words_of(seconds: int) -> str:
    """The shortest words for a number of seconds; `seconds_of` reads them."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def step_of(times: np.ndarray) -> int:
    """Seconds between readings: the median, at least 1.

    Args:
        times: (T,) datetime64[s], strictly increasing.
    """
    if len(times) < 2:
        return 1
    return max(1, int(np.median(np.diff(times).astype(np.int64))))
