"""The days of a simulation in pieces, so that memory does not grow with their number."""

import numpy as np

SPIN_UP = 4  # days before the first, thrown away, so that the building has forgotten how it began
BLOCK = 28  # days


def spans_of(start: np.datetime64, days: int) -> list[tuple[np.datetime64, int]]:
    """First day and number of days of the spin-up, then of each piece of the days from datetime64[D] `start`."""
    spans = [(start - np.timedelta64(SPIN_UP, "D"), SPIN_UP)]
    return spans + [(start + np.timedelta64(done, "D"), min(BLOCK, days - done)) for done in range(0, days, BLOCK)]
