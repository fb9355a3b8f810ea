"""The faults of a fleet: kinds, and severities drawn at random.

Severities of valves and dampers are drawn as shares of flow, and turned into the opening that passes so much. What a
command cannot tell, a share can: one valve at 20 % passes nothing, another one half.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data_provider.simulator.faults import Fault

FAULT_FREE = "normal"
OUTAGE = "plant_outage"


class DrawnFault(NamedTuple):
    """A fault of a day.

    Attributes:
        kind: one of `FAULTS`.
        severity: of that kind, as `FAULTS` says: a share from 0 to 1, or K of a sensor.
        fault: the same for the minute loop.
    """

    kind: str
    severity: float
    fault: Fault


def _stuck(draw: np.random.Generator) -> float:
    """A share: often one of the ends, else anywhere."""
    return float(draw.choice([0.0, 1.0])) if draw.random() < 0.35 else draw.uniform(0.0, 1.0)


def _bias(draw: np.random.Generator) -> float:
    return float(draw.choice([-1.0, 1.0])) * draw.uniform(1.5, 4.5)


def _cooling_opening(design: np.void, share: float) -> float:
    """Opening of the chilled-water valve that passes a share of its flow."""
    openings = np.linspace(0.0, 1.0, 201)
    own = (design["rangeability"] ** openings - 1.0) / (design["rangeability"] - 1.0)
    shares = own / np.sqrt((1.0 - design["authority"]) * own * own + design["authority"])
    return float(np.interp(share, shares, openings))


def _heating_opening(design: np.void, share: float) -> float:
    return float(share ** (1.0 / design["heating_exponent"]))


def _outage(draw: np.random.Generator, design: np.void) -> DrawnFault:
    left = draw.uniform(0.0, 0.5)
    return DrawnFault(OUTAGE, left, Fault(chilled=left) if draw.random() < 0.6 else Fault(hot=left))


# kind -> how it is drawn for a unit
FAULTS: dict[str, Callable[[np.random.Generator, np.void], DrawnFault]] = {}


def _share(kind: str, low: float | None, high: float, field: str, opening: Callable[[np.void, float], float]) -> None:
    """A kind whose severity is a share of flow, between two limits or, without a lower one, as what is stuck."""

    def drawn(draw: np.random.Generator, design: np.void) -> DrawnFault:
        share = _stuck(draw) if low is None else draw.uniform(low, high)
        return DrawnFault(kind, share, Fault(**{field: opening(design, share)}))

    FAULTS[kind] = drawn


def _simple(kind: str, field: str, severity: Callable[[np.random.Generator], float]) -> None:
    """A kind whose severity is what the minute loop takes."""

    def drawn(draw: np.random.Generator, design: np.void) -> DrawnFault:
        value = severity(draw)
        return DrawnFault(kind, value, Fault(**{field: value}))

    FAULTS[kind] = drawn


_simple("oa_damper_stuck", "damper", _stuck)
_simple("oa_damper_leak", "damper_leak", lambda draw: draw.uniform(0.1, 0.7))
_share("cooling_valve_stuck", None, 1.0, "valve", _cooling_opening)
_share("cooling_valve_leak", 0.05, 0.5, "leak", _cooling_opening)
_share("heating_valve_stuck", None, 1.0, "heating", _heating_opening)
_share("heating_valve_leak", 0.05, 0.5, "heating_leak", _heating_opening)
_simple("sa_sensor_bias", "supply_bias", _bias)
_simple("oa_sensor_bias", "outdoor_bias", _bias)
_simple("ma_sensor_bias", "mixed_bias", _bias)
_simple("ra_sensor_bias", "return_bias", _bias)
_simple("cooling_coil_fouling", "clean", lambda draw: draw.uniform(0.1, 0.5))
_simple("unstable_loop", "gain", lambda draw: draw.uniform(6.0, 20.0))
FAULTS[OUTAGE] = _outage

_WEIGHTS = {"oa_damper_stuck": 2.0, "cooling_valve_stuck": 1.6, "heating_valve_leak": 1.6, "heating_valve_stuck": 1.4}
CLASSES = (FAULT_FREE, *FAULTS)


def draw_fault(draw: np.random.Generator, design: np.void) -> DrawnFault:
    """The fault of a day."""
    weights = np.array([_WEIGHTS.get(kind, 1.0) for kind in FAULTS])
    return FAULTS[str(draw.choice([*FAULTS], p=weights / weights.sum()))](draw, design)


__all__ = ["CLASSES", "FAULTS", "FAULT_FREE", "OUTAGE", "DrawnFault", "draw_fault"]
