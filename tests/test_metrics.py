"""Measures against scikit-learn, intervals against draws made the slow way, and hostile predictions.

Letters: n windows, K classes, G blocks.
"""

import dataclasses
import json
import warnings

import numpy as np
import pytest
import sklearn.metrics as reference

from exp.evaluation.metrics import confusion, evaluate, headline, reliability
from exp.evaluation.predictions import Predictions
from utils.errors import UserError

SCALARS = [
    *("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "macro_precision", "macro_recall", "kappa", "mcc"),
    *("top2_accuracy", "log_loss", "brier", "ece", "macro_auroc"),
]
ALARMS = [
    *("false_alarm_rate", "detection_rate", "correct_diagnosis_rate", "correct_of_detected_rate", "misdiagnosis_rate"),
]


def made(
    number: int = 400, classes: int = 5, blocks: int = 12, *, seed: int = 0, absent: tuple[int, ...] = (), ties: int = 0
) -> Predictions:
    """Predictions that are often right; `absent` classes never occur in the truth, `ties` rounds probabilities."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(classes, 0.4), number)
    target = np.array([random.choice(classes, p=row) for row in p])
    target[np.isin(target, absent)] = min(set(range(classes)) - set(absent))
    if ties:
        p = (np.round(p * ties) + 1e-3) / (np.round(p * ties) + 1e-3).sum(1, keepdims=True)
    times = np.zeros(number, "datetime64[s]")
    names = tuple(f"class {k}" for k in range(classes))
    return Predictions(
        "test", names, p, target, np.full(number, "f"), times, times, random.integers(blocks, size=number)
    )


CASES = {
    "plain": {},
    "two classes": {"classes": 2},
    "absent classes": {"absent": (0, 3)},
    "one class": {"classes": 3, "absent": (0, 2)},
    "ties": {"ties": 3},
    "few": {"number": 3},
}


@pytest.mark.parametrize("case", CASES)
def test_values_equal_scikit_learn(case):
    q = made(**CASES[case])
    present = np.unique(q.target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        macro, weighted = (
            reference.precision_recall_fscore_support(q.target, q.top, labels=present, average=kind, zero_division=0)
            for kind in ("macro", "weighted")
        )
        expected = {
            "accuracy": reference.accuracy_score(q.target, q.top),
            "balanced_accuracy": reference.balanced_accuracy_score(q.target, q.top),
            "macro_precision": macro[0],
            "macro_recall": macro[1],
            "macro_f1": macro[2],
            "weighted_f1": weighted[2],
            "kappa": reference.cohen_kappa_score(q.target, q.top),
            "mcc": reference.matthews_corrcoef(q.target, q.top),
            "log_loss": reference.log_loss(q.target, q.probabilities, labels=range(len(q.classes))),
            "brier": np.mean(np.sum((q.written - np.eye(len(q.classes))[q.target]) ** 2, axis=1)),
        }
        if len(present) > 1:
            areas = [reference.roc_auc_score(q.target == k, q.written[:, k]) for k in present]
            expected["macro_auroc"] = np.mean(areas)
    ours = evaluate(q, normal=None, bootstrap=0)
    for name, value in expected.items():
        assert ours[name]["value"] == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert ours["auroc_classes"] == [q.classes[k] for k in present if len(present) > 1]
    assert confusion(q).tolist() == reference.confusion_matrix(q.target, q.top, labels=range(len(q.classes))).tolist()
    assert headline(q) == {"accuracy": ours["accuracy"]["value"], "macro_f1": ours["macro_f1"]["value"]}


def test_top_two_and_auroc_equal_scikit_learn():
    q = made()
    ours = evaluate(q, normal=None, bootstrap=0)
    assert ours["top2_accuracy"]["value"] == reference.top_k_accuracy_score(q.target, q.probabilities, k=2)
    area = reference.roc_auc_score(q.target, q.probabilities, multi_class="ovr", average="macro")
    assert ours["macro_auroc"]["value"] == pytest.approx(area, abs=1e-5)  # sixth decimals may tie


@pytest.mark.parametrize("case", CASES)
def test_classes_equal_scikit_learn(case):
    q = made(**CASES[case])
    table = reference.precision_recall_fscore_support(q.target, q.top, labels=range(len(q.classes)), zero_division=0)
    ours = evaluate(q, normal=None, bootstrap=0)["per_class"]
    assert list(ours) == list(q.classes)
    rows = [[m["precision"], m["recall"], m["f1"], m["support"]] for m in ours.values()]
    np.testing.assert_allclose(rows, np.transpose(table), rtol=1e-12)


def test_alarm_rates_by_hand():
    target = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2])
    answer = np.array([0, 0, 0, 2, 1, 0, 2, 1, 0])
    q = dataclasses.replace(made(9, 3), target=target, probabilities=np.eye(3)[answer], block=np.arange(9))
    ours = evaluate(q, normal="class 0")
    assert ours["false_alarm_rate"]["value"] == pytest.approx(1 / 4)
    assert ours["detection_rate"]["value"] == pytest.approx(3 / 5)
    assert ours["correct_diagnosis_rate"]["value"] == pytest.approx(2 / 5)
    assert ours["correct_of_detected_rate"]["value"] == pytest.approx(2 / 3)
    assert ours["misdiagnosis_rate"]["value"] == pytest.approx(1 / 5)
    other = evaluate(q, normal="class 2", bootstrap=0)
    assert [other[name]["value"] for name in ALARMS] == pytest.approx([2 / 3, 5 / 6, 4 / 6, 4 / 5, 1 / 6])
    assert set(evaluate(q, normal=None)) == set(ours) - set(ALARMS)


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.6, 0.6])
    right = np.array([1, 1, 1, 0, 0, 1])
    q = made(6, 2)
    q = dataclasses.replace(q, probabilities=np.stack([confidence, 1 - confidence], 1), target=1 - right)
    assert evaluate(q, normal=None, bootstrap=0)["ece"]["value"] == pytest.approx((4 * 0.2 + 2 * 0.1) / 6)
    bins = reliability(q)
    assert bins.windows.tolist() == [0] * 8 + [2] + [0] * 5 + [4]
    assert bins.accuracy[[8, 14]].tolist() == [0.5, 0.75]
    assert bins.confidence[[8, 14]] == pytest.approx([0.6, 0.95])
    assert np.isnan(bins.accuracy).sum() == np.isnan(bins.confidence).sum() == 13
    assert reliability(q, bins=1).windows.tolist() == [6]


@pytest.mark.parametrize("case", ["plain", "absent classes", "ties"])
def test_intervals_are_those_of_whole_blocks_drawn_the_slow_way(case):
    q = made(**{"number": 120, "blocks": 7, **CASES[case]})
    names, number = np.unique(q.block), 60
    draws = np.random.default_rng(5).multinomial(len(names), np.full(len(names), 1 / len(names)), size=number)
    slow = []
    for draw in draws:
        rows = np.concatenate(
            [np.tile(np.flatnonzero(q.block == b), times) for b, times in zip(names, draw, strict=True)]
        )
        parts = {name: getattr(q, name)[rows] for name in ("probabilities", "target", "file", "start", "end", "block")}
        slow.append(evaluate(dataclasses.replace(q, **parts), normal="class 1", bootstrap=0))
    fast = evaluate(q, normal="class 1", bootstrap=number, seed=5)
    for name in SCALARS + ALARMS:
        values = [m[name]["value"] for m in slow if m[name]["value"] is not None]
        assert [fast[name]["low"], fast[name]["high"]] == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist()), (
            name
        )
        assert fast[name]["low"] < fast[name]["high"]


def test_dependent_windows_do_not_narrow_the_interval():
    """The negative control: the same windows ten times over, in the same blocks, are no more evidence."""
    q = made(60, blocks=15)
    parts = ("probabilities", "target", "file", "start", "end", "block")
    tenfold = dataclasses.replace(q, **{name: np.repeat(getattr(q, name), 10, axis=0) for name in parts})
    alone = dataclasses.replace(tenfold, block=np.arange(600))
    width = {
        name: (lambda m: m["high"] - m["low"])(evaluate(p, normal=None)["accuracy"])
        for name, p in {"once": q, "tenfold": tenfold, "alone": alone}.items()
    }
    assert width["tenfold"] == pytest.approx(width["once"])
    assert width["alone"] < 0.6 * width["once"]


def test_intervals_hold_their_values_and_depend_on_the_seed_alone():
    q = made()
    first, again, other = (evaluate(q, normal="class 0", seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    for name in SCALARS + ALARMS:
        if name != "ece":
            assert first[name]["low"] <= first[name]["value"] <= first[name]["high"], name
    assert first["interval"] == {"level": 0.95, "draws": 1000, "wilson": {}, "blocks": 12, "reason": None}


def test_everything_is_plain_json():
    for case in CASES.values():
        ours = evaluate(made(**case), normal="class 0", bootstrap=20)
        assert json.loads(json.dumps(ours, allow_nan=False)) == ours
        assert [name for name, m in ours.items() if isinstance(m, dict) and "value" in m] == SCALARS + ALARMS


def test_one_block_has_no_draws_and_says_why():
    ours = evaluate(made(blocks=1), normal="class 0")
    rates = {"accuracy", "top2_accuracy", *ALARMS}
    assert ours["interval"]["wilson"] == dict.fromkeys(rates, 1)
    assert all(ours[name]["low"] is None and ours[name]["high"] is None for name in set(SCALARS) - rates)
    assert all(isinstance(ours[name]["value"], float) for name in SCALARS + ALARMS)
    assert "one block" in ours["interval"]["reason"]
    assert ours["interval"]["draws"] == 0


def test_what_is_undefined_is_none():
    q = made(classes=3, absent=(1, 2))
    sure = dataclasses.replace(q, probabilities=np.tile([1.0, 0.0, 0.0], (len(q.target), 1)))
    ours = evaluate(sure, normal="class 1")
    undefined = {name for name in SCALARS + ALARMS if ours[name]["value"] is None}
    assert undefined == {"kappa", "macro_auroc", "false_alarm_rate"}
    assert all(ours[name]["low"] is None for name in undefined)
    assert (ours["accuracy"]["value"], ours["mcc"]["value"]) == (1, 0)


def test_certain_and_wrong_is_finite():
    q = made(4, 2)
    wrong = dataclasses.replace(q, probabilities=np.eye(2)[1 - q.target])
    ours = evaluate(wrong, normal=None)
    assert ours["log_loss"]["value"] == pytest.approx(-np.log(np.finfo(float).eps))
    assert ours["brier"]["value"] == 2


def changed(**changes) -> Predictions:
    return dataclasses.replace(made(8, 3), **changes)


def test_hostile_predictions_are_refused():
    uniform = np.full((8, 3), 1 / 3)
    broken = uniform.copy()
    broken[3] = np.nan
    empty = {"probabilities": uniform[:0], "target": np.zeros(0, np.int64), "block": np.zeros(0, np.int64)}
    for changes, words in ((empty, "no windows to evaluate"), ({"probabilities": broken}, "hold NaN.*--learning_rate")):
        for measure in (headline, lambda q: evaluate(q, normal=None)):
            with pytest.raises(UserError, match=words):
                measure(changed(**changes))
    for changes, words in (
        ({"probabilities": uniform * 2}, "do not sum to 1"),
        ({"probabilities": np.tile([1.5, -0.5, 0.0], (8, 1))}, "do not sum to 1"),
        ({"probabilities": uniform[:, :2]}, "do not fit"),
        ({"target": np.full(7, 1)}, "do not fit"),
        ({"block": np.zeros(9)}, "do not fit"),
        ({"target": np.full(8, 3)}, "between 0 and 2"),
        ({"target": np.full(8, -1)}, "between 0 and 2"),
    ):
        with pytest.raises(ValueError, match=words):
            evaluate(changed(**changes), normal=None)
    with pytest.raises(ValueError, match="normal class 'healthy'"):
        evaluate(made(), normal="healthy")
