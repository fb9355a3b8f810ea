"""Chicago's weather, hour by hour, from its monthly normals: a seasonal, a daily and a random part.

Normals: air temperature (mean daily maximum and minimum) NOAA NCEI 1991-2020, O'Hare; dew point NOAA 1961-1990,
O'Hare; radiation on level ground NREL Solar Radiation Data Manual 1961-1990, Chicago. Each calendar month of the
result is brought to its normals, so another seed gives other days but the same climate.

Letters: h hours of a month.
"""

from collections.abc import Callable

import numpy as np

from data_provider.simulator.noise import by_day, lagged
from data_provider.simulator.sun import Site, clear_sky, split, sun_at
from data_provider.simulator.units import to_c

CHICAGO = Site(latitude=41.98, longitude=-87.92, utc_offset=-6.0, elevation=205.0)

# January to December
HIGH_F = np.array([31.6, 35.7, 47.0, 59.0, 70.5, 80.4, 84.5, 82.5, 75.5, 62.7, 48.4, 36.6])
LOW_F = np.array([18.8, 21.8, 31.0, 40.3, 50.6, 60.8, 66.4, 65.1, 57.1, 45.4, 34.1, 24.4])
DEW_F = np.array([13.6, 17.6, 27.1, 35.8, 45.7, 55.8, 61.7, 61.0, 53.8, 41.7, 31.6, 20.1])
LEVEL_KWH = np.array([1.8, 2.6, 3.5, 4.6, 5.7, 6.3, 6.1, 5.4, 4.2, 3.0, 1.8, 1.5])  # kWh/m2 a day
SPREAD_F = np.array([11.0, 11.0, 10.5, 9.5, 9.0, 7.0, 5.5, 5.5, 7.5, 8.5, 9.5, 10.5])  # of the days about the season

MEAN_F = (HIGH_F + LOW_F) / 2

_FADE = 84.0  # hours over which a month's shift comes and goes
_LEAD = np.timedelta64(30, "D")  # lets the random parts forget that they started from rest


def month(seed: int, first: np.datetime64) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weather of the calendar month that begins at a datetime64[M].

    Returns:
        dry bulb and dew point in C on the hour, beam and diffuse radiation in W/m2 as means of the hour that begins
        there; (h,) each.
    """
    start, end = first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]")
    hours = np.arange(start.astype("datetime64[h]"), end.astype("datetime64[h]"))
    number = int(first.astype(np.int64) % 12)
    cover = _random(seed, "cloud", start, end, 20.0)
    beam, diffuse, clear = _radiation(hours, number, cover)
    hour = hours.astype(np.int64) % 24
    swing = (_season(HIGH_F, hours) - _season(LOW_F, hours)) * (0.55 + 0.55 * clear) * _daily(hour)
    synoptic = 2.3 * np.tanh(_random(seed, "air mass", start, end, 40.0, 8.0) / 2.0)  # no record heat or cold
    spread = _season(SPREAD_F, hours)
    dry = _pinned(lambda shift: _season(MEAN_F, hours) + swing + spread * synoptic + shift, MEAN_F[number], hours)
    moist = 0.75 * synoptic + 0.66 * _random(seed, "moisture", start, end, 30.0, 4.0) - 0.25 * (clear - clear.mean())
    dew = _pinned(
        lambda shift: np.minimum(_season(DEW_F, hours) + spread * moist + shift, dry - 0.9), DEW_F[number], hours
    )
    return to_c(dry), to_c(dew), beam, diffuse


def _random(seed: int, purpose: str, start: np.datetime64, end: np.datetime64, *lags: float) -> np.ndarray:
    """(h,) unit-variance noise with lags in hours."""
    lead = int(_LEAD.astype(np.int64)) * 24
    return lagged(by_day(seed, purpose, np.arange(start - _LEAD, end), 24), *lags)[lead:]


def _season(normals: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """(h,) smooth curve through the year whose monthly means are close to the twelve normals: three harmonics."""
    edges = np.arange(13) / 12
    day = (hours - hours.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    place = day / 365.25
    columns, values = [np.ones(12)], [np.ones(len(hours))]
    for k in (1, 2, 3):
        w = 2 * np.pi * k
        columns += [np.diff(np.sin(w * edges)) * 12 / w, -np.diff(np.cos(w * edges)) * 12 / w]
        values += [np.cos(w * place), np.sin(w * place)]
    weights = np.linalg.lstsq(np.stack(columns, 1), normals, rcond=None)[0]
    return np.stack(values, 1) @ weights


def _daily(hour: np.ndarray) -> np.ndarray:
    """(h,) part of the daily range above its mean: lowest about 5, highest about 15."""
    w = 2 * np.pi / 24
    return 0.46 * np.cos(w * (hour - 15.3)) + 0.08 * np.cos(2 * w * (hour - 14.5))


def _pinned(make: Callable[[np.ndarray], np.ndarray], normal: float, hours: np.ndarray) -> np.ndarray:
    """The series with the shift, faded out at both ends of the month, that brings its mean to the normal."""
    edge = np.minimum(np.arange(len(hours)) + 0.5, len(hours) - np.arange(len(hours)) - 0.5)  # hours to the nearer end
    shape = np.sin(np.pi / 2 * np.minimum(edge / _FADE, 1.0)) ** 2
    height = 0.0
    for _ in range(40):
        height += normal - float(make(height * shape).mean())
    return make(height * shape)


def _radiation(hours: np.ndarray, number: int, cover: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Beam and diffuse radiation in W/m2, and how clear the sky is, 0 to 1; (h,) each."""
    sun = sun_at(CHICAGO, hours.astype("datetime64[s]") + np.timedelta64(1800, "s"))
    clear = clear_sky(sun)
    days = len(hours) / 24
    sky, scale = 1.0 / (1.0 + np.exp(-1.6 * cover)), 1.0
    level = clear
    for _ in range(40):
        level = clear * np.clip(0.12 + scale * sky, 0.12, 1.0)
        scale *= LEVEL_KWH[number] * 1000 * days / level.sum()
    beam, diffuse = split(sun, level)
    return beam, diffuse, sky
