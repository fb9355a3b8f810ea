"""Five zones of one office floor, 50 m by 33 m: a heat balance each for the air and for floors and walls.

Geometry after the perimeter and core zones of a mid-size office floor (DOE commercial reference building, medium
office); the floor lies between two others, so nothing goes through floor and ceiling.
"""

import numpy as np

from data_provider.simulator.compiled import compiled
from data_provider.simulator.moist_air import Air, heat_capacity
from data_provider.simulator.records import ZONES

AREA = np.array([207.0, 131.0, 207.0, 131.0, 984.0])  # m2
WINDOW = np.array([60.0, 40.0, 60.0, 40.0, 0.0])  # m2
WALL = np.array([138.0, 92.0, 138.0, 92.0, 0.0])  # m2, windows aside
HEIGHT = 2.74  # m
U_WINDOW, U_WALL = 2.6, 0.45  # W/(m2 K)
SOLAR_FACTOR = 0.36
TO_CORE = np.array([360.0, 220.0, 360.0, 220.0])  # W/K through partitions and open doors
TO_NEXT = 45.0  # W/K between neighbours at the facade
CHANGES_OFF, CHANGES_ON = 0.30, 0.08  # air changes an hour through the facade, fans off and on
AIR_TIMES = 6.0  # air and furniture together hold this many times what the air holds
MASS_PER_AREA = 160e3  # J/(m2 K)
MASS_FILM = 5.5  # W/K a m2 of floor between air and mass
TO_MASS_SUN, TO_MASS_GAINS = 0.6, 0.3  # parts that warm the mass, the rest the air
EVAPORATION = 2.45e6  # J/kg

VOLUME = AREA * HEIGHT
FACADE = U_WINDOW * WINDOW + U_WALL * WALL  # W/K
_OUTER = (WINDOW > 0).astype(np.float64)


@compiled
def capacity(air: Air, zone: int) -> float:
    """J/K of a zone's air and furniture."""
    return VOLUME[zone] * air.density * air.dry * AIR_TIMES


@compiled
def neighbours(t: np.ndarray, zone: int) -> float:
    """W that a zone gets from the others."""
    if zone == ZONES - 1:
        total = 0.0
        for other in range(ZONES - 1):
            total += TO_CORE[other] * (t[other] - t[zone])
        return total
    left, right = (zone + 3) % 4, (zone + 1) % 4
    return TO_CORE[zone] * (t[ZONES - 1] - t[zone]) + TO_NEXT * (t[left] + t[right] - 2.0 * t[zone])


@compiled
def step_zones(state, design, air, weather, noise, heat, moist, dt, trace) -> None:
    """Advance air, mass and humidity by dt seconds.

    Args:
        state: STATE record.
        design: DESIGN record.
        air: moist air.
        weather: WEATHER record.
        noise: NOISE record, for the gains.
        heat: (5,) W that the terminal boxes bring.
        moist: kg/s of water that the supply air brings.
        dt: seconds.
        trace: TRACE record; the zones' fluxes are added to it.
    """
    changes = CHANGES_ON if state.fan > 0.05 else CHANGES_OFF
    before = state.air.copy()
    leaked = 0.0
    for zone in range(ZONES):
        infiltration = _OUTER[zone] * changes * VOLUME[zone] / 3600.0 * air.density
        leaked += infiltration
        loss = design.envelope * FACADE[zone] + infiltration * heat_capacity(air, weather.humidity)
        outdoors = loss * (weather.dry_bulb - before[zone])
        sun = weather.walls[zone] * WINDOW[zone] * SOLAR_FACTOR if zone < ZONES - 1 else 0.0
        gains = noise.gains[zone]
        next_door = neighbours(before, zone)
        to_mass = MASS_FILM * AREA[zone] * (before[zone] - state.mass[zone])
        into_mass = to_mass + TO_MASS_SUN * sun + TO_MASS_GAINS * gains
        into_air = heat[zone] + outdoors + next_door - to_mass
        into_air += (1.0 - TO_MASS_SUN) * sun + (1.0 - TO_MASS_GAINS) * gains
        state.air[zone] += dt * into_air / capacity(air, zone)
        state.mass[zone] += dt * into_mass / (MASS_PER_AREA * AREA[zone])
        trace.by_supply[zone] += dt * heat[zone]
        trace.by_gains[zone] += dt * gains
        trace.by_sun[zone] += dt * sun
        trace.by_outdoors[zone] += dt * outdoors
        trace.by_neighbours[zone] += dt * next_door
    water = moist + noise.latent / EVAPORATION + leaked * (weather.humidity - state.humidity)
    state.humidity += dt * water / (3.0 * VOLUME.sum() * air.density)  # furniture holds water too


@compiled
def mean_air(state) -> float:
    """C, the zones' air by floor area: what hangs in return and plenum when nothing moves."""
    total = 0.0
    for zone in range(ZONES):
        total += AREA[zone] * state.air[zone]
    return total / AREA.sum()
