"""The records that the minute loop reads and writes.

Zones are numbered as in the points: 1 south, 2 east, 3 north, 4 west, 5 core.
"""

import numpy as np

ZONES = 5
_F8 = np.float64

# what a building-automation system would show, in the order of the LBNL files; F, CFM, in. w.g., W, 0 to 1
POINT_NAMES: tuple[str, ...] = (
    *("SA_TEMP", "SA_TEMPSPT", "OA_TEMP", "MA_TEMP", "RA_TEMP", "SF_SPD_DM", "RF_SPD_DM", "OA_CFM", "RA_CFM"),
    *("SA_CFM", "SF_CS", "SF_SPD", "RF_CS", "RF_SPD", "SF_WAT", "RF_WAT", "OA_DMPR_DM", "OA_DMPR", "RA_DMPR_DM"),
    *("RA_DMPR", "CHWC_VLV_DM", "CHWC_VLV", "SA_SP", "SA_SPSPT", "SYS_CTL"),
    *(f"ZONE_TEMP_{number}" for number in range(1, ZONES + 1)),
)
FURTHER_NAMES = ("SA_TEMPSPT_HTG", "HWC_VLV_DM")  # which the data set lacks and a fleet has
POINTS = np.dtype([(name, _F8) for name in (*POINT_NAMES, *FURTHER_NAMES)])

# everything that lasts from one step to the next
STATE = np.dtype(
    [
        # the building
        ("air", _F8, (ZONES,)),  # C, zone air
        ("mass", _F8, (ZONES,)),  # C, floors and walls
        ("humidity", _F8),  # kg/kg, all zones mixed
        # terminal boxes
        ("box", _F8, (ZONES,)),  # 0 to 1, damper
        ("reheat", _F8, (ZONES,)),  # 0 to 1, valve
        ("flow", _F8, (ZONES,)),  # m3/s
        ("cool_integral", _F8, (ZONES,)),
        ("heat_integral", _F8, (ZONES,)),
        # actuators: commands, then true positions
        ("running", _F8),  # 1 while the fans are told to run
        ("fan_command", _F8),
        ("valve_command", _F8),
        ("preheat_command", _F8),
        ("outdoor_command", _F8),
        ("return_command", _F8),
        ("fan", _F8),
        ("valve", _F8),
        ("preheat", _F8),
        ("outdoor", _F8),
        ("returned", _F8),
        # control: integrals and modes
        ("fan_integral", _F8),
        ("valve_integral", _F8),
        ("preheat_integral", _F8),
        ("outdoor_integral", _F8),
        ("economizer", _F8),  # 1 while outdoor air is within the economizer's range
        ("valve_free", _F8),  # 1 while the cooling valve may work
        ("night", _F8),  # -1 night heating, 0 none, 1 night cooling
        ("cool_f", _F8),  # set points of the supply air
        ("heat_f", _F8),
        ("cool_demand", _F8),  # 0 to 1, of the zone that asks for most
        ("heat_demand", _F8),
        # coil and sensors, which lag
        ("coil_t", _F8),  # C behind the cooling coil
        ("coil_w", _F8),  # kg/kg behind it
        ("supply_sensor", _F8),  # C, before bias and noise
        ("mixed_sensor", _F8),
        ("return_sensor", _F8),
        ("static", _F8),  # Pa
    ]
)

# disturbances of a minute, drawn beforehand
NOISE = np.dtype(
    [
        ("temperature", _F8, (4 + ZONES,)),  # F: supply, outdoor, mixed, return air, zones
        ("static", _F8),  # Pa
        ("flow", _F8, (3,)),  # relative: outdoor, return, supply
        ("power", _F8, (2,)),  # relative: supply, return fan
        ("layers", _F8),  # unit variance: air that is not yet mixed where the sensor hangs
        ("water", _F8),  # K on the chilled-water temperature
        ("gains", _F8, (ZONES,)),  # W from people and equipment
        ("latent", _F8),  # W as vapour from people
        ("occupied", _F8),  # 1 while the schedule says so
    ]
)

# what happened inside, at a minute's end; fluxes of zones are J summed over the minute
TRACE = np.dtype(
    [
        ("outdoor_t", _F8),
        ("outdoor_w", _F8),
        ("return_t", _F8),  # behind the return fan
        ("return_w", _F8),
        ("fraction", _F8),  # of the supply that is outdoor air
        ("mass_flow", _F8),  # kg/s of dry air
        ("mixed_t", _F8),
        ("mixed_w", _F8),
        ("preheated_t", _F8),
        ("preheat_power", _F8),  # W
        ("water_flow", _F8),  # kg/s
        ("water_in", _F8),
        ("water_out", _F8),
        ("coil_power", _F8),  # W that the water takes
        ("coil_steady_t", _F8),  # behind the coil, were it in balance
        ("coil_steady_w", _F8),
        ("supply_t", _F8),  # true, behind the supply fan
        ("supply_w", _F8),
        ("fan_power", _F8),  # W
        ("return_fan_power", _F8),
        ("air", _F8, (ZONES,)),
        ("mass", _F8, (ZONES,)),
        ("by_supply", _F8, (ZONES,)),
        ("by_gains", _F8, (ZONES,)),
        ("by_sun", _F8, (ZONES,)),
        ("by_outdoors", _F8, (ZONES,)),
        ("by_neighbours", _F8, (ZONES,)),
        ("night", _F8),
        ("preheat", _F8),
        ("reheat", _F8, (ZONES,)),
    ]
)
