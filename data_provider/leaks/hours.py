"""Runs of one calendar whose working day begins at another time than in all other classes.

Letters: R runs, D days.
"""

import numpy as np

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import STOP, Finding

DAY = 86400
LEAST_DAYS = 5
SHARE = 0.5  # of the days that all classes have


def working_hours(evidence: Evidence) -> list[Finding]:
    """Classes whose first working step of the day lies before or behind that of every other class, on most days."""
    days, first = _first_steps(evidence)  # (D,), (K, D)
    if first.shape[1] < LEAST_DAYS or len(first) < 2:
        return []
    found = []
    for number, name in enumerate(evidence.classes):
        others = np.delete(first, number, 0)
        agree = others.max(0) - others.min(0) < evidence.period
        for sign, word in ((1, "earlier"), (-1, "later")):
            apart = agree & (sign * (others.min(0) - first[number]) >= evidence.period)
            if apart.mean() >= SHARE and (len(first) > 2 or number == 0):
                place = np.flatnonzero(apart)[0]
                hours = [_clock(first[number, place]), _clock(others[0, place])]
                found.append(
                    Finding(
                        check="working_hours",
                        level=STOP,
                        words=f"{name} begins work {word} than all other classes on {int(apart.sum())} of {len(days)} "
                        f"days, as at {hours[0]} against {hours[1]} on {days[place].astype('datetime64[D]')}",
                        remedy="cut its first or last hours away, as every other file has them",
                        files=evidence.runs_of([name]),
                        rows=int(apart.sum()),
                    )
                )
    return found


def _clock(seconds: int) -> str:
    return f"{int(seconds) // 3600:02}:{int(seconds) % 3600 // 60:02}"


def _first_steps(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Days that every class has, and the seconds of the day at which its first segment then begins."""
    start = evidence.segments.start.astype(np.int64)
    label = evidence.of_run[evidence.segments.run]
    day = start // DAY
    days = [np.unique(day[label == number]) for number in range(len(evidence.classes))]
    common = days[0]
    for mine in days[1:]:
        common = np.intersect1d(common, mine)
    first = np.full((len(evidence.classes), len(common)), DAY)
    inside = np.isin(day, common)
    np.minimum.at(first, (label[inside], np.searchsorted(common, day[inside])), start[inside] % DAY)
    return common.astype("datetime64[D]"), first
