"""Weeks of simulated runs that several test files look at; every run is simulated once."""

from functools import cache

import numpy as np

from data_provider.simulator import RUNS
from data_provider.simulator.runs import trace_run

# a week each, Monday to Sunday: cold, economizer weather, hot
WEEKS = {"winter": "2018-01-15", "spring": "2018-04-16", "summer": "2018-07-16"}
SEED = 2018


class Week:
    """Seven days of a run: times, points and traces, and the minutes when the unit has settled."""

    def __init__(self, run: str, season: str) -> None:
        start = np.datetime64(WEEKS[season])
        self.times, self.points, self.traces = trace_run(spec=RUNS[run], start=start, days=7, seed=SEED)
        hour = (self.times - self.times.astype("datetime64[D]")).astype(int) // 60
        self.occupied = self.points["SYS_CTL"] == 1
        self.settled = self.occupied & (hour >= 8)  # two hours after the start

    def true_supply(self) -> np.ndarray:
        """(n,) F, what the supply air really is."""
        return self.traces["supply_t"] * 1.8 + 32

    def after_start(self, name: str) -> np.ndarray:
        """(n,) a point at the settled minutes."""
        return self.points[name][self.settled]


@cache
def week(run: str, season: str) -> Week:
    """A week of a run; simulated when it is first asked for."""
    return Week(run, season)
