"""Control sequences (docs/SIMULATOR.md): start and night cycle, set points, economizer, valves and fans.

Set points and gains are in F and in. w.g., as in the building's own controller; integrals are outputs, 0 to 1.
"""

from data_provider.simulator.compiled import compiled
from data_provider.simulator.design import DEMAND, DIFFERENTIAL, FIXED, NO_ECONOMIZER, OUTDOOR, STATIC, THERMOSTAT
from data_provider.simulator.records import ZONES

STEP = 10.0  # s between two decisions
NIGHT_SUPPLY_F = 86.0
ECONOMIZER_BAND_F = 0.5
NIGHT_HEAT_F, NIGHT_COOL_F, NIGHT_BAND_F = 60.0, 80.0, 2.0
RESET_LAG = 900.0  # s in which a set point that is reset follows


@compiled
def pi(error: float, integral: float, gain: float, seconds: float, low: float, high: float) -> tuple[float, float]:
    """Output and new integral of a proportional-integral controller that does not wind up."""
    ahead = gain * error + integral
    if not ((ahead >= high and error > 0) or (ahead <= low and error < 0)):
        integral = min(max(integral + gain * error * STEP / seconds, low), high)
    return min(max(gain * error + integral, low), high), integral


@compiled
def move(position: float, command: float, stroke: float) -> float:
    """An actuator's position a step later; a whole stroke takes so many seconds."""
    most = STEP / stroke
    return position + min(max(command - position, -most), most)


@compiled
def night_cycle(state, occupied: float, coldest: float, warmest: float) -> None:
    """Whether an empty building is heated (-1) or cooled (1), for a room outside 60 to 80 F, or is let alone (0)."""
    if occupied > 0:
        state.night = 0.0
    elif coldest < NIGHT_HEAT_F + 0.4:
        state.night = -1.0
    elif warmest > NIGHT_COOL_F - 0.4:
        state.night = 1.0
    elif (state.night < 0 and coldest > NIGHT_HEAT_F + NIGHT_BAND_F) or (
        state.night > 0 and warmest < NIGHT_COOL_F - NIGHT_BAND_F
    ):
        state.night = 0.0


@compiled
def supervise(state, occupied: float, zones_f) -> None:
    """Decide whether the unit runs: occupied, or the night cycle for a zone outside 60 to 80 F."""
    coldest, warmest = zones_f[0], zones_f[0]
    for zone in range(1, ZONES):
        coldest, warmest = min(coldest, zones_f[zone]), max(warmest, zones_f[zone])
    night_cycle(state, occupied, coldest, warmest)
    state.running = 1.0 if occupied > 0 or state.night != 0 else 0.0


@compiled
def set_points(state, design, outdoor_f: float) -> None:
    """Bring the supply-air set points for cooling and heating, in F, to where the sequence wants them."""
    if design.reset == FIXED:
        state.cool_f, state.heat_f = design.supply_f, design.heat_f
        return
    span = design.supply_most_f - design.supply_f
    if design.reset == OUTDOOR:
        share = min(max((design.reset_high_f - outdoor_f) / (design.reset_high_f - design.reset_low_f), 0.0), 1.0)
        wanted = design.supply_f + share * span
    else:
        wanted = design.supply_most_f - state.cool_demand * span
    slow = STEP / RESET_LAG
    state.cool_f = wanted if state.cool_f == 0 else state.cool_f + slow * (wanted - state.cool_f)
    warm = state.cool_f - design.dead_band_f
    if design.reset == THERMOSTAT:
        wanted = design.heat_f + state.heat_demand * (design.heat_most_f - design.heat_f)
        warm = wanted if state.heat_f == 0 else state.heat_f + slow * (wanted - state.heat_f)
    state.heat_f = min(warm, state.cool_f)


@compiled
def command_unit(
    state, design, fault, supply_f: float, mixed_f: float, outdoor_f: float, return_f: float, static_inwg: float
) -> None:
    """Set the commands of fan, dampers and valves from what the sensors say."""
    set_points(state, design, outdoor_f)
    if state.running == 0:
        state.fan_command, state.valve_command, state.preheat_command = 0.0, 0.0, 0.0
        state.outdoor_command, state.return_command = 0.0, 1.0
        state.fan_integral, state.valve_integral, state.preheat_integral = design.slowest_fan, 0.0, 0.0
        state.outdoor_integral, state.economizer, state.valve_free = 0.0, 0.0, 0.0
        return
    _fan(state, design, static_inwg)
    _dampers(state, design, fault, supply_f, mixed_f, outdoor_f, return_f)
    if state.valve_free > 0:
        state.valve_command, state.valve_integral = pi(
            supply_f - state.cool_f, state.valve_integral, design.valve_gain * fault.gain, 150.0, 0.0, 1.0
        )
    else:
        state.valve_command, state.valve_integral = 0.0, 0.0
    if state.night > 0:
        state.preheat_command, state.preheat_integral = 0.0, 0.0
    else:
        least = NIGHT_SUPPLY_F if state.night < 0 else state.heat_f
        state.preheat_command, state.preheat_integral = pi(
            least - supply_f, state.preheat_integral, design.preheat_gain * fault.gain, 180.0, 0.0, 1.0
        )


@compiled
def _fan(state, design, static_inwg: float) -> None:
    """The supply fan holds static pressure, follows the zone's demand, or keeps its speed."""
    if design.fan == STATIC:
        state.fan_command, state.fan_integral = pi(
            design.static_inwg - static_inwg, state.fan_integral, 0.06, 25.0, design.slowest_fan, 1.0
        )
    elif design.fan == DEMAND:
        demand = max(state.cool_demand, state.heat_demand)
        state.fan_command = design.slowest_fan + (design.fastest_fan - design.slowest_fan) * demand
    else:
        state.fan_command = design.fastest_fan


@compiled
def _dampers(state, design, fault, supply_f: float, mixed_f: float, outdoor_f: float, return_f: float) -> None:
    """The economizer: dampers in sequence hold mixed or supply air; where it cannot, the cooling valve is free."""
    if state.night != 0:
        state.outdoor_command, state.return_command = 0.0, 1.0
        state.valve_free = 1.0 if state.night > 0 else 0.0
        return
    band = ECONOMIZER_BAND_F * (1.0 if state.economizer > 0 else -1.0)
    high = return_f - 1.0 if design.economizer == DIFFERENTIAL else design.economizer_high_f
    inside = design.economizer_low_f - band / 2 <= outdoor_f <= high + band / 2
    if inside and design.economizer != NO_ECONOMIZER:
        error = (mixed_f if design.holds_mixed > 0 else supply_f) - state.cool_f
        state.outdoor_command, state.outdoor_integral = pi(
            error, state.outdoor_integral, design.damper_gain * fault.gain, 150.0, design.minimum_outdoor, 1.0
        )
        if state.outdoor_command >= 0.995:
            state.valve_free = 1.0
        elif state.outdoor_command < 0.95:
            state.valve_free = 0.0
        state.economizer = 1.0
    else:
        state.outdoor_command, state.outdoor_integral = design.minimum_outdoor, design.minimum_outdoor
        state.valve_free, state.economizer = 1.0, 0.0
    state.return_command = 1.0 - state.outdoor_command


@compiled
def move_actuators(state, fault) -> None:
    """Let fan, valves and dampers follow their commands as fast as they can; what is stuck stays."""
    state.fan = fault.fan if fault.fan >= 0 and state.running > 0 else move(state.fan, state.fan_command, 40.0)
    state.valve = fault.valve if fault.valve >= 0 else move(state.valve, state.valve_command, 90.0)
    state.preheat = fault.heating if fault.heating >= 0 else move(state.preheat, state.preheat_command, 90.0)
    state.outdoor = fault.damper if fault.damper >= 0 else move(state.outdoor, state.outdoor_command, 120.0)
    state.returned = move(state.returned, state.return_command, 120.0)
