"""The two coils, heating and cooling; which of them comes first is a matter of design.

The cooling coil is a counter-flow exchanger by effectiveness and number of transfer units, dry on temperatures and
wet on enthalpies with the saturation line between the water's two temperatures as its heat capacity (Braun, Klein
and Mitchell, ASHRAE Transactions 95, 1989); the greater of the two rates holds.

Letters: t in C, w in kg/kg, m in kg/s (of dry air, or of water), heat in W.
"""

import math

from data_provider.simulator.compiled import compiled
from data_provider.simulator.moist_air import (
    Air,
    enthalpy_of,
    heat_capacity,
    ratio_of,
    saturated_enthalpy,
    saturated_ratio,
    saturation_temperature,
    temperature_of,
)

WATER_FLOW = 5.6  # kg/s, valve open
WATER = 4186.0  # J/(kg K)
AIR_FLOW = 7.0  # kg/s at which the conductances hold
UA_AIR = 19000.0  # W/K on the air's side
UA_WATER = 44000.0  # W/K on the water's side


@compiled
def water_share(design, opening: float) -> float:
    """Flow through the chilled-water valve, 0 to 1: equal percentage, in series with the coil."""
    own = (design.rangeability**opening - 1.0) / (design.rangeability - 1.0)
    return own / math.sqrt((1.0 - design.authority) * own * own + design.authority)


@compiled
def effectiveness(units: float, ratio: float) -> float:
    """Of a counter-flow exchanger, referred to the air; `ratio` is the air's capacity rate over the water's."""
    if abs(ratio - 1.0) < 1e-6:
        return units / (1.0 + units)
    fade = math.exp(-units * (1.0 - ratio))
    return (1.0 - fade) / (1.0 - ratio * fade)


@compiled
def cooling_coil(
    air: Air, t: float, w: float, m: float, water_t: float, water_m: float, size: float
) -> tuple[float, float, float, float]:
    """Air and water behind the coil in balance: (t, w, heat that the water takes, water's temperature).

    `size` multiplies the conductances of `UA_AIR` and `UA_WATER`.
    """
    ua_air = size * UA_AIR * (m / AIR_FLOW) ** 0.6
    ua_water = size * UA_WATER * (water_m / WATER_FLOW) ** 0.8
    return cooling_by(air, t, w, m, water_t, water_m, ua_air, ua_water)


@compiled
def cooling_by(
    air: Air, t: float, w: float, m: float, water_t: float, water_m: float, ua_air: float, ua_water: float
) -> tuple[float, float, float, float]:
    """The same for a coil whose conductances at these flows are known, in W/K on the air's and the water's side."""
    if water_m < 1e-4 or t <= water_t + 0.05:
        return t, w, 0.0, water_t
    cp = heat_capacity(air, w)
    capacity = water_m * WATER
    h = enthalpy_of(air, t, w)
    ua = 1.0 / (1.0 / ua_air + 1.0 / ua_water)
    heat = effectiveness(ua / (m * cp), m * cp / capacity) * m * cp * (t - water_t)
    low = saturated_enthalpy(air, water_t)
    wet = heat
    for _ in range(3):
        out = water_t + max(wet / capacity, 0.5)
        slope = (saturated_enthalpy(air, out) - low) / (out - water_t)
        units = (ua_air / cp) / (1.0 + slope * ua_air / (cp * ua_water)) / m
        wet = effectiveness(units, m * slope / capacity) * m * (h - low)
    t_out, w_out = temperature_of(air, h - heat / m, w), w
    if wet > heat:
        bypass = math.exp(-ua_air / (m * cp))
        surface = saturation_temperature(air, h - wet / m / (1.0 - bypass))
        wet_t = surface + (t - surface) * bypass
        wet_w = ratio_of(air, h - wet / m, wet_t)
        if wet_w < w:
            heat, t_out, w_out = wet, wet_t, wet_w
    if w_out > saturated_ratio(air, t_out):  # fog at the coil drains: saturated at the same enthalpy
        t_out = saturation_temperature(air, h - heat / m)
        w_out = saturated_ratio(air, t_out)
    return t_out, w_out, heat, water_t + heat / capacity


@compiled
def heating_coil(air: Air, t: float, w: float, m: float, reached: float, water_t: float) -> tuple[float, float]:
    """Air behind the heating coil and the heat that it took, (t, W); `reached` is the coil's effectiveness."""
    warmed = t + reached * (water_t - t)
    return warmed, m * heat_capacity(air, w) * (warmed - t)
