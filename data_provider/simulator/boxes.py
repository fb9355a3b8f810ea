"""Five pressure-independent terminal boxes with reheat.

Each zone has a cooling loop, which asks for more air than the least, and a heating loop, which opens the reheat
valve and then asks for more air too. The box's damper chases the flow that the loops ask for.
"""

import math

import numpy as np

from data_provider.simulator.compiled import compiled
from data_provider.simulator.control import NIGHT_BAND_F, NIGHT_COOL_F, NIGHT_HEAT_F, move, pi
from data_provider.simulator.moist_air import Air, heat_capacity
from data_provider.simulator.records import ZONES

MOST = np.array([1.15, 0.95, 0.70, 0.95, 2.15])  # m3/s
LEAST_HEATING = 0.55  # of the most, while heating
REHEAT_WATER = 60.0  # C
REHEAT = 0.50  # effectiveness, valve open
FULL_OPEN = MOST / math.sqrt(250.0)  # m3/s at 1 Pa, damper open
_LEAK = 0.01


@compiled
def conductance(state, design, zone: int) -> float:
    """m3/s at 1 Pa of a box."""
    return design.box_size * FULL_OPEN[zone] * (_LEAK + (1.0 - _LEAK) * state.box[zone] ** 1.3)


@compiled
def all_conductance(state, design) -> float:
    """m3/s at 1 Pa of all boxes together."""
    total = 0.0
    for zone in range(ZONES):
        total += conductance(state, design, zone)
    return total


@compiled
def command_boxes(state, design, occupied: float, zones_f) -> None:
    """Run the zones' loops and move dampers and reheat valves; a single zone has neither, and its boxes stay open."""
    heat_f = design.zone_heat_f if occupied > 0 else NIGHT_HEAT_F + NIGHT_BAND_F + 1.0
    cool_f = design.zone_cool_f if occupied > 0 else NIGHT_COOL_F - NIGHT_BAND_F - 1.0
    state.cool_demand, state.heat_demand = 0.0, 0.0
    for zone in range(ZONES):
        if state.running == 0:
            state.cool_integral[zone], state.heat_integral[zone] = 0.0, 0.0
            state.reheat[zone] = move(state.reheat[zone], 0.0, 90.0)
            continue
        cool, state.cool_integral[zone] = pi(zones_f[zone] - cool_f, state.cool_integral[zone], 0.3, 1200.0, 0.0, 1.0)
        warm, state.heat_integral[zone] = pi(heat_f - zones_f[zone], state.heat_integral[zone], 0.3, 1200.0, 0.0, 1.0)
        state.cool_demand, state.heat_demand = max(state.cool_demand, cool), max(state.heat_demand, warm)
        if design.single_zone > 0:
            state.box[zone] = 1.0
            continue
        least = design.least_flow
        share = least + (1.0 - least) * cool + (LEAST_HEATING - least) * min(max(2.0 * warm - 1.0, 0.0), 1.0)
        state.reheat[zone] = move(state.reheat[zone], min(2.0 * warm, 1.0), 90.0)
        error = min(share, 1.0) - state.flow[zone] / (design.box_size * MOST[zone])
        chased = min(max(state.box[zone] + 0.25 * error, 0.0), 1.0)
        state.box[zone] = move(state.box[zone], chased, 90.0)


@compiled
def deliver(state, design, air: Air, static: float, supply_t: float, supply_w: float, heat) -> float:
    """Set the boxes' flows, fill heat with W that each brings to its zone; returns kg/s of water brought."""
    cp = heat_capacity(air, supply_w)
    water = 0.0
    for zone in range(ZONES):
        state.flow[zone] = conductance(state, design, zone) * math.sqrt(max(static, 0.0))
        m = state.flow[zone] * air.density
        t = supply_t + REHEAT * state.reheat[zone] * (REHEAT_WATER - supply_t)
        heat[zone] = m * cp * (t - state.air[zone])
        water += m * (supply_w - state.humidity)
    return water
