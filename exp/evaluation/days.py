"""From verdicts about windows, and the rules that held, to a verdict about each day.

A fault lasts for days, a window sees some hours. So the base model's unit of decision is the day: the mean of its
windows' log-probabilities, joined with the share of the day's hours in which each rule held, by a multinomial logistic
regression that is fitted to days of simulated units which the network has not seen.

Letters: n windows, D days, K classes, J rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from exp.evaluation import calibration
from utils.written import written

LEAST_LOG = -12.0  # of a probability: one window that is sure of something absurd must not decide a day
STRENGTH = 0.3  # inverse strength of the regression's penalty
ITERATIONS = 3000


@dataclass(frozen=True, kw_only=True)
class DayDecision:
    """How days are decided; kept with the model.

    Attributes:
        rules: J names of rules.
        weights: (K + J, K) float64.
        bias: (K,) float64.
        harmless: (K,) bool: classes that are no fault of the unit.
        quantiles: of the probability of a fault over fault-free days, see `calibration.quantiles`.
        worth: point -> share of the days found that a unit without it loses, the most valuable first.
    """

    rules: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    harmless: np.ndarray
    quantiles: np.ndarray
    worth: Mapping[str, float] = field(default_factory=dict)

    def probabilities(self, log_p: np.ndarray, held: np.ndarray) -> np.ndarray:
        """(D, K) probabilities, as written, from (D, K) mean log-probabilities and (D, J) shares of hours."""
        scores = np.concatenate([log_p, held], 1) @ self.weights + self.bias
        scores -= scores.max(1, keepdims=True)
        likely = np.exp(scores)
        return written(likely / likely.sum(1, keepdims=True))

    def fault(self, probabilities: np.ndarray) -> np.ndarray:
        """(D,) probability that the unit has a fault."""
        return written(probabilities[:, ~self.harmless].sum(1))

    def threshold(self, false_alarm_rate: float) -> float:
        """The probability of a fault that this share of fault-free days exceeds."""
        return calibration.threshold(self.quantiles, false_alarm_rate)

    def kinds(self, probabilities: np.ndarray) -> np.ndarray:
        """(D,) number of the likeliest fault."""
        return np.where(self.harmless, -1.0, probabilities).argmax(1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "rules": list(self.rules),
            "weights": self.weights.tolist(),
            "bias": self.bias.tolist(),
            "harmless": self.harmless.tolist(),
            "quantiles": self.quantiles.tolist(),
            "worth": dict(self.worth),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "DayDecision":
        """What `to_dict` gave."""
        return cls(
            rules=tuple(stored["rules"]),
            weights=np.array(stored["weights"], np.float64),
            bias=np.array(stored["bias"], np.float64),
            harmless=np.array(stored["harmless"], bool),
            quantiles=written(stored["quantiles"]),
            worth={str(name): float(share) for name, share in stored["worth"].items()},
        )


def fit_days(
    log_p: np.ndarray,
    held: np.ndarray,
    target: np.ndarray,
    unit: Sequence[str],
    *,
    rules: Sequence[str],
    harmless: np.ndarray,
    normal: int,
    folds: int = 5,
) -> DayDecision:
    """Fits the regression to D days; the false-alarm threshold rests on days of units that it was not fitted to.

    Args:
        log_p: (D, K) mean log-probabilities.
        held: (D, J) shares of hours in which rules held.
        target: (D,) class numbers.
        unit: (D,) names of the units that the days are of.
        rules: J names.
        harmless: (K,) bool, classes that are no fault.
        normal: number of the fault-free class.
        folds: of units, for the threshold.
    """
    features = np.concatenate([log_p, held], 1)
    weights, bias = _regression(features, target, log_p.shape[1])
    _, group = np.unique(unit, return_inverse=True)
    scores = np.zeros(len(target))
    for fold in range(folds):
        out = group % folds == fold
        part = _decision(rules, *_regression(features[~out], target[~out], log_p.shape[1]), harmless)
        scores[out] = part.fault(part.probabilities(log_p[out], held[out]))
    mine = target == normal
    quantiles = calibration.quantiles(scores[mine], np.zeros(mine.sum(), int))
    return _decision(rules, weights, bias, harmless, quantiles)


def _decision(
    rules: Sequence[str],
    weights: np.ndarray,
    bias: np.ndarray,
    harmless: np.ndarray,
    quantiles: np.ndarray | None = None,
) -> DayDecision:
    none = np.zeros(0)
    return DayDecision(
        rules=tuple(rules),
        weights=weights,
        bias=bias,
        harmless=harmless,
        quantiles=none if quantiles is None else quantiles,
    )


def _regression(features: np.ndarray, target: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(F, K) weights and (K,) bias of a multinomial logistic regression on (D, F) features."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = features.mean(0), np.maximum(features.std(0), 1e-3)
    model = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS).fit((features - mean) / deviation, target)
    weights, bias = np.zeros((features.shape[1], classes)), np.full(classes, 2 * LEAST_LOG)
    weights[:, model.classes_] = (model.coef_ / deviation).T
    bias[model.classes_] = model.intercept_ - (model.coef_ / deviation) @ mean
    return weights, bias


def mean_log_probabilities(probabilities: np.ndarray, day: np.ndarray, days: int) -> np.ndarray:
    """(D, K) means of the log-probabilities of (n, K) windows over their days, (n,) numbers from 0 to D - 1."""
    logs = np.log(np.maximum(probabilities, np.exp(LEAST_LOG)))
    total = np.zeros((days, probabilities.shape[1]))
    np.add.at(total, day, logs)
    return total / np.maximum(np.bincount(day, minlength=days), 1)[:, None]
