"""The field's own rates against counts by hand and scikit-learn; Wilson's interval where draws cannot vary.

Letters: n cases, K classes, G blocks.
"""

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, recall_score

from exp.evaluation.diagnosis import Cases, rates, renamed
from exp.evaluation.intervals import wilson
from tests.evaluation.kit import cases

ALARMS = ("false_alarm_rate", "detection_rate", "correct_diagnosis_rate", "correct_of_detected_rate")


def values(found: dict) -> dict[str, float | None]:
    return {name: m["value"] for name, m in found.items() if name != "interval"}


def test_rates_of_verdicts_by_hand():
    #      fault-free: 1 of 4 is called faulty; faulty: 5 of 8 are, 3 of them by their own name
    found = rates(cases("nnnn" + "ssss" + "llll", "nns-" + "ssn?" + "lss-"), 3, 0, verdicts=True)
    assert values(found) == {
        "accuracy": pytest.approx(5 / 12),
        "false_alarm_rate": 1 / 4,
        "detection_rate": 5 / 8,
        "correct_diagnosis_rate": 3 / 8,
        "correct_of_detected_rate": 3 / 5,
        "misdiagnosis_rate": 2 / 8,
        "unknown_rate": pytest.approx(1 / 12),
        "no_answer_rate": pytest.approx(2 / 12),
    }


def test_unknown_and_no_answer_are_neither_alarms_nor_left_out():
    found = values(rates(cases("nnss", "?-?-"), 3, 0, verdicts=True))
    assert (found["false_alarm_rate"], found["detection_rate"], found["unknown_rate"]) == (0, 0, 0.5)
    assert found["correct_of_detected_rate"] is None


def random_cases(number: int, classes: int, answers: int, blocks: int, seed: int = 0) -> Cases:
    random = np.random.default_rng(seed)
    truth = random.integers(classes, size=number)
    answer = np.where(random.random(number) < 0.6, truth, random.integers(answers, size=number))
    return Cases(truth, answer, random.integers(blocks, size=number))


@pytest.mark.parametrize("normal", [0, 2, 4])
def test_rates_equal_scikit_learn(normal):
    q = random_cases(500, 5, 5, 9)
    found = values(rates(q, 5, normal))
    faulty, called = q.truth != normal, q.answer != normal
    detected = faulty & called
    assert found["accuracy"] == accuracy_score(q.truth, q.answer)
    assert found["detection_rate"] == recall_score(faulty, called)
    assert found["false_alarm_rate"] == pytest.approx(1 - recall_score(~faulty, ~called))
    assert found["correct_diagnosis_rate"] == accuracy_score(q.truth[faulty], q.answer[faulty])
    assert found["correct_of_detected_rate"] == accuracy_score(q.truth[detected], q.answer[detected])
    together = found["correct_diagnosis_rate"] + found["misdiagnosis_rate"]
    assert together == pytest.approx(found["detection_rate"])
    assert not {"unknown_rate", "no_answer_rate"} & set(found)


def test_without_a_normal_class_only_what_needs_none_is_told():
    q = random_cases(50, 3, 5, 4)
    assert set(values(rates(q, 3, None, verdicts=True))) == {"accuracy", "unknown_rate", "no_answer_rate"}


@pytest.mark.parametrize(
    ("truth", "undefined"),
    [
        ("n", {"detection_rate", "correct_diagnosis_rate", "correct_of_detected_rate", "misdiagnosis_rate"}),
        ("s", {"false_alarm_rate", "correct_of_detected_rate"}),
        ("", {"accuracy", "false_alarm_rate", "detection_rate", "correct_diagnosis_rate", "correct_of_detected_rate"}),
    ],
)
def test_what_cannot_be_told_is_none(truth, undefined):
    found = rates(cases(truth, "n" * len(truth)), 3, 0)
    none = {name for name, value in values(found).items() if value is None}
    assert undefined <= none
    assert all(found[name]["low"] is None and found[name]["high"] is None for name in none)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(("hits", "trials"), [(4, 4), (0, 4), (1, 1), (3, 10), (97, 100), (250, 500)])
def test_wilson_equals_scipy(hits, trials):
    expected = binomtest(hits, trials).proportion_ci(method="wilson")
    assert wilson(hits / trials, trials)[:2] == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson(0.5, 0) is None


def test_four_right_windows_are_not_certain():
    """1.000 to 1.000 from four windows is what draws of blocks say; nobody knows it so exactly."""
    found = rates(cases("nnss", "nnss"), 3, 0)
    assert (found["accuracy"]["value"], found["accuracy"]["high"]) == (1, 1)
    assert found["accuracy"]["low"] == pytest.approx(binomtest(4, 4).proportion_ci(method="wilson").low)
    assert found["interval"]["wilson"]["accuracy"] == 4
    assert found["interval"]["wilson"]["false_alarm_rate"] == 2, "two blocks hold fault-free windows"


def test_many_windows_of_one_block_are_one_trial():
    few = rates(cases("nn", "nn", [0, 1]), 3, 0)["accuracy"]
    many = rates(cases("n" * 80, "n" * 80, [0] * 40 + [1] * 40), 3, 0)["accuracy"]
    one = rates(cases("n" * 80, "n" * 80, [0] * 80), 3, 0)
    assert many == few
    assert one["accuracy"]["low"] < few["low"], "one block says less than two"
    assert "one block" in one["interval"]["reason"]


def test_two_blocks_that_differ_are_drawn():
    found = rates(cases("nnnn", "nnnl", [0, 0, 1, 1]), 3, 0)
    assert found["interval"]["draws"] == 1000
    assert [found["accuracy"][side] for side in ("low", "high")] == [0.5, 1.0]


def test_where_draws_vary_the_interval_is_theirs():
    q = random_cases(300, 3, 3, 20)
    found = rates(q, 3, 0, seed=3)
    accuracy = found["accuracy"]
    assert found["interval"] == {"level": 0.95, "draws": 1000, "wilson": {}, "blocks": 20, "reason": None}
    drawn = np.random.default_rng(3).multinomial(20, np.full(20, 1 / 20), size=1000)
    right, windows = (np.bincount(q.block, weight, 20) for weight in (q.truth == q.answer, None))
    expected = np.percentile((drawn @ right) / (drawn @ windows), [2.5, 97.5])
    assert [accuracy["low"], accuracy["high"]] == pytest.approx(expected.tolist(), abs=1e-12)
    without = rates(q, 3, 0, bootstrap=0)
    assert without["accuracy"] == {**accuracy, "low": None, "high": None}


def test_an_earlier_name_is_read_as_the_present_one():
    assert renamed({"correct_type_rate": 1, "accuracy": 2}) == {"correct_diagnosis_rate": 1, "accuracy": 2}
