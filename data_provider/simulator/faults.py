"""The 21 runs: the fault-free unit, and twenty pairs of a fault and how bad it is.

A fault acts where it happens and the controls react to it. Names are those of the LBNL files (Granderson et al.,
Scientific Data 2023, 10.1038/s41597-023-02197-w); a bias in a name is in degrees Celsius.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Fault(NamedTuple):
    """What the minute loop needs to know of a fault; the defaults are a fault-free unit.

    Attributes:
        supply_bias: K that the supply-air sensor reads too high.
        outdoor_bias: K that the outdoor-air sensor reads too high.
        leak: opening, 0 to 1, below which the shut cooling valve still passes water.
        valve: where the cooling valve is stuck, 0 to 1; -1 where it moves.
        damper: where the outdoor-air damper is stuck, 0 to 1; -1 where it moves.
        mixed_bias, return_bias: K that these sensors read too high.
        heating_leak: opening, 0 to 1, below which the shut heating valve still passes water.
        heating: where the heating valve is stuck, 0 to 1; -1 where it moves.
        damper_leak: opening, 0 to 1, below which the outdoor-air damper does not shut.
        fan: speed, 0 to 1, at which the running supply fan is stuck; -1 where it moves.
        clean: share of the cooling coil's conductances that fouling leaves.
        gain: times the loops' gains; far above 1 they hunt.
        chilled, hot: how far chilled and hot water are as cold and warm as designed, 0 to 1.
    """

    supply_bias: float = 0.0
    outdoor_bias: float = 0.0
    leak: float = 0.0
    valve: float = -1.0
    damper: float = -1.0
    mixed_bias: float = 0.0
    return_bias: float = 0.0
    heating_leak: float = 0.0
    heating: float = -1.0
    damper_leak: float = 0.0
    fan: float = -1.0
    clean: float = 1.0
    gain: float = 1.0
    chilled: float = 1.0
    hot: float = 1.0


@dataclass(frozen=True)
class FaultSpec:
    """One run.

    Attributes:
        name: the run, which is the file's name without its ending.
        kind: "none", "supply_bias", "outdoor_bias", "leakage", "valve_stuck" or "damper_stuck".
        severity: K for a bias, else an opening from 0 to 1; 0 for the fault-free unit.
        fault: the same for the minute loop.
        season: first day and the day after the last as (month, day), if the run covers only a part of each year.
    """

    name: str
    kind: str
    severity: float
    fault: Fault
    season: tuple[tuple[int, int], tuple[int, int]] | None = None

    @property
    def description(self) -> str:
        """The fault in words."""
        return _WORDS[self.kind].format(self.severity, 100 * self.severity)


_WORDS = {
    "none": "no fault",
    "supply_bias": "supply-air temperature sensor reads {0:+.0f} C off",
    "outdoor_bias": "outdoor-air temperature sensor reads {0:+.0f} C off",
    "leakage": "shut cooling valve passes as much as one {1:.0f} % open",
    "valve_stuck": "cooling valve stuck {1:.0f} % open",
    "damper_stuck": "outdoor-air damper stuck {1:.0f} % open",
}


def _all_runs() -> dict[str, FaultSpec]:
    specs = [FaultSpec("AHU_annual", "none", 0.0, Fault())]
    for kelvin in (-4.0, -2.0, 2.0, 4.0):
        specs.append(FaultSpec(f"coi_bias_{kelvin:.0f}_annual", "supply_bias", kelvin, Fault(supply_bias=kelvin)))
        specs.append(FaultSpec(f"oa_bias_{kelvin:.0f}_annual", "outdoor_bias", kelvin, Fault(outdoor_bias=kelvin)))
    for percent in (10, 25, 40, 50):
        part = percent / 100
        specs.append(FaultSpec(f"coi_leakage_{percent:03d}_annual", "leakage", part, Fault(leak=part)))
    for percent in (10, 25, 50, 75):
        part = percent / 100
        specs.append(FaultSpec(f"coi_stuck_{percent:03d}_annual", "valve_stuck", part, Fault(valve=part)))
    for percent in (10, 25, 75):
        part = percent / 100
        specs.append(FaultSpec(f"damper_stuck_{percent:03d}_annual", "damper_stuck", part, Fault(damper=part)))
    short = ((4, 1), (11, 1))
    specs.append(FaultSpec("damper_stuck_100_annual_short", "damper_stuck", 1.0, Fault(damper=1.0), short))
    return {spec.name: spec for spec in specs}


RUNS: dict[str, FaultSpec] = _all_runs()

NINE: tuple[str, ...] = (
    "AHU_annual",
    "coi_bias_-4_annual",
    "coi_bias_4_annual",
    "oa_bias_4_annual",
    "coi_leakage_010_annual",
    "coi_stuck_025_annual",
    "coi_stuck_075_annual",
    "damper_stuck_025_annual",
    "damper_stuck_075_annual",
)
