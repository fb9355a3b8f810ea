"""Whether the scaler knows more than the training windows."""

import numpy as np

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import STOP, Finding
from data_provider.splits.split import TRAIN


def scaler_range(evidence: Evidence) -> list[Finding]:
    """Signals whose scaler was fitted on other readings than those of the training windows."""
    scaler = evidence.scaler
    if scaler is None:
        return []
    low, high = np.full(len(evidence.columns), np.inf), np.full(len(evidence.columns), -np.inf)
    for _, rows in evidence.parts_of_runs():
        mine = evidence.segments.values[rows][evidence.covered[TRAIN][rows]]
        if len(mine):
            low, high = np.minimum(low, mine.min(0)), np.maximum(high, mine.max(0))
    wrong = (scaler.minimum != low) | (scaler.maximum != high)
    if scaler.low is not None and scaler.high is not None:
        wrong |= (scaler.low < low) | (scaler.high > high)
    return [
        Finding(
            check="scaler_range",
            level=STOP,
            words=f"the scaler of {evidence.columns[place]} runs from {scaler.minimum[place]:g} to "
            f"{scaler.maximum[place]:g}, training from {low[place]:g} to {high[place]:g}",
            remedy="report this: the program fits it on training alone",
            column=evidence.columns[place],
        )
        for place in np.flatnonzero(wrong)
    ]
