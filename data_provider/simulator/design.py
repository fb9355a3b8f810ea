"""What a unit and its building are like: kind, sequence, sizes, coils, dampers, set points and loops.

`REFERENCE` is the unit of the data set (docs/SIMULATOR.md); `fleet/draw.py` draws others.
"""

import numpy as np

# how the supply-air set point moves
FIXED, OUTDOOR, ZONES_DEMAND, THERMOSTAT = 0.0, 1.0, 2.0, 3.0
# what limits the economizer
NO_ECONOMIZER, DRY_BULB, DIFFERENTIAL = 0.0, 1.0, 2.0
# what the supply fan follows
STATIC, DEMAND, CONSTANT = 0.0, 1.0, 2.0

# field: the reference unit's value
_FIELDS: dict[str, float] = {
    # building and boxes
    "single_zone": 0.0,  # 1: one zone, no boxes
    "envelope": 1.0,  # of the reference facade's losses
    "box_size": 1.0,  # of the reference boxes' flow
    "least_flow": 0.30,  # of a box's most
    "zone_heat_f": 70.0,
    "zone_cool_f": 75.0,
    # fan
    "fan": STATIC,
    "shut_off": 1500.0,  # Pa at full speed without flow
    "efficiency": 0.58,  # of fan, motor and drive
    "static_inwg": 1.6,
    "slowest_fan": 0.25,
    "fastest_fan": 1.0,  # where the fan follows demand or keeps its speed
    # dampers
    "minimum_outdoor": 0.10,
    "outdoor_size": 1.0,  # of the return damper's conductance
    "outdoor_leak": 0.03,  # of a shut damper
    "return_leak": 0.03,
    "damper_exponent": 1.1,
    "layers": 0.08,  # of the difference between return and outdoor air that a mixed-air sensor may miss
    # economizer
    "economizer": DRY_BULB,
    "economizer_low_f": 33.8,
    "economizer_high_f": 60.0,
    "holds_mixed": 1.0,  # 1: the damper holds mixed air, 0: supply air
    # set points
    "reset": FIXED,
    "supply_f": 55.0,  # least
    "supply_most_f": 55.0,
    "reset_low_f": 40.0,  # outdoor air at which the set point is highest
    "reset_high_f": 70.0,
    "heat_f": 52.0,  # the heating coil works below it
    "heat_most_f": 52.0,
    "dead_band_f": 3.0,  # between the two where both move together
    # coils
    "heating_behind": 0.0,  # 1: the heating coil comes behind the cooling coil
    "cooling_size": 1.0,  # of the reference coil's conductances
    "water_flow": 1.0,  # of the reference coil's
    "water_t": 6.7,  # C, 44 F
    "rangeability": 20.0,
    "authority": 0.4,
    "heating_t": 60.0,  # C
    "heating_size": 0.5,  # effectiveness, valve open
    "heating_exponent": 1.0,
    # loops
    "valve_gain": 0.015,
    "preheat_gain": 0.006,
    "damper_gain": 0.01,
}
DESIGN = np.dtype([(name, np.float64) for name in _FIELDS])


def designed(**values: float) -> np.void:
    """A DESIGN record: the reference unit but for the values given."""
    record = np.zeros(1, DESIGN)[0]
    for name, value in {**_FIELDS, **values}.items():
        record[name] = value
    return record


REFERENCE = designed()
