"""A unit under one fault, advanced block after block of days.

Letters: n minutes of a block.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_provider.simulator import schedule
from data_provider.simulator.design import REFERENCE
from data_provider.simulator.faults import FaultSpec
from data_provider.simulator.loop import advance
from data_provider.simulator.records import POINT_NAMES, POINTS, STATE, TRACE, ZONES
from data_provider.simulator.sensors import Disturbances, as_stored
from data_provider.simulator.spans import Block, blocks_of

__all__ = ["POINT_NAMES", "VERSION", "Block", "Unit", "blocks", "trace_run"]

VERSION = "1"  # changes whenever the same arguments give other numbers


def blocks(*, start: np.datetime64, days: int, seed: int, file: Path | None = None) -> Iterator[Block]:
    """As `blocks_of`, with the gains and the schedule of this building."""
    return blocks_of(schedule.gains, schedule.occupied, start=start, days=days, seed=seed, file=file)


class Unit:
    """The air-handling unit and its building in one run.

    Args:
        spec: the run.
        seed: the data set's.
    """

    def __init__(self, *, spec: FaultSpec, seed: int) -> None:
        self.spec = spec
        self._disturb = Disturbances(seed=seed, run=spec.name)
        self._state = at_rest()

    def log(self, block: Block) -> dict[str, np.ndarray]:
        """Go on through a block; returns column -> (n,) float32 as a building-automation system stores it."""
        return as_stored(self.advance(block)[0])

    def advance(self, block: Block, *, traced: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Go on through a block; returns (n,) POINTS records and (n,) TRACE records, a single one unless traced."""
        noise = self._disturb(block.heat, block.latent, block.occupied)
        points = np.zeros(len(block.times), POINTS)
        traces = np.zeros(len(block.times) if traced else 1, TRACE)
        zones, heat = np.zeros(ZONES), np.zeros(ZONES)
        advance(self._state, REFERENCE, block.weather, noise, self.spec.fault, block.air, points, traces, zones, heat)
        return points, traces


def trace_run(
    *, spec: FaultSpec, start: np.datetime64, days: int, seed: int, file: Path | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, POINTS records as measured before they are rounded, and TRACE records of a run; (days * 1440,) each.

    Raises:
        UserError: the weather file cannot be used.
    """
    unit = Unit(spec=spec, seed=seed)
    done = [
        (block.times, *unit.advance(block, traced=True), block.wanted)
        for block in blocks(start=start, days=days, seed=seed, file=file)
    ]
    times, points, traces = (np.concatenate(part) for part in zip(*(d[:3] for d in done if d[3]), strict=True))
    return times, points, traces


def at_rest() -> np.void:
    """A building at 21 C whose unit is off."""
    state = np.zeros(1, STATE)[0]
    for name in ("air", "mass", "coil_t", "supply_sensor", "mixed_sensor", "return_sensor"):
        state[name] = 21.0
    state["humidity"] = state["coil_w"] = 0.005
    state["returned"], state["box"] = 1.0, 0.5
    return state
