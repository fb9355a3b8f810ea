"""A dual-duct unit under one fault, advanced block after block of days.

Letters: n minutes of a block.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pandas.tseries.holiday import USFederalHolidayCalendar

from data_provider.simulator import schedule
from data_provider.simulator.design import REFERENCE
from data_provider.simulator.dual_duct.faults import DualSpec
from data_provider.simulator.dual_duct.loop import advance
from data_provider.simulator.dual_duct.records import COUNT, POINT_NAMES, POINTS, STATE, TRACE
from data_provider.simulator.dual_duct.rooms import AREA
from data_provider.simulator.dual_duct.sensors import DIGITS, Disturbances
from data_provider.simulator.sensors import rounded
from data_provider.simulator.spans import Block, blocks_of

__all__ = ["POINT_NAMES", "VERSION", "Block", "Unit", "blocks", "trace_run"]

VERSION = "1"  # changes whenever the same arguments give other numbers


def occupied(times: np.ndarray) -> np.ndarray:
    """(n,) 1 where the schedule says occupied: Monday to Friday 6 to 18, but for holidays."""
    weekday, hour = schedule.weekday_of(times), schedule.hour_of(times)
    return ((weekday < 5) & (hour >= 6) & (hour < 18) & ~_holiday(times)).astype(np.float64)


def blocks(*, start: np.datetime64, days: int, seed: int, file: Path | None = None) -> Iterator[Block]:
    """As `blocks_of`, with the gains and the schedule of this building."""
    return blocks_of(_gains, occupied, start=start, days=days, seed=seed, file=file)


def _gains(times: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    heat, latent = schedule.gains_per_area(times, seed)
    return AREA * np.repeat(heat[:, None], COUNT, axis=1), COUNT * AREA * latent


def _holiday(times: np.ndarray) -> np.ndarray:
    """(n,) bool, whether a day is a federal holiday of the United States."""
    days = times.astype("datetime64[D]")
    found = USFederalHolidayCalendar().holidays(str(days[0]), str(days[-1]))
    return np.isin(days, found.to_numpy().astype("datetime64[D]"))


class Unit:
    """The air-handling unit and its rooms in one run.

    Args:
        spec: the run.
        seed: the data set's.
    """

    def __init__(self, *, spec: DualSpec, seed: int) -> None:
        self.spec = spec
        self._disturb = Disturbances(seed=seed, run=spec.name)
        self._state = at_rest()

    def log(self, block: Block) -> dict[str, np.ndarray]:
        """Go on through a block; returns column -> (n,) float32 as a building-automation system stores it."""
        columns, _ = self.advance(block)
        return {name: rounded(columns[name], DIGITS[name]) for name in POINT_NAMES}

    def advance(self, block: Block, *, traced: bool = False) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Go on through a block; returns column -> (n,) readings and (n,) TRACE records, a single one unless traced."""
        noise = self._disturb(block.times, block.heat, block.latent, block.occupied)
        points = np.zeros(len(block.times), POINTS)
        traces = np.zeros(len(block.times) if traced else 1, TRACE)
        work = np.zeros((4, 4))
        advance(self._state, REFERENCE, block.weather, noise, self.spec.fault, block.air, points, traces, work)
        return self._disturb.log(points), traces


def trace_run(
    *, spec: DualSpec, start: np.datetime64, days: int, seed: int, file: Path | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Times, column -> readings before they are rounded, and TRACE records of a run; (days * 1440,) each.

    Raises:
        UserError: the weather file cannot be used.
    """
    unit = Unit(spec=spec, seed=seed)
    done = [
        (block.times, *unit.advance(block, traced=True))
        for block in blocks(start=start, days=days, seed=seed, file=file)
    ][1:]
    points = {name: np.concatenate([part[name] for _, part, _ in done]) for name in POINT_NAMES}
    return np.concatenate([part[0] for part in done]), points, np.concatenate([part[2] for part in done])


def at_rest() -> np.void:
    """Rooms at 21 C whose unit is off."""
    state = np.zeros(1, STATE)[0]
    names = ("air", "mass", "coil_t", "supply_sensor", "mixed_sensor", "return_sensor", "discharge_sensor", "water")
    for name in names:
        state[name] = 21.0
    state["humidity"] = state["coil_w"] = state["mixed_w"] = 0.005
    state["returned"] = 1.0
    return state
