"""What a model said about the windows of one part, with what is needed to evaluate it.

Letters: n windows, K classes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from utils.written import written


@dataclass(frozen=True)
class Predictions:
    """Probabilities of a part's windows beside the truth.

    Attributes:
        part: "val", "test" or the name of what was evaluated.
        classes: K class names.
        probabilities: (n, K) float64, rows sum to 1; before they are rounded.
        target: (n,) int64 true class numbers.
        file: (n,) str, the frame that each window was cut from.
        start: (n,) datetime64[s], time of the window's first step.
        end: (n,) datetime64[s], time of the window's last step.
        block: (n,) int64, windows of one block (a calendar block of a run, or a day) depend on each other;
            intervals resample whole blocks.
    """

    part: str
    classes: tuple[str, ...]
    probabilities: np.ndarray
    target: np.ndarray
    file: np.ndarray
    start: np.ndarray
    end: np.ndarray
    block: np.ndarray

    @cached_property
    def written(self) -> np.ndarray:
        """(n, K) float64, the probabilities as they are written; whatever compares or ranks them takes these."""
        return written(self.probabilities)

    @property
    def top(self) -> np.ndarray:
        """(n,) int64, the most probable class by the written digits, the first of several."""
        return self.written.argmax(1)

    @property
    def confidence(self) -> np.ndarray:
        """(n,) float64, the top class's probability as it is written."""
        return self.written.max(1)
