"""What the building-automation system sees at the end of a minute."""

from data_provider.simulator.airside import outdoor_share
from data_provider.simulator.compiled import compiled
from data_provider.simulator.dual_duct.airside import RETURN_HEAD, box_damper
from data_provider.simulator.dual_duct.coils import PUMP
from data_provider.simulator.dual_duct.control import STATIC_INWG, room_set_points
from data_provider.simulator.dual_duct.records import COUNT
from data_provider.simulator.moist_air import Air, saturated_ratio
from data_provider.simulator.units import CFM, INWG, KELVIN_TO_F

GPM = 15.85  # gallons a minute per kg/s of water
_VAPOUR = 0.622  # kg of vapour over kg of dry air at one pressure


@compiled
def relative_humidity(air: Air, t: float, w: float) -> float:
    """% of saturation, for C and kg/kg."""
    full = saturated_ratio(air, t)
    return min(100.0 * w / (_VAPOUR + w) * (_VAPOUR + full) / full, 100.0)


@compiled
def _f(celsius: float) -> float:
    return celsius * KELVIN_TO_F + 32.0


@compiled
def look(state, design, weather, noise, air, trace, point, seen) -> None:
    """Fill a POINTS record.

    Args:
        state, design, weather, noise, air, trace: as in the loop.
        point: POINTS record.
        seen: (3, 4), what the sensors of the controls say: F of the rooms, F and in. w.g. of the decks.
    """
    _unit(state, design, weather, noise, air, trace, point)
    _decks(state, air, trace, point, seen)
    _coils(state, trace, point)
    cool_f, heat_f = room_set_points(state)
    for room in range(COUNT):
        point.RM_TEMP[room], point.RMCLGSPT[room], point.RMHTGSPT[room] = seen[0, room], cool_f, heat_f
        point.VAV_DAT[room] = _f(state.discharge_sensor[room])
        point.VAV_EAT_C[room], point.VAV_EAT_H[room] = _f(state.supply_sensor[0]), _f(state.supply_sensor[1])
        point.VAV_DMPR_C[room], point.VAV_DMPR_H[room] = state.box[0, room], state.box[1, room]
        cold, hot = state.flow[0, room], state.flow[1, room]
        point.VAV_SP_C[room] = (cold / box_damper(0, room, state.box[0, room])) ** 2 / INWG
        point.VAV_SP_H[room] = (hot / box_damper(1, room, state.box[1, room])) ** 2 / INWG
        point.VAVCFM_C_DM[room], point.VAVCFM_H_DM[room] = state.wanted[0, room] * CFM, state.wanted[1, room] * CFM
        point.VAVCFM_C[room], point.VAVCFM_H[room] = cold * CFM, hot * CFM
        point.VAVCFM_T[room] = (cold + hot) * CFM


@compiled
def _unit(state, design, weather, noise, air, trace, point) -> None:
    point.SYS_CTL = state.mode
    point.OA_TEMP = _f(weather.dry_bulb) + noise.outdoor
    point.OA_HUMD = relative_humidity(air, weather.dry_bulb, weather.humidity)
    point.OA_CFM = outdoor_share(design, state.outdoor, state.returned) * state.flow.sum() * CFM
    point.OA_DMPR_DM, point.OA_DMPR = state.outdoor_command, state.outdoor
    point.RA_DMPR_DM, point.RA_DMPR = 1.0 - state.outdoor_command, state.returned
    point.EA_DMPR_DM, point.EA_DMPR = state.outdoor_command, state.exhaust
    point.MA_TEMP, point.RA_TEMP = _f(state.mixed_sensor), _f(state.return_sensor)
    point.RA_HUMD = relative_humidity(air, state.return_sensor, state.humidity)
    point.RA_CFM, point.RF_SPD, point.RF_WAT = trace.return_flow * CFM, state.return_fan, trace.return_fan_power
    point.RF_DP = RETURN_HEAD * state.return_fan**2 / INWG


@compiled
def _decks(state, air, trace, point, seen) -> None:
    runs = 1.0 if state.mode > 0 else 0.0
    point.CSA_TEMP, point.HSA_TEMP = seen[1, 0], seen[1, 1]
    point.CSA_SP, point.HSA_SP = seen[2, 0], seen[2, 1]
    point.CSA_TEMPSPT, point.HSA_TEMPSPT = state.set_f[0], state.set_f[1]
    point.CSA_SPSPT, point.HSA_SPSPT = STATIC_INWG, STATIC_INWG
    point.CSA_HUMD = relative_humidity(air, state.supply_sensor[0], state.coil_w[0])
    point.HSA_HUMD = relative_humidity(air, state.supply_sensor[1], state.coil_w[1])
    point.CSA_CFM, point.HSA_CFM = state.flow[0].sum() * CFM, state.flow[1].sum() * CFM
    point.CSF_CS, point.HSF_CS = runs, runs
    point.CSF_SPD, point.HSF_SPD = state.fan[0], state.fan[1]
    point.CSF_DP, point.HSF_DP = trace.fan_head[0] / INWG, trace.fan_head[1] / INWG
    point.CSF_WAT, point.HSF_WAT = trace.fan_power[0], trace.fan_power[1]
    point.CHWC_EAH = relative_humidity(air, state.mixed_sensor, state.mixed_w)


@compiled
def _coils(state, trace, point) -> None:
    pumps = GPM if state.mode > 0 else 0.0
    point.CHWC_VLV_DM, point.HWC_VLV_DM = state.valve_command[0], state.valve_command[1]
    point.CHWC_VLV, point.HWC_VLV = state.valve[0], state.valve[1]
    point.CHWC_EWT, point.HWC_EWT = _f(state.water[0, 0]), _f(state.water[1, 0])
    point.CHWC_LWT, point.HWC_LWT = _f(state.water[0, 1]), _f(state.water[1, 1])
    point.CHWC_MWT, point.HWC_MWT = _f(state.water[0, 2]), _f(state.water[1, 2])
    point.CHWC_DAT, point.HWC_DAT = _f(state.coil_t[0]), _f(state.coil_t[1])
    point.CHWP_GPMC, point.HWP_GPMC = pumps * trace.water_flow[0], pumps * trace.water_flow[1]
    point.CHWP_GPMT, point.HWP_GPMT = pumps * PUMP[0], pumps * PUMP[1]
