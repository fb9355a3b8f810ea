"""Frames of points to frames of physical channels, for `--channels physical`.

Letters: T readings, C channels.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from data_provider.channels import NAMES, NEEDED, NEEDED_OF, POINTS, physical, suffice
from data_provider.frames import Frame
from data_provider.scaler import Scaler
from data_provider.trends.role_names import role_of
from data_provider.trends.units import UNITS, convert, find_unit
from utils.errors import UserError

_PERCENT_FROM = 1.5  # a command that reads more than this is in percent


def channel_scaler() -> Scaler:
    """The scaler of channels, which are in [-1, 1] by themselves."""
    ones = np.ones(len(NAMES), np.float32)
    return Scaler(minimum=-ones, maximum=ones)


def in_channels(frame: Frame, unit_of: Callable[[str], str]) -> Frame:
    """A frame of points as one of channels, NaN where they cannot be formed.

    Args:
        frame: its columns are told by their names, as in any trend file.
        unit_of: the unit of a column, "" where unknown.

    Raises:
        UserError: too few points are told, or the unit of a temperature is unknown.
    """
    points: dict[str, np.ndarray] = {}
    for place, column in enumerate(frame.columns):
        role = role_of(column)
        if role is not None and role.name in POINTS:
            points[role.name] = _in_unit(frame.values[:, place], column, unit_of(column), POINTS[role.name], frame.name)
    require_points(points, f"{frame.name}: --channels physical")
    return dataclasses.replace(frame, values=physical(frame.times, points), columns=NAMES)


def require_points(points: dict[str, np.ndarray], who: str) -> None:
    """Raises UserError unless the points suffice for channels."""
    if not suffice(points):
        there = ", ".join(points) or "none"
        raise UserError(
            f"{who} needs {NEEDED} and two of {', '.join(NEEDED_OF)}; it finds {there}: name them in --roles"
        )


def _in_unit(values: np.ndarray, column: str, stated: str, wanted: str, where: str) -> np.ndarray:
    """(T,) readings in the channels' unit."""
    unit = find_unit(stated) if stated else None
    if unit is None and wanted == "0-1":
        known = values[~np.isnan(values)]
        unit = UNITS["%" if len(known) and np.quantile(known, 0.99) > _PERCENT_FROM else "0-1"]
    if unit is None or unit.quantity != UNITS[wanted].quantity:
        raise UserError(f"{where}: the unit of '{column}' is unknown; state it in --roles, as {{column: ..., unit: F}}")
    return convert(values, unit, UNITS[wanted])
