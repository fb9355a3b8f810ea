"""A unit's points as its file has them: in its names and units, and in standard units for what is computed of them.

Letters: N readings of a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data_provider.trends.columns import Signal
from data_provider.trends.role_names import role_of
from data_provider.trends.units import TABLE_UNITS, UNITS, Source, Unit, convert
from exp.detection.evaluated import EvaluatedFile
from exp.detection.evidence.kinds import POINT_WORDS
from exp.evaluation.decision import NO_ANSWER, NORMAL

_SURE_PERCENT = 1.5  # a share beyond it is a percentage
_ANSWERED = 0.5  # of the windows of a fault-free day
_HIGHEST_C = 45.0  # median of a duct's air in C; in F it is above


@dataclass(frozen=True)
class FilePoint:
    """A point of a unit.

    Attributes:
        words: what it is.
        name: what the file calls it.
        quantity: "temperature", "fraction", "flow", ... or "".
        unit: the file's, None where nobody knows.
        values: (N,) float64 in that unit, NaN where there is none.
    """

    words: str
    name: str
    quantity: str
    unit: Unit | None
    values: np.ndarray

    def standard(self) -> np.ndarray | None:
        """(N,) in F, shares, CFM, W or in. w.g.; None where the unit is unknown."""
        if self.unit is None or self.unit.quantity not in TABLE_UNITS:
            return None
        return convert(self.values, self.unit, UNITS[TABLE_UNITS[self.unit.quantity]])


@dataclass(frozen=True)
class UnitReadings:
    """The points of a unit, by role, and those columns of the model that have none.

    Attributes:
        evaluated: the file with its verdicts.
        points: role, or the model's column where it stands for no role -> the point.
    """

    evaluated: EvaluatedFile
    points: Mapping[str, FilePoint]

    @property
    def clock(self) -> np.ndarray:
        """(N,) datetime64[s], what the file's clock showed."""
        return self.evaluated.trend.clock

    @property
    def hours(self) -> float:
        """Hours between two readings."""
        return self.evaluated.trend.period_seconds / 3600

    @cached_property
    def free(self) -> dict[np.datetime64, np.ndarray]:
        """Fault-free days -> places of their windows with an answer."""
        return free_windows(self.evaluated)

    @cached_property
    def free_rows(self) -> np.ndarray:
        """(N,) bool: readings of fault-free windows of fault-free days."""
        free = [*self.free.values()]
        return self.covered(np.concatenate(free)) if free else np.zeros(len(self.clock), bool)

    @cached_property
    def clock_day(self) -> np.ndarray:
        """(N,) datetime64[D]."""
        return self.clock.astype("datetime64[D]")

    @cached_property
    def free_outdoor(self) -> dict[np.datetime64, float]:
        """Fault-free days -> F of outdoor air on average in their windows, of those with a reading of it."""
        values = self.standard.get("OA_TEMP")
        if values is None:
            return {}
        use = self.free_rows & np.isfinite(values)
        days, number = np.unique(self.clock_day[use], return_inverse=True)
        means = np.bincount(number, values[use]) / np.bincount(number) if len(days) else np.zeros(0)
        return {day: mean for day, mean in zip(days, means.tolist(), strict=True) if day in self.free}

    @cached_property
    def standard(self) -> dict[str, np.ndarray]:
        """Role -> (N,) in standard units, of the points whose unit is known."""
        known = {name: point.standard() for name, point in self.points.items() if name in POINT_WORDS}
        return {name: values for name, values in known.items() if values is not None}

    def covered(self, windows: np.ndarray) -> np.ndarray:
        """(N,) bool: the readings of some windows, given by their places."""
        times, change = self.evaluated.trend.times, np.zeros(len(self.clock) + 1, np.int64)
        np.add.at(change, np.searchsorted(times, self.evaluated.start[windows]), 1)
        np.add.at(change, np.searchsorted(times, self.evaluated.end[windows], side="right"), -1)
        return np.cumsum(change[:-1]) > 0


def free_windows(evaluated: EvaluatedFile) -> dict[np.datetime64, np.ndarray]:
    """Fault-free days -> places of their windows with an answer.

    Where days are decided about, those called normal; else those without a window that says something else.
    """
    clock = np.array([evaluated.clock_time(time) for time in evaluated.start], "datetime64[s]").astype("datetime64[D]")
    verdict = evaluated.verdict.astype(str)
    called = {day.day for day in evaluated.days if day.verdict == NORMAL}
    found = {}
    for day in np.unique(clock):
        mine = clock == day
        free = mine & (verdict == NORMAL)
        plain = (verdict[mine] == NORMAL) | (verdict[mine] == NO_ANSWER)
        if (day in called) if evaluated.days else (plain.all() and free.sum() >= _ANSWERED * mine.sum()):
            found[day] = np.flatnonzero(free)
    return {day: places for day, places in found.items() if len(places)}


def readings_of_unit(evaluated: EvaluatedFile, signals: Sequence[Signal], places: Sequence[int]) -> UnitReadings:
    """The points of a file.

    Args:
        evaluated: the file.
        signals: the columns that were read.
        places: of those among them to look at.
    """
    trend, points = evaluated.trend, {}
    guessed = _temperature_unit(evaluated, signals)
    for place in places:
        signal = signals[place]
        if signal.column in trend.missing:
            continue
        role = signal.role or role_of(signal.column)
        source = trend.sources.get(place, Source(signal.column, None))
        values = trend.values[:, place].astype(np.float64)
        quantity = signal.quantity or (role.quantity if role else "")
        if signal.unit is None:
            unit = source.unit or _probable(quantity, source.name, values, guessed)
        else:
            unit = source.unit or signal.unit
            values = convert(values, signal.unit, unit)
        name = role.name if role and role.name not in points else signal.column
        points[name] = FilePoint(POINT_WORDS.get(name, ""), source.name, quantity, unit, values)
    return UnitReadings(evaluated, points)


def _probable(quantity: str, name: str, values: np.ndarray, temperature: Unit | None) -> Unit | None:
    """The unit of a point where nobody states one, as far as its readings or its name tell."""
    if quantity == "temperature":
        return temperature
    if quantity == "fraction" and np.isfinite(values).any():
        return UNITS["%" if np.nanmax(values) > _SURE_PERCENT else "0-1"]
    return UNITS["CFM"] if quantity == "flow" and "cfm" in name.casefold() else None


def _temperature_unit(evaluated: EvaluatedFile, signals: Sequence[Signal]) -> Unit | None:
    """C or F, by the air in the unit's ducts; None where it has none."""
    ducts = ("SA_TEMP", "RA_TEMP", "MA_TEMP")
    places = [place for place, signal in enumerate(signals) if signal.role and signal.role.name in ducts]
    values = evaluated.trend.values[:, places]
    if not np.isfinite(values).any():
        return None
    return UNITS["C" if np.nanmedian(values) < _HIGHEST_C else "F"]
