"""What days are decided by, for many files: fitted on simulated units, scored on others.

Letters: n windows, D days, K classes, J rules.
"""

from typing import NamedTuple

import numpy as np

from data_provider.segmentation import working_mask
from data_provider.trends.files import TrendFile
from exp.detection.day_rules import aligned
from exp.detection.detector import Detector
from exp.evaluation.days import mean_log_probabilities
from exp.evaluation.decision import NO_ANSWER, UNKNOWN


class DayFeatures(NamedTuple):
    """Days of a file that have a window with an answer.

    Attributes:
        days: (D,) datetime64[D].
        log_p: (D, K) mean log-probabilities of the day's windows.
        shares: (D, J) of the hours in which each rule held.
        unknown: (D,) share of the day's windows that are unknown.
    """

    days: np.ndarray
    log_p: np.ndarray
    shares: np.ndarray
    unknown: np.ndarray


def day_features(detector: Detector, found: TrendFile, rules: tuple[str, ...]) -> DayFeatures | None:
    """The features of a file's days by a detector that decides about windows only; None if nothing is evaluated."""
    evaluated = detector.read(found)
    if evaluated.windows is None:
        return None
    answered = evaluated.verdict != NO_ANSWER
    clock = np.array([evaluated.clock_time(time) for time in evaluated.start[answered]], "datetime64[D]")
    days, number = np.unique(clock, return_inverse=True)
    if not len(days):
        return None
    recipe, trend = detector.artifact.recipe, evaluated.trend
    control = detector.occupancy(trend).control
    working = working_mask(trend.times, control, value=recipe.working_value, settle_seconds=recipe.settle_seconds)
    held = aligned(days, detector.inputs.rules(trend, working, rules), len(rules))
    unknown = np.bincount(number, evaluated.verdict[answered] == UNKNOWN) / np.bincount(number)
    log_p = mean_log_probabilities(evaluated.probabilities[answered], number, len(days))
    return DayFeatures(days, log_p, held.shares, unknown)
