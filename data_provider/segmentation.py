"""Segments without a gap: readings of a working unit at an even step, ready to be cut into windows.

The same functions prepare labelled training data and a file that nobody has labelled yet.
Letters: T readings, C signals, N steps of a segment.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_provider.times import step_of, words_of
from utils.errors import UserError

HOLD_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How readings become evenly spaced segments; kept with a model, so that it reads new files the same way.

    Attributes:
        columns: C signals, in the order that the model reads them.
        period_seconds: seconds between two steps.
        resample: "direct" takes the last reading at or before a step, "mean" the mean of the readings up to the next.
        hold_seconds: a missing reading is replaced by the last one up to this age; a longer gap ends the segment.
        working_column: the column that says when the unit works, None if it always does.
        working_value: its value then.
        settle_seconds: readings dropped after the unit starts, in whole readings of the file.
    """

    columns: tuple[str, ...]
    period_seconds: int
    resample: str = "direct"
    hold_seconds: int
    working_column: str | None = None
    working_value: float = 1.0
    settle_seconds: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**dataclasses.asdict(self), "columns": list(self.columns)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Recipe":
        """What `to_dict` gave."""
        return cls(**{**stored, "columns": tuple(stored["columns"])})


@dataclass(frozen=True)
class Segment:
    """Evenly spaced readings without a gap.

    Attributes:
        start: datetime64[s] of the first step.
        values: (N, C) float32 without NaN.
        missing: (N, C) bool, where a reading is missing and `values` says nothing; None if every reading is there.
    """

    start: np.datetime64
    values: np.ndarray
    missing: np.ndarray | None = None


def working_mask(times: np.ndarray, control: np.ndarray | None, *, value: float, settle_seconds: int) -> np.ndarray:
    """When the unit works and has settled.

    Args:
        times: (T,) datetime64[s].
        control: (T,) the column that says so, None if the unit always works.
        value: its value while the unit works.
        settle_seconds: how long after a start readings are dropped, in whole readings of the file.

    Returns:
        (T,) bool.
    """
    if control is None:
        return np.ones(len(times), bool)
    on = control == value
    working = on.copy()
    starts = np.flatnonzero(on[1:] & ~on[:-1]) + 1
    for lag in range(settle_seconds // step_of(times)):
        late = starts + lag
        working[late[late < len(on)]] = False
    return working


def segments_of(
    times: np.ndarray, values: np.ndarray, working: np.ndarray, recipe: Recipe, *, masked: bool = False
) -> tuple[list[Segment], Counter[str]]:
    """Cuts readings into segments and brings them to an even step.

    Args:
        times: (T,) datetime64[s], strictly increasing.
        values: (T, C) float32, NaN where missing.
        working: (T,) bool.
        recipe: step, way of resampling and longest hold.
        masked: note missing readings in a mask, instead of ending the segment there.

    Returns:
        The segments, and what was dropped or filled -> how often.

    Raises:
        UserError: the readings are further apart than the step asked for.
    """
    base, counts = step_of(times), Counter[str]()
    if base > recipe.period_seconds:
        raise UserError(
            f"readings are {words_of(base)} apart; they cannot give steps of {words_of(recipe.period_seconds)}: "
            f"use --sample_period {words_of(base)} or more"
        )
    counts["readings while not working"] = int((~working).sum())
    values, counts["missing readings held"] = hold(times, values, recipe.hold_seconds)
    missing = np.isnan(values) if masked else None
    if missing is not None:
        values = np.where(missing, np.float32(0), values)
    usable = working & ~np.isnan(values).any(1)
    counts["rows dropped for a missing reading"] = int((working & ~usable).sum())
    late = np.diff(times).astype(np.int64) > max(recipe.hold_seconds, base)
    edges = np.flatnonzero(np.diff(usable.astype(np.int8)) | (late & usable[1:])) + 1
    counts["gaps in time that end a segment"] = int((late & usable[1:] & usable[:-1]).sum())
    segments = []
    for first, last in zip(np.append(0, edges), np.append(edges, len(times)), strict=True):
        if usable[first]:
            mine = None if missing is None else missing[first:last]
            segment, held = _resample(times[first:last], values[first:last], mine, base, recipe)
            segments.append(segment)
            counts["missing steps held"] += held
    return segments, +counts


def hold(times: np.ndarray, values: np.ndarray, seconds: int) -> tuple[np.ndarray, int]:
    """Replaces missing readings by the last one, if that is young enough; also the number replaced."""
    broken = np.flatnonzero(np.isnan(values).any(0))
    if not len(broken):
        return values, 0
    values, place, filled = values.copy(), np.arange(len(values)), 0
    for column in broken:
        there = ~np.isnan(values[:, column])
        last = np.maximum.accumulate(np.where(there, place, -1))
        young = ~there & (last >= 0) & ((times - times[last]).astype(np.int64) <= seconds)
        values[young, column] = values[last[young], column]
        filled += int(young.sum())
    return values, filled


def _resample(
    times: np.ndarray, values: np.ndarray, missing: np.ndarray | None, base: int, recipe: Recipe
) -> tuple[Segment, int]:
    """A segment at an even step from its own first reading on, and the number of steps without a reading."""
    since = (times - times[0]).astype(np.int64)  # (T,) seconds
    period = recipe.period_seconds
    if recipe.resample == "mean":
        return _means(times[0], since, values, missing, base, period)
    grid = np.arange(since[-1] // period + 1) * period  # (N,)
    last = np.searchsorted(since, grid, side="right") - 1
    held = int((grid - since[last] >= max(base, 1)).sum())
    return Segment(times[0], values[last], None if missing is None else missing[last]), held


def _means(
    start: np.datetime64, since: np.ndarray, values: np.ndarray, missing: np.ndarray | None, base: int, period: int
) -> tuple[Segment, int]:
    """Means of the readings of every step; the last step needs half of its readings to count."""
    step = since // period
    firsts = np.flatnonzero(np.diff(step, prepend=-1))
    number = np.diff(np.append(firsts, len(step)))
    means = np.add.reduceat(values.astype(np.float64), firsts, axis=0) / number[:, None]
    there = step[firsts]
    if number[-1] * base * 2 < period and len(there) > 1:
        there, means = there[:-1], means[:-1]
    last = np.searchsorted(there, np.arange(there[-1] + 1), side="right") - 1
    lost = None if missing is None else np.logical_or.reduceat(missing, firsts, axis=0)[last]
    return Segment(start, means[last].astype(np.float32), lost), int(len(last) - len(there))
