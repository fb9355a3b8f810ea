"""Quantities that are made of a unit's points, in F and shares.

Letters: N readings.
"""

from collections.abc import Callable, Mapping

import numpy as np

from data_provider.channels import APART_F, SHUT

Standard = Mapping[str, np.ndarray]
Curve = Callable[[np.ndarray], np.ndarray]

FAN_RISE_F = 2.0  # by which the supply fan warms the air, where fault-free days do not tell
_FEWEST_HOURS = 2.0  # that something is concluded from
_BIN = 0.1  # of a damper's command


def as_command(command: np.ndarray) -> np.ndarray:
    """The outdoor-air fraction that a damper's command lets expect, where nothing else is known."""
    return command


def fraction_measured(p: Standard) -> np.ndarray | None:
    """(N,) outdoor-air fraction by temperatures; NaN where outdoor and return air are too near each other."""
    if not {"OA_TEMP", "MA_TEMP", "RA_TEMP"} <= p.keys():
        return None
    apart = p["OA_TEMP"] - p["RA_TEMP"]
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = np.clip((p["MA_TEMP"] - p["RA_TEMP"]) / apart, -0.5, 1.5)
        return np.where(np.abs(apart) >= APART_F, fraction, np.nan)


def curve_of(p: Standard, free: np.ndarray, hours: float) -> tuple[Curve, bool]:
    """The outdoor-air fraction that a damper's command lets expect.

    Args:
        p: points.
        free: (N,) bool, readings of fault-free windows.
        hours: of a reading.

    Returns:
        From commands to fractions, and whether fault-free readings of this unit told it: the command, and what they
        had beyond it at commands near by. Else it is the command.
    """
    measured = fraction_measured(p)
    if measured is None or "OA_DMPR_DM" not in p:
        return as_command, False
    use = free & np.isfinite(measured) & np.isfinite(p["OA_DMPR_DM"])
    command, fraction = p["OA_DMPR_DM"][use], measured[use]
    number = np.round(command / _BIN).astype(int)
    bins = [place for place in np.unique(number) if (number == place).sum() * hours >= _FEWEST_HOURS]
    if not bins:
        return as_command, False
    at = np.array([np.median(command[number == place]) for place in bins])
    more = np.array([np.median(fraction[number == place]) for place in bins]) - at
    return lambda commands: np.clip(commands + np.interp(commands, at, more), 0, 1), True


def idle_rise(p: Standard, rows: np.ndarray, hours: float) -> float | None:
    """F by which supply air is above mixed air while both valves are commanded shut, the median of some readings.

    None where such readings are too few.
    """
    if not {"SA_TEMP", "MA_TEMP"} <= p.keys() or not {"CHWC_VLV_DM", "HWC_VLV_DM"} & p.keys():
        return None
    rise = p["SA_TEMP"] - p["MA_TEMP"]
    idle = rows & shut(p, "CHWC_VLV_DM") & shut(p, "HWC_VLV_DM") & np.isfinite(rise)
    return float(np.median(rise[idle])) if idle.sum() * hours >= _FEWEST_HOURS else None


def shut(p: Standard, valve: str) -> np.ndarray:
    """(N,) bool: where a valve is commanded shut; everywhere for one that the unit lacks."""
    with np.errstate(invalid="ignore"):
        return p[valve] < SHUT if valve in p else np.ones(len(next(iter(p.values()))), bool)


def derived(name: str, p: Standard, expected: Curve) -> np.ndarray | None:
    """(N,) a quantity of `kinds.DERIVED_WORDS`, None where the unit lacks a point that it needs."""
    needed = _NEEDED[name]
    return _OF[name](p, expected) if set(needed) <= p.keys() else None


def _set_point_error(p: Standard, _: Curve) -> np.ndarray:
    low = p.get("SA_TEMPSPT_HTG", p.get("SA_TEMPSPT", p.get("SA_TEMPSPT_CLG")))
    high = p.get("SA_TEMPSPT_CLG", p.get("SA_TEMPSPT", p.get("SA_TEMPSPT_HTG")))
    if low is None or high is None:
        return np.full(len(p["SA_TEMP"]), np.nan)
    above, below = p["SA_TEMP"] - high, p["SA_TEMP"] - low
    return np.where(above > 0, above, np.minimum(below, 0))


_AIR = ("MA_TEMP", "RA_TEMP", "OA_TEMP")
_NEEDED = {
    "fraction_expected": ("OA_DMPR_DM",),
    "fraction_measured": _AIR,
    "mixed_expected": ("RA_TEMP", "OA_TEMP", "OA_DMPR_DM"),
    "coil_change": ("SA_TEMP", "MA_TEMP"),
    "set_point_error": ("SA_TEMP",),
}
_OF: dict[str, Callable[[Standard, Curve], np.ndarray | None]] = {
    "fraction_expected": lambda p, expected: expected(p["OA_DMPR_DM"]),
    "fraction_measured": lambda p, _: fraction_measured(p),
    "mixed_expected": lambda p, expected: p["RA_TEMP"] + expected(p["OA_DMPR_DM"]) * (p["OA_TEMP"] - p["RA_TEMP"]),
    "coil_change": lambda p, _: p["SA_TEMP"] - p["MA_TEMP"],
    "set_point_error": _set_point_error,
}
