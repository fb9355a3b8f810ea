"""Air on its way: mixing box, fans and duct.

Fan: a quadratic head curve moved by the affinity laws. Duct: every part loses pressure by the square of the flow.
Both together have a closed solution, so there is nothing to iterate.

Letters: flows in m3/s of standard air, pressures in Pa, speeds and openings 0 to 1.
"""

import math

from data_provider.simulator.compiled import compiled
from data_provider.simulator.moist_air import Air, enthalpy_of, temperature_of

DESIGN_FLOW = 5.9  # m3/s, 12,500 CFM
FAN_LOSS = 13.0  # Pa/(m3/s)^2 inside the fan's head curve
DUCT_LOSS = 14.0  # Pa/(m3/s)^2 of filter, coils and duct before the static-pressure sensor
MIXING_LOSS = 1.2  # Pa/(m3/s)^2 of a mixing box whose dampers together are open
RETURN_HEAD = 260.0  # Pa at 90 % speed
RETURN_EFFICIENCY = 0.5
RETURN_RATIO = 0.9  # of the supply fan's speed


@compiled
def damper(opening: float, leak: float, exponent: float) -> float:
    """Conductance of a damper, 0 to 1; shut it leaks a little."""
    return leak + (1.0 - leak) * opening**exponent


@compiled
def outdoor_damper(design, opening: float) -> float:
    """Conductance of the outdoor-air damper."""
    return design.outdoor_size * damper(opening, design.outdoor_leak, design.damper_exponent)


@compiled
def return_damper(design, opening: float) -> float:
    """Conductance of the return-air damper."""
    return damper(opening, design.return_leak, design.damper_exponent)


@compiled
def supply_fan(design, speed: float, boxes: float, outdoor: float, returned: float) -> tuple[float, float, float]:
    """Flow, static pressure at the sensor and the fan's power in W.

    Args:
        design: DESIGN record.
        speed: of the fan.
        boxes: conductance of all terminal boxes together, m3/s at 1 Pa.
        outdoor: opening of the outdoor-air damper.
        returned: opening of the return-air damper.
    """
    mixing = MIXING_LOSS / (outdoor_damper(design, outdoor) + return_damper(design, returned)) ** 2
    static = design.shut_off * speed * speed / (1.0 + (FAN_LOSS + DUCT_LOSS + mixing) * boxes * boxes)
    flow = boxes * math.sqrt(static)
    head = design.shut_off * speed * speed - FAN_LOSS * flow * flow
    return flow, static, head * flow / design.efficiency


@compiled
def outdoor_share(design, outdoor: float, returned: float) -> float:
    """Part of the supply air that comes from outdoors: the dampers' conductances share it."""
    open_outdoor = outdoor_damper(design, outdoor)
    return open_outdoor / (open_outdoor + return_damper(design, returned))


@compiled
def return_fan(speed: float, supply_speed: float, supply: float, recirculated: float) -> tuple[float, float]:
    """Return flow, which follows the speeds but is never below what recirculates, and the fan's power in W."""
    flow = max(supply * speed / max(supply_speed, 1e-3), recirculated)
    return flow, RETURN_HEAD * (speed / RETURN_RATIO) ** 2 * flow / RETURN_EFFICIENCY


@compiled
def mix(air: Air, t1: float, w1: float, t2: float, w2: float, share: float) -> tuple[float, float]:
    """Temperature and humidity of `share` parts of the first air with the rest of the second."""
    w = share * w1 + (1.0 - share) * w2
    h = share * enthalpy_of(air, t1, w1) + (1.0 - share) * enthalpy_of(air, t2, w2)
    return temperature_of(air, h, w), w
