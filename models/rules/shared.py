"""What Guideline 36 and APAR share: points, the faults that a condition may speak for, and the outdoor-air fraction.

Letters: T readings.
"""

from types import SimpleNamespace

import numpy as np

from models.rules.parameters import Parameters

AIR = ("MA_TEMP", "RA_TEMP", "OA_TEMP")
AIR_SENSORS = ("ma_sensor_bias", "oa_sensor_bias", "ra_sensor_bias")
COIL_SENSORS = ("sa_sensor_bias", "ma_sensor_bias")
DAMPER = ("oa_damper_stuck", "oa_damper_leak")
COOLS = ("cooling_valve_leak", "cooling_valve_stuck")  # although it should not
HEATS = ("heating_valve_leak", "heating_valve_stuck")
COOLS_LITTLE = ("cooling_valve_stuck", "cooling_coil_fouling", "plant_outage")


def wrong_fraction(p: SimpleNamespace, s: Parameters) -> np.ndarray:
    """(T,) by how much the outdoor-air fraction, by temperatures, is off that of the damper's minimum position."""
    apart = np.abs(p.RA_TEMP - p.OA_TEMP) >= s.apart
    fraction = (p.MA_TEMP - p.RA_TEMP) / (p.OA_TEMP - p.RA_TEMP)
    return np.where(apart, np.abs(fraction - s.least_fraction) - s.fraction, np.nan)
