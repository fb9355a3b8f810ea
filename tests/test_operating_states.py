"""In which operating states conditions are evaluated, and what they are evaluated on."""

from dataclasses import replace

import numpy as np
import pytest

from models.rules import GUIDELINE_36, RULES, Parameters, UnitPoints, evaluate, infer
from tests.test_rules import BLOWS, BOTH, COOLS, FREE, HEATS, KNOWN, MIXES, START, held, unit

# Guideline 36-2021, table of fault conditions: operating states in which each applies.
PUBLISHED = {
    **dict.fromkeys(("FC1", "FC2", "FC3", "FC4"), (1, 2, 3, 4, 5)),
    "FC5": (1,),
    "FC6": (1, 4),
    "FC7": (1,),
    "FC8": (2,),
    "FC9": (2,),
    "FC10": (3,),
    "FC11": (3,),
    "FC12": (3, 4),
    "FC13": (3, 4),
    "FC14": (1, 2),
    "FC15": (2, 3, 4),
}
FAN = {name: BLOWS[name] for name in ("SF_SPD", "SA_SP", "SA_SPSPT")}
MIXED = {"SA_TEMP": 60.0, **MIXES}
# Full valves, where a condition asks for them.
STATES = {
    1: {**HEATS, "HWC_VLV_DM": 1.0},
    2: FREE,
    3: {**BOTH, "RA_TEMP": 80.0, "CHWC_VLV_DM": 1.0},
    4: {**COOLS, "CHWC_VLV_DM": 1.0},
    5: MIXED,
}


@pytest.mark.parametrize("state", STATES)
def test_conditions_are_evaluated_in_the_states_that_the_guideline_names(state):
    assert {*PUBLISHED} == {rule.name for rule in GUIDELINE_36}
    found = evaluate(unit({**STATES[state], **FAN}), GUIDELINE_36, KNOWN)
    evaluated = {one.condition.name for one in found if one.evaluated.any()}
    assert evaluated == {name for name, states in PUBLISHED.items() if state in states}


def test_a_unit_that_never_works_is_not_evaluated():
    points = unit({**COOLS, "MA_TEMP": 99.0})
    points = replace(points, working=np.zeros(len(points.times), bool))
    for found in evaluate(points, [*RULES.values()], KNOWN):
        assert not found.evaluated.any()
        assert not found.held.any()
        assert np.isnan(found.margin).all()


@pytest.mark.parametrize(("minutes", "steps"), [(1.0, 5), (2.5, 2), (5.0, 1), (15.0, 1)])
def test_a_margin_is_that_of_the_mean_of_five_minutes(minutes, steps):
    points = unit({**COOLS, "MA_TEMP": 99.0}, minutes=minutes)
    values = points.values["MA_TEMP"].copy()
    values[-1] += 10.0
    found = held(replace(points, values={**points.values, "MA_TEMP": values}), "FC3")
    assert found.margin[-1] == pytest.approx(2.0 + 10.0 / steps)
    assert found.margin[-2] == pytest.approx(2.0)


@pytest.mark.parametrize(("name", "state", "kept"), [("FC7", HEATS, "HTG"), ("FC13", COOLS, "CLG")])
def test_a_set_point_of_its_own_goes_before_the_common_one(name, state, kept):
    points = unit({**state, "HWC_VLV_DM" if kept == "HTG" else "CHWC_VLV_DM": 1.0})
    points.values["SA_TEMPSPT"] = np.full(len(points.times), 60.0)  # type: ignore[index]
    own = points.values[f"SA_TEMPSPT_{kept}"][-1]
    sign = 1 if kept == "HTG" else -1
    assert held(points, name).margin[-1] == pytest.approx(sign * (own - state["SA_TEMP"]) - 2.0)
    del points.values[f"SA_TEMPSPT_{kept}"]  # type: ignore[attr-defined]
    assert held(points, name).margin[-1] == pytest.approx(sign * (60.0 - state["SA_TEMP"]) - 2.0)


def test_a_unit_without_a_heating_coil_has_operating_states_and_one_without_valves_has_none():
    points = unit({**COOLS, "SA_TEMP": 90.0})
    del points.values["HWC_VLV_DM"]  # type: ignore[attr-defined]
    assert held(points, "FC12").held.any()
    del points.values["CHWC_VLV_DM"]  # type: ignore[attr-defined]
    assert not held(points, "FC12").evaluated.any()
    assert held(points, "FC3").evaluated.any()


def test_an_hour_of_hot_weather_is_too_little_to_tell_the_minimum():
    for hours, told in ((1, False), (3, True)):
        number = 12 * hours
        times = START + np.arange(number) * np.timedelta64(300, "s")
        values = {"OA_DMPR_DM": 0.3, "OA_TEMP": 95.0, "RA_TEMP": 75.0}
        points = UnitPoints(
            times, np.ones(number, bool), {name: np.full(number, value) for name, value in values.items()}
        )
        assert bool(infer(points).inferred) == told
    assert infer(points) == Parameters(minimum_damper=0.3, inferred=frozenset({"minimum_damper"}))
