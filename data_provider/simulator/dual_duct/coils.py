"""The two coils with three-way valves: what passes by a coil joins its water behind it, so a pump's flow is constant.

Letters: t in C, w in kg/kg, m in kg/s, heat in W that the air gains; decks 0 cold, 1 hot.
"""

import math

import numpy as np

from data_provider.simulator.coil import WATER, cooling_by, effectiveness, water_share
from data_provider.simulator.compiled import compiled
from data_provider.simulator.dual_duct.faults import COLD
from data_provider.simulator.moist_air import Air, heat_capacity

PUMP = np.array([1.25, 0.32])  # kg/s
WATER_T = np.array([6.7, 60.0])  # C
AIR_FLOW = np.array([1.6, 0.95])  # kg/s at which the conductances hold
UA_AIR = np.array([3900.0, 1000.0])  # W/K
UA_WATER = np.array([8000.0, 2200.0])


@compiled
def coil_water(design, deck: int, opening: float, left: float) -> float:
    """kg/s through a coil whose valve stands so, where scale leaves a share of the water's side."""
    return PUMP[deck] * math.sqrt(left) * water_share(design, opening)


@compiled
def coil(
    air: Air, deck: int, t: float, w: float, m: float, water_t: float, water: float, clean: float, left: float
) -> tuple[float, float, float, float]:
    """Air and water behind a coil in balance: (t, w, heat that the air gains, water's temperature).

    `clean` and `left` are the shares of the conductances on the air's and the water's side that fouling leaves.
    """
    ua_air = clean * UA_AIR[deck] * (m / AIR_FLOW[deck]) ** 0.6
    ua_water = left * UA_WATER[deck] * (water / PUMP[deck]) ** 0.8
    if deck == COLD:
        t_out, w_out, heat, water_out = cooling_by(air, t, w, m, water_t, water, ua_air, ua_water)
        return t_out, w_out, -heat, water_out
    if water < 1e-4 or m < 1e-4 or t >= water_t - 0.05:
        return t, w, 0.0, water_t
    rate, capacity = m * heat_capacity(air, w), water * WATER
    ua = 1.0 / (1.0 / ua_air + 1.0 / ua_water)
    heat = effectiveness(ua / rate, rate / capacity) * rate * (water_t - t)
    return t + heat / rate, w, heat, water_t - heat / capacity
