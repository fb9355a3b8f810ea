"""The fault-free unit holds its set points; each fault shows what textbooks say, against the same week without it."""

import numpy as np
import pytest

from data_provider.simulator import NINE, RUNS
from data_provider.simulator.airside import outdoor_share
from data_provider.simulator.design import REFERENCE
from tests.simulator.kit import WEEKS, week

FAULT_FREE = "AHU_annual"
ZONES = [f"ZONE_TEMP_{number}" for number in range(1, 6)]


def test_there_are_the_21_runs():
    assert len(RUNS) == 21
    assert set(NINE) <= set(RUNS)
    assert len(set(NINE)) == 9
    assert len({spec.fault for spec in RUNS.values()}) == 21
    assert all(spec.name == name and spec.description for name, spec in RUNS.items())
    assert RUNS["coi_bias_-4_annual"].fault.supply_bias == -4.0


def test_mechanical_cooling_holds_the_supply_air():
    hot, cold = week(FAULT_FREE, "summer"), week(FAULT_FREE, "winter")
    for seen in (hot, cold):
        cooling = seen.settled & (seen.points["CHWC_VLV_DM"] > 0.02)
        assert cooling.sum() > 2000
        assert np.mean(np.abs(seen.points["SA_TEMP"][cooling] - 55) < 1) > 0.97


def test_economizer_holds_the_mixed_air_and_locks_the_valve():
    seen = week(FAULT_FREE, "spring")
    free = seen.settled & (seen.points["OA_TEMP"] > 36) & (seen.points["OA_TEMP"] < 51)
    assert free.sum() > 1000
    assert np.mean(np.abs(seen.points["MA_TEMP"][free] - 55) < 1) > 0.97
    assert (seen.points["CHWC_VLV_DM"][free] == 0).all()
    assert seen.points["OA_DMPR"][free].std() > 0.05
    for season in ("winter", "summer"):
        other = week(FAULT_FREE, season)
        outside = other.settled & ((other.points["OA_TEMP"] > 61.5) | (other.points["OA_TEMP"] < 32.5))
        assert (other.points["OA_DMPR_DM"][outside] == 0.1).all()


@pytest.mark.parametrize("season", WEEKS)
def test_static_pressure_and_zones_are_held(season):
    seen = week(FAULT_FREE, season)
    assert np.mean(np.abs(seen.after_start("SA_SP") - 1.6) < 0.05) > 0.99
    np.testing.assert_allclose(seen.points["RF_CS"], 0.9 * seen.points["SF_CS"])
    for zone in ZONES:
        assert np.mean((seen.after_start(zone) > 69.2) & (seen.after_start(zone) < 75.8)) > 0.97, zone
        assert seen.points[zone].min() > 59.0
        assert seen.points[zone].max() < 81.5


def test_night_and_schedule():
    """Off at night, valve and outdoor damper shut; the night cycle runs in the cold week and stops again."""
    seen = week(FAULT_FREE, "winter")
    night = ~seen.occupied
    days = seen.times.astype("datetime64[D]")
    minutes = [int(seen.occupied[days == day].sum()) for day in np.unique(days)]
    assert minutes == [960] * 5 + [720, 0]  # Monday to Friday 6-22, Saturday 6-18, Sunday none
    assert (seen.points["OA_DMPR_DM"][night] == 0).all()
    assert (seen.points["CHWC_VLV_DM"][night] == 0).all()
    assert 0.0 < seen.points["SF_SPD_DM"][night].mean() < 0.5
    asleep = night & (seen.points["SF_SPD"] == 0)
    assert (seen.points["SA_CFM"][asleep] == 0).all()
    assert (seen.points["SF_WAT"][asleep] == 0).all()


def test_actuators_need_their_time():
    points = week(FAULT_FREE, "summer").points
    for name, stroke in (("CHWC_VLV", 90), ("OA_DMPR", 120), ("RA_DMPR", 120), ("SF_SPD", 40)):
        step = np.abs(np.diff(points[name])).max()
        assert step <= min(60 / stroke, 1.0) + 1e-9, name


@pytest.mark.parametrize(("run", "bias"), [("coi_bias_4_annual", 7.2), ("coi_bias_-4_annual", -7.2)])
def test_supply_bias_misleads_the_controller(run, bias):
    seen, fault_free = week(run, "winter"), week(FAULT_FREE, "winter")
    cooling = seen.settled & (seen.points["CHWC_VLV_DM"] > 0.02)
    logged = seen.points["SA_TEMP"][cooling]
    assert np.mean(np.abs(logged - 55) < 1) > 0.95
    assert np.median(logged - seen.true_supply()[cooling]) == pytest.approx(bias, abs=0.2)
    opened = seen.after_start("CHWC_VLV").mean() - fault_free.after_start("CHWC_VLV").mean()
    assert np.sign(opened) == np.sign(bias)
    assert abs(opened) > 0.05


def test_supply_bias_shows_at_night_when_nothing_moves():
    seen, fault_free = week("coi_bias_4_annual", "spring"), week(FAULT_FREE, "spring")
    asleep = (seen.points["SF_SPD"] == 0) & (fault_free.points["SF_SPD"] == 0)
    assert np.median((seen.points["SA_TEMP"] - fault_free.points["SA_TEMP"])[asleep]) == pytest.approx(7.2, abs=1.0)


def test_leak_cools_while_the_valve_is_shut():
    seen, fault_free = week("coi_leakage_010_annual", "spring"), week(FAULT_FREE, "spring")
    for one in (seen, fault_free):
        one.shut = one.settled & (one.points["CHWC_VLV_DM"] == 0) & (one.points["CHWC_VLV"] == 0)
        assert one.shut.sum() > 1000
    rise = np.median((seen.points["SA_TEMP"] - seen.points["MA_TEMP"])[seen.shut])
    fault_free_rise = np.median((fault_free.points["SA_TEMP"] - fault_free.points["MA_TEMP"])[fault_free.shut])
    assert fault_free_rise > 0.5  # the fan's heat
    assert rise < 0.0
    assert (seen.traces["water_flow"][seen.shut] > 0).all()
    assert (fault_free.traces["water_flow"][fault_free.shut] == 0).all()


def test_worse_leaks_cool_more():
    runs = [f"coi_leakage_{part}_annual" for part in ("010", "025", "040", "050")]
    taken = [np.median(week(run, "spring").traces["coil_power"][week(run, "spring").settled]) for run in runs]
    assert (np.diff(taken) > 0).all()


@pytest.mark.parametrize(("run", "place"), [("coi_stuck_025_annual", 0.25), ("coi_stuck_075_annual", 0.75)])
def test_stuck_valve_stays_while_its_command_moves(run, place):
    hot, spring = week(run, "summer"), week(run, "spring")
    for seen in (hot, spring):
        assert (seen.points["CHWC_VLV"] == place).all()
    supply = hot.after_start("SA_TEMP")
    if place < 0.5:  # too little in summer: the command is at its end and the air too warm
        assert np.median(hot.after_start("CHWC_VLV_DM")) == 1.0
        assert np.median(supply) > 57
    else:  # too much in spring: colder than the mixed air that should have been enough
        assert np.median(spring.after_start("CHWC_VLV_DM")) == 0.0
        assert np.median(spring.after_start("SA_TEMP")) < np.median(spring.after_start("MA_TEMP")) - 2


@pytest.mark.parametrize(("run", "place"), [("damper_stuck_025_annual", 0.25), ("damper_stuck_075_annual", 0.75)])
def test_stuck_damper_stays_while_its_command_moves(run, place):
    for season in WEEKS:
        seen, fault_free = week(run, season), week(FAULT_FREE, season)
        assert (seen.points["OA_DMPR"] == place).all()
        if season == "spring":
            assert seen.after_start("OA_DMPR_DM").std() > 0.02
            continue
        both = seen.settled & (seen.points["OA_DMPR_DM"] == 0.1) & (fault_free.points["OA_DMPR_DM"] == 0.1)
        nearer = (seen.points["MA_TEMP"] - fault_free.points["MA_TEMP"])[both]
        outdoors = (fault_free.points["OA_TEMP"] - fault_free.points["RA_TEMP"])[both]
        more = outdoor_share(REFERENCE, place, 0.9) - outdoor_share(
            REFERENCE, 0.1, 0.9
        )  # outdoor air than there should be
        assert np.sum(nearer * outdoors) / np.sum(outdoors**2) == pytest.approx(more, abs=0.03)
        assert np.median(seen.points["OA_CFM"][both]) > 1.5 * np.median(fault_free.points["OA_CFM"][both])


def test_outdoor_bias_moves_the_economizer():
    """The logged value is off by the bias, and what the controller takes for 60 F is 52.8 F."""
    seen, fault_free = week("oa_bias_4_annual", "spring"), week(FAULT_FREE, "spring")
    true = seen.traces["outdoor_t"] * 1.8 + 32
    assert np.median(seen.points["OA_TEMP"] - true) == pytest.approx(7.2, abs=0.15)
    between = seen.settled & (true > 53.8) & (true < 59)
    assert between.sum() > 100
    assert (seen.points["OA_DMPR_DM"][between] == 0.1).all()
    assert np.median(fault_free.points["OA_DMPR_DM"][between]) > 0.8
    assert np.median(seen.points["CHWC_VLV"][between]) > np.median(fault_free.points["CHWC_VLV"][between])


def test_only_the_fault_tells_runs_apart():
    """Same weather and schedule everywhere; independent noise; no constant that gives a run away."""
    weeks = {run: week(run, "summer") for run in NINE}
    fault_free = weeks[FAULT_FREE]
    for run, seen in weeks.items():
        for name in ("SA_SPSPT", "SA_TEMPSPT", "SYS_CTL"):
            assert (seen.points[name] == fault_free.points[name]).all(), (run, name)
        assert (seen.traces["outdoor_t"] == fault_free.traces["outdoor_t"]).all()
        if run == FAULT_FREE:
            continue
        drift = seen.points["SA_SP"][seen.settled].mean() - fault_free.points["SA_SP"][fault_free.settled].mean()
        assert abs(drift) < 0.004, run
        assert (seen.points["RA_TEMP"] != fault_free.points["RA_TEMP"]).mean() > 0.9, run
        shift = 7.2 if run.startswith("oa_bias") else 0.0
        noise = seen.points["OA_TEMP"] - fault_free.points["OA_TEMP"] - shift
        assert 0.1 < noise.std() < 0.6, run
        assert abs(noise.mean()) < 0.25, run
