"""From verdicts about windows to events: a fault, since when, until when.

A fault of a unit lasts, while verdicts flicker: nights, windows that look like nothing known, days on which the fault
does not show. The rule that makes one event of one fault has two steps.

1. A run opens with `confirm` windows in a row of one fault that cover at least `least` seconds, so that windows which
   overlap do not confirm themselves; it begins with the first of them. It closes when as many windows in a row, for as
   long, say something else. Windows without an answer speak neither for it nor against it; nor do unknown ones, where
   the fault has a name. A week without a window that speaks closes it.
2. Two runs of the same fault are one event if what speaks against it between them covers at most `hold` hours, and they
   are nowhere more than four days, a long weekend, without a window that speaks.

So the event of a fault is never shorter than its runs, two events of one fault never overlap, and none is lost.
Unknown windows between the first and the last window of a named event belong to it and open no event of their own.

Letters: n windows of a file, in the order of time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from exp.evaluation.decision import NO_ANSWER, NORMAL, UNKNOWN

LONGEST_SILENCE = np.timedelta64(7, "D")  # a unit that was not evaluated for longer is looked at again
LONGEST_PAUSE = np.timedelta64(4, "D")  # between two runs of one event
WITHIN = 2.0  # times the hours of an event that the one around it has


@dataclass(frozen=True)
class Event:
    """A fault that was seen in several windows in a row.

    Attributes:
        fault: the verdict.
        start: datetime64[s], where the first of its windows begins.
        end: datetime64[s], where the last of its windows ends.
        hours: time that windows with this verdict cover; nights in between, when the unit is off, do not count.
        windows: places of those windows.
        ongoing: nothing has closed its last run until the last window of the file.
    """

    fault: str
    start: np.datetime64
    end: np.datetime64
    hours: float
    windows: np.ndarray
    ongoing: bool


@dataclass(frozen=True)
class _Windows:
    """Verdicts (n,) with the first and the last step (n,) of each window, and the seconds of a step."""

    verdict: np.ndarray
    start: np.ndarray
    end: np.ndarray
    period: int

    def hours(self, places: np.ndarray) -> float:
        return covered(self.start[places], self.end[places], self.period) / 3600

    def event(self, fault: str, places: np.ndarray, *, ongoing: bool) -> Event:
        return Event(fault, self.start[places[0]], self.end[places].max(), self.hours(places), places, ongoing)


class _Rule(NamedTuple):
    """Windows and hours that open and close a run, and hours that may speak against a fault between two runs."""

    confirm: int
    least: float
    hold: float


@dataclass(frozen=True)
class _Run:
    windows: list[int]
    ongoing: bool


def events_of(
    verdict: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    *,
    confirm: int,
    period: int,
    least: int = 0,
    hold: float = 0.0,
) -> list[Event]:
    """The events of a file, by the rule above. Windows may overlap.

    Args:
        verdict: (n,) class, "normal", "unknown" or "no answer".
        start, end: (n,) datetime64[s] of the first and the last step, starts rising.
        confirm: windows in a row that open a run, and that close it; at least 1.
        period: seconds of a step; a window covers its last step too.
        least: seconds that those windows must cover.
        hold: hours that may speak against a fault before its next run is another event.

    Returns:
        In the order of their starts.
    """
    windows, rule = _Windows(verdict, start, end, period), _Rule(confirm, least / 3600, hold)
    named = [event for fault in _faults(verdict) for event in _events(fault, windows, rule)]
    outside = np.flatnonzero(~_inside(windows, named))
    rest = _Windows(verdict[outside], start[outside], end[outside], period)
    unusual = [
        windows.event(UNKNOWN, outside[event.windows], ongoing=event.ongoing) for event in _events(UNKNOWN, rest, rule)
    ]
    return sorted([*named, *unusual], key=lambda event: (event.start, event.fault))


def _faults(verdict: np.ndarray) -> list[str]:
    """The named faults among verdicts."""
    return [str(name) for name in dict.fromkeys(verdict.tolist()) if name not in (NORMAL, UNKNOWN, NO_ANSWER)]


def _inside(windows: _Windows, events: Sequence[Event]) -> np.ndarray:
    """(n,) bool: unknown windows between the first and the last window of an event."""
    inside = np.zeros(len(windows.verdict), bool)
    for event in events:
        inside[event.windows[0] : event.windows[-1] + 1] = True
    return inside & (windows.verdict == UNKNOWN)


def _events(fault: str, windows: _Windows, rule: _Rule) -> list[Event]:
    """Runs of a fault, joined."""
    silent = (NO_ANSWER,) if fault == UNKNOWN else (NO_ANSWER, UNKNOWN)
    says = windows.verdict == fault
    joined: list[_Run] = []
    for run in _runs(fault, windows, rule, silent):
        between = np.arange(joined[-1].windows[-1], run.windows[0] + 1) if joined else np.zeros(0, int)
        if joined and _are_one(windows, between[~np.isin(windows.verdict[between], silent)], says, rule.hold):
            held = between[1:-1][says[between[1:-1]]].tolist()  # too few in a row for a run of their own
            joined[-1] = _Run([*joined[-1].windows, *held, *run.windows], run.ongoing)
        else:
            joined.append(run)
    return [windows.event(fault, np.array(run.windows), ongoing=run.ongoing) for run in joined]


def _are_one(windows: _Windows, spoken: np.ndarray, says: np.ndarray, hold: float) -> bool:
    """Whether two runs are one event; `spoken` are the windows that speak, from the last of one to the first of the
    other, and `says` is (n,) bool, those that name the fault."""
    pauses = windows.start[spoken[1:]] - windows.end[spoken[:-1]]
    return bool((pauses <= LONGEST_PAUSE).all()) and windows.hours(spoken[~says[spoken]]) <= hold


def _runs(fault: str, windows: _Windows, rule: _Rule, silent: Sequence[str]) -> Iterator[_Run]:
    seen: list[int] = []  # windows of the open run, or of one that may open
    against: list[int] = []  # windows in a row that say something else
    opened, last = False, None

    def enough(places: list[int]) -> bool:
        return len(places) >= rule.confirm and windows.hours(np.array(places)) >= rule.least

    for place, said in enumerate(windows.verdict.tolist()):
        if last is not None and windows.start[place] - windows.end[last] > LONGEST_SILENCE:
            if opened:
                yield _Run(seen, ongoing=False)
            seen, against, opened = [], [], False
        if said in silent:
            seen = seen if opened else []
            continue
        last = place
        if said == fault:
            seen.append(place)
            against = []
            opened = opened or enough(seen)
            continue
        against.append(place)
        if not opened or enough(against):
            if opened:
                yield _Run(seen, ongoing=False)
            seen, against, opened = [], [], False
    if opened:
        yield _Run(seen, ongoing=True)


def surrounding(events: Sequence[Event]) -> list[Event | None]:
    """For each event of a unit the other named one that it lies in, if there is one with at least twice its hours.

    A fault that shows in several ways is named differently now and then; so such an event is told beside the longer
    one and not counted as another fault. It is not dropped: two faults at once look the same.
    """
    found: list[Event | None] = []
    named = sorted((event for event in events if event.fault != UNKNOWN), key=lambda event: -event.hours)
    for mine in events:
        fits = (
            other
            for other in named
            if other.start <= mine.start and mine.end <= other.end and other.hours >= WITHIN * mine.hours
        )
        found.append(None if mine.fault == UNKNOWN else next(fits, None))
    return found


def singles_of(
    verdict: np.ndarray, start: np.ndarray, end: np.ndarray, events: Sequence[Event], *, period: int
) -> list[Event]:
    """Windows that name a fault outside every event of it, and unknown ones outside every event: by verdict together.

    Args:
        verdict, start, end, period: see `events_of`.
        events: of the same windows.

    Returns:
        An entry a verdict, in the order of their first windows.
    """
    windows = _Windows(verdict, start, end, period)
    held = _inside(windows, [event for event in events if event.fault != UNKNOWN])
    rest = []
    for fault in [*_faults(verdict), UNKNOWN]:
        taken = [event.windows for event in events if event.fault == fault]
        places = np.setdiff1d(np.flatnonzero((verdict == fault) & ~held), np.concatenate([[], *taken]))
        if len(places):
            rest.append(windows.event(fault, places, ongoing=False))
    return sorted(rest, key=lambda event: event.windows[0])


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
