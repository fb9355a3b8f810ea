"""Rules of Guideline 36 and APAR: each holds where it must and nowhere else, at any step, with delays and gaps."""

from dataclasses import replace

import numpy as np
import pytest

from models.rules import (
    GUIDELINE_36,
    KINDS,
    RULE_SETS,
    RULES,
    Held,
    Parameters,
    UnitPoints,
    answerable,
    evaluate,
)

START = np.datetime64("2024-07-01T08:00:00")
KNOWN = Parameters(minimum_damper=0.2, fan_rules=True)
HEATS = {
    "HWC_VLV_DM": 0.5,
    "OA_TEMP": 30.0,
    "MA_TEMP": 64.0,
    "SA_TEMP": 80.0,
    "RA_TEMP": 72.0,
    "heat": 80.0,
    "cool": 84.0,
}
FREE = {"OA_DMPR_DM": 0.5, "OA_TEMP": 45.0, "MA_TEMP": 55.0, "SA_TEMP": 57.0, "RA_TEMP": 72.0}
BOTH = {"OA_DMPR_DM": 1.0, "CHWC_VLV_DM": 0.4, "OA_TEMP": 62.0, "MA_TEMP": 62.0, "SA_TEMP": 55.0, "RA_TEMP": 74.0}
COOLS = {"CHWC_VLV_DM": 0.6, "OA_TEMP": 90.0, "MA_TEMP": 78.0, "SA_TEMP": 55.0, "RA_TEMP": 75.0}
MIXES = {"CHWC_VLV_DM": 0.3, "HWC_VLV_DM": 0.3, "OA_DMPR_DM": 0.5, "OA_TEMP": 50.0, "MA_TEMP": 60.0, "RA_TEMP": 72.0}
BLOWS = {**COOLS, "SF_SPD": 1.0, "SA_SP": 1.5, "SA_SPSPT": 1.5}
FAULT_FREE = {"heating": HEATS, "economizer": FREE, "both": BOTH, "cooling": COOLS, "full speed": BLOWS}

# rule: a fault-free state, what is wrong in it, and by how much the rule is exceeded
HOLDS = {
    "FC1": (BLOWS, {"SA_SP": 1.2}, 0.2),
    "FC2": (COOLS, {"MA_TEMP": 60.0, "OA_TEMP": 85.0}, 8.0),
    "FC3": (COOLS, {"MA_TEMP": 99.0}, 2.0),
    "FC5": (HEATS, {"SA_TEMP": 55.0}, 4.0),
    "FC6": (COOLS, {"MA_TEMP": 89.0}, 14 / 15 - 0.5),
    "FC7": (HEATS, {"HWC_VLV_DM": 1.0, "SA_TEMP": 70.0}, 8.0),
    "FC8": (FREE, {"SA_TEMP": 45.0}, 12.0 - np.hypot(2, 5)),
    "FC9": (FREE, {"OA_TEMP": 65.0}, 8.0),
    "FC10": (BOTH, {"MA_TEMP": 72.0}, 10 - np.hypot(2, 5)),
    "FC11": (BOTH, {"OA_TEMP": 45.0, "MA_TEMP": 45.0}, 4.0),
    "FC12": (COOLS, {"SA_TEMP": 90.0}, 3.0),
    "FC13": (COOLS, {"SA_TEMP": 60.0, "CHWC_VLV_DM": 1.0}, 3.0),
    "FC14": (FREE, {"SA_TEMP": 45.0}, 8.0 - np.hypot(2, 5)),
    "FC15": (FREE, {"SA_TEMP": 66.0}, 9.0 - np.hypot(2, 5)),
    "APAR1": (HEATS, {"SA_TEMP": 60.0}, 2.4),
    "APAR2": (HEATS, {"MA_TEMP": 45.0}, 27 / 42 - 0.5),
    "APAR3": (HEATS, {"HWC_VLV_DM": 1.0, "SA_TEMP": 70.0}, 6.4),
    "APAR5": (FREE, {"OA_TEMP": 65.0}, 8.4),
    "APAR6": (FREE, {"SA_TEMP": 80.0}, 4.4),
    "APAR7": (FREE, {"SA_TEMP": 45.0}, 8.4),
    "APAR8": (BOTH, {"OA_TEMP": 45.0}, 4.4),
    "APAR10": (BOTH, {"MA_TEMP": 72.0}, 6.4),
    "APAR11": (BOTH, {"SA_TEMP": 70.0}, 2.4),
    "APAR12": (BOTH, {"SA_TEMP": 80.0}, 2.4),
    "APAR13": (BOTH, {"SA_TEMP": 60.0, "CHWC_VLV_DM": 1.0}, 1.4),
    "APAR16": (COOLS, {"SA_TEMP": 90.0}, 6.4),
    "APAR17": (COOLS, {"SA_TEMP": 90.0}, 11.4),
    "APAR18": (COOLS, {"MA_TEMP": 89.0}, 14 / 15 - 0.5),
    "APAR19": (COOLS, {"SA_TEMP": 60.0, "CHWC_VLV_DM": 1.0}, 1.4),
    "APAR21": (MIXES, {}, 0.28),
    "APAR22": (MIXES, {}, 0.28),
    "APAR23": (MIXES, {}, 0.26),
    "APAR24": (MIXES, {}, 0.26),
    "APAR25": (COOLS, {"SA_TEMP": 62.0}, 3.4),
    "APAR26": (COOLS, {"MA_TEMP": 68.0}, 3.4),
    "APAR27": (COOLS, {"MA_TEMP": 95.0}, 1.4),
}  # fmt: skip


# rule: what must be changed in the fault-free state of its example for it to be evaluated, and not to hold
SPARES = {
    "FC7": {"HWC_VLV_DM": 1.0},
    "FC13": {"CHWC_VLV_DM": 1.0},
    "APAR3": {"HWC_VLV_DM": 1.0},
    "APAR13": {"CHWC_VLV_DM": 1.0},
    "APAR19": {"CHWC_VLV_DM": 1.0},
    "APAR21": {"HWC_VLV_DM": 0.0},
    "APAR22": {"HWC_VLV_DM": 0.0},
    "APAR23": {"OA_DMPR_DM": 0.2},
    "APAR24": {"OA_DMPR_DM": 1.0},
}


def unit(state: dict[str, float], *, minutes: float = 1.0, hours: float = 4.0, **changes: float) -> UnitPoints:
    """A unit that stays in one state, its set points 55 F unless the state says otherwise."""
    number = round(hours * 60 / minutes)
    read = {"OA_DMPR_DM": 0.2, "CHWC_VLV_DM": 0.0, "HWC_VLV_DM": 0.0, "cool": 55.0, "heat": 50.0, **state, **changes}
    values = {name: np.full(number, value) for name, value in read.items()}
    values["SA_TEMPSPT_CLG"], values["SA_TEMPSPT_HTG"] = values.pop("cool"), values.pop("heat")
    times = START + np.arange(number) * np.timedelta64(round(minutes * 60), "s")
    return UnitPoints(times, np.ones(number, bool), values)


def only(found: list[Held], name: str) -> Held:
    return next(entry for entry in found if entry.condition.name == name)


def held(points: UnitPoints, name: str) -> Held:
    return only(evaluate(points, [RULES[name]], KNOWN), name)


def test_every_rule_but_the_one_of_changes_has_an_example():
    assert {*HOLDS} == {*RULES} - {"FC4"}
    assert sum(len(rules) for rules in RULE_SETS.values()) == len(RULES)


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("minutes", [1.0, 5.0, 15.0, 60.0])
def test_a_rule_holds_where_it_must_and_says_by_how_much(name, minutes):
    state, wrong, margin = HOLDS[name]
    found = held(unit({**state, **wrong}, minutes=minutes), name)
    assert found.held[-1]
    assert found.margin[-1] == pytest.approx(margin)


@pytest.mark.parametrize("name", HOLDS)
@pytest.mark.parametrize("minutes", [1.0, 60.0])
def test_a_rule_is_evaluated_where_it_does_not_hold(name, minutes):
    found = held(unit({**HOLDS[name][0], **SPARES.get(name, {})}, minutes=minutes), name)
    assert found.evaluated[-1]
    assert not found.held.any()
    assert found.margin[-1] <= 0


@pytest.mark.parametrize("state", FAULT_FREE)
def test_no_rule_holds_for_a_fault_free_unit(state):
    for found in evaluate(unit(FAULT_FREE[state]), [*RULES.values()], KNOWN):
        assert not found.held.any(), found.condition.name


@pytest.mark.parametrize("name", HOLDS)
def test_a_rule_whose_points_are_missing_is_not_evaluated(name):
    state, wrong, _ = HOLDS[name]
    point = next(p for p in RULES[name].points if p not in ("cool", "heat"))
    points = unit({**state, **wrong})
    del points.values[point]  # type: ignore[attr-defined]
    found = held(points, name)
    assert not found.evaluated.any()
    assert not found.held.any()
    assert np.isnan(found.margin).all()


@pytest.mark.parametrize("name", HOLDS)
def test_a_rule_can_be_answered_where_its_points_are(name):
    roles = [*unit(HOLDS[name][0]).values]
    assert answerable(RULES[name], roles)
    for gone in ("cool", "heat", "speed"):
        if gone in RULES[name].points:
            several = ("SF_SPD", "SF_CS") if gone == "speed" else (f"SA_TEMPSPT_{'CLG' if gone == 'cool' else 'HTG'}",)
            assert not answerable(RULES[name], [role for role in roles if role not in several])
    for gone in {*RULES[name].points} & {*roles}:
        assert not answerable(RULES[name], [role for role in roles if role != gone])


def test_rules_of_a_state_need_the_commands():
    air = ("SA_TEMP", "MA_TEMP", "OA_TEMP", "RA_TEMP")
    assert answerable(RULES["FC2"], air)
    for name in ("FC4", "FC8"):
        assert not answerable(RULES[name], air)
        assert answerable(RULES[name], (*air, "OA_DMPR_DM", "HWC_VLV_DM"))


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_rule_speaks_for_faults_of_the_vocabulary(rule):
    assert rule.kinds
    assert {*rule.kinds} <= {*KINDS}
    assert len({*rule.kinds}) == len(rule.kinds)
    assert not rule.text.endswith(".")


def test_every_kind_of_fault_has_a_rule_that_speaks_for_it():
    assert {kind for rule in RULES.values() for kind in rule.kinds} == {*KINDS}


def test_rules_of_fan_and_pressure_are_not_evaluated_unless_asked_for():
    points = unit({**BLOWS, "SA_SP": 1.0})
    assert not only(evaluate(points, GUIDELINE_36, Parameters()), "FC1").evaluated.any()
    assert only(evaluate(points, GUIDELINE_36, Parameters(fan_rules=True)), "FC1").held.any()
    slow = unit({**BLOWS, "SA_SP": 1.0, "SF_SPD": 0.9})
    assert not held(slow, "FC1").held.any()
    commanded = replace(points, values={**points.values, "SF_SPD": points.times.astype(float) * np.nan})
    assert not held(commanded, "FC1").evaluated.any()
    commanded.values["SF_CS"] = np.ones(len(points.times))  # type: ignore[index]
    assert held(commanded, "FC1").held.any()


def test_one_set_point_stands_for_both():
    points = unit({**COOLS, "SA_TEMP": 60.0, "CHWC_VLV_DM": 1.0})
    del points.values["SA_TEMPSPT_CLG"], points.values["SA_TEMPSPT_HTG"]  # type: ignore[attr-defined]
    assert not held(points, "FC13").evaluated.any()
    points.values["SA_TEMPSPT"] = np.full(len(points.times), 55.0)  # type: ignore[index]
    assert held(points, "FC13").margin[-1] == pytest.approx(3.0)


def test_a_design_fraction_takes_the_place_of_the_damper_position():
    points = unit({**COOLS, "MA_TEMP": 89.0})
    assert held(points, "FC6").held.any()
    (found,) = evaluate(points, [RULES["FC6"]], replace(KNOWN, minimum_fraction=0.9))
    assert found.evaluated.any()
    assert not found.held.any()


def test_points_of_another_length_are_refused():
    points = unit(COOLS)
    with pytest.raises(ValueError, match="MA_TEMP"):
        replace(points, values={**points.values, "MA_TEMP": np.zeros(3)})
    with pytest.raises(ValueError, match="working"):
        replace(points, working=np.ones(3, bool))


def test_alarm_and_mode_delays_are_half_an_hour_each():
    found = held(unit({**COOLS, "MA_TEMP": 99.0}), "FC3")  # of every state: no mode delay
    assert int(found.held.argmax()) == 30
    found = held(unit({**COOLS, "SA_TEMP": 90.0}), "FC12")
    assert int(found.evaluated.argmax()) == 30
    assert int(found.held.argmax()) == 60


def test_a_stop_a_gap_and_a_change_of_state_start_the_delays_again():
    state, wrong, _ = HOLDS["FC12"]
    points = unit({**state, **wrong}, hours=6.0)
    stopped = points.working.copy()
    stopped[120:125] = False
    found = held(replace(points, working=stopped), "FC12")
    assert not found.held[120:184].any()
    assert found.held[190]
    late = points.times.copy()
    late[120:] += np.timedelta64(3, "h")
    found = held(replace(points, times=late), "FC12")
    assert found.held[119]
    assert not found.held[120:179].any()


def test_inputs_are_averaged_over_five_minutes():
    points = unit(COOLS)
    spikes = points.values["MA_TEMP"].copy()
    spikes[::10] = 130.0
    assert not held(replace(points, values={**points.values, "MA_TEMP": spikes}), "APAR27").held.any()


def test_a_unit_that_swings_between_states_is_unstable():
    points = unit(COOLS)
    swings = np.where(np.arange(len(points.times)) // 6 % 2, 0.0, 0.6)
    changed = {**points.values, "CHWC_VLV_DM": swings, "HWC_VLV_DM": np.where(swings > 0, 0.0, 0.5)}
    assert held(replace(points, values=changed), "FC4").held.any()
    assert not held(points, "FC4").held.any()
    assert not held(unit(COOLS, minutes=15.0), "FC4").evaluated.any()  # too long a step to count changes
    late = points.times.copy()
    late[120:] += np.timedelta64(3, "h")
    after = held(replace(points, times=late, values=changed), "FC4").margin
    assert after[119] > 0
    assert after[120] == -KNOWN.changes  # what was before a gap is not within the hour


def test_readings_that_are_not_there_hold_nothing():
    points = unit({**COOLS, "MA_TEMP": 99.0})
    values = points.values["MA_TEMP"].copy()
    values[100:140] = np.nan
    found = held(replace(points, values={**points.values, "MA_TEMP": values}), "FC3")
    assert not found.held[106:139].any()
    nothing = UnitPoints(points.times[:0], points.working[:0], {})
    assert all(not len(entry.held) for entry in evaluate(nothing, GUIDELINE_36, KNOWN))
