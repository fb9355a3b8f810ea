"""Confidence and the unknown: against references, and for what they promise."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from data_provider.frames import DataInfo
from exp.evaluation import calibration
from exp.evaluation.calibration import Distance
from exp.evaluation.decision import FEWEST, SCORES, Decision, alarm_table, outside
from exp.evaluation.density import Mixture
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


def test_a_tempered_confidence_can_be_taken_at_its_word():
    logits, target = drawn(sharper=4.0)
    temperature = calibration.fit_temperature(*drawn(sharper=4.0, seed=1))
    p = calibration.tempered(logits, temperature)
    confidence, right = p.max(1), p.argmax(1) == target
    bins = np.digitize(confidence, np.linspace(0, 1, 11))
    ece = sum(abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    assert ece < 0.03
    assert (p.argmax(1) == logits.argmax(1)).all()


def test_a_part_without_a_mistake_does_not_ask_for_endless_sureness():
    target = np.arange(30) % 3
    logits = np.eye(3)[target] * 5
    p = calibration.tempered(logits, calibration.fit_temperature(logits, target))
    assert 0.9 < p.max() < 1 - 1 / 64  # Platt: no surer than 1 - 1/(n + 2)


def test_scores_are_those_of_torch():
    logits = np.random.default_rng(0).normal(0, 3, (50, 5))
    tensor = torch.from_numpy(logits)
    np.testing.assert_allclose(calibration.energy_score(logits), -tensor.logsumexp(1))
    np.testing.assert_allclose(calibration.confidence_score(logits), 1 - tensor.softmax(1).amax(1))


def test_the_distance_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, 600)
    features = rng.normal(size=(600, 6)) @ rng.normal(size=(6, 6)) + target[:, None] * 4
    distance = Distance.fit(features, target, 4)  # a fourth class without windows
    means = np.stack([features[target == k].mean(0) for k in range(3)])
    reference = LedoitWolf(assume_centered=True).fit(features - means[target])
    points = rng.normal(size=(40, 6)) * 5
    expected = np.min([reference.mahalanobis(points - mean) for mean in means], axis=0) ** 0.5
    np.testing.assert_allclose(distance.score(points), expected, rtol=1e-4)
    assert np.isinf(distance.to_classes(points)[:, 3]).all()


def test_features_that_never_change_do_not_divide_by_zero():
    features = np.zeros((40, 3))
    features[:, 0] = np.random.default_rng(0).normal(size=40)
    score = Distance.fit(features, np.arange(40) % 2, 2).score(features)
    assert np.isfinite(score).all()


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("rare", [0.5, 0.05])
def test_no_more_known_windows_are_rejected_than_asked_for(rate, rare):
    rng = np.random.default_rng(0)
    target = (rng.random(1000) < rare).astype(int)
    scores = written(rng.normal(size=1000) + 3 * target)  # the second class looks stranger
    limit = calibration.threshold(calibration.quantiles(scores, target), rate)
    rejected = scores > limit
    by_class = np.mean([rejected[target == k].mean() for k in range(2)])
    assert max(rejected.mean(), by_class) <= rate + 1e-9
    assert max(rejected.mean(), by_class) > rate - 0.03


def test_a_rate_of_nothing_rejects_nothing():
    table = calibration.quantiles(np.arange(50.0), np.zeros(50, int))
    assert calibration.threshold(table, 0) == np.inf


def test_strangeness_is_the_share_that_is_less_strange():
    table = calibration.quantiles(np.arange(1000.0), np.zeros(1000, int))
    found = calibration.strangeness(table, np.array([-5.0, 250.0, 990.0, 5000.0]))
    np.testing.assert_allclose(found, [0, 0.25, 0.99, 1], atol=0.005)


def test_leaving_classes_out_measures_the_area_under_the_curve():
    likely, target = drawn(number=300)
    expected = np.mean([roc_auc_score(target == k, -np.delete(likely, k, 1).max(1)) for k in range(4)])
    assert calibration.left_out(likely, target) == pytest.approx(expected)
    assert calibration.left_out(likely[:, :2], target % 2) is None


@pytest.mark.parametrize("score", SCORES)
def test_decisions_come_back_as_they_were(score):
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(60, 4)), np.arange(60) % 3
    x, mixture = torch.rand(5, 2, 8), Mixture.fit(rng.random((60, 2, 8)), target, 3)
    decision = Decision(
        temperature=1.7, score=score, table=calibration.quantiles(rng.normal(size=60), target),
        alarm=calibration.quantiles(rng.random(30), np.zeros(30, int)), compared={score: 0.9},
        lower=np.array([-np.inf, 1], np.float32), upper=np.array([np.inf, 2], np.float32),
        distance=Distance.fit(features, target, 3) if score == "distance" else None,
        usual=rng.normal(size=(2, 8)).astype(np.float32), mixture=mixture if score == "readings" else None,
    )  # fmt: skip
    again = Decision.of(decision.plain(), decision.tensors())
    logits = rng.normal(size=(5, 3))
    points = features[:5] if score == "distance" else None
    np.testing.assert_array_equal(again.scores(logits, points, x), decision.scores(logits, points, x))
    np.testing.assert_array_equal(again.lower, decision.lower)
    np.testing.assert_array_equal(again.table, decision.table)
    assert again.plain() == decision.plain()


def info_of(normal: str | None) -> DataInfo:
    """Three classes."""
    return DataInfo(
        data="", columns=("a",), units=("",), classes=("sound", "leak", "stuck"), normal=normal, period_seconds=60,
        seq_len=8, step=8, counts={}, protocol="", leaking=False,
    )  # fmt: skip


def alarmed(confidence: np.ndarray, target: np.ndarray, normal: str | None = "sound") -> Decision:
    """Decision settings with the alarm that these (n, K) confidences of validation windows give."""
    return Decision(
        temperature=1.0, score="energy", table=np.zeros(calibration.RATES), compared={}, distance=None,
        alarm=alarm_table(confidence, target, info_of(normal)), lower=np.zeros(1), upper=np.zeros(1),
        usual=np.zeros((1, 8)),
    )  # fmt: skip


def doubted(decision: Decision, confidence: np.ndarray, rate: float, normal: str | None = "sound") -> np.ndarray:
    """Whether windows of these (n, K) confidences are too unsure to be named."""
    return decision.doubtful(confidence.argmax(1), written(confidence), info_of(normal), rate)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_false_alarms_on_sound_windows_are_bounded_and_clear_faults_are_named(rate):
    # Many sound windows look like a fault.
    confidence = written(np.random.default_rng(0).dirichlet((1, 1, 1), size=600))
    decision = alarmed(confidence, np.zeros(600, int))
    faulty = confidence.argmax(1) != 0
    named = faulty & ~doubted(decision, confidence, rate)
    assert 0 < named.mean() <= rate < faulty.mean()
    clear, sound = np.array([[1e-6, 1 - 2e-6, 1e-6]]), np.array([[0.9, 0.05, 0.05]])
    assert not doubted(decision, clear, rate).any()
    assert not doubted(decision, sound, rate).any()
    assert not doubted(decision, confidence, 1.0).any()


def test_without_sound_windows_to_learn_from_no_fault_is_doubted():
    confidence = np.tile([0.4, 0.6, 0.0], (100, 1))
    few = np.repeat((0, 1), (FEWEST - 1, 101 - FEWEST))
    assert not doubted(alarmed(confidence, few), confidence, 0.05).any()
    assert not doubted(alarmed(confidence, np.zeros(100, int), None), confidence, 0.05, None).any()
    assert doubted(alarmed(confidence, np.zeros(100, int)), confidence, 0.05).all()


def test_a_few_readings_outside_do_not_silence_a_window():
    readings = np.full((2, 2, 10), 1.5)
    readings[0, 1, :3] = 9
    readings[1, 1, :4] = 9
    bounds = np.array([-np.inf, 1.0]), np.array([np.inf, 2.0])
    assert outside(readings, *bounds).tolist() == [[False, False], [False, True]]
