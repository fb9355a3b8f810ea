"""When the building is in use, and the heat of people, lights and equipment.

Letters: n minutes.
"""

import numpy as np

from data_provider.simulator.building import AREA
from data_provider.simulator.noise import by_day

PEOPLE_M2 = 18.6  # m2 of floor a person
SENSIBLE, LATENT = 75.0, 55.0  # W a person
LIGHTS, EQUIPMENT = 8.0, 8.5  # W/m2

# parts of the full load by the hour, straight lines between
_PEOPLE = (
    0,
    0,
    0,
    0,
    0,
    0,
    0.08,
    0.3,
    0.9,
    0.95,
    0.95,
    0.95,
    0.6,
    0.9,
    0.95,
    0.95,
    0.9,
    0.5,
    0.25,
    0.15,
    0.1,
    0.05,
    0,
    0,
)
_PEOPLE_SATURDAY = (0, 0, 0, 0, 0, 0, 0.05, 0.1, 0.25, 0.3, 0.3, 0.3, 0.2, 0.2, 0.15, 0.1, 0.1, 0.05, 0, 0, 0, 0, 0, 0)
_USE = (0, 0, 0, 0, 0, 0, 0.2, 0.5, 0.9, 1, 1, 1, 0.9, 1, 1, 1, 1, 0.75, 0.5, 0.4, 0.3, 0.2, 0.05, 0)
_USE_SATURDAY = (0, 0, 0, 0, 0, 0, 0.15, 0.3, 0.45, 0.5, 0.5, 0.5, 0.4, 0.4, 0.35, 0.3, 0.25, 0.15, 0, 0, 0, 0, 0, 0)
_LIGHTS_REST, _EQUIPMENT_REST = 0.06, 0.35  # parts that stay on
_ZERO = (0.0,) * 24


def occupied(times: np.ndarray) -> np.ndarray:
    """(n,) 1 where the schedule of the unit says occupied: Monday to Friday 6 to 22, Saturday 6 to 18."""
    weekday, hour = weekday_of(times), hour_of(times)
    return ((hour >= 6) & (hour < np.select([weekday < 5, weekday == 5], [22, 18], 0))).astype(np.float64)


def gains(times: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 5) W of sensible heat in the zones and (n,) W of vapour, for (n,) datetime64[m] of whole days."""
    heat, latent = gains_per_area(times, seed)
    return heat[:, None] * AREA, latent * AREA.sum()


def gains_per_area(times: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n,) W/m2 of sensible heat and (n,) W/m2 as vapour, for (n,) datetime64[m] of whole days.

    Attendance differs from day to day by the seed alone: every run meets the same people.
    """
    weekday, hour = weekday_of(times), hour_of(times)
    people = _by_weekday(weekday, hour, _PEOPLE, _PEOPLE_SATURDAY)
    use = _by_weekday(weekday, hour, _USE, _USE_SATURDAY)
    days = np.unique(times.astype("datetime64[D]"))
    attendance = np.clip(1.0 + 0.06 * by_day(seed, "attendance", days, 1), 0.8, 1.2)
    people = people * np.repeat(attendance, 1440)
    heat = people * SENSIBLE / PEOPLE_M2  # W/m2
    heat += LIGHTS * (_LIGHTS_REST + (1 - _LIGHTS_REST) * use)
    heat += EQUIPMENT * (_EQUIPMENT_REST + (1 - _EQUIPMENT_REST) * use)
    return heat, people * LATENT / PEOPLE_M2


def weekday_of(times: np.ndarray) -> np.ndarray:
    """(n,) 0 for Monday; 1 January 1970 was a Thursday."""
    return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7


def hour_of(times: np.ndarray) -> np.ndarray:
    """(n,) hours since midnight."""
    return (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h")


def _by_weekday(weekday: np.ndarray, hour: np.ndarray, week: tuple, saturday: tuple) -> np.ndarray:
    levels = [np.interp(hour, np.arange(24) + 0.5, level, period=24) for level in (week, saturday, _ZERO)]
    return np.select([weekday < 5, weekday == 5], levels[:2], levels[2])
