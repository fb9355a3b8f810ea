"""Four test rooms at the facade of a larger building that another unit holds at 72 F: a heat balance each for air and
for floors and walls.

Sizes after the test rooms of the Energy Resource Station, Iowa, which the published set describes.
"""

import numpy as np

from data_provider.simulator.building import (
    AIR_TIMES,
    CHANGES_OFF,
    CHANGES_ON,
    EVAPORATION,
    MASS_FILM,
    MASS_PER_AREA,
    TO_MASS_GAINS,
    TO_MASS_SUN,
    U_WALL,
    U_WINDOW,
)
from data_provider.simulator.compiled import compiled
from data_provider.simulator.dual_duct.records import COUNT
from data_provider.simulator.moist_air import Air, heat_capacity

AREA = 25.6  # m2 of a room
VOLUME = AREA * 2.6
WINDOW, WALL = 6.9, 7.4  # m2
SOLAR_FACTOR = 0.55
INSIDE_T = 22.2  # C of the building behind
TO_INSIDE = 25.0  # W/K
TO_NEXT = 20.0  # W/K between the two rooms to the south
FACING = np.array([3, 0, 0, 1])  # which of the weather's walls: south, east, north, west
U_ROOF = 0.35  # W/(m2 K)
FACADE = U_WINDOW * WINDOW + U_WALL * WALL + U_ROOF * AREA  # W/K


@compiled
def capacity(air: Air) -> float:
    """J/K of a room's air and furniture."""
    return VOLUME * air.density * air.dry * AIR_TIMES


@compiled
def inside(t: np.ndarray, room: int) -> float:
    """W that a room gets from the building behind it and from the room beside it."""
    other = 0.0
    if room == 1 or room == 2:
        other = TO_NEXT * (t[3 - room] - t[room])
    return TO_INSIDE * (INSIDE_T - t[room]) + other


@compiled
def step_rooms(state, air, weather, noise, heat, moist, dt, trace) -> None:
    """Advance air, mass and humidity by dt seconds.

    Args:
        state: STATE record.
        air: moist air.
        weather: WEATHER record.
        noise: NOISE record, for the gains.
        heat: (4,) W that the mixing boxes bring.
        moist: kg/s of water that they bring.
        dt: seconds.
        trace: TRACE record; the rooms' fluxes are added to it.
    """
    changes = CHANGES_ON if state.mode > 0 else CHANGES_OFF
    infiltration = changes * VOLUME / 3600.0 * air.density
    before = state.air.copy()
    for room in range(COUNT):
        loss = FACADE + infiltration * heat_capacity(air, weather.humidity)
        outdoors = loss * (weather.dry_bulb - before[room])
        sun = weather.walls[FACING[room]] * WINDOW * SOLAR_FACTOR
        gains = noise.gains[room]
        behind = inside(before, room)
        to_mass = MASS_FILM * AREA * (before[room] - state.mass[room])
        into_air = heat[room] + outdoors + behind - to_mass
        into_air += (1.0 - TO_MASS_SUN) * sun + (1.0 - TO_MASS_GAINS) * gains
        into_mass = to_mass + TO_MASS_SUN * sun + TO_MASS_GAINS * gains
        state.air[room] += dt * into_air / capacity(air)
        state.mass[room] += dt * into_mass / (MASS_PER_AREA * AREA)
        trace.by_supply[room] += dt * heat[room]
        trace.by_gains[room] += dt * gains
        trace.by_sun[room] += dt * sun
        trace.by_outdoors[room] += dt * outdoors
        trace.by_inside[room] += dt * behind
    water = moist + noise.latent / EVAPORATION + COUNT * infiltration * (weather.humidity - state.humidity)
    state.humidity += dt * water / (3.0 * COUNT * VOLUME * air.density)  # furniture holds water too
