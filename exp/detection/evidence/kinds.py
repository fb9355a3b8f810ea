"""What an engineer looks at for each kind of fault: the points that physics asks for, and what is made of them."""

import re
from dataclasses import dataclass

from exp.detection.advice import meaning

# Points by role (data_provider/trends/role_names.yaml), and what reports call them.
POINT_WORDS = {
    "OA_TEMP": "outdoor air",
    "MA_TEMP": "mixed air",
    "RA_TEMP": "return air",
    "SA_TEMP": "supply air",
    "SA_TEMPSPT": "supply-air set point",
    "SA_TEMPSPT_CLG": "cooling set point",
    "SA_TEMPSPT_HTG": "heating set point",
    "OA_DMPR_DM": "outdoor-air damper command",
    "OA_DMPR": "outdoor-air damper position",
    "RA_DMPR_DM": "return-air damper command",
    "CHWC_VLV_DM": "cooling valve command",
    "CHWC_VLV": "cooling valve position",
    "HWC_VLV_DM": "heating valve command",
    "SF_CS": "supply fan command",
    "SF_SPD": "supply fan speed",
    "SF_WAT": "supply fan power",
    "SA_CFM": "supply-air flow",
    "SA_SP": "duct pressure",
    "SA_SPSPT": "duct pressure set point",
}
# Quantities made of points (derived.py), and what reports call them.
DERIVED_WORDS = {
    "fraction_expected": "outdoor-air fraction expected",
    "fraction_measured": "outdoor-air fraction measured",
    "mixed_expected": "mixed air expected",
    "coil_change": "supply less mixed air",
    "set_point_error": "supply air less its set point",
}
SUPPLY_SET_POINTS = ("SA_TEMPSPT", "SA_TEMPSPT_CLG", "SA_TEMPSPT_HTG")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What to show of a kind of fault.

    Attributes:
        points: roles; those that a file lacks are left out.
        derived: quantities of `DERIVED_WORDS`.
        speaks: kinds of `models.rules.KINDS`; rules that speak for one of them are told first.
        cost: a way of `exp.detection.evidence.cost.WAYS`, "" where trends do not tell what it costs.
        by_weather: whether the outdoor sensor can be believed, so that a day of the same weather can be chosen by it.
    """

    points: tuple[str, ...]
    derived: tuple[str, ...] = ()
    speaks: tuple[str, ...] = ()
    cost: str = ""
    by_weather: bool = True


_AIR = ("OA_TEMP", "MA_TEMP", "RA_TEMP")
_DAMPER = ("OA_DMPR_DM", "OA_DMPR")
_FRACTIONS = ("fraction_expected", "fraction_measured")
_COILS = ("MA_TEMP", "SA_TEMP", *SUPPLY_SET_POINTS)
_COOLING, _HEATING = ("CHWC_VLV_DM", "CHWC_VLV"), ("HWC_VLV_DM",)
_FAN = ("SF_CS", "SF_SPD", "SF_WAT", "SA_SP", "SA_SPSPT", "SA_CFM")


def _damper(*speaks: str) -> Kind:
    return Kind(points=(*_AIR, *_DAMPER), derived=_FRACTIONS, speaks=speaks, cost="outdoor air")


def _valve(cost: str, *speaks: str) -> Kind:
    valves = (*_COOLING, *_HEATING) if cost == "cooling" else (*_HEATING, *_COOLING)
    return Kind(points=(*_COILS, *valves), derived=("coil_change",), speaks=speaks, cost=cost)


# The first whose pattern is found in a fault's words (`exp.detection.advice.meaning`) is its kind.
KINDS: dict[str, Kind] = {
    r"damper.*stuck": _damper("oa_damper_stuck"),
    r"damper leaks": _damper("oa_damper_leak"),
    r"cooling.*valve leaks": _valve("cooling", "cooling_valve_leak"),
    r"cooling.*valve.*stuck": _valve("cooling", "cooling_valve_stuck"),
    r"heating.*valve leaks": _valve("heating", "heating_valve_leak"),
    r"heating.*valve.*stuck": _valve("heating", "heating_valve_stuck"),
    r"leaks": Kind(
        points=(*_COILS, "OA_TEMP", "RA_TEMP", *_DAMPER, *_COOLING, *_HEATING),
        derived=(*_FRACTIONS, "coil_change"),
        speaks=("cooling_valve_leak", "heating_valve_leak", "oa_damper_leak"),
    ),
    r"(supply-air|deck) temperature sensor": Kind(
        points=(*_COILS, *_COOLING, *_HEATING),
        derived=("coil_change", "set_point_error"),
        speaks=("sa_sensor_bias",),
        cost="supply bias",
    ),
    r"mixed-air temperature sensor": Kind(
        points=(*_AIR, "SA_TEMP", *_DAMPER), derived=("mixed_expected", *_FRACTIONS), speaks=("ma_sensor_bias",)
    ),
    r"return-air temperature sensor": Kind(
        points=(*_AIR, *_DAMPER), derived=("mixed_expected", *_FRACTIONS), speaks=("ra_sensor_bias",)
    ),
    r"outdoor-air temperature sensor": Kind(
        points=(*_AIR, *_DAMPER),
        derived=("mixed_expected", *_FRACTIONS),
        speaks=("oa_sensor_bias",),
        by_weather=False,
    ),
    r"pressure sensor": Kind(points=_FAN, speaks=("fan_fault",)),
    r"\bfan\b": Kind(points=_FAN, speaks=("fan_fault",), cost="fan"),
    r"cooling coil.*fouled": Kind(
        points=(*_COILS, *_COOLING, "SA_CFM"), derived=("coil_change",), speaks=("cooling_coil_fouling",)
    ),
    r"heating coil.*fouled": Kind(points=(*_COILS, *_HEATING, "SA_CFM"), derived=("coil_change",)),
    r"water is away": Kind(
        points=(*_COILS, *_COOLING, *_HEATING), derived=("coil_change", "set_point_error"), speaks=("plant_outage",)
    ),
    r"unstable": Kind(
        points=("SA_TEMP", *SUPPLY_SET_POINTS, *_DAMPER, *_COOLING, *_HEATING), speaks=("unstable_loop",)
    ),
}
UNKNOWN_KIND = Kind(points=())  # physics asks for no points of a fault that nobody knows


def kind_of(fault: str) -> Kind:
    """The kind of a fault by its name."""
    words = meaning(fault)
    return next((kind for pattern, kind in KINDS.items() if re.search(pattern, words)), UNKNOWN_KIND)
