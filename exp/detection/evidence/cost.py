"""Roughly what a fault costs in kWh a day, where flow, valves and temperatures are there to tell.

Letters: N readings.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_provider.channels import APART_F
from data_provider.trends.units import UNITS
from exp.detection.evidence.derived import FAN_RISE_F, Curve, Standard, derived, idle_rise, shut

# kW that one CFM of air takes for one F: 1.2 kg/m3 times 1.006 kJ/kgK.
KW_PER_CFM_F = 1.2 * 1.006 * UNITS["CFM"].factor / 1000 * UNITS["F"].factor
LEAST_KWH = 0.5  # a day; below it nothing is said
_AGAINST = 0.1  # of an event's readings in which the other coil is at work hide a part of what is lost
_AIR = "air of 1.2 kg/m\u00b3 and 1.006 kJ/kgK, no moisture; heat at the coil, before the plant's efficiency"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a fault costs.

    Attributes:
        kwh: a day of the event.
        of: what it is spent for, "cooling".
        assumed: how it was reckoned, a line.
        at_least: whether it is more than that.
    """

    kwh: float
    of: str
    assumed: str
    at_least: bool = False

    @property
    def words(self) -> str:
        """The cost to two digits: "roughly 380 kWh of cooling a day"."""
        number = round(self.kwh, 2 - len(str(int(self.kwh))))
        about = "at least" if self.at_least else "roughly"
        much = f"{about} {number:,.0f} kWh" if self.kwh >= 1 else "about 1 kWh"
        return f"{much} of {self.of} a day"


@dataclass(frozen=True, kw_only=True)
class Times:
    """What the cost of an event is reckoned from.

    Attributes:
        points: role -> (N,) in standard units.
        event: (N,) bool, readings of the event's windows.
        free: (N,) bool, readings of fault-free windows.
        like: (N,) bool, readings of the fault-free day beside it.
        days: that the event's readings lie on.
        like_days: 1, or 0 where there is no such day.
        hours: of a reading.
        expected: the outdoor-air fraction by the damper's command.
        own_curve: whether fault-free readings told that fraction.
    """

    points: Standard
    event: np.ndarray
    free: np.ndarray
    like: np.ndarray
    days: int
    like_days: int
    hours: float
    expected: Curve
    own_curve: bool

    def a_day(self, kilowatts: np.ndarray) -> float:
        """kWh a day of the event of (N,) kW."""
        return float(np.nansum(np.where(self.event, kilowatts, 0.0))) * self.hours / max(self.days, 1)


def cost_of(way: str, times: Times) -> Cost | None:
    """What an event costs, None where trends do not tell or it costs next to nothing.

    Args:
        way: of `WAYS`, "" for none.
        times: of the event.
    """
    found = WAYS[way](times) if way else None
    return found if found and found.kwh >= LEAST_KWH else None


def _idle(times: Times) -> tuple[float, str]:
    """F by which supply air is above mixed air without coils, and how that is known."""
    own = idle_rise(times.points, times.free, times.hours)
    if own is None:
        return FAN_RISE_F, f"a supply fan that warms the air by {FAN_RISE_F / 1.8:.1f} K"
    return own, f"supply air {own / 1.8:+.1f} K from mixed air while nothing flows, as on fault-free days"


def _has(times: Times, *names: str) -> bool:
    return set(names) <= times.points.keys()


def _set_point(p: Standard, sign: int) -> np.ndarray | None:
    """(N,) F of supply air that the unit would give: to cool to for -1, to heat to for 1."""
    return p.get("SA_TEMPSPT_CLG" if sign < 0 else "SA_TEMPSPT_HTG", p.get("SA_TEMPSPT"))


def _needed(air: np.ndarray, set_point: np.ndarray | None, sign: int) -> np.ndarray:
    """(N,) F to which a fault-free unit would bring supply air: nothing is lost before its set point."""
    return air if set_point is None else sign * np.fmax(sign * air, sign * set_point)


def _cooling(times: Times) -> Cost | None:
    """Air that cools below what is needed while the cooling valve is commanded shut."""
    return _passes(times, -1, "CHWC_VLV_DM", "cooling")


def _heating(times: Times) -> Cost | None:
    """Air that warms above what is needed while the heating valve is commanded shut."""
    return _passes(times, 1, "HWC_VLV_DM", "heating")


def _passes(times: Times, sign: int, valve: str, what: str) -> Cost | None:
    p = times.points
    if not _has(times, "SA_TEMP", "MA_TEMP", "SA_CFM", valve):
        return None
    (rise, known), set_point = _idle(times), _set_point(p, sign)
    lost = np.maximum(sign * (p["SA_TEMP"] - _needed(p["MA_TEMP"] + rise, set_point, sign)), 0)
    kilowatts = np.where(shut(p, valve), KW_PER_CFM_F * p["SA_CFM"] * lost, 0)
    side, does = ("below", "cools") if sign < 0 else ("above", "warms")
    beyond = f" {side} its set point" if set_point is not None else ""
    assumed = (
        f"what supply air {does}{beyond} and {side} mixed air while the {what} valve is commanded shut, more where the "
        f"other coil works against it; {known}; {_AIR}."
    )
    other = times.event & shut(p, valve) & ~shut(p, "HWC_VLV_DM" if sign < 0 else "CHWC_VLV_DM")
    against = other.sum() > _AGAINST * times.event.sum()
    return Cost(kwh=times.a_day(kilowatts), of=what, assumed=assumed, at_least=bool(against))


def _outdoor_air(times: Times) -> Cost | None:
    """What the coils make good because mixed air is not what the damper's command lets expect."""
    p = times.points
    mixed = derived("mixed_expected", p, times.expected)
    if mixed is None or not _has(times, "MA_TEMP", "SA_CFM") or not {"CHWC_VLV_DM", "HWC_VLV_DM"} & p.keys():
        return None
    apart = np.abs(p["OA_TEMP"] - p["RA_TEMP"]) >= APART_F
    rise, known = _idle(times)
    power = np.where(apart, KW_PER_CFM_F * p["SA_CFM"], 0)
    warmer, colder = (
        np.maximum(sign * (p["MA_TEMP"] + rise - _needed(mixed + rise, _set_point(p, -sign), sign)), 0)
        for sign in (1, -1)
    )
    cools = "CHWC_VLV_DM" in p and ~shut(p, "CHWC_VLV_DM")
    heats = "HWC_VLV_DM" in p and ~shut(p, "HWC_VLV_DM")
    cooling = times.a_day(np.where(cools, power * warmer, 0))
    heating = times.a_day(np.where(heats, power * colder, 0))
    of = "heating and cooling" if min(cooling, heating) > 0.1 * max(cooling, heating) else "cooling"
    of = "heating" if of == "cooling" and heating > cooling else of
    own = "as on this unit's fault-free days" if times.own_curve else "the same share"
    assumed = (
        f"mixed air warmer than expected and than the set point needs while it cools, or colder while it heats; "
        f"the outdoor-air fraction expected of a command is {own}; {known}; {_AIR}."
    )
    return Cost(kwh=cooling + heating, of=of, assumed=assumed)


def _supply_bias(times: Times) -> Cost | None:
    """What the coils give because supply air is held off its set point by the sensor's error."""
    p = times.points
    now = idle_rise(p, times.event, times.hours)
    if now is None or not _has(times, "SA_CFM"):
        return None
    rise, known = _idle(times)
    bias = now - rise
    valve = "CHWC_VLV_DM" if bias > 0 else "HWC_VLV_DM"
    if valve not in p:
        return None
    kilowatts = np.where(~shut(p, valve), KW_PER_CFM_F * p["SA_CFM"] * abs(bias), 0)
    assumed = (
        f"the sensor reads {bias / 1.8:+.1f} K off, by mixed air while both valves are commanded shut, and the coil "
        f"makes that good while its valve is open; {known}; {_AIR}."
    )
    return Cost(kwh=times.a_day(kilowatts), of="cooling" if bias > 0 else "heating", assumed=assumed)


def _fan(times: Times) -> Cost | None:
    """The supply fan's work beyond that of the fault-free day."""
    if not _has(times, "SF_WAT") or not times.like_days:
        return None
    power = times.points["SF_WAT"] / 1000
    usual = float(np.nansum(np.where(times.like, power, 0))) * times.hours / times.like_days
    assumed = "the supply fan's power on a day of the event less that on the fault-free day beside it, while evaluated."
    return Cost(kwh=times.a_day(power) - usual, of="fan work", assumed=assumed)


WAYS: dict[str, Callable[[Times], Cost | None]] = {
    "cooling": _cooling,
    "heating": _heating,
    "outdoor air": _outdoor_air,
    "supply bias": _supply_bias,
    "fan": _fan,
}
