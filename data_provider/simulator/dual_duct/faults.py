"""The 56 runs of the dual-duct unit: fault-free, and 55 pairs of a fault and how bad it is.

Names are those of the LBNL files (Granderson et al., Scientific Data 2023, 10.1038/s41597-023-02197-w). A bias of
temperature is named in C; one of static pressure is named ten times too large there, +4inwg is 0.4 in. w.g.

Pairs are (cold deck, hot deck).
"""

from dataclasses import dataclass
from typing import NamedTuple

COLD, HOT = 0, 1
Pair = tuple[float, float]


class DualFault(NamedTuple):
    """What the minute loop needs to know of a fault; the defaults are a fault-free unit.

    Attributes:
        outdoor: where the outdoor-air damper is stuck, 0 to 1; -1 where it moves.
        box: where the two dampers of the west room's mixing box are stuck, 0 to 1; -1 where they move.
        valve: where the coils' valves are stuck, 0 to 1; -1 where they move.
        bias: K that the decks' temperature sensors read too high.
        static_bias: in. w.g. that the decks' pressure sensors read too high.
        air: share of a coil's conductance on the air's side that fouling leaves; the air's way narrows with it.
        water: the same on the water's side, where less water passes.
        gain: times the gain of the cooling sequence (outdoor damper and valve) and of the heating valve; far above 1
            they hunt.
    """

    outdoor: float = -1.0
    box: Pair = (-1.0, -1.0)
    valve: Pair = (-1.0, -1.0)
    bias: Pair = (0.0, 0.0)
    static_bias: Pair = (0.0, 0.0)
    air: Pair = (1.0, 1.0)
    water: Pair = (1.0, 1.0)
    gain: Pair = (1.0, 1.0)


@dataclass(frozen=True)
class DualSpec:
    """One run.

    Attributes:
        name: the run, which is the file's name without its ending.
        fault: what the minute loop is told.
        season: None, every run covers the whole year.
    """

    name: str
    fault: DualFault
    season: None = None


_LEFT = {"Minor": 0.85, "Moderate": 0.65, "Severe": 0.4}  # of a fouled coil's conductance on one side
_HUNTING = 80.0


def _on(deck: int, value: float, normal: float) -> Pair:
    return (value, normal) if deck == COLD else (normal, value)


def _all_runs() -> dict[str, DualSpec]:
    faults = {"FaultFree": DualFault()}
    for deck, duct, coil, letter in ((COLD, "Cold", "Cooling", "C"), (HOT, "Hot", "Heating", "H")):
        for percent in (0, 20, 50, 80, 100):
            part = percent / 100
            faults[f"DMPRStuck_{duct}_{percent}"] = DualFault(box=_on(deck, part, -1.0))
            faults[f"VLVStuck_{coil}_{percent}%"] = DualFault(valve=_on(deck, part, -1.0))
        for much, left in _LEFT.items():
            faults[f"Fouling_{coil}_Airside_{much}"] = DualFault(air=_on(deck, left, 1.0))
            faults[f"Fouling_{coil}_Waterside_{much}"] = DualFault(water=_on(deck, left, 1.0))
        for step in (-4, -2, 2, 4):
            faults[f"SensorBias_{letter}SA_{step:+}C"] = DualFault(bias=_on(deck, float(step), 0.0))
            faults[f"SensorBias_{letter}SP_{step:+}inwg"] = DualFault(static_bias=_on(deck, step / 10, 0.0))
        faults[f"{'Cool' if deck == COLD else 'Heat'}SeqUnstable"] = DualFault(gain=_on(deck, _HUNTING, 1.0))
    for percent in (0, 28, 45, 80, 100):
        faults[f"DMPRStuck_OA_{percent}"] = DualFault(outdoor=percent / 100)
    return {f"DualDuct_{name}": DualSpec(f"DualDuct_{name}", fault) for name, fault in faults.items()}


RUNS: dict[str, DualSpec] = _all_runs()
_RARE = ("_20", "_28", "_80", "_20%", "_80%", "_Minor", "_-4C", "_-2C", "_+2C", "_-4inwg", "_-2inwg", "_+2inwg", "Free")
PUBLISHED: tuple[str, ...] = tuple(name for name in RUNS if not name.endswith(_RARE))
