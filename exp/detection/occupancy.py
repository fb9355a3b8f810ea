"""When a unit works: as its file says, else as its fan and its commands show.

Letters: N steps of a file, C signals.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from data_provider.segmentation import Recipe
from data_provider.trends.problems import listed
from data_provider.trends.role_names import FAN_SHOWS, role_of
from data_provider.trends.trend import Trend

_TURNS = ("SF_SPD_DM", "SF_SPD", "SF_CS")  # points whose zeros say that the fan stands, not that they are silent
_LEAST = 1e-9
_MOVES_WITHIN = np.timedelta64(1, "h")  # a controller that works moves one of its commands so often
_BETWEEN = 0.01  # of the readings lie between off and on where a column holds a speed


class Occupancy(NamedTuple):
    """When a unit works.

    Attributes:
        control: (N,) the recipe's value while it works; None if it is taken to work all the time.
        source: the columns that say so, "" if none does.
        caution: what a person must know about it, "" if the file says it as training's files did.
    """

    control: np.ndarray | None
    source: str
    caution: str


def occupancy(trend: Trend, recipe: Recipe, columns: Sequence[str]) -> Occupancy:
    """When the unit of a file works.

    Args:
        trend: its readings; behind the C signals stands the recipe's column that says when the unit works.
        recipe: of the training data.
        columns: C names of the signals.
    """
    name, value = recipe.working_column, recipe.working_value
    if name is None:
        return Occupancy(None, "", "")
    if name not in trend.missing:
        control = trend.values[:, len(columns)]
        between = np.isfinite(control) & (control > 0) & (control < value)
        if between.mean() <= _BETWEEN:
            return Occupancy(control, name, "")
        caution = f"the column given for '{name}' holds a speed: the unit is taken to work while it turns"
        return Occupancy(_control(_runs(control, float(np.nanmax(control)), 0.05), value), name, caution)
    absent = f"there is no column '{name}', which says when the unit works"
    working, sources = _inferred(trend, columns)
    if not sources:
        return Occupancy(None, "", f"{absent}: it is taken to work all the time")
    source = listed(sources)
    return Occupancy(_control(working, value), source, f"{absent}: that is taken from {source}")


def _inferred(trend: Trend, columns: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """(N,) float64 1 while the unit works, 0 while it does not, NaN where nothing tells; and what told."""
    places = {role.name: place for place, name in enumerate(columns) if (role := role_of(name))}
    working, sources = np.full(len(trend.times), np.nan), []
    for name, share in FAN_SHOWS.items():
        values = trend.values[:, places[name]] if name in places else np.full(len(working), np.nan)
        silent = np.isnan(working) & np.isfinite(values)
        if silent.any() and (np.nanmax(values) > 0 or name in _TURNS):
            working[silent] = _runs(values, max(float(np.nanmax(values)), _LEAST), share)[silent]
            sources.append(columns[places[name]])
    if not sources:
        there = [(place, name) for place, name in enumerate(columns) if name not in trend.missing]
        commands = [place for place, name in there if (r := role_of(name)) and r.kind == "command"]
        moving = _moving(trend.times, trend.values[:, commands])
        if moving.any():
            return moving.astype(float), [columns[place] for place in commands]
    return working, sources


def _runs(values: np.ndarray, largest: float, share: float) -> np.ndarray:
    """(N,) 1 where a reading is above a share of the largest, else 0; NaN stays."""
    return np.where(np.isnan(values), np.nan, values > share * largest)


def _moving(times: np.ndarray, commands: np.ndarray) -> np.ndarray:
    """(N,) bool: one of the commands, (N, commands), moved within the last hour."""
    moves = np.append(False, (np.abs(np.diff(commands, axis=0)) > 0).any(1)) if commands.size else np.zeros(len(times))
    last = np.maximum.accumulate(np.where(moves, np.arange(len(times)), -1))
    return (last >= 0) & (times - times[last] <= _MOVES_WITHIN)


def _control(working: np.ndarray, value: float) -> np.ndarray:
    """(N,) float32 the recipe's value while the unit works, another while it does not; NaN stays."""
    return np.where(np.isnan(working), np.nan, np.where(working > 0, value, value - 1)).astype(np.float32)
