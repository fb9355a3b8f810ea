"""Differences of two models on the same windows: against scipy, scikit-learn, and draws made the slow way.

Letters: n windows, K classes, G blocks.
"""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from exp.evaluation.paired import Pair, differences, mcnemar, of_each, over_repeats


def pair(
    number: int = 200, blocks: int = 15, *, seed: int = 0, sample: int = 0, shift: int = 0, better: float = 0.1
) -> Pair:
    """The second model is right more often, and the two are often right together."""
    random = np.random.default_rng(seed)
    truth, draw = random.integers(4, size=number), random.random(number)
    first, second = (np.where(draw < share, truth, random.integers(4, size=number)) for share in (0.5, 0.5 + better))
    return Pair(truth, first, second, random.integers(blocks, size=number) + shift, sample)


def macro(truth: np.ndarray, answer: np.ndarray) -> float:
    return f1_score(truth, answer, labels=np.unique(truth), average="macro", zero_division=0)


def test_values_equal_scikit_learn():
    q = pair()
    found = differences([q], 4)
    for name, score in (("accuracy", accuracy_score), ("macro_f1", macro)):
        first, second = score(q.truth, q.first), score(q.truth, q.second)
        assert found[name]["first"] == pytest.approx(first)
        assert found[name]["second"] == pytest.approx(second)
        assert found[name]["value"] == pytest.approx(second - first)
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]


def test_the_interval_is_that_of_blocks_drawn_for_both():
    q, draws = pair(120, 8), 80
    found = differences([q], 4, draws=draws, seed=3)
    slow = []
    for draw in np.random.default_rng(3).multinomial(8, np.full(8, 1 / 8), size=draws):
        rows = np.concatenate([np.tile(np.flatnonzero(q.block == b), times) for b, times in enumerate(draw)])
        slow.append(macro(q.truth[rows], q.second[rows]) - macro(q.truth[rows], q.first[rows]))
    expected = np.percentile(slow, [2.5, 97.5])
    assert [found["macro_f1"]["low"], found["macro_f1"]["high"]] == pytest.approx(expected.tolist())


def test_pairing_is_surer_than_two_intervals():
    """Both models are right and wrong on the same hard blocks: what they share is no uncertainty of the difference."""
    random = np.random.default_rng(1)
    block = np.repeat(np.arange(20), 20)
    hard = random.random(20)[block] < 0.5
    truth = np.zeros(400, np.int64)
    first = np.where(hard, 1, 0)
    second = np.where(hard & (random.random(400) < 0.9), 1, 0)
    paired = differences([Pair(truth, first, second, block)], 2)["accuracy"]
    alone = [differences([Pair(truth, truth, answer, block)], 2)["accuracy"] for answer in (first, second)]
    assert paired["low"] > 0
    assert paired["high"] - paired["low"] < 0.3 * min(m["high"] - m["low"] for m in alone)


def test_folds_of_a_seed_are_taken_together_and_seeds_averaged():
    folds = [pair(60, 5, seed=s, sample=s % 2, shift=5 * (s // 2)) for s in range(4)]
    found = differences(folds, 4)["macro_f1"]
    seeds = []
    for sample in (0, 1):
        mine = [q for q in folds if q.sample == sample]
        truth, first, second = (
            np.concatenate([getattr(q, name) for q in mine]) for name in ("truth", "first", "second")
        )
        seeds.append((macro(truth, first), macro(truth, second)))
    assert [found["first"], found["second"]] == pytest.approx(np.mean(seeds, 0).tolist())
    assert differences(folds, 4)["blocks"] == 10, "both seeds were tested on the same blocks"


def test_the_same_model_twice_has_no_difference_and_no_interval():
    q = pair()
    same = differences([q._replace(second=q.first)], 4)
    assert same["accuracy"]["value"] == same["macro_f1"]["value"] == 0
    assert same["accuracy"]["low"] is None
    assert mcnemar([q._replace(second=q.first)]) == {"first_only": 0, "second_only": 0, "p": None}


@pytest.mark.parametrize("number", [1, 2])
def test_one_block_gives_no_interval_and_says_why(number):
    q = pair(number, 1)
    found = differences([q], 4)
    assert "one block" in found["reason"]
    assert found["macro_f1"]["low"] is None


def test_mcnemar_equals_the_binomial_and_nearly_the_chi_square():
    q = pair(600)
    found = mcnemar([q])
    first, second = q.first == q.truth, q.second == q.truth
    assert found["first_only"] == (first & ~second).sum()
    assert found["second_only"] == (second & ~first).sum()
    number, least = found["first_only"] + found["second_only"], min(found["first_only"], found["second_only"])
    assert found["p"] == pytest.approx(min(1, 2 * stats.binom.cdf(least, number, 0.5)))
    corrected = (abs(found["first_only"] - found["second_only"]) - 1) ** 2 / number
    assert found["p"] == pytest.approx(stats.chi2.sf(corrected, 1), rel=0.25)
    halves = [q._replace(**{name: getattr(q, name)[part] for name in ("truth", "first", "second", "block")})
              for part in (slice(0, 250), slice(250, None))]  # fmt: skip
    assert mcnemar(halves) == found


VALUES = [0.03, -0.01, 0.05, 0.02, 0.04, 0.015]


def test_without_overlap_the_corrected_test_is_students():
    found, expected = over_repeats(VALUES, 0.0), stats.ttest_1samp(VALUES, 0)
    assert found["p"] == pytest.approx(expected.pvalue)
    bounds = expected.confidence_interval(0.95)
    assert [found["low"], found["high"]] == pytest.approx([bounds.low, bounds.high])
    assert found["signed_rank_p"] == pytest.approx(stats.wilcoxon(VALUES).pvalue)
    assert (found["number"], found["mean"]) == (6, pytest.approx(np.mean(VALUES)))


def test_the_correction_is_that_of_nadeau_and_bengio():
    share = 0.25
    found = over_repeats(VALUES, share)
    statistic = np.mean(VALUES) / np.sqrt((1 / 6 + share) * np.var(VALUES, ddof=1))
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(statistic), 5))
    assert found["p"] > over_repeats(VALUES, 0.0)["p"]


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0], [0.02, 0.02]])
def test_equal_differences_have_no_p(values):
    found = over_repeats(values, 0.25)
    assert (found["p"], found["low"]) == (None, None)
    assert (found["signed_rank_p"] is None) == (values[0] == 0)


def test_one_repeat_is_no_sample():
    assert over_repeats([0.1], 0.25) is None
    assert over_repeats([], 0.25) is None


def test_a_fold_without_a_class_has_no_mean_over_classes():
    whole = of_each([pair(seed=1), pair(seed=2)], 4)
    assert len(whole["accuracy"]) == len(whole["macro_f1"]) == 2
    q = pair(seed=1)
    assert whole["accuracy"][0] == pytest.approx(np.mean(q.second == q.truth) - np.mean(q.first == q.truth))
    lacking = pair(seed=2)
    lacking.truth[:] = np.where(lacking.truth == 3, 0, lacking.truth)
    found = of_each([q, lacking], 4)
    assert len(found["accuracy"]) == 2
    assert found["macro_f1"] == []
