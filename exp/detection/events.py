"""From verdicts about windows to events: a fault, since when, until when.

Letters: n windows of a file, in the order of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEUTRAL = ("no answer",)  # neither for a fault nor against it
FAULT_FREE = ("normal",)
LONGEST_SILENCE = np.timedelta64(7, "D")  # a unit that was not evaluated for longer is looked at again


@dataclass(frozen=True)
class Event:
    """A fault that was seen in several windows in a row.

    Attributes:
        fault: the verdict.
        start: datetime64[s], where the first of its windows begins.
        end: datetime64[s], where the last of its windows ends.
        hours: time that windows with this verdict cover; nights in between, when the unit is off, do not count.
        windows: places of those windows.
        ongoing: nothing has closed it until the last window of the file.
    """

    fault: str
    start: np.datetime64
    end: np.datetime64
    hours: float
    windows: np.ndarray
    ongoing: bool


def events_of(verdict: np.ndarray, start: np.ndarray, end: np.ndarray, *, confirm: int, period: int) -> list[Event]:
    """The events of a file.

    An event opens with `confirm` windows in a row of one fault, and begins with the first of them. It closes when as
    many windows in a row say something else; those few that differ in between do not end it. Windows without an answer
    neither close it nor keep it open, but a silence of a week closes it. Windows may overlap.

    Args:
        verdict: (n,) class, "normal", "unknown" or "no answer".
        start, end: (n,) datetime64[s] of the first and the last step, starts rising.
        confirm: at least 1.
        period: seconds of a step; a window covers its last step too.

    Returns:
        In the order of their starts.
    """
    names = [str(name) for name in dict.fromkeys(verdict.tolist()) if name not in (*NEUTRAL, *FAULT_FREE)]
    found = [event for name in names for event in _of_fault(name, verdict, start, end, confirm, period)]
    return sorted(found, key=lambda event: (event.start, event.fault))


def _of_fault(
    fault: str, verdict: np.ndarray, start: np.ndarray, end: np.ndarray, confirm: int, period: int
) -> list[Event]:
    found: list[Event] = []
    seen: list[int] = []  # windows of the open event, or of one that may open
    opened, against, last = False, 0, None

    def close(*, ongoing: bool) -> None:
        nonlocal seen, opened, against
        if opened:
            places = np.array(seen)
            hours = covered(start[places], end[places], period) / 3600
            found.append(Event(fault, start[places[0]], end[places].max(), hours, places, ongoing))
        seen, opened, against = [], False, 0

    for place, said in enumerate(verdict):
        if last is not None and start[place] - end[last] > LONGEST_SILENCE:
            close(ongoing=False)
        if said in NEUTRAL:
            if not opened:
                seen = []
            continue
        last = place
        if said == fault:
            seen.append(place)
            against = 0
            opened = opened or len(seen) >= confirm
        elif opened:
            against += 1
            if against >= confirm:
                close(ongoing=False)
        else:
            seen = []
    close(ongoing=True)
    return found


def singles_of(
    verdict: np.ndarray, start: np.ndarray, end: np.ndarray, events: Sequence[Event], *, period: int
) -> list[Event]:
    """Windows that name a fault outside every event of it: for each fault all of them together.

    Args:
        verdict, start, end, period: see `events_of`.
        events: of the same windows.

    Returns:
        An entry a fault, in the order of their first windows.
    """
    rest = {}
    for fault in dict.fromkeys(verdict.tolist()):
        said = np.flatnonzero(verdict == fault)
        taken = [event.windows for event in events if event.fault == fault]
        places = np.setdiff1d(said, np.concatenate(taken)) if taken else said
        if len(places) and fault not in (*NEUTRAL, *FAULT_FREE):
            rest[str(fault)] = places
    return [
        Event(fault, start[p[0]], end[p].max(), covered(start[p], end[p], period) / 3600, p, ongoing=False)
        for fault, p in rest.items()
    ]


def covered(start: np.ndarray, end: np.ndarray, period: int) -> int:
    """Seconds that windows cover together, each second once.

    Args:
        start, end: (n,) datetime64[s] of first and last steps, starts rising.
        period: seconds of a step.
    """
    begin, stop = start.astype(np.int64), end.astype(np.int64) + period
    reached = np.maximum.accumulate(stop)
    before = np.append(begin[:1], reached[:-1])
    return int(np.maximum(stop - np.maximum(begin, before), 0).sum())
