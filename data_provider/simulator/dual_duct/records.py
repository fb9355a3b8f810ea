"""The records of the dual-duct loop. Decks are numbered 0 cold, 1 hot; rooms as in `ROOMS`."""

import numpy as np

ROOMS = ("W", "SB", "SA", "E")  # west, two to the south, east
DECKS, COUNT = 2, len(ROOMS)
_F8 = np.float64

# F, % relative humidity, CFM, in. w.g., W, gallons a minute, 0 to 1
_UNIT_POINTS = (
    *("SYS_CTL", "OA_TEMP", "OA_HUMD", "OA_CFM", "OA_DMPR_DM", "OA_DMPR", "RA_DMPR_DM", "RA_DMPR", "EA_DMPR_DM"),
    *("EA_DMPR", "MA_TEMP", "RA_TEMP", "RA_HUMD", "RA_CFM", "RF_SPD", "RF_DP", "RF_WAT"),
    *("CSA_TEMP", "CSA_TEMPSPT", "CSA_HUMD", "CSA_CFM", "CSA_SP", "CSA_SPSPT", "CSF_CS", "CSF_SPD", "CSF_DP"),
    *("CSF_WAT", "HSA_TEMP", "HSA_TEMPSPT", "HSA_HUMD", "HSA_CFM", "HSA_SP", "HSA_SPSPT", "HSF_CS", "HSF_SPD"),
    *("HSF_DP", "HSF_WAT", "CHWC_VLV_DM", "CHWC_VLV", "CHWC_EWT", "CHWC_LWT", "CHWC_MWT", "CHWC_DAT", "CHWC_EAH"),
    *("CHWP_GPMC", "CHWP_GPMT", "HWC_VLV_DM", "HWC_VLV", "HWC_EWT", "HWC_LWT", "HWC_MWT", "HWC_DAT", "HWP_GPMC"),
    "HWP_GPMT",
)
_ROOM_POINTS = (
    *("RM_TEMP", "RMCLGSPT", "RMHTGSPT", "VAV_DAT", "VAV_EAT_C", "VAV_EAT_H", "VAV_SP_C", "VAV_SP_H", "VAV_DMPR_C"),
    *("VAV_DMPR_H", "VAVCFM_C_DM", "VAVCFM_H_DM", "VAVCFM_C", "VAVCFM_H", "VAVCFM_T"),
)
POINTS = np.dtype([*((name, _F8) for name in _UNIT_POINTS), *((name, _F8, (COUNT,)) for name in _ROOM_POINTS)])

# column of a file -> field and place in it
PLACES: dict[str, tuple[str, int | None]] = {name: (name, None) for name in _UNIT_POINTS} | {
    f"{name}_{room}": (name, place) for place, room in enumerate(ROOMS) for name in _ROOM_POINTS
}
POINT_NAMES: tuple[str, ...] = tuple(PLACES)

STATE = np.dtype(
    [
        # rooms
        ("air", _F8, (COUNT,)),  # C
        ("mass", _F8, (COUNT,)),  # C, floors and walls
        ("humidity", _F8),  # kg/kg, all rooms mixed
        # mixing boxes, by deck
        ("box", _F8, (DECKS, COUNT)),  # 0 to 1, dampers
        ("wanted", _F8, (DECKS, COUNT)),  # m3/s that the room's loops ask for
        ("flow", _F8, (DECKS, COUNT)),  # m3/s
        ("room_integral", _F8, (DECKS, COUNT)),
        # modes
        ("mode", _F8),  # 0 shutdown, 1 operate, 2 setback
        ("night", _F8),  # -1 setback heating, 1 setback cooling
        ("economizer", _F8),  # 1 while outdoor air is cool enough
        ("valve_free", _F8),  # 1 while the cooling valve may work
        # decks: commands, then true positions
        ("fan_command", _F8, (DECKS,)),
        ("fan_integral", _F8, (DECKS,)),
        ("fan", _F8, (DECKS,)),
        ("valve_command", _F8, (DECKS,)),
        ("valve_integral", _F8, (DECKS,)),
        ("valve", _F8, (DECKS,)),
        ("set_f", _F8, (DECKS,)),  # set points of the decks' air
        # common dampers and return fan
        ("outdoor_command", _F8),
        ("outdoor_integral", _F8),
        ("outdoor", _F8),
        ("returned", _F8),
        ("exhaust", _F8),
        ("return_fan", _F8),
        # air on its way, and sensors, which lag
        ("static", _F8, (DECKS,)),  # Pa
        ("coil_t", _F8, (DECKS,)),  # C behind the coils
        ("coil_w", _F8, (DECKS,)),
        ("supply_sensor", _F8, (DECKS,)),  # C, before bias and noise
        ("water", _F8, (DECKS, 3)),  # C: entering and leaving the coil, and behind the valve
        ("discharge_sensor", _F8, (COUNT,)),
        ("mixed_sensor", _F8),
        ("mixed_w", _F8),
        ("return_sensor", _F8),
    ]
)

# of the sensors that the controls read; the noise of the others is added to what they logged
NOISE = np.dtype(
    [
        ("deck", _F8, (DECKS,)),  # F
        ("outdoor", _F8),  # F
        ("room", _F8, (COUNT,)),  # F
        ("static", _F8, (DECKS,)),  # Pa
        ("water", _F8, (DECKS,)),  # K on the temperature of chilled and hot water
        ("gains", _F8, (COUNT,)),  # W of people and equipment
        ("latent", _F8),  # W as vapour
        ("occupied", _F8),  # 1 while the schedule says so
    ]
)

# what happened inside at a minute's end; fluxes of rooms are J summed over the minute
TRACE = np.dtype(
    [
        *((name, _F8) for name in ("outdoor_t", "outdoor_w", "return_t", "return_w", "mixed_t", "mixed_w")),
        *((name, _F8) for name in ("fraction", "return_fan_power", "return_flow", "night")),
        ("mass_flow", _F8, (DECKS,)),  # kg/s
        *((name, _F8, (DECKS,)) for name in ("coil_steady_t", "coil_steady_w", "coil_power")),  # W that the air gains
        *((name, _F8, (DECKS,)) for name in ("water_flow", "water_in", "water_out")),
        *((name, _F8, (DECKS,)) for name in ("fan_power", "fan_head", "supply_t", "supply_w")),
        *((name, _F8, (DECKS, COUNT)) for name in ("box_flow",)),
        *((name, _F8, (COUNT,)) for name in ("discharge_t", "discharge_w", "air", "mass")),
        *((name, _F8, (COUNT,)) for name in ("by_supply", "by_gains", "by_sun", "by_outdoors", "by_inside")),
    ]
)
