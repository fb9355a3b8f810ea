"""Whether one model is better than another on the same windows.

Two models that answer the same windows share what is hard about them, so their difference is surer than their values.
Three views of it: its interval by draws of whole blocks, the same draws for both; McNemar's exact test on windows,
which takes windows for independent and is therefore optimistic; and over folds or seeds the corrected resampled t-test
of Nadeau and Bengio (2003), which allows for training parts that overlap, and Wilcoxon's signed-rank test, which does
not.

Letters: n windows, K classes, G blocks, R draws, P pairs.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from exp.evaluation.diagnosis import Cases, block_counts
from exp.evaluation.intervals import LEVEL, ONE_BLOCK, block_draws, percentiles
from exp.evaluation.metrics import scores

MEASURES = ("accuracy", "macro_f1")


class Pair(NamedTuple):
    """Answers of two models about the same n windows.

    Attributes:
        truth: (n,) int64 class numbers.
        first, second: (n,) int64 answers of the baseline and of the other model.
        block: (n,) int64; pairs that were tested on the same windows number their blocks alike.
        sample: pairs of one sample (the folds of one seed) are taken together; samples are averaged.
    """

    truth: np.ndarray
    first: np.ndarray
    second: np.ndarray
    block: np.ndarray
    sample: int = 0


def differences(pairs: Sequence[Pair], classes: int, *, draws: int = 1000, seed: int = 0) -> dict[str, Any]:
    """How much better the second model is than the first.

    Args:
        pairs: P of them, at least one.
        classes: K.
        draws: of blocks, for the intervals.
        seed: of the draws.

    Returns:
        "accuracy" and "macro_f1": {"first", "second", "value", "low", "high", "std"}, value = second - first, with the
        95 % interval over draws of blocks that both models share, None where no draw differs; std is the standard
        deviation of second over samples, None of one. "blocks", "reason".
    """
    counts = _counts(pairs, classes)  # (samples, G, 2, K, K)
    blocks = counts.shape[1]
    whole = _values(counts, np.ones((1, blocks)))
    drawn = _values(counts, block_draws(blocks, draws, seed)) if blocks > 1 else {}
    each = [_values(counts[[i]], np.ones((1, blocks))) for i in range(len(counts))]
    found: dict[str, Any] = {"blocks": blocks, "reason": ONE_BLOCK if blocks == 1 else None}
    for name in MEASURES:
        first, second = whole[name][:, 0]
        bounds = percentiles(drawn[name][1] - drawn[name][0]) if drawn else None
        low, high = (None, None) if bounds is None else (bounds.low, bounds.high)
        found[name] = {"first": float(first), "second": float(second), "value": float(second - first)}
        found[name] |= {"low": low, "high": high}
        own = [float(sample[name][1, 0]) for sample in each]
        found[name]["std"] = statistics.stdev(own) if len(own) > 1 else None
    return found


def _counts(pairs: Sequence[Pair], classes: int) -> np.ndarray:
    """(samples, G, 2, K, K) counts of the windows of each sample and block by truth and answer of both models."""
    blocks = np.unique(np.concatenate([pair.block for pair in pairs]))
    samples = sorted({pair.sample for pair in pairs})
    counts = np.zeros((len(samples), len(blocks), 2, classes, classes))
    for pair in pairs:
        mine = np.searchsorted(blocks, np.unique(pair.block))
        for side, answer in enumerate((pair.first, pair.second)):
            counts[samples.index(pair.sample), mine, side] += block_counts(
                Cases(pair.truth, answer, pair.block), classes, classes
            )
    return counts


def _values(counts: np.ndarray, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Measure -> (2, R) of both models, the mean of the samples that have windows in a draw."""
    total = np.tensordot(drawn, counts, (1, 1))  # (R, samples, 2, K, K)
    shape, classes = total.shape[:3], total.shape[-1]
    empty = total.sum((3, 4)) == 0
    flat = total.reshape(-1, classes, classes)
    flat[empty.ravel(), 0, 0] = 1  # any window: what it gives is set aside below
    found = {}
    for name, value in scores(flat).items():
        if name in MEASURES:
            table = np.where(empty, 0, value.reshape(shape))
            there = (~empty).sum(1)
            found[name] = np.where(there > 0, table.sum(1) / np.maximum(there, 1), np.nan).T
    return found


def mcnemar(pairs: Sequence[Pair]) -> dict[str, Any]:
    """McNemar's exact test that both models are right equally often, with every window as independent.

    Returns:
        "first_only", "second_only": windows that only one of them names rightly; "p", two-sided, None without any.
    """
    from scipy.stats import binomtest

    first = sum(int(((pair.first == pair.truth) & (pair.second != pair.truth)).sum()) for pair in pairs)
    second = sum(int(((pair.second == pair.truth) & (pair.first != pair.truth)).sum()) for pair in pairs)
    p = float(binomtest(first, first + second, 0.5).pvalue) if first + second else None
    return {"first_only": first, "second_only": second, "p": p}


def over_repeats(values: Sequence[float], test_share: float) -> dict[str, Any] | None:
    """Tests over differences of folds or seeds.

    Args:
        values: (P,) differences, second - first.
        test_share: test windows for each training window, n_test / n_train: the correction of Nadeau and Bengio.

    Returns:
        "number"; "mean" with the "low" and "high" of the corrected t; its two-sided "p"; "signed_rank_p" of Wilcoxon's
        test. None of fewer than two values, and None for a p where all differences are the same.
    """
    from scipy.stats import t, wilcoxon

    number = len(values)
    if number < 2:
        return None
    mean = math.fsum(values) / number
    variance = math.fsum((value - mean) ** 2 for value in values) / (number - 1)
    found: dict[str, Any] = {"number": number, "mean": mean, "low": None, "high": None, "p": None}
    if variance > 1e-18:
        error = math.sqrt((1 / number + test_share) * variance)
        reach = float(t.ppf((1 + LEVEL) / 2, number - 1)) * error
        found |= {"low": mean - reach, "high": mean + reach, "p": float(2 * t.sf(abs(mean) / error, number - 1))}
    nonzero = any(abs(value) > 1e-12 for value in values)
    return found | {"signed_rank_p": float(wilcoxon(values).pvalue) if nonzero else None}


def of_each(pairs: Sequence[Pair], classes: int) -> dict[str, list[float]]:
    """Measure -> the difference of every pair; of macro-F1 none, unless every pair has a window of the same classes."""
    found: dict[str, list[float]] = {name: [] for name in MEASURES}
    for pair in pairs:
        values = _values(_counts([pair], classes), np.ones((1, len(np.unique(pair.block)))))
        for name in MEASURES:
            found[name].append(float(values[name][1, 0] - values[name][0, 0]))
    if len({tuple(np.unique(pair.truth)) for pair in pairs}) > 1:
        found["macro_f1"] = []
    return found
