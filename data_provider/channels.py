"""Physical channels: what the points of an air-handling unit say about each other, the same for every unit.

A unit's points differ from another's by set points, climate and season. What physics asks of them does not: mixed air
lies between return and outdoor air, as far as the damper lets it; air passes a shut coil as it is. Each channel is such
a statement in a fixed scale, clipped to [-1, 1], and no scaler is fitted to a unit. A channel is NaN where a point that
it needs is missing, and 0 where it says nothing (the outdoor-air fraction while outdoor and return air are alike).

The same function makes them for the simulated fleet, for measured units, and for training on one's own labels.

Letters: N readings, P points, C channels.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

Points = Mapping[str, np.ndarray]

# The points that channels are made of, by role (data_provider/trends/role_names.yaml), and their units. With one
# supply-air set point, SA_TEMPSPT is both; with two, those are taken.
POINTS: dict[str, str] = {
    "SA_TEMP": "F",
    "SA_TEMPSPT": "F",
    "SA_TEMPSPT_CLG": "F",
    "SA_TEMPSPT_HTG": "F",
    "OA_TEMP": "F",
    "MA_TEMP": "F",
    "RA_TEMP": "F",
    "OA_DMPR_DM": "0-1",
    "CHWC_VLV_DM": "0-1",
    "HWC_VLV_DM": "0-1",
}
NEEDED = "SA_TEMP"
NEEDED_OF = ("MA_TEMP", "RA_TEMP", "OA_TEMP", "CHWC_VLV_DM", "OA_DMPR_DM", "HWC_VLV_DM")
NEEDED_NUMBER = 2

APART_F = 8.0  # outdoor and return air nearer than this say nothing about the fraction
SHUT = 0.03  # a valve commanded below this is shut
COLD_F, HOT_F = 45.0, 140.0  # what coils could cool and heat to at most, for their effectiveness


@dataclass(frozen=True)
class Channel:
    """A statement about a unit.

    Attributes:
        name: of the channel.
        words: what it is, for reports.
        points: that it needs; "cool" and "heat" are the two set points.
        scale: what is 1, in the channel's own unit.
        unit: "F" or "0-1".
        value: from points, (N,) each, to the statement in its own unit.
    """

    name: str
    words: str
    points: tuple[str, ...]
    scale: float
    unit: str
    value: Callable[[Points], np.ndarray]


def _fraction(p: Points) -> np.ndarray:
    """Measured outdoor-air fraction less the damper's command, where outdoor and return air lie apart."""
    apart = p["OA_TEMP"] - p["RA_TEMP"]
    with np.errstate(invalid="ignore", divide="ignore"):
        measured = np.clip((p["MA_TEMP"] - p["RA_TEMP"]) / apart, -0.5, 1.5)
        return np.where(np.abs(apart) < APART_F, 0.0, measured - p["OA_DMPR_DM"])


def _outside(p: Points) -> np.ndarray:
    """How far mixed air lies above both of outdoor and return air, or below both."""
    low, high = np.minimum(p["OA_TEMP"], p["RA_TEMP"]), np.maximum(p["OA_TEMP"], p["RA_TEMP"])
    return np.maximum(p["MA_TEMP"] - high, 0.0) - np.maximum(low - p["MA_TEMP"], 0.0)


def _idle(p: Points) -> np.ndarray:
    """Rise of temperature over both coils while both valves are commanded shut."""
    shut = (p["CHWC_VLV_DM"] < SHUT) & (p["HWC_VLV_DM"] < SHUT)
    return np.where(shut, p["SA_TEMP"] - p["MA_TEMP"], 0.0)


def _cooling(p: Points) -> np.ndarray:
    """Effectiveness of the cooling coil less its valve's command, while the heating valve is commanded shut."""
    room = np.maximum(p["MA_TEMP"] - COLD_F, 5.0)
    return np.where(p["HWC_VLV_DM"] < SHUT, (p["MA_TEMP"] - p["SA_TEMP"]) / room - p["CHWC_VLV_DM"], 0.0)


def _heating(p: Points) -> np.ndarray:
    """Effectiveness of the heating coil less its valve's command, while the cooling valve is commanded shut."""
    room = np.maximum(HOT_F - p["MA_TEMP"], 5.0)
    return np.where(p["CHWC_VLV_DM"] < SHUT, (p["SA_TEMP"] - p["MA_TEMP"]) / room - p["HWC_VLV_DM"], 0.0)


def _mixed(p: Points) -> np.ndarray:
    """Mixed air less what the damper's command makes one expect of it."""
    return p["MA_TEMP"] - (p["RA_TEMP"] + p["OA_DMPR_DM"] * (p["OA_TEMP"] - p["RA_TEMP"]))


_BOTH = ("SA_TEMP", "MA_TEMP", "CHWC_VLV_DM", "HWC_VLV_DM")
CHANNELS: tuple[Channel, ...] = (
    Channel("supply_above_cooling", "supply air above its cooling set point", ("SA_TEMP", "cool"), 10.0, "F",
            lambda p: p["SA_TEMP"] - p["cool"]),
    Channel("supply_below_heating", "supply air below its heating set point", ("SA_TEMP", "heat"), 10.0, "F",
            lambda p: p["heat"] - p["SA_TEMP"]),
    Channel("coil_rise", "supply air above mixed air", ("SA_TEMP", "MA_TEMP"), 30.0, "F",
            lambda p: p["SA_TEMP"] - p["MA_TEMP"]),
    Channel("mixed_return", "mixed air above return air", ("MA_TEMP", "RA_TEMP"), 20.0, "F",
            lambda p: p["MA_TEMP"] - p["RA_TEMP"]),
    Channel("outdoor_return", "outdoor air above return air", ("OA_TEMP", "RA_TEMP"), 40.0, "F",
            lambda p: p["OA_TEMP"] - p["RA_TEMP"]),
    Channel("mixed_expected", "mixed air above what the damper's command lets expect",
            ("MA_TEMP", "RA_TEMP", "OA_TEMP", "OA_DMPR_DM"), 15.0, "F", _mixed),
    Channel("fraction_command", "outdoor-air fraction above the damper's command",
            ("MA_TEMP", "RA_TEMP", "OA_TEMP", "OA_DMPR_DM"), 1.0, "0-1", _fraction),
    Channel("mixed_outside", "mixed air outside outdoor and return air", ("MA_TEMP", "RA_TEMP", "OA_TEMP"), 5.0, "F",
            _outside),
    Channel("idle_rise", "rise over both coils while both valves are shut", _BOTH, 10.0, "F", _idle),
    Channel("cooling_command", "cooling coil's effectiveness above its valve's command", _BOTH, 1.0, "0-1", _cooling),
    Channel("heating_command", "heating coil's effectiveness above its valve's command", _BOTH, 1.0, "0-1", _heating),
    Channel("damper", "outdoor-air damper's command", ("OA_DMPR_DM",), 0.5, "0-1", lambda p: p["OA_DMPR_DM"] - 0.5),
    Channel("cooling_valve", "cooling valve's command", ("CHWC_VLV_DM",), 0.5, "0-1", lambda p: p["CHWC_VLV_DM"] - 0.5),
    Channel("heating_valve", "heating valve's command", ("HWC_VLV_DM",), 0.5, "0-1", lambda p: p["HWC_VLV_DM"] - 0.5),
    Channel("outdoor", "outdoor air above 60 F", ("OA_TEMP",), 50.0, "F", lambda p: p["OA_TEMP"] - 60.0),
    Channel("return", "return air above 72 F", ("RA_TEMP",), 15.0, "F", lambda p: p["RA_TEMP"] - 72.0),
    Channel("supply", "supply air above 65 F", ("SA_TEMP",), 30.0, "F", lambda p: p["SA_TEMP"] - 65.0),
    Channel("cooling_set_point", "cooling set point above 60 F", ("cool",), 20.0, "F", lambda p: p["cool"] - 60.0),
    Channel("noon", "time of day, highest at noon", (), 1.0, "0-1",
            lambda p: -np.cos(2 * np.pi * p["hour"] / 24.0)),
)  # fmt: skip
NAMES = tuple(channel.name for channel in CHANNELS)


def physical(times: np.ndarray, points: Points) -> np.ndarray:
    """The channels of a unit.

    Args:
        times: (N,) datetime64 of the readings.
        points: name in `POINTS` -> (N,) readings in its unit, NaN where there is none; absent ones are missing.

    Returns:
        (N, C) float32 in [-1, 1], NaN where a channel cannot be formed.
    """
    given = {name: _finite(np.asarray(values, np.float64)) for name, values in points.items()}
    nothing = np.full(len(times), np.nan)
    known = {name: given.get(name, nothing) for name in POINTS}
    known["cool"] = _first(known["SA_TEMPSPT_CLG"], known["SA_TEMPSPT"])
    known["heat"] = _first(known["SA_TEMPSPT_HTG"], known["SA_TEMPSPT"])
    known["hour"] = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")
    for name, unit in POINTS.items():
        if unit == "0-1":
            known[name] = np.clip(known[name], 0.0, 1.0)
    columns = []
    for channel in CHANNELS:
        missing = (
            np.isnan([known[name] for name in channel.points]).any(0) if channel.points else np.zeros(len(times), bool)
        )
        value = np.clip(channel.value(known) / channel.scale, -1.0, 1.0)
        columns.append(np.where(missing, np.nan, value))
    return np.stack(columns, 1).astype(np.float32)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _first(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), others, values)


def suffice(points: Collection[str]) -> bool:
    """Whether channels can be made of points of these names: the supply air's temperature and two further ones."""
    return NEEDED in points and sum(name in points for name in NEEDED_OF) >= NEEDED_NUMBER


def points_of(channel: Channel) -> tuple[str, ...]:
    """Points that a channel is made of."""
    both = {"cool": ("SA_TEMPSPT_CLG", "SA_TEMPSPT"), "heat": ("SA_TEMPSPT_HTG", "SA_TEMPSPT")}
    return tuple(name for point in channel.points for name in both.get(point, (point,)))


def points_of_channels() -> np.ndarray:
    """(P, C) bool: which channels cannot be formed without each of the points; "cool" and "heat" stand for theirs."""
    names = sorted({point for channel in CHANNELS for point in channel.points})
    return np.array([[name in channel.points for channel in CHANNELS] for name in names])
