"""Measuring several things in turns, so that whatever else the machine does falls on all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping

# Does a piece of work and tells how much it was.
Work = Callable[[], int]


def in_turns(contestants: Mapping[str, Work], *, turns: int, seconds: float) -> dict[str, float]:
    """Each contestant's median rate, in its own unit of work a second.

    Args:
        contestants: what to measure; each is called once to warm up.
        turns: how often each is measured; another one goes first each time.
        seconds: how long a measurement lasts at least.
    """
    for work in contestants.values():
        work()
    names = list(contestants)
    rates: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            rates[name].append(rate(contestants[name], seconds))
    return {name: statistics.median(found) for name, found in rates.items()}


def rate(work: Work, seconds: float) -> float:
    """Work a second, over at least so many seconds."""
    done, started = 0, time.perf_counter()
    while True:
        done += work()
        passed = time.perf_counter() - started
        if passed >= seconds:
            return done / passed
