"""Control sequences of the dual-duct unit (docs/SIMULATOR.md). Set points and gains are in F and in. w.g."""

from data_provider.simulator.compiled import compiled
from data_provider.simulator.control import (
    ECONOMIZER_BAND_F,
    NIGHT_BAND_F,
    NIGHT_COOL_F,
    NIGHT_HEAT_F,
    move,
    night_cycle,
    pi,
)
from data_provider.simulator.dual_duct.airside import DESIGN_FLOW, LEAST, MOST, RETURN_SHARE
from data_provider.simulator.dual_duct.faults import COLD, HOT
from data_provider.simulator.dual_duct.records import COUNT, DECKS

COLD_F = 55.0
HOT_MOST_F, HOT_LEAST_F = 97.0, 80.0  # with outdoor air at 0 F, and at 60 F and above
STATIC_INWG = 1.6
SLOWEST_FAN = 0.2
MINIMUM_OUTDOOR = 0.28
ECONOMIZER_F = 60.0
ROOM_COOL_F, ROOM_HEAT_F = 74.0, 70.0
VALVE_GAIN = (0.012, 0.006)
OFF, OPERATE, SETBACK = 0.0, 1.0, 2.0


@compiled
def supervise(state, occupied: float, rooms_f) -> None:
    """Decide how the unit runs: operation by schedule, setback for a room outside 60 to 80 F, else shutdown."""
    night_cycle(state, occupied, rooms_f.min(), rooms_f.max())
    state.mode = OPERATE if occupied > 0 else (SETBACK if state.night != 0 else OFF)


@compiled
def room_set_points(state) -> tuple[float, float]:
    """Set points for cooling and heating of the rooms, in F."""
    if state.mode == OPERATE:
        return ROOM_COOL_F, ROOM_HEAT_F
    return NIGHT_COOL_F - NIGHT_BAND_F - 1.0, NIGHT_HEAT_F + NIGHT_BAND_F + 1.0


@compiled
def command_rooms(state, rooms_f) -> None:
    """Each room's loops ask the cold and the hot deck for flow; the boxes' dampers chase it."""
    cool_f, heat_f = room_set_points(state)
    for room in range(COUNT):
        for deck in range(DECKS):
            if state.mode == OFF:
                state.room_integral[deck, room], state.wanted[deck, room] = 0.0, 0.0
                continue
            error = rooms_f[room] - cool_f if deck == COLD else heat_f - rooms_f[room]
            demand, state.room_integral[deck, room] = pi(error, state.room_integral[deck, room], 0.3, 1200.0, 0.0, 1.0)
            state.wanted[deck, room] = MOST[deck, room] * (LEAST[deck] + (1.0 - LEAST[deck]) * demand)


@compiled
def command_unit(state, fault, deck_f, outdoor_f: float, static_inwg) -> None:
    """Set the commands of fans, dampers and valves from what the sensors say.

    Args:
        state: STATE record.
        fault: DualFault.
        deck_f: (2,) F, what the decks' sensors say.
        outdoor_f: F, what the outdoor-air sensor says.
        static_inwg: (2,) in. w.g., what the decks' pressure sensors say.
    """
    cold = min(max((ECONOMIZER_F - outdoor_f) / ECONOMIZER_F, 0.0), 1.0)
    state.set_f[COLD], state.set_f[HOT] = COLD_F, HOT_LEAST_F + cold * (HOT_MOST_F - HOT_LEAST_F)
    if state.mode == OFF:
        for deck in range(DECKS):
            state.fan_command[deck], state.fan_integral[deck] = 0.0, SLOWEST_FAN
            state.valve_command[deck], state.valve_integral[deck] = 0.0, 0.0
        state.outdoor_command, state.outdoor_integral = 0.0, 0.0
        state.economizer, state.valve_free = 0.0, 0.0
        return
    for deck in range(DECKS):
        state.fan_command[deck], state.fan_integral[deck] = pi(
            STATIC_INWG - static_inwg[deck], state.fan_integral[deck], 0.06, 25.0, SLOWEST_FAN, 1.0
        )
    _dampers(state, fault, deck_f[COLD], outdoor_f)
    for deck in range(DECKS):
        may = state.valve_free > 0 if deck == COLD else state.night <= 0
        if may:
            error = deck_f[deck] - state.set_f[deck] if deck == COLD else state.set_f[deck] - deck_f[deck]
            state.valve_command[deck], state.valve_integral[deck] = pi(
                error, state.valve_integral[deck], VALVE_GAIN[deck] * fault.gain[deck], 180.0, 0.0, 1.0
            )
        else:
            state.valve_command[deck], state.valve_integral[deck] = 0.0, 0.0


@compiled
def _dampers(state, fault, cold_f: float, outdoor_f: float) -> None:
    """The economizer: in cool weather the dampers hold the cold deck, and the valve waits until they are open."""
    if state.mode == SETBACK:
        state.outdoor_command, state.valve_free = 0.0, 1.0 if state.night > 0 else 0.0
        return
    band = ECONOMIZER_BAND_F / 2.0 * (1.0 if state.economizer > 0 else -1.0)
    if outdoor_f <= ECONOMIZER_F + band:
        state.outdoor_command, state.outdoor_integral = pi(
            cold_f - COLD_F, state.outdoor_integral, 0.01 * fault.gain[COLD], 150.0, MINIMUM_OUTDOOR, 1.0
        )
        if state.outdoor_command >= 0.995:
            state.valve_free = 1.0
        elif state.outdoor_command < 0.95:
            state.valve_free = 0.0
        state.economizer = 1.0
    else:
        state.outdoor_command, state.outdoor_integral = MINIMUM_OUTDOOR, MINIMUM_OUTDOOR
        state.valve_free, state.economizer = 1.0, 0.0


@compiled
def move_actuators(state, fault) -> None:
    """Let fans, valves and dampers follow their commands as fast as they can; what is stuck stays."""
    for deck in range(DECKS):
        state.fan[deck] = move(state.fan[deck], state.fan_command[deck], 40.0)
        stuck = fault.valve[deck]
        state.valve[deck] = stuck if stuck >= 0 else move(state.valve[deck], state.valve_command[deck], 90.0)
        for room in range(COUNT):
            error = (state.wanted[deck, room] - state.flow[deck, room]) / MOST[deck, room]
            chased = min(max(state.box[deck, room] + 0.25 * error, 0.0), 1.0) if state.mode > 0 else 0.0
            state.box[deck, room] = move(state.box[deck, room], chased, 90.0)
        if fault.box[deck] >= 0:
            state.box[deck, 0] = fault.box[deck]
    state.outdoor = fault.outdoor if fault.outdoor >= 0 else move(state.outdoor, state.outdoor_command, 120.0)
    state.returned = move(state.returned, 1.0 - state.outdoor_command, 120.0)
    state.exhaust = move(state.exhaust, state.outdoor_command, 120.0)
    wanted = RETURN_SHARE * state.flow.sum() / DESIGN_FLOW.sum() if state.mode > 0 else 0.0
    state.return_fan = move(state.return_fan, min(wanted, 1.0), 40.0)
