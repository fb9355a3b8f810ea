"""APAR, the rules for single-duct air-handling units.

Sources: House, Vaezi-Nejad and Whitcomb, "An expert rule set for fault detection in air-handling units", ASHRAE
Transactions 107 (2001); Schein, NISTIR 7365 (2006), after Schein, Bushby, Castro and House.

Of its 28 rules six are left out: 4, 14 and 20, which warn that a valve is fully open and hold on every cold or hot day;
9 and 15, which need the temperature at which the economizer gives up; 28, which is Guideline 36's FC4.
"""

import numpy as np

from models.rules.conditions import (
    COOLING,
    ECONOMIZER,
    EVERY,
    FREE_AND_COOLING,
    HEATING,
    OTHER,
    Condition,
)
from models.rules.shared import AIR, AIR_SENSORS, COIL_SENSORS, COOLS, COOLS_LITTLE, DAMPER, HEATS, wrong_fraction

_T = 3.6  # F, the threshold of temperatures (2 C)
_VALVES = ("CHWC_VLV_DM", "HWC_VLV_DM")


def _warmer_than_mixed(p, s):
    return p.SA_TEMP - (p.MA_TEMP + s.fan_rise + _T)


def _warmer_than_return(p, s):
    return p.SA_TEMP - (p.RA_TEMP - s.return_fan_rise + _T)


def _not_cold(p, s):
    return np.where(1 - s.valve <= p.CHWC_VLV_DM, p.SA_TEMP - p.cool - _T, np.nan)


APAR: tuple[Condition, ...] = (
    Condition("APAR1", "supply air is no warmer than mixed air although the unit heats",
              ("heating_valve_stuck", *COOLS, "plant_outage", *COIL_SENSORS), "F", (HEATING,),
              ("SA_TEMP", "MA_TEMP"), lambda p, s: (p.MA_TEMP + s.fan_rise - _T) - p.SA_TEMP),
    Condition("APAR2", "the outdoor-air fraction is wrong while the unit heats",
              (*DAMPER, *AIR_SENSORS), "0-1", (HEATING,), AIR,
              wrong_fraction),
    Condition("APAR3", "supply air stays below its set point with the heating valve fully open",
              ("heating_valve_stuck", "plant_outage", *COOLS, *DAMPER, "sa_sensor_bias"), "F", (HEATING,),
              ("SA_TEMP", "heat", "HWC_VLV_DM"),
              lambda p, s: np.where(1 - s.valve <= p.HWC_VLV_DM, p.heat - p.SA_TEMP - _T, np.nan)),
    Condition("APAR5", "outdoor air is too warm for free cooling alone",
              (*COOLS, "oa_sensor_bias", "sa_sensor_bias"), "F", (ECONOMIZER,), ("OA_TEMP", "cool"),
              lambda p, s: p.OA_TEMP - (p.cool - s.fan_rise + _T)),
    Condition("APAR6", "supply air is warmer than return air in free cooling",
              (*HEATS, "sa_sensor_bias", "ra_sensor_bias"), "F", (ECONOMIZER,),
              ("SA_TEMP", "RA_TEMP"), _warmer_than_return),
    Condition("APAR7", "supply and mixed air differ although both valves are shut",
              (*COOLS, *HEATS, *COIL_SENSORS), "F", (ECONOMIZER,),
              ("SA_TEMP", "MA_TEMP"), lambda p, s: np.abs(p.SA_TEMP - s.fan_rise - p.MA_TEMP) - _T),
    Condition("APAR8", "the unit cools although outdoor air is cold enough",
              (*DAMPER, *HEATS, "oa_sensor_bias", "sa_sensor_bias"), "F", (FREE_AND_COOLING,),
              ("OA_TEMP", "cool"), lambda p, s: (p.cool - s.fan_rise - _T) - p.OA_TEMP),
    Condition("APAR10", "mixed and outdoor air differ although the damper is fully open",
              (*DAMPER, "ma_sensor_bias", "oa_sensor_bias"), "F", (FREE_AND_COOLING,),
              ("MA_TEMP", "OA_TEMP"), lambda p, s: np.abs(p.MA_TEMP - p.OA_TEMP) - _T),
    Condition("APAR11", "supply air is warmer than mixed air although the unit cools with open dampers",
              (*COOLS_LITTLE, *HEATS, *COIL_SENSORS), "F",
              (FREE_AND_COOLING,), ("SA_TEMP", "MA_TEMP"), _warmer_than_mixed),
    Condition("APAR12", "supply air is warmer than return air although the unit cools with open dampers",
              (*COOLS_LITTLE, *HEATS, "sa_sensor_bias", "ra_sensor_bias"), "F",
              (FREE_AND_COOLING,), ("SA_TEMP", "RA_TEMP"), _warmer_than_return),
    Condition("APAR13", "supply air stays above its set point with valve and dampers fully open",
              (*COOLS_LITTLE, *HEATS, "sa_sensor_bias"), "F",
              (FREE_AND_COOLING,), ("SA_TEMP", "cool", "CHWC_VLV_DM"), _not_cold),
    Condition("APAR16", "supply air is warmer than mixed air although the unit cools",
              (*COOLS_LITTLE, *HEATS, *COIL_SENSORS), "F", (COOLING,),
              ("SA_TEMP", "MA_TEMP"), _warmer_than_mixed),
    Condition("APAR17", "supply air is warmer than return air although the unit cools",
              (*COOLS_LITTLE, *HEATS, "sa_sensor_bias", "ra_sensor_bias"), "F", (COOLING,),
              ("SA_TEMP", "RA_TEMP"), _warmer_than_return),
    Condition("APAR18", "the outdoor-air fraction is wrong while the unit cools",
              (*DAMPER, *AIR_SENSORS), "0-1", (COOLING,), AIR,
              wrong_fraction),
    Condition("APAR19", "supply air stays above its set point with the cooling valve fully open",
              (*COOLS_LITTLE, *HEATS, "sa_sensor_bias"), "F", (COOLING,),
              ("SA_TEMP", "cool", "CHWC_VLV_DM"), _not_cold),
    Condition("APAR21", "the unit heats and cools at once with the damper between its ends",
              ("unstable_loop",), "0-1", (OTHER,),
              (*_VALVES, "OA_DMPR_DM"),
              lambda p, s: np.where(
                  (s.minimum_damper + s.damper < p.OA_DMPR_DM) & (1 - s.damper > p.OA_DMPR_DM),
                  np.minimum(p.CHWC_VLV_DM, p.HWC_VLV_DM) - s.valve, np.nan)),
    Condition("APAR22", "the unit heats and cools at once",
              ("unstable_loop",), "0-1", (OTHER,), _VALVES,
              lambda p, s: np.minimum(p.CHWC_VLV_DM, p.HWC_VLV_DM) - s.valve),
    Condition("APAR23", "the unit heats with the damper above its minimum",
              ("unstable_loop",), "0-1", (OTHER,),
              ("HWC_VLV_DM", "OA_DMPR_DM"),
              lambda p, s: np.where(s.valve < p.HWC_VLV_DM, p.OA_DMPR_DM - s.minimum_damper - s.damper, np.nan)),
    Condition("APAR24", "the unit cools with the damper between its ends",
              ("unstable_loop",), "0-1", (OTHER,),
              ("CHWC_VLV_DM", "OA_DMPR_DM"),
              lambda p, s: np.where(s.valve < p.CHWC_VLV_DM, np.minimum(
                  p.OA_DMPR_DM - s.minimum_damper, 1 - p.OA_DMPR_DM) - s.damper, np.nan)),
    Condition("APAR25", "supply air is off its set points",
              (*COOLS_LITTLE, "cooling_valve_leak", *HEATS, "unstable_loop", "sa_sensor_bias"), "F", EVERY,
              ("SA_TEMP", "cool", "heat"),
              lambda p, s: np.maximum(p.SA_TEMP - np.maximum(p.cool, p.heat), np.minimum(p.cool, p.heat) - p.SA_TEMP)
              - _T),
    Condition("APAR26", "mixed air is colder than both return and outdoor air",
              AIR_SENSORS, "F", EVERY, AIR,
              lambda p, s: np.minimum(p.RA_TEMP, p.OA_TEMP) - _T - p.MA_TEMP),
    Condition("APAR27", "mixed air is warmer than both return and outdoor air",
              AIR_SENSORS, "F", EVERY, AIR,
              lambda p, s: p.MA_TEMP - np.maximum(p.RA_TEMP, p.OA_TEMP) - _T),
)  # fmt: skip
