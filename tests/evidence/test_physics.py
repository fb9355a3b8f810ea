"""The points that physics asks for, the fault-free day beside an event, rules that held, and what it costs."""

import numpy as np
import pytest

from exp.detection.evidence.charts import BUCKETS, Shown, chart_of, extremes
from exp.detection.evidence.cost import KW_PER_CFM_F
from exp.detection.evidence.held_rules import _when
from exp.detection.evidence.kinds import DERIVED_WORDS, KINDS, POINT_WORDS, kind_of
from exp.detection.evidence.physics import Physics, physics_of
from models.rules.conditions import KINDS as RULE_KINDS
from tests.evidence.kit import MIDNIGHT, unit, windows_of

FREE = "normal"
LEAK, DAMPER = "cooling_valve_leak", "oa_damper_stuck"
POINTS = {
    "oa_damper_stuck": {"OA_TEMP", "MA_TEMP", "RA_TEMP", "OA_DMPR_DM", "fraction_expected", "fraction_measured"},
    "Stuck OA Damper Fully open (100%)": {"OA_TEMP", "OA_DMPR_DM", "fraction_measured"},
    "oa_damper_leak": {"OA_TEMP", "MA_TEMP", "RA_TEMP", "OA_DMPR_DM", "fraction_measured"},
    "coi_leakage_010": {"CHWC_VLV_DM", "MA_TEMP", "SA_TEMP", "coil_change"},
    "cooling_valve_stuck": {"CHWC_VLV_DM", "CHWC_VLV", "MA_TEMP", "SA_TEMP", "coil_change"},
    "Leakage of Heating Coil Valve": {"HWC_VLV_DM", "MA_TEMP", "SA_TEMP", "coil_change"},
    "sa_sensor_bias": {"SA_TEMP", "SA_TEMPSPT", "MA_TEMP", "set_point_error"},
    "ma_sensor_bias": {"MA_TEMP", "OA_TEMP", "RA_TEMP", "mixed_expected"},
    "cooling_coil_fouling": {"CHWC_VLV_DM", "SA_CFM", "coil_change"},
    "fan belt slips": {"SF_CS", "SF_WAT", "SA_CFM"},
}


def found(readings, fault: str, drawn: tuple[str, ...] = ()) -> Physics:
    windows = windows_of(readings, fault)
    return physics_of(readings, fault, windows, int(windows[0]), drawn)


def roles(physics: Physics) -> set[str]:
    return {role for _, lines in physics.event.panels for role, _, _ in lines}


@pytest.mark.parametrize("fault", POINTS)
def test_a_kind_shows_the_points_that_physics_asks_for(fault):
    physics = found(unit([FREE, fault], {}), fault)
    assert POINTS[fault] <= roles(physics)
    assert "SF_WAT" not in roles(physics) or "fan" in fault


def test_the_table_names_what_there_is():
    for kind in KINDS.values():
        assert {*kind.points} <= POINT_WORDS.keys()
        assert {*kind.derived} <= DERIVED_WORDS.keys()
        assert {*kind.speaks} <= {*RULE_KINDS}
    assert kind_of("unknown").points == ()
    assert {name for name in RULE_KINDS if not kind_of(name).points} == set()


def test_what_nobody_knows_shows_what_the_network_points_at():
    physics = found(unit([FREE, "odd"], {}), "odd", ("AHU SA_CFM", "SF_WAT"))
    assert roles(physics) == {"SA_CFM", "SF_WAT"}


def test_points_come_in_the_units_and_names_of_the_file():
    physics = found(unit([FREE, DAMPER], {1: {"MA_TEMP": 64.4}}, celsius=True), DAMPER)
    units = {role: unit for unit, lines in physics.event.panels for role, _, _ in lines}
    assert units["MA_TEMP"] == "C"
    assert units["fraction_measured"] == "0-1"
    figures = {what: (name, unit, here, there) for what, name, unit, here, there in physics.figures}
    assert figures["mixed air"][:2] == ("AHU MA_TEMP", "C")
    assert figures["mixed air"][2:] == pytest.approx((18.0, (55 - 32) / 1.8), abs=1e-3)
    assert figures["outdoor-air fraction measured"][2] == pytest.approx((64.4 - 72) / (50 - 72), abs=1e-3)


def test_the_fault_free_day_is_the_one_of_the_same_weather():
    weather = {0: {"OA_TEMP": 30.0}, 1: {"OA_TEMP": 68.0}, 2: {"OA_TEMP": 60.0}, 3: {"OA_TEMP": 66.0}}
    readings = unit([FREE, FREE, FREE, DAMPER, DAMPER], {**weather, 4: {"OA_TEMP": 66.0}})
    physics = found(readings, DAMPER)
    assert physics.like_day == "2024-03-02"
    assert "68\u00a0\u00b0F" in physics.like_words
    assert "66\u00a0\u00b0F on 2024-03-04" in physics.like_words
    assert physics.like is not None
    assert physics.like.start == int(np.datetime64("2024-03-02T00:00:00").astype(int))


def test_where_no_day_has_the_weather_or_none_is_free_it_is_said():
    cold = found(unit([FREE, DAMPER], {0: {"OA_TEMP": 20.0}}), DAMPER)
    assert cold.like is None
    assert "no fault-free day of the same weather" in cold.like_words
    assert "on the nearest, 2024-03-01, at 20" in cold.like_words
    none = found(unit(["unknown", DAMPER], {}), DAMPER)
    assert (none.like, none.like_words) == (None, "The file has no fault-free day to compare with.")
    assert all(figure[4] is None for figure in none.figures)


def test_a_doubtful_outdoor_sensor_chooses_no_day():
    weather = {0: {"OA_TEMP": 50.0}, 1: {"OA_TEMP": 20.0}, 2: {"OA_TEMP": 50.0}}
    physics = found(unit([FREE, FREE, "oa_sensor_bias"], weather), "oa_sensor_bias")
    assert physics.like_day == "2024-03-02"
    assert "nearest in time, as the outdoor sensor is in doubt" in physics.like_words


def test_rules_that_held_are_told_with_their_hours():
    physics = found(unit([FREE, LEAK], {1: {"SA_TEMP": 40.0}}), LEAK)
    assert physics.rules
    first = physics.rules[0]
    assert first.speaks
    assert 6 < first.hours <= 8
    assert first.when.endswith("to 16:00 on 2024-03-02")
    several = found(unit([FREE, "ra_sensor_bias"], {1: {"MA_TEMP": 40.0}}), "ra_sensor_bias").rules
    assert [rule.speaks for rule in several or ()] == [True, True, False, False, False]
    colder = next(rule for rule in physics.rules if rule.name == "FC14")
    assert colder.exceeded == "7.6\u00a0\u00b0F, at most 7.6"  # 55 - 40 - hypot(2, 5) - 2
    assert found(unit([FREE, LEAK], {}), LEAK).rules == ()
    celsius = found(unit([FREE, LEAK], {1: {"SA_TEMP": 40.0}}, celsius=True), LEAK)
    assert next(rule for rule in celsius.rules or () if rule.name == "FC14").exceeded.startswith("4.2\u00a0K")
    blind = ("SA_TEMP", "MA_TEMP", "OA_TEMP", "RA_TEMP", "OA_DMPR_DM", "SA_TEMPSPT")
    assert found(unit([FREE, LEAK], {}, without=blind), LEAK, ("SA_CFM",)).rules is None


def test_hours_of_several_days_are_put_together():
    clock = MIDNIGHT + np.arange(0, 3 * 96) * np.timedelta64(900, "s")
    held = np.zeros(len(clock), bool)
    held[[32, 33, 96 + 40]] = True
    assert _when(clock, held, np.ones(len(clock), bool), 0.25) == "08:00 to 10:15 on 2 of 3 days"


def test_a_leak_costs_what_is_reckoned_by_hand():
    """Air of 10,000 CFM at 45 F where 55 F are asked for and 57 F would come: 10 F in 8 hours a day."""
    readings = unit([FREE, LEAK, LEAK], {1: {"SA_TEMP": 45.0}, 2: {"SA_TEMP": 45.0}})
    cost = found(readings, LEAK).cost
    by_hand = 1.2 * 1.006 * (10000 * 0.00047194745) * (10 / 1.8) * 8  # kg/m3, kJ/kgK, m3/s, K, h
    assert by_hand == pytest.approx(253.2, abs=0.1)
    assert cost is not None
    assert cost.kwh == pytest.approx(by_hand, rel=1e-6)
    assert cost.words == "roughly 250 kWh of cooling a day"
    assert "as on fault-free days" in cost.assumed
    blind = unit([FREE, LEAK], {1: {"SA_TEMP": 45.0}}, without=("SA_TEMPSPT",))
    assert found(blind, LEAK).cost.kwh == pytest.approx(by_hand * 12 / 10, rel=1e-6)  # as though nothing was asked for
    half = unit([FREE, LEAK, LEAK], {1: {"SA_TEMP": 45.0}, 2: {"SA_TEMP": 57.0}})
    assert found(half, LEAK).cost.kwh == pytest.approx(by_hand / 2, rel=1e-6)
    heated = unit([FREE, LEAK], {1: {"SA_TEMP": 45.0, "HWC_VLV_DM": 0.6}})
    assert found(heated, LEAK).cost.words == "at least 250 kWh of cooling a day"
    open_valve = unit([FREE, LEAK], {1: {"SA_TEMP": 45.0, "CHWC_VLV_DM": 0.5}})
    assert found(open_valve, LEAK).cost is None


def test_a_damper_costs_what_the_coils_make_good():
    """Mixed air of 66 F where the fault-free days' fraction, 17 of 22, lets 55 F expect: 11 F in 8 hours."""
    changes = {1: {"MA_TEMP": 66.0, "CHWC_VLV_DM": 0.4}}
    cost = found(unit([FREE, DAMPER], changes), DAMPER).cost
    assert cost is not None
    assert cost.kwh == pytest.approx(KW_PER_CFM_F * 10000 * 11 * 8, rel=1e-5)
    assert cost.of == "cooling"
    assert "as on this unit's fault-free days" in cost.assumed
    heating = {1: {"MA_TEMP": 51.0, "HWC_VLV_DM": 0.4}}
    assert found(unit([FREE, DAMPER], heating), DAMPER).cost.of == "heating"
    asked = {1: {"MA_TEMP": 66.0, "CHWC_VLV_DM": 0.4, "SA_TEMPSPT": 60.0}}  # 58 F before the fan would have done
    assert found(unit([FREE, DAMPER], asked), DAMPER).cost.kwh == pytest.approx(KW_PER_CFM_F * 10000 * 8 * 8, rel=1e-5)
    idle = {1: {"MA_TEMP": 66.0}}
    assert found(unit([FREE, DAMPER], idle), DAMPER).cost is None


def test_other_ways_to_cost():
    fan = found(unit([FREE, "fan belt slips"], {1: {"SF_WAT": 7000.0}}), "fan belt slips").cost
    assert fan is not None
    assert fan.kwh == pytest.approx(2.0 * 8)
    warm = found(unit([FREE, "heating_valve_leak"], {1: {"SA_TEMP": 60.0}}), "heating_valve_leak").cost
    assert warm is not None
    assert warm.kwh == pytest.approx(KW_PER_CFM_F * 10000 * 3 * 8, rel=1e-5)
    assert warm.of == "heating"


@pytest.mark.parametrize("absent", ["SA_CFM", "MA_TEMP", "CHWC_VLV_DM"])
def test_without_a_point_that_tells_nothing_is_said_of_cost(absent):
    readings = unit([FREE, LEAK], {1: {"SA_TEMP": 45.0}}, without=(absent,))
    assert found(readings, LEAK).cost is None


def test_buckets_keep_the_lowest_and_the_highest_in_their_order():
    grid = np.array([1.0, 5, 2, 9, 3, 1, np.nan, np.nan, np.nan])
    assert extremes(grid, 3).tolist()[:4] == [1.0, 5.0, 9.0, 1.0]
    assert np.isnan(extremes(grid, 3)[4:]).all()
    assert extremes(grid, 1) is grid


def test_a_long_event_has_few_numbers_and_no_peak_is_lost():
    readings = unit([DAMPER] * 30, {})
    values = np.sin(np.arange(len(readings.clock)) / 7)
    values[1234] = 40.0
    everything = np.ones(len(values), bool)
    chart = chart_of(readings.clock, [Shown("x", "x", "x", "", "", values)], everything, everything, 0.25)
    line = chart.panels[0][1][0][2]
    assert len(line) <= 2 * BUCKETS
    assert max(value for value in line if value is not None) == 40.0
    place = line.index(40)
    assert abs(chart.start + place * chart.step - readings.clock[1234].astype(int)) <= 2 * chart.step
