"""The fault-free dual-duct unit holds its set points; each kind of fault shows what textbooks say of it.

Every comparison is with the same days without the fault.
"""

import numpy as np
import pytest

from data_provider.simulator.dual_duct.records import ROOMS
from tests.simulator.dual_duct.kit import SEASONS, days

FREE = "FaultFree"


def against(run: str, season: str, name: str) -> float:
    """Mean of a point with the fault, less its mean without."""
    return days(run, season).mean(name) - days(FREE, season).mean(name)


@pytest.mark.parametrize("season", SEASONS)
def test_decks_and_rooms_are_held(season):
    seen = days(FREE, season)
    for deck in "CH":
        assert np.mean(np.abs(seen.of(f"{deck}SA_SP") - 1.6) < 0.05) > 0.99
        near = np.abs(seen.of(f"{deck}SA_TEMP") - seen.of(f"{deck}SA_TEMPSPT")) < 1.5
        assert near.mean() > 0.93, deck
    for room in ROOMS:
        assert np.mean((seen.of(f"RM_TEMP_{room}") > 69.2) & (seen.of(f"RM_TEMP_{room}") < 75.0)) > 0.97, room
    asleep = seen.points["SYS_CTL"] == 0
    assert (seen.points["CSF_CS"][asleep] == 0).all()
    assert (seen.points["CHWP_GPMT"][asleep] == 0).all()


def test_economizer_waits_with_the_valve_and_summer_takes_the_least_outdoor_air():
    spring, summer = days(FREE, "spring"), days(FREE, "summer")
    cool = spring.settled & (spring.points["OA_TEMP"] < 48)
    assert cool.sum() > 300
    assert (spring.points["CHWC_VLV_DM"][cool] == 0).all()
    assert spring.points["OA_DMPR"][cool].std() > 0.02
    hot = summer.settled & (summer.points["OA_TEMP"] > 62)
    assert (summer.points["OA_DMPR"][hot] == 0.28).all()


def test_schedule_and_setback():
    seen = days(FREE, "winter")
    day = seen.times.astype("datetime64[D]")
    assert [int(seen.operates[day == one].sum()) for one in np.unique(day)] == [720] * 3  # 6 to 18
    back = seen.points["SYS_CTL"] == 2
    assert 0 < back.sum() < 1000
    assert (seen.points["OA_DMPR_DM"][back] == 0).all()
    assert seen.points["RM_TEMP_E"].min() > 59


def test_stuck_cooling_valve():
    shut, opened = days("VLVStuck_Cooling_0%", "summer"), days("VLVStuck_Cooling_100%", "spring")
    assert (shut.points["CHWC_VLV"] == 0).all()
    assert shut.mean("CHWC_VLV_DM") > 0.95
    assert shut.mean("CSA_TEMP") > 70
    assert shut.mean("RM_TEMP_SB") > 76
    assert (opened.points["CHWC_VLV"] == 1).all()
    cool = opened.settled & (opened.points["OA_TEMP"] < 50)
    assert opened.points["CSA_TEMP"][cool].mean() < 53
    assert opened.points["OA_DMPR"][cool].mean() == pytest.approx(0.28, abs=0.02)


def test_stuck_heating_valve():
    shut, opened = days("VLVStuck_Heating_0%", "winter"), days("VLVStuck_Heating_100%", "summer")
    assert (shut.points["HWC_VLV"] == 0).all()
    assert shut.mean("HWC_VLV_DM") > 0.95
    assert shut.mean("HSA_TEMP") < shut.mean("MA_TEMP") + 5
    assert shut.mean("RM_TEMP_W") < 68
    assert opened.mean("HSA_TEMP") > opened.mean("HSA_TEMPSPT") + 15
    assert opened.mean("HWC_VLV_DM") == 0
    assert against("VLVStuck_Heating_100%", "summer", "CHWP_GPMC") > 0.3  # the cold deck cools what the hot one heats


@pytest.mark.parametrize(("deck", "other", "hot"), [("Cold", "H", False), ("Hot", "C", True)])
def test_stuck_dampers_of_a_mixing_box(deck, other, hot):
    for at, season in ((0, "winter" if hot else "summer"), (100, "winter" if hot else "summer")):
        run = f"DMPRStuck_{deck}_{at}"
        seen = days(run, season)
        assert (seen.points[f"VAV_DMPR_{deck[0]}_W"] == at / 100).all()
        assert seen.of(f"VAV_DMPR_{deck[0]}_E").std() > 0.0005  # the other boxes go on moving
    least = against(f"DMPRStuck_{deck}_0", season, "RM_TEMP_W")
    assert (least < -2) if hot else (least > 2)
    assert against(f"DMPRStuck_{deck}_100", season, f"VAVCFM_{other}_W") > 50  # the other deck fights
    assert abs(against(f"DMPRStuck_{deck}_0", season, "RM_TEMP_E")) < 0.5


def test_stuck_outdoor_damper():
    shut, opened = days("DMPRStuck_OA_0", "spring"), days("DMPRStuck_OA_100", "winter")
    assert (shut.points["OA_DMPR"] == 0).all()
    assert shut.mean("OA_DMPR_DM") > 0.9  # asks for cool air that does not come
    np.testing.assert_allclose(shut.of("RA_DMPR_DM"), 1 - shut.of("OA_DMPR_DM"))
    assert against("DMPRStuck_OA_0", "spring", "MA_TEMP") > 5
    assert against("DMPRStuck_OA_0", "spring", "CHWP_GPMC") > 0.5
    assert shut.jerk("CSA_CFM") < 40  # a starved fan draws steadily
    assert (opened.points["OA_DMPR"] == 1).all()
    assert against("DMPRStuck_OA_100", "winter", "MA_TEMP") < -5
    assert against("DMPRStuck_OA_100", "winter", "HWC_VLV") > 0.05
    summer = days("DMPRStuck_OA_45", "summer")
    assert against("DMPRStuck_OA_45", "summer", "OA_CFM") > 100
    assert (summer.points["OA_DMPR"] == 0.45).all()


@pytest.mark.parametrize(("coil", "season", "valve", "fan"), [
    ("Cooling", "summer", "CHWC_VLV", "CSF_DP"), ("Heating", "winter", "HWC_VLV", "HSF_DP"),
])  # fmt: skip
def test_fouling_opens_the_valve_and_only_air_side_takes_pressure(coil, season, valve, fan):
    for side in ("Airside", "Waterside"):
        opened = [against(f"Fouling_{coil}_{side}_{much}", season, valve) for much in ("Minor", "Moderate", "Severe")]
        assert opened[0] > 0.005
        assert (np.diff(opened) > 0.01).all(), side
    air, scale = (against(f"Fouling_{coil}_{side}_Severe", season, fan) for side in ("Airside", "Waterside"))
    assert air > abs(scale) + 0.02
    water = "CHWP_GPMC" if coil == "Cooling" else "HWP_GPMC"
    assert against(f"Fouling_{coil}_Airside_Severe", season, water) > 0.3  # more water for the same heat


@pytest.mark.parametrize(("deck", "season"), [("C", "summer"), ("H", "winter")])
def test_a_biased_deck_sensor_misleads_its_controller(deck, season):
    seen = days(f"SensorBias_{deck}SA_+4C", season)
    assert abs(seen.mean(f"{deck}SA_TEMP") - seen.mean(f"{deck}SA_TEMPSPT")) < 0.6
    assert seen.mean(f"{deck}SA_TEMP") - seen.mean(f"VAV_EAT_{deck}_E") == pytest.approx(7.2, abs=0.4)
    assert days(FREE, season).mean(f"{deck}SA_TEMP") - days(FREE, season).mean(f"VAV_EAT_{deck}_E") < 0.4
    flow = against(f"SensorBias_{deck}SA_+4C", season, f"{deck}SA_CFM")
    assert flow < -100 if deck == "C" else flow > 10  # colder air cools with less, less warm air heats with more


@pytest.mark.parametrize("deck", ["C", "H"])
def test_a_biased_pressure_sensor_slows_its_fan(deck):
    run = f"SensorBias_{deck}SP_+4inwg"
    assert days(run, "summer").mean(f"{deck}SA_SP") == pytest.approx(1.6, abs=0.01)
    assert against(run, "summer", f"VAV_SP_{deck}_E") == pytest.approx(-0.4, abs=0.04)
    assert against(run, "summer", f"{deck}SF_DP") == pytest.approx(-0.4, abs=0.05)
    assert against(run, "summer", f"{deck}SF_SPD") < -0.04
    assert against(f"SensorBias_{deck}SP_-4inwg", "summer", f"{deck}SF_SPD") > 0.04


@pytest.mark.parametrize(("run", "season", "valve", "air"), [
    ("CoolSeqUnstable", "summer", "CHWC_VLV", "CSA_TEMP"), ("CoolSeqUnstable", "spring", "OA_DMPR", "CSA_TEMP"),
    ("HeatSeqUnstable", "winter", "HWC_VLV", "HSA_TEMP"),
])  # fmt: skip
def test_an_unstable_sequence_hunts(run, season, valve, air):
    seen, free = days(run, season), days(FREE, season)
    assert seen.jerk(valve) > 20 * free.jerk(valve)
    assert seen.jerk(air) > 5 * free.jerk(air)
    turns = np.diff(np.sign(np.diff(seen.of(valve)))) != 0
    assert turns.mean() > 0.2
