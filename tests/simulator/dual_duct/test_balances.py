"""Energy and water of the dual-duct unit, recomputed from the trace with psychrolib."""

import numpy as np
import pytest

from data_provider.simulator.building import MASS_PER_AREA
from data_provider.simulator.climate import CHICAGO
from data_provider.simulator.coil import WATER
from data_provider.simulator.dual_duct.airside import (
    COIL_LOSS,
    DESIGN_FLOW,
    DUCT_LOSS,
    FAN_LOSS,
    SHUT_OFF,
    box_damper,
    deck_fan,
    return_air,
    way,
)
from data_provider.simulator.dual_duct.coils import AIR_FLOW, PUMP, coil
from data_provider.simulator.dual_duct.rooms import AREA, INSIDE_T, TO_INSIDE, capacity, inside
from data_provider.simulator.moist_air import moist_air, psychrometrics
from tests.simulator.dual_duct.kit import days

LIBRARY = psychrometrics()
AIR = moist_air(CHICAGO.elevation)
RUNS_AND_SEASONS = [
    ("FaultFree", "winter"),
    ("FaultFree", "summer"),
    ("VLVStuck_Heating_100%", "summer"),
    ("Fouling_Cooling_Airside_Severe", "summer"),
]
every = pytest.mark.parametrize(("run", "season"), RUNS_AND_SEASONS)


def enthalpy(t: np.ndarray, w: np.ndarray) -> np.ndarray:
    """J/kg by the library."""
    return np.array([LIBRARY.GetMoistAirEnthalpy(float(a), float(b)) for a, b in zip(t, w, strict=True)])


def moving(run: str, season: str) -> np.ndarray:
    """Every 19th minute in which both decks' air moves."""
    trace = days(run, season).traces
    return trace[trace["mass_flow"].min(1) > 0.05][::19]


@every
def test_plenum_keeps_energy_and_water(run, season):
    trace = moving(run, season)
    part = trace["fraction"]
    before = part * enthalpy(trace["outdoor_t"], trace["outdoor_w"])
    before += (1 - part) * enthalpy(trace["return_t"], trace["return_w"])
    np.testing.assert_allclose(enthalpy(trace["mixed_t"], trace["mixed_w"]), before, rtol=1e-9, atol=1e-6)
    water = part * trace["outdoor_w"] + (1 - part) * trace["return_w"]
    np.testing.assert_allclose(trace["mixed_w"], water, rtol=1e-12)


@every
def test_each_deck_gives_its_air_what_its_water_loses(run, season):
    trace = moving(run, season)
    mixed = enthalpy(trace["mixed_t"], trace["mixed_w"])
    for deck, sign in ((0, -1), (1, 1)):
        out = enthalpy(trace["coil_steady_t"][:, deck], trace["coil_steady_w"][:, deck])
        gained = trace["mass_flow"][:, deck] * (out - mixed)
        lost = trace["water_flow"][:, deck] * WATER * (trace["water_in"] - trace["water_out"])[:, deck]
        np.testing.assert_allclose(gained, lost, rtol=1e-9, atol=1e-3)
        np.testing.assert_allclose(trace["coil_power"][:, deck], lost, rtol=1e-9, atol=1e-3)
        assert (sign * lost > -1e-3).all()
    assert np.abs(trace["coil_power"]).max() > 2000


@every
def test_mixing_boxes_blend_what_the_decks_send(run, season):
    trace = moving(run, season)
    flow = trace["box_flow"] * AIR.density  # (n, decks, rooms)
    np.testing.assert_allclose(flow.sum(2), trace["mass_flow"], rtol=1e-9)
    for room in range(4):
        cold, hot = flow[:, 0, room], flow[:, 1, room]
        sent = cold * enthalpy(trace["supply_t"][:, 0], trace["supply_w"][:, 0])
        sent += hot * enthalpy(trace["supply_t"][:, 1], trace["supply_w"][:, 1])
        blended = (cold + hot) * enthalpy(trace["discharge_t"][:, room], trace["discharge_w"][:, room])
        np.testing.assert_allclose(blended, sent, rtol=1e-9)


@every
def test_rooms_store_what_comes_in(run, season):
    trace = days(run, season).traces
    names = ("by_supply", "by_gains", "by_sun", "by_outdoors", "by_inside")
    fluxes = np.stack([trace[name] for name in names])  # (5, n, 4)
    stored = np.diff(trace["air"], axis=0) * capacity(AIR) + np.diff(trace["mass"], axis=0) * MASS_PER_AREA * AREA
    np.testing.assert_allclose(stored, fluxes.sum(0)[1:], atol=1e-6 * np.abs(fluxes).sum(0).max())


def test_rooms_beside_each_other_exchange_and_the_building_holds():
    t = np.array([20.0, 22.0, 19.0, 23.0])
    assert inside(t, 0) == pytest.approx(TO_INSIDE * (INSIDE_T - 20.0))
    assert inside(t, 1) + inside(t, 2) == pytest.approx(TO_INSIDE * (2 * INSIDE_T - 41.0))
    assert inside(t, 1) < TO_INSIDE * (INSIDE_T - 22.0)


@pytest.mark.parametrize("deck", [0, 1])
def test_fan_laws_and_a_fouled_coil(deck):
    """Flow goes with speed, pressure with its square; a narrowed coil takes pressure for the same flow."""
    ways = DESIGN_FLOW[deck] / 20.0
    flow, static, head = deck_fan(deck, 1.0, ways, 0.0, 1.0)
    half = deck_fan(deck, 0.5, ways, 0.0, 1.0)
    assert (flow / half[0], static / half[1], head / half[2]) == pytest.approx((2.0, 4.0, 4.0))
    assert head == pytest.approx(SHUT_OFF[deck] - FAN_LOSS[deck] * flow**2)
    for clean, plenum in ((1.0, 0.0), (0.5, 0.0), (1.0, 300.0)):
        flow, static, head = deck_fan(deck, 0.9, ways, plenum, clean)
        lost = (COIL_LOSS[deck] / clean**2 + DUCT_LOSS[deck] + plenum) * flow**2
        assert head == pytest.approx(static + lost)
        assert flow == pytest.approx(ways * np.sqrt(static))
    assert deck_fan(deck, 0.9, ways, 0.0, 0.5)[0] < deck_fan(deck, 0.9, ways, 0.0, 1.0)[0]
    assert return_air(0.5, 2.0, 1.0)[0] == pytest.approx(1.8)


def test_branch_and_damper_are_in_series():
    for opening in (0.0, 0.3, 1.0):
        assert way(0, 1, opening) < box_damper(0, 1, opening)
    assert way(1, 2, 1.0) > 5 * way(1, 2, 0.0) > 0.0  # a shut damper leaks


def test_coils_at_their_limits():
    for deck, warm in ((0, -1), (1, 1)):
        water_t = (6.7, 60.0)[deck]
        assert coil(AIR, deck, 24.0, 0.008, 1.0, water_t, 0.0, 1.0, 1.0) == (24.0, 0.008, 0.0, water_t)
        clean = coil(AIR, deck, 24.0, 0.008, AIR_FLOW[deck], water_t, PUMP[deck], 1.0, 1.0)[2]
        assert warm * clean > 5000
        for left in ((0.5, 1.0), (1.0, 0.5)):
            fouled = coil(AIR, deck, 24.0, 0.008, AIR_FLOW[deck], water_t, PUMP[deck], *left)[2]
            assert 0 < warm * fouled < warm * clean


def test_water_that_passes_by_a_coil_joins_the_other_behind_it():
    seen = days("FaultFree", "summer")
    through, all_of_it = seen.of("CHWP_GPMC"), seen.of("CHWP_GPMT")
    warmed = (seen.of("CHWC_MWT") - seen.of("CHWC_EWT")) * all_of_it
    np.testing.assert_allclose(warmed.sum(), ((seen.of("CHWC_LWT") - seen.of("CHWC_EWT")) * through).sum(), rtol=0.1)
    assert len(np.unique(all_of_it)) == 1
