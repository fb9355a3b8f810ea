"""Energy balances of the simulated unit, recomputed from the trace with psychrolib."""

import numpy as np
import pytest

from data_provider.simulator.airside import (
    DESIGN_FLOW,
    FAN_LOSS,
    damper,
    mix,
    outdoor_share,
    return_fan,
    supply_fan,
)
from data_provider.simulator.building import AREA, MASS_PER_AREA, TO_CORE, TO_NEXT, capacity, neighbours
from data_provider.simulator.climate import CHICAGO
from data_provider.simulator.coil import AIR_FLOW, WATER, WATER_FLOW, cooling_coil, effectiveness, water_share
from data_provider.simulator.design import REFERENCE
from data_provider.simulator.moist_air import (
    enthalpy_of,
    moist_air,
    psychrometrics,
    ratio_of,
    saturated_enthalpy,
    saturated_ratio,
    saturation_temperature,
    temperature_of,
)
from tests.simulator.kit import week

LIBRARY = psychrometrics()
AIR = moist_air(CHICAGO.elevation)
PRESSURE = LIBRARY.GetStandardAtmPressure(CHICAGO.elevation)
RUNS_AND_SEASONS = [
    ("AHU_annual", "winter"),
    ("AHU_annual", "summer"),
    ("coi_stuck_075_annual", "summer"),
    ("damper_stuck_075_annual", "winter"),
]


def enthalpy(t: np.ndarray, w: np.ndarray) -> np.ndarray:
    """J/kg by the library."""
    return np.array([LIBRARY.GetMoistAirEnthalpy(float(a), float(b)) for a, b in zip(t, w, strict=True)])


def moving(run: str, season: str) -> np.ndarray:
    """Every 37th minute in which air moves."""
    trace = week(run, season).traces
    return trace[trace["mass_flow"] > 0.5][::37]


@pytest.mark.parametrize("t", [-30.0, -5.013, 0.01, 7.777, 21.3, 38.1])
def test_tables_are_the_library(t):
    near = 5e-5 if t == 0.01 else 1e-5  # the saturation line has its kink at the triple point, between two rows
    assert saturated_ratio(AIR, t) == pytest.approx(LIBRARY.GetSatHumRatio(t, PRESSURE), rel=near)
    assert saturated_enthalpy(AIR, t) == pytest.approx(LIBRARY.GetSatAirEnthalpy(t, PRESSURE), rel=near, abs=0.01)
    assert saturation_temperature(AIR, LIBRARY.GetSatAirEnthalpy(t, PRESSURE)) == pytest.approx(t, abs=10 * near)
    for w in (0.0005, 0.008, 0.02):
        h = LIBRARY.GetMoistAirEnthalpy(t, w)
        assert enthalpy_of(AIR, t, w) == pytest.approx(h, rel=1e-11)
        assert temperature_of(AIR, h, w) == pytest.approx(LIBRARY.GetTDryBulbFromEnthalpyAndHumRatio(h, w), abs=1e-9)
        assert ratio_of(AIR, h, t) == pytest.approx(LIBRARY.GetHumRatioFromEnthalpyAndTDryBulb(h, t), abs=1e-12)


@pytest.mark.parametrize(("run", "season"), RUNS_AND_SEASONS)
def test_mixing_box_keeps_energy_and_water(run, season):
    trace = moving(run, season)
    part = trace["fraction"]
    before = part * enthalpy(trace["outdoor_t"], trace["outdoor_w"])
    before += (1 - part) * enthalpy(trace["return_t"], trace["return_w"])
    np.testing.assert_allclose(enthalpy(trace["mixed_t"], trace["mixed_w"]), before, rtol=1e-9, atol=1e-6)
    water = part * trace["outdoor_w"] + (1 - part) * trace["return_w"]
    np.testing.assert_allclose(trace["mixed_w"], water, rtol=1e-12)


@pytest.mark.parametrize(("run", "season"), RUNS_AND_SEASONS)
def test_coils_give_the_air_what_the_water_loses(run, season):
    trace = moving(run, season)
    warm = enthalpy(trace["preheated_t"], trace["mixed_w"])
    taken = trace["mass_flow"] * (warm - enthalpy(trace["coil_steady_t"], trace["coil_steady_w"]))
    water = trace["water_flow"] * WATER * (trace["water_out"] - trace["water_in"])
    np.testing.assert_allclose(taken, water, rtol=1e-9, atol=1e-3)
    np.testing.assert_allclose(trace["coil_power"], water, rtol=1e-9, atol=1e-3)
    given = trace["mass_flow"] * (warm - enthalpy(trace["mixed_t"], trace["mixed_w"]))
    np.testing.assert_allclose(trace["preheat_power"], given, rtol=1e-9, atol=1e-3)
    assert (trace["coil_steady_w"] <= trace["mixed_w"] + 1e-12).all()


def test_the_coil_dries_humid_air_and_the_fan_warms_it():
    trace = moving("AHU_annual", "summer")
    wet = trace[trace["coil_power"] > 20e3]
    assert len(wet) > 50
    dried = wet["mass_flow"] * (wet["mixed_w"] - wet["coil_steady_w"]) * 2.5e6 / wet["coil_power"]
    assert 0.05 < np.median(dried) < 0.45  # latent share of a cooling coil in Chicago's July
    warmed = trace["supply_t"] - trace["coil_steady_t"]
    assert 0.3 < np.median(warmed) < 2.0  # K


@pytest.mark.parametrize(("run", "season"), RUNS_AND_SEASONS)
def test_zones_store_what_comes_in(run, season):
    """Air and mass of each zone against the sum of its fluxes, minute by minute, to 1e-6 of what went through."""
    trace = week(run, season).traces
    names = ("by_supply", "by_gains", "by_sun", "by_outdoors", "by_neighbours")
    fluxes = np.stack([trace[name] for name in names])  # (5, n, 5)
    holds = np.array([capacity(AIR, zone) for zone in range(5)])
    stored = np.diff(trace["air"], axis=0) * holds + np.diff(trace["mass"], axis=0) * MASS_PER_AREA * AREA
    np.testing.assert_allclose(stored, fluxes.sum(0)[1:], atol=1e-6 * np.abs(fluxes).sum(0).max())
    between = trace["by_neighbours"].sum(1)
    assert np.abs(between).max() < 1e-9 * np.abs(trace["by_neighbours"]).sum(1).max()


def test_neighbours_exchange_by_their_conductances():
    t = np.array([20.0, 22.0, 19.0, 23.0, 21.0])
    east = TO_CORE[1] * (21 - 22) + TO_NEXT * (20 - 22) + TO_NEXT * (19 - 22)
    assert neighbours(t, 1) == pytest.approx(east)
    assert sum(neighbours(t, zone) for zone in range(5)) == pytest.approx(0.0, abs=1e-9)


def test_coil_at_its_limits():
    """No water: nothing happens. Endless surface: air leaves at the water's temperature. Design load at design flow."""
    assert cooling_coil(AIR, 27.0, 0.011, 7.0, 6.7, 0.0, 1.0) == (27.0, 0.011, 0.0, 6.7)
    assert effectiveness(50.0, 0.5) == pytest.approx(1.0, abs=1e-9)
    assert effectiveness(2.0, 1.0) == pytest.approx(2.0 / 3.0)
    assert effectiveness(2.0, 1.0 + 1e-5) == pytest.approx(2.0 / 3.0, abs=1e-5)
    assert effectiveness(3.0, 0.0) == pytest.approx(1 - np.exp(-3.0))
    t, w, heat, water = cooling_coil(AIR, 26.7, 0.0112, AIR_FLOW, 6.7, WATER_FLOW, 1.0)
    assert 10.0 < t < 13.0
    assert 120e3 < heat < 220e3
    assert 12.0 < water < 17.0
    assert LIBRARY.GetRelHumFromHumRatio(t, w, PRESSURE) < 1.0
    dry = cooling_coil(AIR, 26.7, 0.002, AIR_FLOW, 6.7, WATER_FLOW, 1.0)
    assert dry[1] == 0.002


def test_more_water_and_wetter_air_mean_more_cooling():
    loads = [
        cooling_coil(AIR, 25.0, 0.010, 4.0, 6.7, WATER_FLOW * water_share(REFERENCE, u), 1.0)[2]
        for u in np.linspace(0.05, 1, 20)
    ]
    assert (np.diff(loads) > 0).all()
    wetter = [cooling_coil(AIR, 25.0, w, 4.0, 6.7, 3.0, 1.0)[2] for w in (0.008, 0.010, 0.012, 0.014)]
    assert (np.diff(wetter) > 0).all()
    shares = [water_share(REFERENCE, u) for u in (0.0, 0.5, 1.0)]
    assert shares[0] == 0.0
    assert 0.2 < shares[1] < 0.5
    assert shares[2] == pytest.approx(1.0)


def test_fan_laws():
    """In an unchanged duct flow goes with speed, pressure with its square, power with its cube."""
    boxes = DESIGN_FLOW / np.sqrt(400.0)
    full = supply_fan(REFERENCE, 1.0, boxes, 0.1, 0.9)
    half = supply_fan(REFERENCE, 0.5, boxes, 0.1, 0.9)
    assert [a / b for a, b in zip(full, half, strict=True)] == pytest.approx([2.0, 4.0, 8.0])
    flow, static, power = full
    assert static == pytest.approx((flow / boxes) ** 2)
    assert power == pytest.approx((REFERENCE["shut_off"] - FAN_LOSS * flow**2) * flow / REFERENCE["efficiency"])
    assert supply_fan(REFERENCE, 0.8, boxes, 0.25, 0.0)[0] < supply_fan(REFERENCE, 0.8, boxes, 1.0, 0.0)[0]
    assert return_fan(0.45, 0.5, 3.0, 1.0)[0] == pytest.approx(2.7)


def test_dampers_share_the_air():
    assert outdoor_share(REFERENCE, 0.1, 0.9) == pytest.approx(0.10, abs=0.015)
    assert outdoor_share(REFERENCE, 1.0, 0.0) > 0.95
    assert 0.0 < outdoor_share(REFERENCE, 0.0, 1.0) < 0.05
    shares = [outdoor_share(REFERENCE, u, 1 - u) for u in np.linspace(0, 1, 21)]
    assert (np.diff(shares) > 0).all()
    assert damper(1.0, 0.03, 1.1) == pytest.approx(1.0)
    t, w = mix(AIR, 0.0, 0.003, 20.0, 0.008, 0.25)
    assert t == pytest.approx(15.0, abs=0.1)
    assert w == pytest.approx(0.00675)


def test_zones_get_what_the_unit_sends():
    """Where no box reheats, the zones' gain from the supply air is its warming on the way to the return."""
    seen = week("AHU_annual", "summer")
    quiet = seen.settled & (seen.traces["reheat"].max(1) == 0)
    assert quiet.sum() > 1000
    trace = seen.traces[quiet]
    flow, cp = trace["mass_flow"], 1006.0 + 1860.0 * trace["supply_w"]
    back = np.maximum(0.9, 1 - trace["fraction"]) * flow
    leaving = trace["return_t"] - trace["return_fan_power"] / (back * (1006.0 + 1860.0 * trace["return_w"]))
    sent = 60.0 * flow * cp * (trace["supply_t"] - leaving)  # J a minute, as at its end
    received = trace["by_supply"].sum(1)
    assert received.sum() == pytest.approx(sent.sum(), rel=1e-3)
    np.testing.assert_allclose(received, sent, rtol=0.03)
