"""Verdicts about days: the regression, its threshold, what a day says to its windows, and the rules beside it."""

import dataclasses

import numpy as np
import pytest

from data_provider.frames import DataInfo
from data_provider.trends.trend import Trend
from exp.detection.day_rules import DayRules, aligned, no_rules
from exp.detection.days import day_rows, decide_days, rules_between
from exp.detection.evaluated import EvaluatedFile
from exp.evaluation.days import LEAST_LOG, DayDecision, fit_days, mean_log_probabilities

CLASSES = ("normal", "plant_outage", "damper", "valve")
HARMLESS = np.array([True, True, False, False])
RULES = ("FC2", "FC8")


def made(days: int, *, unit: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Days whose log-probabilities favour their class; FC8 holds on days of the last class only."""
    random = np.random.default_rng(days)  # the same in any order of tests
    target = random.integers(0, len(CLASSES), days)
    log_p = random.normal(-3.0, 1.0, (days, len(CLASSES)))
    log_p[np.arange(days), target] += 3.0
    shares = np.stack([np.zeros(days), np.where(target == 3, random.uniform(0.2, 1, days), 0.0)], 1)
    return log_p, shares, target, [f"unit {place // unit}" for place in range(days)]


def decision(days: int = 600) -> DayDecision:
    log_p, shares, target, units = made(days, unit=5)
    return fit_days(log_p, shares, target, units, rules=RULES, harmless=HARMLESS, normal=0)


def test_the_regression_is_that_of_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    log_p, shares, target, units = made(400)
    found = fit_days(log_p, shares, target, units, rules=RULES, harmless=HARMLESS, normal=0)
    features = np.concatenate([log_p, shares], 1)
    scaled = (features - features.mean(0)) / np.maximum(features.std(0), 1e-3)
    known = LogisticRegression(C=0.3, max_iter=5000).fit(scaled, target).predict_proba(scaled)
    np.testing.assert_allclose(found.probabilities(log_p, shares), known, atol=1e-3)


def test_the_threshold_keeps_the_false_alarm_rate_on_days_of_other_units():
    found = decision(2000)
    log_p, shares, target, _ = made(4000)
    score = found.fault(found.probabilities(log_p, shares))
    for rate in (0.02, 0.05, 0.2):
        alarms = (score[target == 0] > found.threshold(rate)).mean()
        assert alarms == pytest.approx(rate, abs=0.03)
    assert (score[target > 1] > found.threshold(0.05)).mean() > 0.5


def test_a_rule_that_held_speaks_for_its_kind():
    found = decision()
    log_p, nothing = np.full((1, 4), -1.4), np.zeros((1, 2))
    held = np.array([[0.0, 0.8]])
    assert found.probabilities(log_p, held)[0, 3] > found.probabilities(log_p, nothing)[0, 3] + 0.2


def test_a_class_without_days_is_never_named():
    log_p, shares, target, units = made(400)
    target = np.where(target == 2, 3, target)
    found = fit_days(log_p, shares, target, units, rules=RULES, harmless=HARMLESS, normal=0)
    likely = found.probabilities(log_p, shares)
    assert likely[:, 2].max() < 1e-3
    assert set(found.kinds(likely)) == {3}


def test_what_is_stored_decides_the_same():
    found = dataclasses.replace(decision(), worth={"MA_TEMP": 0.4})
    again = DayDecision.from_dict(found.to_dict())
    log_p, shares, _, _ = made(50)
    np.testing.assert_array_equal(again.probabilities(log_p, shares), found.probabilities(log_p, shares))
    assert again.threshold(0.05) == found.threshold(0.05)
    assert again.worth == {"MA_TEMP": 0.4}


def test_one_absurd_window_does_not_decide_a_day():
    likely = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 0, 1.0]])
    means = mean_log_probabilities(likely, np.array([0, 0, 1]), 3)
    assert means[0, 3] == pytest.approx((LEAST_LOG + np.log(0.25)) / 2)
    assert means[1].tolist() == [LEAST_LOG] * 3 + [0.0]
    assert means[2].tolist() == [0.0] * 4


INFO = DataInfo(
    data="fleet", columns=("a",), units=("",), classes=CLASSES, normal="normal", period_seconds=900, seq_len=4, step=2,
    counts={}, protocol="", leaking=False,
)  # fmt: skip
MIDNIGHT = np.datetime64("2024-03-01T00:00:00")


def evaluated(verdicts: list[str], likely: list[list[float]], *, hours: float = 6.0) -> EvaluatedFile:
    """A file with four windows a day."""
    times = MIDNIGHT + np.arange(96 * 3) * np.timedelta64(900, "s")
    trend = Trend("unit.csv", times, times, np.zeros((len(times), 1), np.float32), [], False, 900)
    start = MIDNIGHT + (np.arange(len(verdicts)) * hours * 3600).astype("timedelta64[s]")
    table = np.array(likely)
    return EvaluatedFile(
        trend=trend, windows=None, start=start, end=start + np.timedelta64(2700, "s"), probabilities=table,
        confidence=table.copy(), named=table.argmax(1),
        novelty=np.zeros(len(verdicts)), novelty_rank=np.zeros(len(verdicts)),
        verdict=np.array(verdicts, object), reason=np.full(len(verdicts), "", object), gaps=[], refused="", cautions=[],
        notes=[],
    )  # fmt: skip


VALVE, FREE = [0.02, 0.02, 0.01, 0.95], [0.95, 0.02, 0.02, 0.01]


def decided(file: EvaluatedFile, rules: DayRules | None = None) -> EvaluatedFile:
    return decide_days(file, decision(), INFO, rules or no_rules(), false_alarm_rate=0.05)


def test_windows_say_what_their_day_says():
    one_off = decided(evaluated(["normal", "valve", "normal", "normal"], [FREE, VALVE, FREE, FREE]))
    assert one_off.verdict.tolist() == ["normal"] * 4
    assert [day.verdict for day in one_off.days] == ["normal"]
    faulty = decided(evaluated(["valve", "valve", "normal", "valve"], [VALVE, VALVE, FREE, VALVE]))
    assert faulty.verdict.tolist() == ["valve"] * 4
    assert faulty.confidence[:, 3].tolist() == [faulty.days[0].probabilities[3]] * 4
    assert set(faulty.named) == {3}


def test_days_are_decided_one_by_one():
    file = decided(evaluated(["valve"] * 4 + ["normal"] * 4, [VALVE] * 4 + [FREE] * 4))
    assert [(str(day.day), day.verdict, day.windows) for day in file.days] == [
        ("2024-03-01", "valve", 4),
        ("2024-03-02", "normal", 4),
    ]


def test_windows_without_an_answer_do_not_count_and_many_unknown_ones_make_the_day_unknown():
    file = decided(evaluated(["valve", "no answer", "no answer", "unknown"], [VALVE, FREE, FREE, FREE]))
    assert file.days[0].verdict == "valve"
    assert file.verdict.tolist() == ["valve", "no answer", "no answer", "no answer"]
    assert file.reason[3].startswith("unlike anything in training")
    strange = decided(evaluated(["unknown", "unknown", "unknown", "valve"], [FREE, FREE, FREE, VALVE]))
    assert strange.days[0].verdict == "unknown"
    assert np.isnan(strange.days[0].fault)
    silent = decided(evaluated(["no answer"] * 4, [FREE] * 4))
    assert silent.days[0].verdict == "no answer"
    assert "none of its windows" in silent.days[0].reason


def test_an_outage_of_the_plant_is_said_and_is_no_fault():
    out = [0.03, 0.94, 0.02, 0.01]
    file = decided(evaluated(["plant_outage"] * 4, [out] * 4))
    assert file.verdict.tolist() == ["normal"] * 4
    assert "chilled or hot water is away" in file.days[0].reason


def test_rules_are_told_by_day_and_by_event():
    day = MIDNIGHT.astype("datetime64[D]")
    table = DayRules(np.array([day]), np.array([[0.0, 5.0]]), np.array([[0.0, 0.5]]), np.array([[np.nan, 3.2]]))
    file = decided(evaluated(["valve"] * 8, [VALVE] * 8), table)
    assert file.days[0].held == {"FC8": (5.0, 3.2)}
    assert file.days[1].held == {}
    assert rules_between(file.days, file.start[0], file.start[-1]) == (
        "FC8 held for 5.0 h, exceeded by 3.2 F: supply and mixed air differ although both valves are shut",
    )
    assert day_rows(file, INFO)[0]["rules"] == "FC8 5.0 h by 3.2"
    assert aligned(np.array([day - 1]), table, 2).hours.tolist() == [[0.0, 0.0]]
