"""Where the sun stands, and what of it falls on walls.

Declination and equation of time after Spencer (1971); diffuse fraction after Erbs, Klein and Duffie (1982); clear
sky after Haurwitz (1945); walls see a uniform sky and ground of reflectance 0.2.
"""

from dataclasses import dataclass

import numpy as np

SOLAR_CONSTANT = 1361.0  # W/m2
GROUND = 0.2
WALLS = np.radians([0.0, -90.0, 180.0, 90.0])  # azimuth from south, west positive: south, east, north, west


@dataclass(frozen=True)
class Site:
    """A place: degrees north, degrees east, hours from UTC to local standard time, metres above the sea."""

    latitude: float
    longitude: float
    utc_offset: float
    elevation: float


@dataclass(frozen=True)
class Sun:
    """Positions at n times.

    Attributes:
        height: (n,) sine of the height above the horizon, negative at night.
        walls: (n, 4) cosine of the angle between the sun and the outward normal of each wall.
        extraterrestrial: (n,) W/m2 outside the atmosphere, square to the rays.
    """

    height: np.ndarray
    walls: np.ndarray
    extraterrestrial: np.ndarray


def sun_at(site: Site, times: np.ndarray) -> Sun:
    """The sun at (n,) datetime64[s] of local standard time."""
    day = (times - times.astype("datetime64[Y]")) / np.timedelta64(1, "D")  # (n,) days since the year began
    hour = 24.0 * (day % 1.0)
    g = 2 * np.pi * np.floor(day) / 365.0
    c1, s1, c2, s2 = np.cos(g), np.sin(g), np.cos(2 * g), np.sin(2 * g)
    declination = 0.006918 - 0.399912 * c1 + 0.070257 * s1 - 0.006758 * c2 + 0.000907 * s2
    declination += -0.002697 * np.cos(3 * g) + 0.00148 * np.sin(3 * g)
    minutes = 229.18 * (0.000075 + 0.001868 * c1 - 0.032077 * s1 - 0.014615 * c2 - 0.040849 * s2)
    solar = hour + (site.longitude - 15 * site.utc_offset) / 15 + minutes / 60
    angle = np.radians(15 * (solar - 12))
    phi = np.radians(site.latitude)
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    # horizontal components of the unit vector to the sun
    south = np.sin(phi) * np.cos(declination) * np.cos(angle) - np.cos(phi) * np.sin(declination)
    west = np.cos(declination) * np.sin(angle)
    walls = south[:, None] * np.cos(WALLS) + west[:, None] * np.sin(WALLS)  # (n, 4)
    return Sun(height, walls, SOLAR_CONSTANT * (1 + 0.033 * np.cos(g)))


def clear_sky(sun: Sun) -> np.ndarray:
    """(n,) W/m2 on level ground under a cloudless sky."""
    up = np.maximum(sun.height, 0.0)
    return 1098.0 * up * np.exp(-0.057 / np.maximum(up, 1e-3))


def split(sun: Sun, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Beam (square to the rays) and diffuse radiation, (n,) each, of (n,) W/m2 on level ground."""
    up = np.maximum(sun.height, 0.0)
    kt = np.clip(level / np.maximum(sun.extraterrestrial * up, 1.0), 0.0, 1.0)
    middle = 0.9511 - 0.1604 * kt + 4.388 * kt**2 - 16.638 * kt**3 + 12.336 * kt**4
    share = np.where(kt <= 0.22, 1.0 - 0.09 * kt, np.where(kt <= 0.8, middle, 0.165))
    diffuse = share * level
    beam = np.where(up > 0.02, (level - diffuse) / np.maximum(up, 0.02), 0.0)
    return np.minimum(beam, 1100.0), diffuse


def on_walls(sun: Sun, beam: np.ndarray, diffuse: np.ndarray) -> np.ndarray:
    """(n, 4) W/m2 on the south, east, north and west walls."""
    shines = (sun.height > 0)[:, None]
    direct = beam[:, None] * np.maximum(sun.walls, 0.0)
    level = beam * np.maximum(sun.height, 0.0) + diffuse
    return np.where(shines, direct + 0.5 * diffuse[:, None] + 0.5 * GROUND * level[:, None], 0.0)
