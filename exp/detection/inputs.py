"""What a model takes of a trend file: its columns as they are, or the physical channels made of its points.

Letters: N steps of a file, C signals of the model, P columns read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from data_provider.channels import CHANNELS, NEEDED, NEEDED_OF, POINTS, physical, points_of, suffice
from data_provider.trends.problems import Problem
from data_provider.trends.role_names import FAN_SHOWS
from data_provider.trends.trend import Trend
from exp.detection.day_rules import DayRules, day_rules, no_rules
from exp.detection.plausible import implausible
from exp.runs.artifact import Artifact

# What a point reads at most, by which its unit is told where nothing else does: as wide as any unit goes.
_RANGES = {"F": (-40.0, 125.0), "0-1": (0.0, 1.0), "": (0.0, 1.0)}
_UNCLEAR = "may all be"  # words of a problem: several columns stand for one point
_WHATEVER = (0.0, 1000.0)  # points that no channel is made of may be in whatever unit
_SUPPLY_RANGE = (40.0, 120.0)
_SHOWN = ("OA_DMPR", "CHWC_VLV")  # true positions: reports show them, no verdict rests on them


class Drawn(NamedTuple):
    """Columns of a file that a report draws for some of the model's signals.

    Attributes:
        names, units: of the columns.
        places: among the columns read.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    places: tuple[int, ...]


class Inputs(Protocol):
    """What a model takes of a trend file.

    Attributes:
        columns, units: P columns to read, without the one that says when the unit works.
        counted: those of them that the model speaks from.
        ranges: column -> smallest and largest reading that are to be expected.
        takes_percent, longest_step: see `Request`.
        bridges: a unit whose readings are missing for a while goes on as before; else it stops and starts again.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    counted: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    takes_percent: bool
    longest_step: int
    bridges: bool

    def values(self, trend: Trend) -> np.ndarray:
        """(N, C) float32 signals of a file, NaN where they are missing."""
        ...

    def refusal(self, trend: Trend, working: np.ndarray) -> str:
        """Why a file cannot be evaluated, "" if it can; `working` is (N,) bool."""
        ...

    def missing(self, trend: Trend) -> list[str]:
        """Columns that a file lacks and that count."""
        ...

    def matters(self, problem: Problem) -> bool:
        """Whether a person should know of a problem of a file."""
        ...

    def advice(self, trend: Trend, worth: Mapping[str, float]) -> list[str]:
        """What would let more be found in a file; `worth` is what each point adds."""
        ...

    def drawn(self, trend: Trend, order: Sequence[int], most: int) -> Drawn:
        """What to draw for signals, those that say most first."""
        ...

    def rules(self, trend: Trend, working: np.ndarray, names: Sequence[str]) -> DayRules:
        """How long rules held on the days of a file; `working` is (N,) bool."""
        ...


class ColumnInputs:
    """The model's signals are the file's columns."""

    takes_percent = False
    longest_step = 0
    bridges = False

    def __init__(self, artifact: Artifact) -> None:
        info, scaler = artifact.info, artifact.scaler
        self.columns, self.units, self.counted = info.columns, info.units, info.columns
        ranges = zip(info.columns, scaler.minimum.tolist(), scaler.maximum.tolist(), strict=True)
        self.ranges = {name: (low, high) for name, low, high in ranges}

    def values(self, trend: Trend) -> np.ndarray:
        return trend.values[:, : len(self.columns)]

    def refusal(self, trend: Trend, working: np.ndarray) -> str:
        return ""

    def missing(self, trend: Trend) -> list[str]:
        return [column for column in trend.missing if column in self.columns]

    def matters(self, problem: Problem) -> bool:
        return True

    def advice(self, trend: Trend, worth: Mapping[str, float]) -> list[str]:
        return []

    def drawn(self, trend: Trend, order: Sequence[int], most: int) -> Drawn:
        places = tuple(order[:most])
        return Drawn(tuple(self.columns[p] for p in places), tuple(self.units[p] for p in places), places)

    def rules(self, trend: Trend, working: np.ndarray, names: Sequence[str]) -> DayRules:
        return no_rules()


class ChannelInputs:
    """The model's signals are physical channels, and the file's columns the points that they are made of."""

    takes_percent = True
    longest_step = 3600
    bridges = True

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self._without = without  # points to pass over, for measuring what each is worth
        beside = (*(name for name in FAN_SHOWS if name not in POINTS), *_SHOWN)
        self.columns, self.counted = (*POINTS, *beside), tuple(POINTS)
        self.units = (*POINTS.values(), *("" for _ in beside))
        self.ranges = {name: _RANGES[unit] for name, unit in POINTS.items()}
        self.ranges |= {NEEDED: _SUPPLY_RANGE, **dict.fromkeys(beside, _WHATEVER)}

    def values(self, trend: Trend) -> np.ndarray:
        return physical(trend.clock, self.points(trend))

    def points(self, trend: Trend) -> dict[str, np.ndarray]:
        """Point -> (N,) readings, of those that the file has."""
        return {
            name: trend.values[:, place]
            for place, name in enumerate(POINTS)
            if name not in {*trend.missing, *self._without}
        }

    def refusal(self, trend: Trend, working: np.ndarray) -> str:
        points = self.points(trend)
        if not suffice(points):
            found = ", ".join(points) or "none"
            return (
                f"nothing tells which columns are {NEEDED} and at least two of {', '.join(NEEDED_OF)} (found: "
                f"{found}); "
                "name them in a role map (--roles), of which python run.py doctor --input FILE writes a first one"
            )
        return implausible({name: values[working] for name, values in points.items()})

    def missing(self, trend: Trend) -> list[str]:
        return []

    def matters(self, problem: Problem) -> bool:
        return problem.kind != "missing" or (problem.column in POINTS and _UNCLEAR in problem.what)

    def advice(self, trend: Trend, worth: Mapping[str, float]) -> list[str]:
        points = self.points(trend)
        lacks = [name for name in worth if name not in points and worth[name] > 0]
        told = ", ".join(f"{name} ({100 * worth[name]:.0f} %)" for name in lacks)
        return [f"without these points fewer faults are found, the first costs most: {told}"] if lacks else []

    def drawn(self, trend: Trend, order: Sequence[int], most: int) -> Drawn:
        wanted = dict.fromkeys(point for place in order for point in points_of(CHANNELS[place]))
        names = [name for name in wanted if name not in trend.missing][:most]
        places = tuple(self.columns.index(name) for name in names)
        return Drawn(tuple(names), tuple(POINTS[name] for name in names), places)

    def rules(self, trend: Trend, working: np.ndarray, names: Sequence[str]) -> DayRules:
        return day_rules(trend, self.points(trend), working, names)


def inputs_of(artifact: Artifact) -> Inputs:
    """What a model takes of a trend file."""
    return ChannelInputs() if artifact.options.channels == "physical" else ColumnInputs(artifact)
