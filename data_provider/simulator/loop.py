"""The minute loop: sensors, controls, actuators, air, coils, boxes and zones, six times a minute."""

from data_provider.simulator.airside import RETURN_RATIO, mix, outdoor_share, return_fan, supply_fan
from data_provider.simulator.boxes import all_conductance, command_boxes, deliver
from data_provider.simulator.building import mean_air, step_zones
from data_provider.simulator.coil import WATER_FLOW, cooling_coil, heating_coil, water_share
from data_provider.simulator.compiled import compiled
from data_provider.simulator.control import STEP, command_unit, move_actuators, supervise
from data_provider.simulator.moist_air import heat_capacity
from data_provider.simulator.records import ZONES
from data_provider.simulator.units import CFM, INWG, KELVIN_TO_F

STEPS = int(60 / STEP)
COIL_LAG, SENSOR_LAG, PLENUM_LAG = 40.0, 30.0, 3600.0  # s
AWAY = 15.0  # K by which chilled water is too warm when the plant is away
MOVING = 0.02  # fan speed below which air counts as still


@compiled
def advance(state, design, weather, noise, fault, air, points, traces, zones_f, heat) -> None:
    """Simulate n minutes.

    Args:
        state: STATE record; left as it is after the last minute.
        design: DESIGN record.
        weather: (n,) WEATHER records.
        noise: (n,) NOISE records.
        fault: Fault.
        air: Air.
        points: (n,) POINTS records to fill.
        traces: (n,) TRACE records of zeros to fill, or a single one to be thrown away.
        zones_f: (5,) space to work in.
        heat: (5,) space to work in.
    """
    for minute in range(len(points)):
        trace = traces[min(minute, len(traces) - 1)]
        for _ in range(STEPS):
            _step(state, design, weather[minute], noise[minute], fault, air, trace, zones_f, heat)
        _look(state, design, weather[minute], noise[minute], fault, trace, points[minute], zones_f)


@compiled
def _supply_f(state, noise, fault) -> float:
    """What the supply-air sensor says, in F; so do the next two."""
    return (state.supply_sensor + fault.supply_bias) * KELVIN_TO_F + 32.0 + noise.temperature[0]


@compiled
def _outdoor_f(weather, noise, fault) -> float:
    return (weather.dry_bulb + fault.outdoor_bias) * KELVIN_TO_F + 32.0 + noise.temperature[1]


@compiled
def _mixed_f(state, design, weather, noise, fault) -> float:
    layers = 0.0
    if state.fan > MOVING:
        share = outdoor_share(design, open_outdoor(state, fault), state.returned)
        layers = design.layers * noise.layers * share * (1.0 - share) * (state.return_sensor - weather.dry_bulb)
    return (state.mixed_sensor + layers + fault.mixed_bias) * KELVIN_TO_F + 32.0 + noise.temperature[2]


@compiled
def _return_f(state, noise, fault) -> float:
    return (state.return_sensor + fault.return_bias) * KELVIN_TO_F + 32.0 + noise.temperature[3]


@compiled
def open_outdoor(state, fault) -> float:
    """Opening, 0 to 1, of the outdoor-air damper as the air meets it."""
    return max(state.outdoor, fault.damper_leak)


@compiled
def _read_zones(state, noise, zones_f) -> None:
    for zone in range(ZONES):
        zones_f[zone] = state.air[zone] * KELVIN_TO_F + 32.0 + noise.temperature[4 + zone]


@compiled
def _step(state, design, weather, noise, fault, air, trace, zones_f, heat) -> None:
    _read_zones(state, noise, zones_f)
    supervise(state, noise.occupied, zones_f)
    static = max(state.static + noise.static, 0.0) / INWG
    outdoor_f = _outdoor_f(weather, noise, fault)
    supply_f, mixed_f = _supply_f(state, noise, fault), _mixed_f(state, design, weather, noise, fault)
    command_unit(state, design, fault, supply_f, mixed_f, outdoor_f, _return_f(state, noise, fault), static)
    command_boxes(state, design, noise.occupied, zones_f)
    move_actuators(state, fault)
    if state.fan > MOVING:
        moist = _blow(state, design, weather, noise, fault, air, trace, heat)
    else:
        moist = _rest(state, weather, trace, heat)
    step_zones(state, design, air, weather, noise, heat, moist, STEP, trace)


@compiled
def _blow(state, design, weather, noise, fault, air, trace, heat) -> float:
    """Air moves: mixing box, coils, fans and boxes. Returns kg/s of water that reaches the zones."""
    opening = open_outdoor(state, fault)
    flow, static, power = supply_fan(design, state.fan, all_conductance(state, design), opening, state.returned)
    m = flow * air.density
    share = outdoor_share(design, opening, state.returned)
    back, back_power = return_fan(RETURN_RATIO * state.fan, state.fan, flow, (1.0 - share) * flow)
    drawn = 0.0
    for zone in range(ZONES):
        drawn += state.flow[zone] * state.air[zone]
    total = state.flow.sum()
    leaving = drawn / total if total > 0 else mean_air(state)
    return_t = leaving + back_power / (back * air.density * heat_capacity(air, state.humidity))
    mixed_t, mixed_w = mix(air, weather.dry_bulb, weather.humidity, return_t, state.humidity, share)
    reached = design.heating_size * fault.hot * max(state.preheat, fault.heating_leak) ** design.heating_exponent
    heated_t, preheat_power = mixed_t, 0.0
    if design.heating_behind == 0:
        heated_t, preheat_power = heating_coil(air, mixed_t, mixed_w, m, reached, design.heating_t)
    water = WATER_FLOW * design.water_flow * water_share(design, max(state.valve, fault.leak))
    water_t = design.water_t + AWAY * (1.0 - fault.chilled) + noise.water
    cold_t, cold_w, coil_power, water_out = cooling_coil(
        air, heated_t, mixed_w, m, water_t, water, design.cooling_size * fault.clean
    )
    state.coil_t += STEP / COIL_LAG * (cold_t - state.coil_t)
    state.coil_w += STEP / COIL_LAG * (cold_w - state.coil_w)
    leaving_t = state.coil_t
    if design.heating_behind > 0:
        leaving_t, preheat_power = heating_coil(air, state.coil_t, state.coil_w, m, reached, design.heating_t)
        heated_t = leaving_t
    supply_t = leaving_t + power / (m * heat_capacity(air, state.coil_w))
    state.static += STEP / 15.0 * (static - state.static)
    state.supply_sensor += STEP / SENSOR_LAG * (supply_t - state.supply_sensor)
    state.mixed_sensor += STEP / SENSOR_LAG * (mixed_t - state.mixed_sensor)
    state.return_sensor += STEP / SENSOR_LAG * (leaving - state.return_sensor)
    trace.outdoor_t, trace.outdoor_w = weather.dry_bulb, weather.humidity
    trace.return_t, trace.return_w, trace.fraction, trace.mass_flow = return_t, state.humidity, share, m
    trace.mixed_t, trace.mixed_w, trace.preheated_t, trace.preheat_power = mixed_t, mixed_w, heated_t, preheat_power
    trace.water_flow, trace.water_in, trace.water_out, trace.coil_power = water, water_t, water_out, coil_power
    trace.coil_steady_t, trace.coil_steady_w = cold_t, cold_w
    trace.supply_t, trace.supply_w = supply_t, state.coil_w
    trace.fan_power, trace.return_fan_power = power, back_power
    return deliver(state, design, air, static, supply_t, state.coil_w, heat)


@compiled
def _rest(state, weather, trace, heat) -> float:
    """Air stands still: sensors and coil drift to what surrounds them."""
    around = mean_air(state)
    near_outdoors = 0.7 * around + 0.3 * weather.dry_bulb
    slow = STEP / PLENUM_LAG
    state.coil_t += slow * (around - state.coil_t)
    state.coil_w += slow * (state.humidity - state.coil_w)
    state.supply_sensor += slow * (around - state.supply_sensor)
    state.mixed_sensor += slow * (near_outdoors - state.mixed_sensor)
    state.return_sensor += slow * (around - state.return_sensor)
    state.static += STEP / 15.0 * (0.0 - state.static)
    trace.outdoor_t, trace.outdoor_w, trace.mass_flow = weather.dry_bulb, weather.humidity, 0.0
    for zone in range(ZONES):
        state.flow[zone] = 0.0
        heat[zone] = 0.0
    return 0.0


@compiled
def _look(state, design, weather, noise, fault, trace, point, zones_f) -> None:
    """Write down what the building-automation system sees at the end of the minute."""
    total = state.flow.sum()
    share = outdoor_share(design, open_outdoor(state, fault), state.returned)
    point.SA_TEMP, point.SA_TEMPSPT, point.SA_TEMPSPT_HTG = _supply_f(state, noise, fault), state.cool_f, state.heat_f
    point.OA_TEMP = _outdoor_f(weather, noise, fault)
    point.MA_TEMP = _mixed_f(state, design, weather, noise, fault)
    point.RA_TEMP = _return_f(state, noise, fault)
    point.SF_SPD_DM, point.RF_SPD_DM = state.running, state.running
    point.OA_CFM = share * total * CFM * (1.0 + noise.flow[0])
    point.RA_CFM = max(RETURN_RATIO, 1.0 - share) * total * CFM * (1.0 + noise.flow[1])
    point.SA_CFM = total * CFM * (1.0 + noise.flow[2])
    point.SF_CS, point.SF_SPD = state.fan_command, state.fan
    point.RF_CS, point.RF_SPD = RETURN_RATIO * state.fan_command, RETURN_RATIO * state.fan
    still = state.fan <= MOVING
    point.SF_WAT = 0.0 if still else trace.fan_power * (1.0 + noise.power[0])
    point.RF_WAT = 0.0 if still else trace.return_fan_power * (1.0 + noise.power[1])
    point.OA_DMPR_DM, point.OA_DMPR = state.outdoor_command, state.outdoor
    point.RA_DMPR_DM, point.RA_DMPR = state.return_command, state.returned
    point.CHWC_VLV_DM, point.CHWC_VLV = state.valve_command, state.valve
    point.HWC_VLV_DM = state.preheat_command
    point.SA_SP, point.SA_SPSPT = max(state.static + noise.static, 0.0) / INWG, design.static_inwg
    point.SYS_CTL = noise.occupied
    _read_zones(state, noise, zones_f)
    point.ZONE_TEMP_1, point.ZONE_TEMP_2, point.ZONE_TEMP_3 = zones_f[0], zones_f[1], zones_f[2]
    point.ZONE_TEMP_4, point.ZONE_TEMP_5 = zones_f[3], zones_f[4]
    trace.night, trace.preheat = state.night, state.preheat
    for zone in range(ZONES):
        trace.air[zone], trace.mass[zone], trace.reheat[zone] = state.air[zone], state.mass[zone], state.reheat[zone]
