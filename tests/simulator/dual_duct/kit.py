"""Days of simulated dual-duct runs that several test files look at; every run is simulated once."""

from functools import cache

import numpy as np

from data_provider.simulator.dual_duct import RUNS
from data_provider.simulator.dual_duct.runs import trace_run

# Tuesday to Thursday: cold, economizer weather, hot
SEASONS = {"winter": "2018-01-16", "spring": "2018-04-17", "summer": "2018-07-17"}
SEED = 2018


class Days:
    """Three days of a run: times, readings and traces, and the minutes when the unit has settled."""

    def __init__(self, run: str, season: str) -> None:
        spec = RUNS[f"DualDuct_{run}"]
        self.times, self.points, self.traces = trace_run(
            spec=spec, start=np.datetime64(SEASONS[season]), days=3, seed=SEED
        )
        hour = (self.times - self.times.astype("datetime64[D]")).astype(int) // 60
        self.operates = self.points["SYS_CTL"] == 1
        self.settled = self.operates & (hour >= 8)  # two hours after the start

    def of(self, name: str) -> np.ndarray:
        """(n,) a point at the settled minutes."""
        return self.points[name][self.settled]

    def mean(self, name: str) -> float:
        """A point's mean over the settled minutes."""
        return float(self.of(name).mean())

    def jerk(self, name: str) -> float:
        """How far a point moves from one settled minute to the next, on average."""
        return float(np.abs(np.diff(self.points[name]))[self.settled[1:]].mean())


@cache
def days(run: str, season: str) -> Days:
    """Three days of a run; simulated when they are first asked for."""
    return Days(run, season)
