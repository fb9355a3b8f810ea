"""The days of a simulation in blocks, so that memory does not grow with their number.

Letters: n minutes of a block, z rooms or zones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_provider.simulator import weather
from data_provider.simulator.moist_air import Air, moist_air

SPIN_UP = 4  # days before the first, thrown away, so that the building has forgotten how it began
BLOCK = 28  # days

Gains = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Block:
    """What all runs share for some days.

    Attributes:
        times: (n,) datetime64[m].
        weather: (n,) WEATHER records.
        heat: (n, z) W of the gains.
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


def blocks_of(
    gains: Gains,
    occupied: Callable[[np.ndarray], np.ndarray],
    *,
    start: np.datetime64,
    days: int,
    seed: int,
    file: Path | None,
) -> Iterator[Block]:
    """The spin-up, then the days from datetime64[D] `start`, at most 28 at a time; a weather file is read at once.

    Args:
        gains: (n,) times and a seed to heat (n, z) and latent (n,).
        occupied: (n,) times to 0 or 1.
        start, days, seed: of the simulation.
        file: of the weather, None for the simulator's own.

    Raises:
        UserError: the weather file cannot be used.
    """
    first = start - np.timedelta64(SPIN_UP, "D")
    source = weather.hourly(first=first, days=days + SPIN_UP, seed=seed, file=file)
    air = moist_air(source.site.elevation)

    def block(day: np.datetime64, length: int) -> Block:
        times = day.astype("datetime64[m]") + np.arange(length * 1440)
        heat, latent = gains(times, seed)
        minutes = weather.minutes(source=source, first=day, days=length, seed=seed)
        return Block(times, minutes, heat, latent, occupied(times), air, bool(day >= start))

    return (block(day, length) for day, length in spans_of(start, days))


def spans_of(start: np.datetime64, days: int) -> list[tuple[np.datetime64, int]]:
    """First day and number of days of the spin-up, then of each piece of the days from datetime64[D] `start`."""
    spans = [(start - np.timedelta64(SPIN_UP, "D"), SPIN_UP)]
    return spans + [(start + np.timedelta64(done, "D"), min(BLOCK, days - done)) for done in range(0, days, BLOCK)]
