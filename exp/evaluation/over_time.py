"""From windows to what an operator lives through: days, and the hours until a fault is found.

A day is a calendar day of one file. Its truth and its verdict follow from its windows by one rule, in this order:

1. unknown, where more than half of the windows are unknown (as `detect` decides days);
2. of the windows that are named a class, a fault where at least half name a fault, whichever: faults that share the
   windows among them do not make a normal day, and a tie goes to the fault;
3. then the fault that most windows name, the first in the order of the classes where several tie;
4. no answer, where no window is named a class.

An episode is a fault as the part shows it: consecutive windows of one file with the same faulty truth. Between two of
them lie at most `LONGEST_GAP` hours, as a weekend off; a longer gap is time that the part does not hold. The time to
detection runs from the start of its first window to the end of the first one that is called faulty, by whatever fault.

Letters: n windows, D days, K classes, E episodes.
"""

import math
from typing import Any

import numpy as np

from exp.evaluation.diagnosis import Cases
from exp.evaluation.intervals import wilson

LONGEST_GAP = 72.0  # hours
MOST_UNKNOWN = 0.5  # of a day's windows; beyond it the day is unknown


def days_of(cases: Cases, file: np.ndarray, start: np.ndarray, classes: int, normal: int | None) -> Cases:
    """Windows -> the days that they begin on, in order of file and time.

    Args:
        cases: of n windows.
        file: (n,) str.
        start: (n,) datetime64.
        classes: K.
        normal: number of the class that means no fault, None if there is none.

    Returns:
        D cases; a day whose windows are of several blocks has the lowest one's number.
    """
    if not len(file):
        return cases
    _, files = np.unique(file, return_inverse=True)
    dates = np.asarray(start).astype("datetime64[D]").astype(np.int64)
    _, day = np.unique(np.stack([files, dates], 1), axis=0, return_inverse=True)
    number = int(day.max()) + 1
    block = np.full(number, np.iinfo(np.int64).max)
    np.minimum.at(block, day, cases.block)
    truth, answer = (
        _most(np.bincount(day * (classes + 2) + said, minlength=number * (classes + 2)).reshape(number, -1), normal)
        for said in (cases.truth, cases.answer)
    )
    return Cases(truth, answer, block)


def _most(counts: np.ndarray, normal: int | None) -> np.ndarray:
    """(D, K + 2) windows a day that were named each class, unknown or no answer -> (D,) what the day is."""
    classes = counts.shape[1] - 2
    named = counts[:, :classes]
    answered = named.sum(1)
    if normal is None:
        verdict = named.argmax(1)
    else:
        faults = named.copy()
        faults[:, normal] = -1
        healthy = named[:, normal] * 2 > answered
        verdict = np.where(healthy, normal, faults.argmax(1))
    verdict = np.where(answered > 0, verdict, classes + 1)
    return np.where(counts[:, classes] > MOST_UNKNOWN * counts.sum(1), classes, verdict)


def time_to_detection(
    cases: Cases, file: np.ndarray, start: np.ndarray, end: np.ndarray, classes: int, normal: int
) -> dict[str, Any]:
    """How long faults stay undetected.

    Args:
        cases: of n windows; those without a time are left out.
        file: (n,) str.
        start, end: (n,) datetime64, times of each window's first and last step.
        classes: K.
        normal: number of the class that means no fault.

    Returns:
        "episodes": E. "median_hours": the median over all episodes, one that is never detected being longer than any,
        so that it is None where half are never detected; its interval is that of order statistics. "never_detected":
        the share of episodes, with Wilson's interval. Each {"value", "low", "high"}, None where undefined. Episodes
        of one fault resemble each other, so both intervals are narrow ones.
    """
    hours = _episode_hours(cases, file, start, end, classes, normal)
    share = float(np.isinf(hours).mean()) if len(hours) else math.nan
    bounds = wilson(share, len(hours)) if len(hours) else None
    low, high = (None, None) if bounds is None else (bounds.low, bounds.high)
    return {
        "episodes": len(hours),
        "median_hours": _median(np.sort(hours)),
        "never_detected": {"value": None if math.isnan(share) else share, "low": low, "high": high},
    }


def _episode_hours(
    cases: Cases, file: np.ndarray, start: np.ndarray, end: np.ndarray, classes: int, normal: int
) -> np.ndarray:
    """(E,) hours until each episode is detected, infinite where it never is."""
    known = ~(np.isnat(start) | np.isnat(end))
    order = np.flatnonzero(known)[np.lexsort((start[known], file[known]))]
    truth, answer, file, start, end = cases.truth[order], cases.answer[order], file[order], start[order], end[order]
    if not len(order):
        return np.zeros(0)
    gap = (start[1:] - end[:-1]) / np.timedelta64(3600, "s")
    new = np.concatenate([[True], (file[1:] != file[:-1]) | (truth[1:] != truth[:-1]) | (gap > LONGEST_GAP)])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(order))
    detected = (answer < classes) & (answer != normal)
    hours = []
    for begin, beyond in zip(first, last, strict=True):
        if truth[begin] == normal:
            continue
        found = np.flatnonzero(detected[begin:beyond])
        passed = end[begin + found[0]] - start[begin] if len(found) else None
        hours.append(math.inf if passed is None else float(passed / np.timedelta64(3600, "s")))
    return np.array(hours)


def _median(hours: np.ndarray) -> dict[str, float | None]:
    """Median of (E,) ascending hours with the interval between two of them that holds it with at least 95 %."""
    number = len(hours)
    if not number:
        return {"value": None, "low": None, "high": None}
    middle = hours[[(number - 1) // 2, number // 2]]
    skipped = 0  # episodes at either end that the median lies beyond with at most 2.5 % each, by the binomial
    term = below = 1
    while skipped < number and below * 40 <= 2**number:
        term = term * (number - skipped) // (skipped + 1)
        skipped += 1
        below += term
    ends = (hours[skipped - 1], hours[number - skipped]) if skipped else (math.inf, math.inf)
    plain = (float(value) if math.isfinite(value) else None for value in (middle.mean(), *ends))
    return dict(zip(("value", "low", "high"), plain, strict=True))
