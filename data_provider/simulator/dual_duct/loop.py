"""The minute loop of the dual-duct unit: sensors, controls, actuators, air, coils, boxes and rooms, six times a minute.

What the sensors beyond the controls' own say is written without noise here; `sensors` adds it.
"""

from data_provider.simulator.airside import mix, outdoor_share
from data_provider.simulator.compiled import compiled
from data_provider.simulator.control import STEP
from data_provider.simulator.dual_duct.airside import (
    EFFICIENCY,
    blend,
    deck_fan,
    plenum_loss,
    return_air,
    way,
    ways,
)
from data_provider.simulator.dual_duct.coils import PUMP, WATER_T, coil, coil_water
from data_provider.simulator.dual_duct.control import command_rooms, command_unit, move_actuators, supervise
from data_provider.simulator.dual_duct.look import look
from data_provider.simulator.dual_duct.records import COUNT, DECKS
from data_provider.simulator.dual_duct.rooms import step_rooms
from data_provider.simulator.loop import COIL_LAG, MOVING, PLENUM_LAG, SENSOR_LAG, STEPS
from data_provider.simulator.moist_air import heat_capacity
from data_provider.simulator.units import INWG, KELVIN_TO_F


@compiled
def advance(state, design, weather, noise, fault, air, points, traces, work) -> None:
    """Simulate n minutes.

    Args:
        state: STATE record; left as it is after the last minute.
        design: DESIGN record, for dampers and valves.
        weather: (n,) WEATHER records.
        noise: (n,) NOISE records.
        fault: DualFault.
        air: Air.
        points: (n,) POINTS records to fill.
        traces: (n,) TRACE records of zeros to fill, or a single one to be thrown away.
        work: (4, 4) space to work in.
    """
    for minute in range(len(points)):
        trace = traces[min(minute, len(traces) - 1)]
        for _ in range(STEPS):
            _step(state, design, weather[minute], noise[minute], fault, air, trace, work)
        _read(state, noise[minute], fault, work)
        look(state, design, weather[minute], noise[minute], air, trace, points[minute], work)


@compiled
def _read(state, noise, fault, work) -> None:
    """What the sensors of the controls say: F of the rooms, F of the decks, in. w.g. of the decks."""
    for room in range(COUNT):
        work[0, room] = state.air[room] * KELVIN_TO_F + 32.0 + noise.room[room]
    for deck in range(DECKS):
        seen = state.supply_sensor[deck] + fault.bias[deck]
        work[1, deck] = seen * KELVIN_TO_F + 32.0 + noise.deck[deck]
        work[2, deck] = max((state.static[deck] + noise.static[deck]) / INWG + fault.static_bias[deck], 0.0)


@compiled
def _step(state, design, weather, noise, fault, air, trace, work) -> None:
    _read(state, noise, fault, work)
    supervise(state, noise.occupied, work[0])
    outdoor_f = weather.dry_bulb * KELVIN_TO_F + 32.0 + noise.outdoor
    command_rooms(state, work[0])
    command_unit(state, fault, work[1], outdoor_f, work[2])
    move_actuators(state, fault)
    if state.fan[0] > MOVING and state.fan[1] > MOVING:
        moist = _blow(state, design, weather, noise, fault, air, trace, work[3])
    else:
        moist = _rest(state, weather, trace, work[3])
    step_rooms(state, air, weather, noise, work[3], moist, STEP, trace)
    for room in range(COUNT):
        trace.air[room], trace.mass[room] = state.air[room], state.mass[room]


@compiled
def _blow(state, design, weather, noise, fault, air, trace, heat) -> float:
    """Air moves: plenum, two decks, boxes. Returns kg/s of water that reaches the rooms."""
    supply = state.flow.sum()
    share = outdoor_share(design, state.outdoor, state.returned)
    back, _, back_power = return_air(state.return_fan, supply, (1.0 - share) * supply)
    leaving = _leaving(state)
    return_t = leaving
    if back > 0.0:
        return_t += back_power / (back * air.density * heat_capacity(air, state.humidity))
    mixed_t, mixed_w = mix(air, weather.dry_bulb, weather.humidity, return_t, state.humidity, share)
    state.mixed_w = mixed_w
    state.mixed_sensor += STEP / SENSOR_LAG * (mixed_t - state.mixed_sensor)
    state.return_sensor += STEP / SENSOR_LAG * (leaving - state.return_sensor)
    trace.outdoor_t, trace.outdoor_w, trace.fraction = weather.dry_bulb, weather.humidity, share
    trace.return_t, trace.return_w, trace.return_fan_power = return_t, state.humidity, back_power
    trace.return_flow = back
    trace.mixed_t, trace.mixed_w, trace.night = mixed_t, mixed_w, state.night
    cold, hot = plenum_loss(design, state, 0), plenum_loss(design, state, 1)
    for deck in range(DECKS):
        _deck(state, design, noise, fault, air, trace, deck, cold if deck == 0 else hot)
    return _boxes(state, air, trace, heat)


@compiled
def _leaving(state) -> float:
    """C of the air that leaves the rooms."""
    drawn, total = 0.0, 0.0
    for room in range(COUNT):
        flow = state.flow[0, room] + state.flow[1, room]
        drawn += flow * state.air[room]
        total += flow
    return drawn / total if total > 0 else state.air.mean()


@compiled
def _deck(state, design, noise, fault, air, trace, deck: int, plenum: float) -> None:
    """One deck: its fan draws mixed air through its coil and pushes it to the boxes."""
    clean, left = fault.air[deck], fault.water[deck]
    flow, static, head = deck_fan(deck, state.fan[deck], ways(state, deck), plenum, clean)
    m = max(flow * air.density, 1e-3)
    water_t = WATER_T[deck] + noise.water[deck]
    water = coil_water(design, deck, state.valve[deck], left)
    t, w, heat, out = coil(air, deck, trace.mixed_t, trace.mixed_w, m, water_t, water, clean, left)
    state.coil_t[deck] += STEP / COIL_LAG * (t - state.coil_t[deck])
    state.coil_w[deck] += STEP / COIL_LAG * (w - state.coil_w[deck])
    power = head * flow / EFFICIENCY
    supply_t = state.coil_t[deck] + power / (m * heat_capacity(air, state.coil_w[deck]))
    state.static[deck] += STEP / 15.0 * (static - state.static[deck])
    state.supply_sensor[deck] += STEP / SENSOR_LAG * (supply_t - state.supply_sensor[deck])
    state.water[deck, 0], state.water[deck, 1] = water_t, out
    state.water[deck, 2] = water_t + water / PUMP[deck] * (out - water_t)
    trace.water_flow[deck], trace.water_in[deck], trace.water_out[deck] = water, water_t, out
    trace.mass_flow[deck], trace.coil_power[deck] = m, heat
    trace.coil_steady_t[deck], trace.coil_steady_w[deck] = t, w
    trace.fan_power[deck], trace.fan_head[deck] = power, head
    trace.supply_t[deck], trace.supply_w[deck] = supply_t, state.coil_w[deck]
    for room in range(COUNT):
        open_way = way(deck, room, state.box[deck, room])
        state.flow[deck, room] = open_way * static**0.5
        trace.box_flow[deck, room] = state.flow[deck, room]


@compiled
def _boxes(state, air, trace, heat) -> float:
    """Blend cold and hot air in each box; fill heat with the W that it brings, return kg/s of water brought."""
    moist = 0.0
    for room in range(COUNT):
        cold, hot = state.flow[0, room] * air.density, state.flow[1, room] * air.density
        t, w = blend(air, cold, trace.supply_t[0], trace.supply_w[0], hot, trace.supply_t[1], trace.supply_w[1])
        heat[room] = (cold + hot) * heat_capacity(air, w) * (t - state.air[room])
        moist += (cold + hot) * (w - state.humidity)
        state.discharge_sensor[room] += STEP / SENSOR_LAG * (t - state.discharge_sensor[room])
        trace.discharge_t[room], trace.discharge_w[room] = t, w
    return moist


@compiled
def _rest(state, weather, trace, heat) -> float:
    """Air stands still: sensors and coils drift to what surrounds them."""
    around = state.air.mean()
    slow = STEP / PLENUM_LAG
    for deck in range(DECKS):
        state.coil_t[deck] += slow * (around - state.coil_t[deck])
        state.coil_w[deck] += slow * (state.humidity - state.coil_w[deck])
        state.supply_sensor[deck] += slow * (around - state.supply_sensor[deck])
        state.static[deck] += STEP / 15.0 * (0.0 - state.static[deck])
        trace.mass_flow[deck], trace.fan_power[deck], trace.fan_head[deck] = 0.0, 0.0, 0.0
        trace.coil_power[deck], trace.water_flow[deck] = 0.0, 0.0
    state.mixed_sensor += slow * (0.7 * around + 0.3 * weather.dry_bulb - state.mixed_sensor)
    state.return_sensor += slow * (around - state.return_sensor)
    state.mixed_w = state.humidity
    trace.outdoor_t, trace.outdoor_w, trace.return_flow, trace.night = weather.dry_bulb, weather.humidity, 0.0, 0.0
    trace.mixed_t, trace.mixed_w, trace.return_fan_power = state.mixed_sensor, state.humidity, 0.0
    for deck in range(DECKS):
        for place in range(3):
            state.water[deck, place] += slow * (around - state.water[deck, place])
        for room in range(COUNT):
            state.flow[deck, room] = 0.0
    for room in range(COUNT):
        state.discharge_sensor[room] += slow * (state.air[room] - state.discharge_sensor[room])
        heat[room] = 0.0
    return 0.0
