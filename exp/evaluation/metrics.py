"""How good the predictions of a part are, and how sure that is.

Every measure is computed from sums that are kept block by block: confusion counts, losses, calibration bins, pairs of
windows in the right order. So one formula gives both a value (every block once) and its interval (blocks drawn with
replacement), and a thousand draws are a few matrix products. The tests hold the values equal to scikit-learn's.

All but the log-loss is made from the probabilities as they are written, and from whole numbers: sums of windows, and of
units of the last digit. Those are exact in any order, so a measure is the same on every machine. The log-loss takes the
probabilities before they are rounded, which would make 0 of small ones; it is the same once it is rounded itself.

The measures. accuracy, balanced_accuracy, macro_f1, weighted_f1, macro_precision, macro_recall; kappa, mcc;
top2_accuracy; log_loss in nats; brier, the squared distance to the truth summed over classes, 0 to 2; ece, the expected
calibration error in 15 bins of equal width (Guo et al., 2017; few windows a bin make it larger, so its interval reaches
up); macro_auroc, each class against the rest, over the classes in "auroc_classes". Where there is a normal class also
the field's own rates (exp/evaluation/diagnosis.py), over windows. docs/METRICS.md has formulas, ranges and sources.

Rules. Means over classes ("macro") go over the classes that occur in the truth. A class never answered has precision 0.
A measure that is undefined, as the false-alarm rate without a normal window, is None.

Letters: n windows, K classes, G blocks, R draws of blocks, b bins of confidence.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from exp.evaluation.diagnosis import fractions
from exp.evaluation.intervals import DRAWS, ONE_BLOCK, block_draws, bounded
from exp.evaluation.predictions import Predictions
from utils.errors import UserError
from utils.written import ONE, units

BINS = 15


def evaluate(predictions: Predictions, *, normal: str | None, bootstrap: int = 1000, seed: int = 0) -> dict[str, Any]:
    """All measures of a part, as plain Python values; the module says what they are.

    Args:
        predictions: of one part.
        normal: the class that means no fault, None if there is none.
        bootstrap: draws of blocks for the intervals, 0 for none.
        seed: of the draws.

    Returns:
        measure -> {"value", "low", "high"}, a 95 % interval (exp/evaluation/intervals.py); "per_class": class ->
        precision, recall, f1 (0 where undefined) and support; "auroc_classes"; "interval": level, draws and blocks,
        "wilson", the rates whose interval is Wilson's with its trials, and the reason where there are no draws.

    Raises:
        UserError: there is no window, or a probability is not a number.
        ValueError: the predictions' arrays do not fit each other, or `normal` is not one of the classes.
    """
    _check(predictions)
    if normal is not None and normal not in predictions.classes:
        raise ValueError(f"the normal class '{normal}' is not among {predictions.classes}")
    place = None if normal is None else predictions.classes.index(normal)
    sums = _sums_of(predictions)
    blocks = len(sums.confusion)
    values = {name: v[0] for name, v in _measures(sums, np.ones((1, blocks)), place).items()}
    reason = DRAWS if bootstrap < 1 else ONE_BLOCK if blocks == 1 else None
    drawn = {} if reason else _measures(sums, block_draws(blocks, bootstrap, seed), place)
    measures, interval = bounded(values, drawn, _wholes(sums, place), draws=max(bootstrap, 0))
    return {
        **measures,
        "per_class": _per_class(predictions),
        "auroc_classes": [predictions.classes[k] for k in sums.ranked],
        "interval": {**interval, "blocks": blocks, "reason": reason},
    }


def headline(predictions: Predictions) -> dict[str, float]:
    """Accuracy and macro-F1 alone, for every epoch.

    Raises:
        UserError, ValueError: as `evaluate`.
    """
    _check(predictions)
    found = scores(confusion(predictions)[None].astype(np.float64))
    return {name: float(found[name][0]) for name in ("accuracy", "macro_f1")}


def confusion(predictions: Predictions) -> np.ndarray:
    """(K, K) int64 counts of windows: rows are the truth, columns the answers."""
    classes = len(predictions.classes)
    cells = predictions.target * classes + predictions.top
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


class Reliability(NamedTuple):
    """Bins of confidence, (low, high]; NaN where a bin is empty.

    Attributes:
        windows: (b,) int64 how many.
        accuracy: (b,) share right.
        confidence: (b,) mean confidence.
    """

    windows: np.ndarray
    accuracy: np.ndarray
    confidence: np.ndarray


def reliability(predictions: Predictions, bins: int = BINS) -> Reliability:
    """How often an answer is right against how sure it was, in bins of equal width."""
    place = _bin_of(predictions.confidence, bins)
    windows = np.bincount(place, minlength=bins)
    right = np.bincount(place, predictions.top == predictions.target, bins)
    confidence = np.bincount(place, predictions.confidence, bins)
    return Reliability(windows, _ratio(right, windows), _ratio(confidence, windows))


@dataclass(frozen=True)
class _Sums:
    """What the measures need, block by block.

    Attributes:
        confusion: (G, K, K) counts.
        losses: name -> (G,) sums over windows; of "brier" in squares of a unit, int64.
        bins: (G, b) sum of confidence minus right answers, in units.
        ranked: the classes with windows in and out of them.
        pairs: (len(ranked), G, G) pairs of a window of the class in block g and one outside it in block h that the
            class's probability puts in the right order; a tie counts half.
    """

    confusion: np.ndarray
    losses: dict[str, np.ndarray]
    bins: np.ndarray
    ranked: list[int]
    pairs: np.ndarray


def _sums_of(predictions: Predictions) -> _Sums:
    p, target, top = predictions.written, predictions.target, predictions.top
    number, classes = p.shape
    names, block = np.unique(predictions.block, return_inverse=True)
    blocks, rows = len(names), np.arange(number)
    cells = np.bincount((block * classes + target) * classes + top, minlength=blocks * classes**2)
    first_two = np.argsort(-p, 1, kind="stable")[:, :2]
    own = predictions.probabilities[rows, target]
    losses = {
        "top2_accuracy": np.bincount(block, (first_two == target[:, None]).any(1), blocks),
        "log_loss": np.bincount(block, -np.log(np.clip(own, np.finfo(np.float64).eps, 1)), blocks),
        "brier": np.zeros(blocks, np.int64),
    }
    away = units(p)
    away[rows, target] -= ONE
    np.add.at(losses["brier"], block, (away**2).sum(1))
    gap = units(predictions.confidence) - ONE * (top == target)
    bins = np.bincount(block * BINS + _bin_of(predictions.confidence, BINS), gap, blocks * BINS)
    ranked = [int(k) for k in np.unique(target) if (target != k).any()]
    return _Sums(
        confusion=cells.reshape(blocks, classes, classes).astype(np.float64),
        losses=losses,
        bins=bins.reshape(blocks, BINS),
        ranked=ranked,
        pairs=np.array([_pairs(p[:, k], target == k, block, blocks) for k in ranked]).reshape(-1, blocks, blocks),
    )


def _pairs(score: np.ndarray, inside: np.ndarray, block: np.ndarray, blocks: int) -> np.ndarray:
    """(G, G) of `_Sums.pairs` for one class from its (n,) scores."""
    result = np.zeros((blocks, blocks))
    for other in range(blocks):
        outside = np.sort(score[~inside & (block == other)])
        below = np.searchsorted(outside, score[inside], "left") + np.searchsorted(outside, score[inside], "right")
        result[:, other] = np.bincount(block[inside], below / 2, blocks)
    return result


def _wholes(sums: _Sums, normal: int | None) -> dict[str, np.ndarray]:
    """Rate -> (G,) its denominator: these may have Wilson's interval."""
    windows = sums.confusion.sum((1, 2))
    own = {name: fraction.whole for name, fraction in fractions(sums.confusion, normal).items()}
    return {"accuracy": windows, "top2_accuracy": windows, **own}


def _measures(sums: _Sums, draws: np.ndarray, normal: int | None) -> dict[str, np.ndarray]:
    """(R, G) how often each draw has each block -> measure -> (R,)."""
    blocks, classes, _ = sums.confusion.shape
    counts = (draws @ sums.confusion.reshape(blocks, -1)).reshape(-1, classes, classes)
    total = counts.sum((1, 2))
    result = scores(counts)
    for name, value in sums.losses.items():
        result[name] = draws.astype(value.dtype) @ value / total
    result["brier"] /= ONE**2
    result["ece"] = np.abs(draws @ sums.bins).sum(1) / (total * ONE)
    result["macro_auroc"] = _auroc(sums, draws, counts.sum(2))
    return result | {name: fraction.rate for name, fraction in fractions(counts, normal).items()}


def scores(counts: np.ndarray) -> dict[str, np.ndarray]:
    """(R, K, K) counts, rows the truth, none empty -> measure -> (R,) its values."""
    truth, answers, hits = counts.sum(2), counts.sum(1), np.diagonal(counts, axis1=1, axis2=2)
    total, right, occurs = truth.sum(1), hits.sum(1), truth > 0
    recall, f1 = _ratio(hits, truth), _ratio(2 * hits, truth + answers)
    precision = hits / np.maximum(answers, 1)

    def macro(value: np.ndarray) -> np.ndarray:
        return np.where(occurs, value, 0).sum(1) / occurs.sum(1)

    by_chance = (truth * answers).sum(1) / total**2
    spread = (1 - (truth**2).sum(1) / total**2) * (1 - (answers**2).sum(1) / total**2)
    return {
        "accuracy": right / total,
        "balanced_accuracy": macro(recall),
        "macro_f1": macro(f1),
        "weighted_f1": (truth * np.where(occurs, f1, 0)).sum(1) / total,
        "macro_precision": macro(precision),
        "macro_recall": macro(recall),
        "kappa": _ratio(right / total - by_chance, 1 - by_chance),
        "mcc": np.where(spread > 0, (right / total - by_chance) / np.sqrt(np.where(spread > 0, spread, 1)), 0),
    }


def _auroc(sums: _Sums, draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(R,) mean over the classes of a draw that have windows in and out of them."""
    areas = np.full((len(draws), len(sums.ranked)), np.nan)
    for column, (k, pairs) in enumerate(zip(sums.ranked, sums.pairs, strict=True)):
        areas[:, column] = _ratio(((draws @ pairs) * draws).sum(1), truth[:, k] * (truth.sum(1) - truth[:, k]))
    return _ratio(np.nansum(areas, 1), (~np.isnan(areas)).sum(1))


def _per_class(predictions: Predictions) -> dict[str, dict[str, float | int]]:
    counts = confusion(predictions)
    truth, answers, hits = counts.sum(1), counts.sum(0), counts.diagonal()
    return {
        name: {
            "precision": float(hits[k] / max(answers[k], 1)),
            "recall": float(hits[k] / max(truth[k], 1)),
            "f1": float(2 * hits[k] / max(truth[k] + answers[k], 1)),
            "support": int(truth[k]),
        }
        for k, name in enumerate(predictions.classes)
    }


def _check(predictions: Predictions) -> None:
    p, target, block = predictions.probabilities, predictions.target, predictions.block
    number, classes = len(target), len(predictions.classes)
    if p.shape != (number, classes) or target.shape != (number,) or block.shape != (number,):
        raise ValueError(
            f"{number} targets, probabilities {p.shape}, {len(block)} blocks and {classes} classes do not fit"
        )
    if not number:
        raise UserError(f"the part '{predictions.part}' has no windows to evaluate; give it a larger share of the data")
    if not np.isfinite(p).all():
        raise UserError(f"the probabilities of '{predictions.part}' hold NaN: training diverged; lower --learning_rate")
    if (np.abs(p.sum(1) - 1) > 1e-4).any() or (p < 0).any():
        raise ValueError(f"the probabilities of '{predictions.part}' do not sum to 1 in every row")
    if target.min() < 0 or target.max() >= classes:
        raise ValueError(f"the targets of '{predictions.part}' are not all between 0 and {classes - 1}")


def _bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
