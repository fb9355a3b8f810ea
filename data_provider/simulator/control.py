"""The unit's control sequence (FACTS in docs/SIMULATOR.md): start and night cycle, economizer, valves and fans.

Set points and gains are in F and in. w.g., as in the building's own controller; integrals are outputs, 0 to 1.
"""

from data_provider.simulator.compiled import compiled
from data_provider.simulator.records import ZONES

STEP = 10.0  # s between two decisions
SUPPLY_F = 55.0
MIXED_F = 55.0
LOW_LIMIT_F = 52.0  # the heating coil works below it
NIGHT_SUPPLY_F = 86.0
STATIC_INWG = 1.6
ECONOMIZER_LOW_F, ECONOMIZER_HIGH_F, ECONOMIZER_BAND_F = 33.8, 60.0, 0.5
MINIMUM_OUTDOOR = 0.10
HEAT_F, COOL_F = 70.0, 75.0
NIGHT_HEAT_F, NIGHT_COOL_F, NIGHT_BAND_F = 60.0, 80.0, 2.0
SLOWEST_FAN = 0.25


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
def supervise(state, occupied: float, zones_f) -> None:
    """Decide whether the unit runs: occupied, or the night cycle for a zone outside 60 to 80 F."""
    coldest, warmest = zones_f[0], zones_f[0]
    for zone in range(1, ZONES):
        coldest, warmest = min(coldest, zones_f[zone]), max(warmest, zones_f[zone])
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
    state.running = 1.0 if occupied > 0 or state.night != 0 else 0.0


@compiled
def command_unit(state, supply_f: float, mixed_f: float, outdoor_f: float, static_inwg: float) -> None:
    """Set the commands of fan, dampers and valves from what the sensors say."""
    if state.running == 0:
        state.fan_command, state.valve_command, state.preheat_command = 0.0, 0.0, 0.0
        state.outdoor_command, state.return_command = 0.0, 1.0
        state.fan_integral, state.valve_integral, state.preheat_integral = SLOWEST_FAN, 0.0, 0.0
        state.outdoor_integral, state.economizer, state.valve_free = 0.0, 0.0, 0.0
        return
    state.fan_command, state.fan_integral = pi(
        STATIC_INWG - static_inwg, state.fan_integral, 0.06, 25.0, SLOWEST_FAN, 1.0
    )
    _dampers(state, mixed_f, outdoor_f)
    if state.valve_free > 0:
        state.valve_command, state.valve_integral = pi(
            supply_f - SUPPLY_F, state.valve_integral, 0.015, 150.0, 0.0, 1.0
        )
    else:
        state.valve_command, state.valve_integral = 0.0, 0.0
    if state.night > 0:
        state.preheat_command, state.preheat_integral = 0.0, 0.0
    else:
        least = NIGHT_SUPPLY_F if state.night < 0 else LOW_LIMIT_F
        state.preheat_command, state.preheat_integral = pi(
            least - supply_f, state.preheat_integral, 0.006, 180.0, 0.0, 1.0
        )


@compiled
def _dampers(state, mixed_f: float, outdoor_f: float) -> None:
    """The economizer: dampers in sequence hold mixed air; the cooling valve is free when that is not possible."""
    if state.night != 0:
        state.outdoor_command, state.return_command = 0.0, 1.0
        state.valve_free = 1.0 if state.night > 0 else 0.0
        return
    band = ECONOMIZER_BAND_F * (1.0 if state.economizer > 0 else -1.0)
    inside = ECONOMIZER_LOW_F - band / 2 <= outdoor_f <= ECONOMIZER_HIGH_F + band / 2
    if inside:
        state.outdoor_command, state.outdoor_integral = pi(
            mixed_f - MIXED_F, state.outdoor_integral, 0.01, 150.0, MINIMUM_OUTDOOR, 1.0
        )
        if state.outdoor_command >= 0.995:
            state.valve_free = 1.0
        elif state.outdoor_command < 0.95:
            state.valve_free = 0.0
    else:
        state.outdoor_command, state.outdoor_integral = MINIMUM_OUTDOOR, MINIMUM_OUTDOOR
        state.valve_free = 1.0
    state.economizer = 1.0 if inside else 0.0
    state.return_command = 1.0 - state.outdoor_command


@compiled
def move_actuators(state, fault) -> None:
    """Let fan, valves and dampers follow their commands as fast as they can; what is stuck stays."""
    state.fan = move(state.fan, state.fan_command, 40.0)
    state.valve = fault.valve if fault.valve >= 0 else move(state.valve, state.valve_command, 90.0)
    state.preheat = move(state.preheat, state.preheat_command, 90.0)
    state.outdoor = fault.damper if fault.damper >= 0 else move(state.outdoor, state.outdoor_command, 120.0)
    state.returned = move(state.returned, state.return_command, 120.0)
