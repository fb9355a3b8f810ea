"""Weather for the minute loop, from hours that a climate or a weather file gave.

Letters: h hours, n minutes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

from data_provider.simulator import climate, epw
from data_provider.simulator.moist_air import TEMPERATURES, moist_air
from data_provider.simulator.noise import by_day, lagged
from data_provider.simulator.sun import Site, on_walls, sun_at

WEATHER = np.dtype(
    [
        ("dry_bulb", np.float64),  # C
        ("humidity", np.float64),  # kg of water a kg of dry air
        ("walls", np.float64, (4,)),  # W/m2 on the south, east, north and west walls
    ]
)


@dataclass(frozen=True)
class Hourly:
    """Weather by the hour of local standard time.

    Attributes:
        site: the place.
        first: datetime64[h] of the first value.
        dry_bulb: (h,) C, on the hour.
        dew_point: (h,) C, on the hour.
        beam: (h,) W/m2 square to the rays, mean of the hour that begins there.
        diffuse: (h,) W/m2 on level ground, the same.
    """

    site: Site
    first: np.datetime64
    dry_bulb: np.ndarray
    dew_point: np.ndarray
    beam: np.ndarray
    diffuse: np.ndarray


def hourly(*, first: np.datetime64, days: int, seed: int, file: Path | None) -> Hourly:
    """Hours that cover the days from datetime64[D] `first` and the hour after; a file's year repeats.

    Raises:
        UserError: the file cannot be used.
    """
    last = first + np.timedelta64(days, "D")  # its first hour closes the last day
    if file is not None:
        site, columns = epw.read_epw(file)
        hours = np.arange(first.astype("datetime64[h]"), last.astype("datetime64[h]") + 1)
        rows = epw.rows_of(hours, len(columns[0]))
        return Hourly(site, hours[0], *(column[rows] for column in columns))
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + 1)
    parts = [climate.month(seed, m) for m in months]
    return Hourly(
        climate.CHICAGO, months[0].astype("datetime64[h]"), *(np.concatenate(p) for p in zip(*parts, strict=True))
    )


def minutes(*, source: Hourly, first: np.datetime64, days: int, seed: int) -> np.ndarray:
    """(days * 1440,) WEATHER records from datetime64[D] `first`.

    Between hours temperatures follow a monotone cubic, radiation a straight line between the middles of the hours;
    gusts and passing clouds come on top.
    """
    times = first.astype("datetime64[m]") + np.arange(days * 1440)
    t = (times - source.first) / np.timedelta64(1, "h")  # (n,) hours since the first value
    grid = np.arange(len(source.dry_bulb))
    air = moist_air(source.site.elevation)
    clouds = np.clip(1.0 + 0.12 * _flicker(seed, "clouds", first, days, 12.0), 0.4, 1.15)
    sun = sun_at(source.site, times.astype("datetime64[s]") + np.timedelta64(30, "s"))
    beam = np.interp(t - 0.5, grid, source.beam) * clouds
    diffuse = np.interp(t - 0.5, grid, source.diffuse)
    weather = np.zeros(len(times), WEATHER)
    weather["dry_bulb"] = PchipInterpolator(grid, source.dry_bulb)(t) + 0.12 * _flicker(seed, "gusts", first, days, 6.0)
    dew_point = np.minimum(PchipInterpolator(grid, source.dew_point)(t), weather["dry_bulb"])
    weather["humidity"] = np.interp(dew_point, TEMPERATURES, air.ratio)
    weather["walls"] = on_walls(sun, beam, diffuse)
    return weather


def _flicker(seed: int, purpose: str, first: np.datetime64, days: int, lag: float) -> np.ndarray:
    """(days * 1440,) unit-variance noise with a lag in minutes; a day before lets it forget that it began at rest."""
    dates = first + np.arange(-1, days)
    return lagged(by_day(seed, purpose, dates, 1440), lag)[1440:]
