"""Confidence and the unknown: against references, and for what they promise."""

import json

import numpy as np
import pytest
import torch
from scipy.special import logsumexp, softmax
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from data_provider.frames import DataInfo
from exp.evaluation import calibration
from exp.evaluation.calibration import Distance
from exp.evaluation.decision import (
    ANSWERED,
    MISSING,
    NOT_SURE,
    OUTSIDE,
    SCORES,
    UNDEFINED,
    Decision,
    DecisionRule,
    Verdicts,
    outside,
    verdict_names,
)
from exp.evaluation.density import GaussianMixtures
from exp.evaluation.fitting import FEWEST, false_alarm_quantiles
from exp.evaluation.limits import most_missing
from utils.written import written


def drawn(
    *, number: int = 4000, classes: int = 4, sharper: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes drawn with the probabilities that the logits state once they are divided by `sharper`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (number, classes))
    target = np.array([rng.choice(classes, p=p) for p in softmax(logits, axis=1)])
    return logits * sharper, target


@pytest.mark.parametrize("sharper", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_false_sureness(sharper):
    logits, target = drawn(sharper=sharper)
    assert calibration.fit_temperature(logits, target) == pytest.approx(sharper, rel=0.05)


def test_a_scaled_confidence_can_be_taken_at_its_word():
    logits, target = drawn(sharper=4.0)
    temperature = calibration.fit_temperature(*drawn(sharper=4.0, seed=1))
    p = calibration.temperature_scaled(logits, temperature)
    confidence, right = p.max(1), p.argmax(1) == target
    bins = np.digitize(confidence, np.linspace(0, 1, 11))
    ece = sum(abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    assert ece < 0.03
    assert (p.argmax(1) == logits.argmax(1)).all()


def test_a_part_without_a_mistake_does_not_ask_for_endless_sureness():
    target = np.arange(30) % 3
    logits = np.eye(3)[target] * 5
    p = calibration.temperature_scaled(logits, calibration.fit_temperature(logits, target))
    assert 0.9 < p.max() < 1 - 1 / 64  # Platt: no surer than 1 - 1/(n + 2)


@pytest.mark.parametrize("score", ["energy", "confidence"])
def test_scores_are_those_of_scipy(score):
    logits = np.random.default_rng(0).normal(0, 3, (50, 5))
    expected = {"energy": -logsumexp(logits, axis=1), "confidence": 1 - softmax(logits, axis=1).max(1)}[score]
    found = settings(score=score).novelty(x=None, logits=torch.from_numpy(logits), features=None)
    np.testing.assert_allclose(found, expected)


def test_the_distance_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600)
    features = rng.normal(size=(600, 6)) @ rng.normal(size=(6, 6)) + target[:, None] * 4
    distance = Distance.fit(features, target, 4)  # a fourth class without windows
    means = np.stack([features[target == k].mean(0) for k in range(3)])
    reference = LedoitWolf(assume_centered=True).fit(features - means[target])
    points = rng.normal(size=(40, 6)) * 5
    expected = np.min([reference.mahalanobis(points - mean) for mean in means], axis=0) ** 0.5
    np.testing.assert_allclose(distance.score(torch.from_numpy(points)), expected, rtol=1e-4)


def test_features_that_never_change_do_not_divide_by_zero():
    features = np.zeros((40, 3))
    features[:, 0] = np.random.default_rng(0).normal(size=40)
    score = Distance.fit(features, np.arange(40) % 2, 2).score(torch.from_numpy(features))
    assert torch.isfinite(score).all()


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("rare", [0.5, 0.05])
def test_no_more_known_windows_are_rejected_than_asked_for(rate, rare):
    rng = np.random.default_rng(0)
    target = (rng.random(1000) < rare).astype(int)
    scores = written(rng.normal(size=1000) + 3 * target)  # the second class looks more novel
    limit = calibration.threshold(calibration.quantiles(scores, target), rate)
    rejected = scores > limit
    by_class = np.mean([rejected[target == k].mean() for k in range(2)])
    assert max(rejected.mean(), by_class) <= rate + 1e-9
    assert max(rejected.mean(), by_class) > rate - 0.03


def test_a_rate_of_nothing_rejects_nothing():
    table = calibration.quantiles(np.arange(50.0), np.zeros(50, int))
    assert calibration.threshold(table, 0) == np.inf


def test_the_novelty_rank_is_the_share_that_is_less_novel():
    table = calibration.quantiles(np.arange(1000.0), np.zeros(1000, int))
    logits = -torch.tensor([[-5.0, -1e9], [250.0, 1e9], [990.0, 1e9], [5000.0, 1e9]])
    logits[0] = torch.tensor([5.0, -1e9])
    found = decide(settings(novelty_quantiles=table), logits, normal=None).novelty_rank
    np.testing.assert_allclose(found, [0, 0.25, 0.99, 1], atol=0.005)


def test_holding_classes_out_measures_the_area_under_the_curve():
    likely, target = drawn(number=300)
    expected = np.mean([roc_auc_score(target == k, -np.delete(likely, k, 1).max(1)) for k in range(4)])
    assert calibration.held_out_area(likely, target) == pytest.approx(expected)
    assert calibration.held_out_area(likely[:, :2], target % 2) is None


@pytest.mark.parametrize("score", SCORES)
def test_decisions_come_back_as_they_were(score):
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(60, 4)), np.arange(60) % 3
    mixtures = GaussianMixtures.fit(rng.random((60, 2, 8)), target, 3)
    decision = settings(
        temperature=1.7,
        score=score,
        novelty_quantiles=calibration.quantiles(rng.normal(size=60), target),
        false_alarm_quantiles=calibration.quantiles(rng.random(30), np.zeros(30, int)),
        compared={score: 0.9},
        lower=np.array([-np.inf, 0.4], np.float32),
        upper=np.array([np.inf, 0.6], np.float32),
        distance=Distance.fit(features, target, 3) if score == "distance" else None,
        reference_window=rng.normal(size=(2, 8)).astype(np.float32),
        mixtures=mixtures if score == "readings" else None,
    )
    stored = json.loads(json.dumps(decision.to_dict()))
    again = Decision.from_dict(stored, decision.to_tensors())
    x, logits, points = torch.rand(5, 2, 8), torch.from_numpy(rng.normal(size=(5, 3))), torch.from_numpy(features[:5])
    for mine, yours in zip(*(decide(one, logits, x=x, features=points) for one in (decision, again)), strict=True):
        np.testing.assert_array_equal(mine, yours)
    assert again.to_dict() == stored
    assert again.to_tensors().keys() == decision.to_tensors().keys()


def settings(**changes) -> Decision:
    """Decision settings by the energy, for one signal without limits."""
    plain = {
        "temperature": 1.0, "score": "energy", "novelty_quantiles": np.zeros(calibration.RATES),
        "false_alarm_quantiles": np.zeros(0), "compared": {}, "distance": None,
        "lower": np.full(1, -np.inf, np.float32), "upper": np.full(1, np.inf, np.float32),
        "reference_window": np.zeros((1, 8), np.float32),
    }  # fmt: skip
    return Decision(**{**plain, **changes})


def info_of(normal: str | None) -> DataInfo:
    """Three classes."""
    return DataInfo(
        data="", columns=("a",), units=("",), classes=("sound", "leak", "stuck"), normal=normal, period_seconds=60,
        seq_len=8, step=8, counts={}, protocol="", leaking=False,
    )  # fmt: skip


def decide(
    decision: Decision,
    logits: torch.Tensor,
    *,
    x: torch.Tensor | None = None,
    missing: torch.Tensor | None = None,
    features: torch.Tensor | None = None,
    normal: str | None = "sound",
    unknown_rate: float = 0.0,
    false_alarm_rate: float = 1.0,
    most_missing: int = 0,
) -> Verdicts:
    """Verdicts about windows with these logits, whose readings are what the model sees."""
    x = torch.zeros(len(logits), len(decision.lower), 8) if x is None else x
    rates = {"unknown_rate": unknown_rate, "false_alarm_rate": false_alarm_rate}
    rule = DecisionRule(decision, info_of(normal), **rates, most_missing=most_missing)
    return rule(readings=x, missing=missing, x=x, logits=logits, features=features)


def doubted(table: np.ndarray, confidence: np.ndarray, rate: float, normal: str | None = "sound") -> np.ndarray:
    """Whether windows of these (n, K) confidences are too unsure to be named, by quantiles for false alarms."""
    logits = torch.from_numpy(np.log(np.maximum(confidence, 1e-300)))
    verdicts = decide(settings(false_alarm_quantiles=table), logits, normal=normal, false_alarm_rate=rate)
    assert ((verdicts.reason == NOT_SURE) == (verdicts.number == 4)).all()
    return (verdicts.reason == NOT_SURE).numpy()


def table_of(confidence: np.ndarray, target: np.ndarray, normal: str | None = "sound") -> np.ndarray:
    """Quantiles of these (n, K) confidences of validation windows."""
    return false_alarm_quantiles(confidence, target, info_of(normal))


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_false_alarms_on_sound_windows_are_bounded_and_clear_faults_are_named(rate):
    # Many fault-free windows look like a fault.
    confidence = written(np.random.default_rng(0).dirichlet((1, 1, 1), size=600))
    table = table_of(confidence, np.zeros(600, int))
    faulty = confidence.argmax(1) != 0
    named = faulty & ~doubted(table, confidence, rate)
    assert 0 < named.mean() <= rate < faulty.mean()
    clear, fault_free = np.array([[1e-6, 1 - 2e-6, 1e-6]]), np.array([[0.9, 0.05, 0.05]])
    assert not doubted(table, clear, rate).any()
    assert not doubted(table, fault_free, rate).any()
    assert not doubted(table, confidence, 1.0).any()


def test_without_sound_windows_to_learn_from_no_fault_is_doubted():
    confidence = np.tile([0.4, 0.6, 0.0], (100, 1))
    few = np.repeat((0, 1), (FEWEST - 1, 101 - FEWEST))
    assert not doubted(table_of(confidence, few), confidence, 0.05).any()
    assert not doubted(table_of(confidence, np.zeros(100, int), None), confidence, 0.05, None).any()
    assert doubted(table_of(confidence, np.zeros(100, int)), confidence, 0.05).all()


def test_a_few_readings_outside_do_not_silence_a_window():
    readings = np.full((2, 2, 10), 1.5)
    readings[0, 1, :3] = 9
    readings[1, 1, :4] = 9
    bounds = np.array([-np.inf, 1.0]), np.array([np.inf, 2.0])
    assert outside(readings, *bounds).tolist() == [[False, False], [False, True]]


def test_the_first_reason_that_holds_decides():
    """Window by window: an answer, an unsure one, an unknown one, one outside, one that lacks too much."""
    decision = settings(
        novelty_quantiles=np.full(calibration.RATES, -1.0),
        false_alarm_quantiles=np.full(calibration.RATES, 0.7),
        lower=np.full(2, -1, np.float32),
        upper=np.full(2, 1, np.float32),
    )
    sure, unsure, novel = [0.0, 9, 0], [1.0, 1.5, 0], [-5.0, -4, -5]
    logits = torch.tensor([sure, unsure, novel, novel, sure, sure])
    x, missing = torch.zeros(6, 2, 8), torch.zeros(6, 2, dtype=torch.bool)
    x[3:, 1], missing[4:, 1] = 3, True
    missing[5] = True
    found = decide(decision, logits, x=x, missing=missing, unknown_rate=0.05, false_alarm_rate=0.05, most_missing=1)
    assert found.reason.tolist() == [ANSWERED, NOT_SURE, ANSWERED, OUTSIDE, ANSWERED, MISSING]
    names = verdict_names(info_of("sound"))
    said = [names[number] for number in found.number.tolist()]
    assert said == ["leak", "no answer", "unknown", "no answer", "leak", "no answer"]
    assert found.named.tolist() == [1] * 6
    assert found.outside.tolist() == [[False, number == 3] for number in range(6)]
    own = found.own_confidence().tolist()
    assert own[0] == own[4] == found.confidence[0, 1]
    assert own[2] == found.novelty_rank[2] == 1
    assert np.isnan([own[1], own[3], own[5]]).all()


@pytest.mark.parametrize("score", ["energy", "confidence"])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_never_a_class(score, wrong):
    logits = torch.tensor([[0.0, 9, 0], [0.0, wrong, 0], [wrong] * 3])
    found = decide(settings(score=score, novelty_quantiles=np.full(calibration.RATES, 1e9)), logits, unknown_rate=0.05)
    undefined = ~logits.isfinite().all(1)
    assert undefined[-1]
    assert not undefined[0]
    assert ((found.reason == UNDEFINED) == undefined).all()
    assert ((found.number == 4) == undefined).all()


def test_a_novelty_that_is_not_a_number_gives_no_answer(monkeypatch):
    monkeypatch.setattr(Decision, "novelty", lambda *args, **parts: torch.tensor([0.0, torch.nan]))
    found = decide(settings(), torch.tensor([[0.0, 9, 0]] * 2))
    assert found.reason.tolist() == [ANSWERED, UNDEFINED]


def test_a_window_may_lack_as_many_sensors_as_training_dropped():
    assert most_missing(20, "") == most_missing(20, "jitter:0.1") == 0
    assert most_missing(5, "drop_sensor:0.2") == 3
    assert most_missing(1000, "jitter:0.1,drop_sensor:0.1") == pytest.approx(122, abs=2)
