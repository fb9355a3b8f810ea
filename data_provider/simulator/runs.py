"""A unit under one fault, advanced block after block of days.

Letters: n minutes of a block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_provider.simulator import schedule, weather
from data_provider.simulator.design import REFERENCE
from data_provider.simulator.faults import FaultSpec
from data_provider.simulator.loop import advance
from data_provider.simulator.moist_air import Air, moist_air
from data_provider.simulator.records import POINT_NAMES, POINTS, STATE, TRACE, ZONES
from data_provider.simulator.sensors import Disturbances, as_stored
from data_provider.simulator.spans import SPIN_UP, spans_of

__all__ = ["POINT_NAMES", "SPIN_UP", "VERSION", "Block", "Unit", "blocks", "trace_run"]

VERSION = "1"  # changes whenever the same arguments give other numbers


@dataclass(frozen=True)
class Block:
    """What all runs share for some days.

    Attributes:
        times: (n,) datetime64[m].
        weather: (n,) WEATHER records.
        heat: (n, 5) W of the gains.
        latent: (n,) W as vapour.
        occupied: (n,) 0 or 1.
        air: moist air at the site.
        wanted: False for the spin-up.
    """

    times: np.ndarray
    weather: np.ndarray
    heat: np.ndarray
    latent: np.ndarray
    occupied: np.ndarray
    air: Air
    wanted: bool


def blocks(*, start: np.datetime64, days: int, seed: int, file: Path | None = None) -> Iterator[Block]:
    """The spin-up, then the days from datetime64[D] `start`, at most 28 at a time; a weather file is read at once.

    Raises:
        UserError: the weather file cannot be used.
    """
    first = start - np.timedelta64(SPIN_UP, "D")
    source = weather.hourly(first=first, days=days + SPIN_UP, seed=seed, file=file)
    return _blocks(source, start, days, seed)


def _blocks(source: weather.Hourly, start: np.datetime64, days: int, seed: int) -> Iterator[Block]:
    air = moist_air(source.site.elevation)
    for day, length in spans_of(start, days):
        times = day.astype("datetime64[m]") + np.arange(length * 1440)
        heat, latent = schedule.gains(times, seed)
        minutes = weather.minutes(source=source, first=day, days=length, seed=seed)
        yield Block(times, minutes, heat, latent, schedule.occupied(times), air, bool(day >= start))


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
