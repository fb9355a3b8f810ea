"""A trend file with verdicts about its windows and days.

Letters: n windows of a file, C signals, L steps of a window, K classes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data_provider import WindowSet
from data_provider.trends.trend import Trend

if TYPE_CHECKING:
    from exp.detection.days import DayVerdict


class Gap(NamedTuple):
    """A time that could not be evaluated: (start, end) datetime64[s] and why."""

    start: np.datetime64
    end: np.datetime64
    reason: str


@dataclass(frozen=True, kw_only=True)
class EvaluatedFile:
    """A file with verdicts.

    Attributes:
        trend: the file.
        windows: its n windows, None if it has none.
        start, end: (n,) datetime64[s] on the trend's own line of time.
        probabilities: (n, K) float64 as written, by `test` too.
        confidence: (n, K) float64 as written, calibrated: how often a class so sure of is right.
        named: (n,) number of the class with the largest probability, whatever the verdict.
        novelty: (n,) float64 novelty scores as written.
        novelty_rank: (n,) share of known windows with a lower novelty score.
        verdict: (n,) str, a class, "normal", "unknown" or "no answer".
        reason: (n,) str, why there is no answer or why it is unknown, or what must be said beside the answer.
        gaps: times without windows.
        refused: why nothing of the file can be evaluated, "" if something can.
        cautions: lines that a person should read.
        notes: lines about how the file was read.
        days: verdicts about its days, where the model decides by days.
    """

    trend: Trend
    windows: WindowSet | None
    start: np.ndarray
    end: np.ndarray
    probabilities: np.ndarray
    confidence: np.ndarray
    named: np.ndarray
    novelty: np.ndarray
    novelty_rank: np.ndarray
    verdict: np.ndarray
    reason: np.ndarray
    gaps: list[Gap]
    refused: str
    cautions: list[str]
    notes: list[str]
    days: "tuple[DayVerdict, ...]" = ()

    @property
    def file(self) -> str:
        """The file's name."""
        return self.trend.file

    def _shift(self, time: np.datetime64) -> np.timedelta64:
        """By how much the file's clock was ahead of its line of time."""
        place = int(np.clip(np.searchsorted(self.trend.times, time, side="right") - 1, 0, len(self.trend.times) - 1))
        return self.trend.clock[place] - self.trend.times[place]

    def clock_time(self, time: np.datetime64) -> np.datetime64:
        """A time as the file's clock showed it."""
        return time + self._shift(time)

    def clock(self, time: np.datetime64) -> str:
        """The same in words; with its distance from UTC where that is known."""
        shift = self._shift(time)
        if not self.trend.utc:
            return str(time + shift)
        minutes = int(shift.astype(np.int64)) // 60
        return f"{time + shift}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
