"""Fault conditions of ASHRAE Guideline 36-2021, section 5.16.14, for multiple-zone VAV air-handling units.

FC1 needs fan speed and duct pressure. This project's verdicts never rest on them, so it is evaluated only where
`Parameters.fan_rules` asks for it. FC14 and FC15 take mixed and supply air for the air before and behind a coil, as the
guideline allows where there are no sensors between the coils. What a condition speaks for follows the guideline's list
of possible diagnoses.
"""

import numpy as np

from models.rules.conditions import (
    COOLING,
    ECONOMIZER,
    EVERY,
    FREE_AND_COOLING,
    HEATING,
    Condition,
)
from models.rules.shared import AIR, AIR_SENSORS, COIL_SENSORS, COOLS, COOLS_LITTLE, DAMPER, HEATS, wrong_fraction

_COILS = ("SA_TEMP", "MA_TEMP")


def _low_pressure(p, s):
    asked = s.fan_rules & (p.speed >= 0.99 - s.speed)
    return np.where(asked, p.SA_SPSPT - s.pressure - p.SA_SP, np.nan)


GUIDELINE_36: tuple[Condition, ...] = (
    Condition("FC1", "duct pressure stays below its set point with the supply fan at full speed",
              ("fan_fault",), "in. w.g.", EVERY, ("SA_SP", "SA_SPSPT", "speed"), _low_pressure),
    Condition("FC2", "mixed air is colder than both return and outdoor air", AIR_SENSORS, "F", EVERY, AIR,
              lambda p, s: np.minimum(p.RA_TEMP - s.returned, p.OA_TEMP - s.outdoor) - (p.MA_TEMP + s.mixed)),
    Condition("FC3", "mixed air is warmer than both return and outdoor air", AIR_SENSORS, "F", EVERY, AIR,
              lambda p, s: (p.MA_TEMP - s.mixed) - np.maximum(p.RA_TEMP + s.returned, p.OA_TEMP + s.outdoor)),
    Condition("FC4", "the unit changes between heating, free and mechanical cooling too often",
              ("unstable_loop",), "changes", EVERY, ("changes",), lambda p, s: p.changes - s.changes),
    Condition("FC5", "supply air is no warmer than mixed air although the unit heats",
              ("heating_valve_stuck", *COOLS, "plant_outage", *COIL_SENSORS), "F", (HEATING,), _COILS,
              lambda p, s: (p.MA_TEMP - s.mixed + s.fan_rise) - (p.SA_TEMP + s.supply)),
    Condition("FC6", "the outdoor-air fraction is not that of the damper's minimum position",
              (*DAMPER, *AIR_SENSORS), "0-1", (HEATING, COOLING), AIR, wrong_fraction),
    Condition("FC7", "supply air stays below its set point with the heating valve fully open",
              ("heating_valve_stuck", "plant_outage", *COOLS, *DAMPER, "sa_sensor_bias"), "F", (HEATING,),
              ("SA_TEMP", "heat", "HWC_VLV_DM"),
              lambda p, s: np.where(1 - s.valve <= p.HWC_VLV_DM, p.heat - s.supply - p.SA_TEMP, np.nan)),
    Condition("FC8", "supply and mixed air differ although both valves are shut",
              (*COOLS, *HEATS, *COIL_SENSORS), "F", (ECONOMIZER,), _COILS,
              lambda p, s: np.abs(p.SA_TEMP - s.fan_rise - p.MA_TEMP) - np.hypot(s.supply, s.mixed)),
    Condition("FC9", "outdoor air is too warm for free cooling alone",
              (*COOLS, "oa_sensor_bias", "sa_sensor_bias"), "F", (ECONOMIZER,), ("OA_TEMP", "cool"),
              lambda p, s: (p.OA_TEMP - s.outdoor) - (p.cool - s.fan_rise + s.supply)),
    Condition("FC10", "mixed and outdoor air differ although the damper is fully open",
              (*DAMPER, "ma_sensor_bias", "oa_sensor_bias"), "F", (FREE_AND_COOLING,), ("MA_TEMP", "OA_TEMP"),
              lambda p, s: np.abs(p.MA_TEMP - p.OA_TEMP) - np.hypot(s.mixed, s.outdoor)),
    Condition("FC11", "the unit cools although outdoor air is cold enough",
              (*DAMPER, *HEATS, "oa_sensor_bias", "sa_sensor_bias"), "F", (FREE_AND_COOLING,),
              ("OA_TEMP", "cool"),
              lambda p, s: (p.cool - s.fan_rise - s.supply) - (p.OA_TEMP + s.outdoor)),
    Condition("FC12", "supply air is no colder than mixed air although the unit cools",
              (*COOLS_LITTLE, *HEATS, *COIL_SENSORS), "F", (FREE_AND_COOLING, COOLING), _COILS,
              lambda p, s: (p.SA_TEMP - s.supply - s.fan_rise) - (p.MA_TEMP + s.mixed)),
    Condition("FC13", "supply air stays above its set point with the cooling valve fully open",
              (*COOLS_LITTLE, *HEATS, "sa_sensor_bias"), "F", (FREE_AND_COOLING, COOLING),
              ("SA_TEMP", "cool", "CHWC_VLV_DM"),
              lambda p, s: np.where(1 - s.valve <= p.CHWC_VLV_DM, p.SA_TEMP - p.cool - s.supply, np.nan)),
    Condition("FC14", "air gets colder over the unit although the cooling valve is shut",
              (*COOLS, *COIL_SENSORS), "F", (HEATING, ECONOMIZER), _COILS,
              lambda p, s: p.MA_TEMP - p.SA_TEMP - np.hypot(s.supply, s.mixed) - s.fan_rise),
    Condition("FC15", "air gets warmer over the unit although the heating valve is shut",
              (*HEATS, *COIL_SENSORS), "F", (ECONOMIZER, FREE_AND_COOLING, COOLING), _COILS,
              lambda p, s: p.SA_TEMP - p.MA_TEMP - np.hypot(s.supply, s.mixed) - s.fan_rise),
)  # fmt: skip
