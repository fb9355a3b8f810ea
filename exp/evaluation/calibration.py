"""How sure is sure: a temperature for probabilities, a distance to the classes, and thresholds of scores.

Letters: n windows, K classes, P features.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from torch import Tensor

from utils.written import written

COLDEST, HOTTEST = 0.05, 20.0
RATES = 401  # places of the table of quantiles
MOST_FITTED = 20_000  # windows that the distance is fitted to


def fit_temperature(logits: np.ndarray, target: np.ndarray) -> float:
    """The number that logits are divided by so that probabilities can be taken at their word.

    It makes the mean negative log-likelihood smallest. The targets are Platt's, 1 - 1/(n + 2) for the true class and
    the rest shared by the others: a part without a single mistake would else ask for endless confidence.
    (Guo et al., "On calibration of modern neural networks", ICML 2017; Platt, 1999.)

    Args:
        logits: (n, K) of windows that were not trained on, n at least 1.
        target: (n,) true class numbers.
    """
    n, classes = logits.shape
    rest = 1 / (n + 2)
    wanted = np.full((n, classes), rest / (classes - 1))
    wanted[np.arange(n), target] = 1 - rest
    logits = logits.astype(np.float64)

    def loss(log_temperature: float) -> float:
        return float(-(wanted * log_softmax(logits / math.exp(log_temperature), axis=1)).sum(1).mean())

    found = minimize_scalar(loss, bounds=(math.log(COLDEST), math.log(HOTTEST)), method="bounded")
    return math.exp(float(found.x))


def temperature_scaled(logits: np.ndarray, temperature: float) -> np.ndarray:
    """(n, K) logits to (n, K) probabilities at a temperature; the most probable class stays what it is."""
    return softmax(logits.astype(np.float64) / temperature, axis=1)


@dataclass(frozen=True, kw_only=True)
class Distance:
    """Mahalanobis distance of features to the nearest class (Lee et al., NeurIPS 2018).

    Attributes:
        means: (K, P) float32, NaN for a class without training windows.
        whitener: (P, P) float32; times its transpose it is the inverse of the covariance that all classes share.
    """

    means: Tensor
    whitener: Tensor

    @classmethod
    def fit(cls, features: np.ndarray, target: np.ndarray, classes: int) -> "Distance":
        """From training features (n, P) and classes (n,); the covariance is shrunk (Ledoit and Wolf, 2004)."""
        from sklearn.covariance import ledoit_wolf  # a second to import, only needed here

        features = features.astype(np.float64)
        means = np.full((classes, features.shape[1]), np.nan)
        for number in np.unique(target):
            means[number] = features[target == number].mean(0)
        covariance, _ = ledoit_wolf(features - means[target], assume_centered=True)
        values, vectors = np.linalg.eigh(covariance)
        least = max(values.max(), 1e-12) * 1e-6  # features that never change say nothing, and must not divide by zero
        whitener = vectors / np.sqrt(np.maximum(values, least))
        return cls(means=torch.from_numpy(means).float(), whitener=torch.from_numpy(whitener).float())

    @cached_property
    def whitened(self) -> tuple[Tensor, Tensor]:
        """The whitener, and the means of the classes that have one times it; in float64."""
        whitener = self.whitener.double()
        return whitener, self.means[~self.means.isnan().any(1)].double() @ whitener

    def score(self, features: Tensor) -> Tensor:
        """(n, P) features to (n,) float64 distances to the nearest class."""
        whitener, means = (part.to(features.device) for part in self.whitened)
        squares = ((features.double() @ whitener)[:, None] - means).square().sum(2)  # (n, known classes)
        return squares.amin(1).sqrt()

    def to_tensors(self) -> dict[str, Tensor]:
        """What decision.safetensors holds."""
        return {"means": self.means, "whitener": self.whitener}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "Distance":
        """What `to_tensors` gave."""
        return cls(means=tensors["means"], whitener=tensors["whitener"])


def quantiles(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(RATES,) quantiles of scores at even shares from 0 to 1, each one that was met, as it is written.

    A window may well score just what was met here, so that thresholds are met exactly: what is compared is written.

    Of two quantiles the higher is taken, that of the windows and that of the classes, each of which counts alike: so
    neither the share of windows nor the mean share of a class's windows that lies above is more than asked for. By
    windows alone, a rare fault could always be called unknown.

    Args:
        scores: (n,) of known windows.
        target: (n,) their class numbers.
    """
    scores = written(scores)
    order = np.argsort(scores, kind="stable")
    weights = (1 / np.bincount(target)[target])[order]
    below = np.cumsum(weights) / weights.sum()  # share of the classes up to each score
    shares = np.linspace(0, 1, RATES)
    by_class = scores[order][np.minimum(np.searchsorted(below, shares - 1e-12, side="left"), len(scores) - 1)]
    return np.maximum(np.quantile(scores, shares, method="higher"), by_class)


def threshold(table: np.ndarray, rate: float) -> float:
    """The score above which a window counts as unknown, so that at most a share `rate` of known ones does.

    Args:
        table: (RATES,) quantiles of the scores of known windows, as written.
        rate: 0 for no rejection at all.
    """
    if rate <= 0:
        return math.inf
    return float(table[math.ceil(round((1 - rate) * (RATES - 1), 6))])


def held_out_area(likely: np.ndarray, target: np.ndarray) -> float | None:
    """How well a class stands out that a measure does not know, by holding each class out of the measure in turn.

    This is only honest for a measure that knows a class by its own figures. A network's features and logits were formed
    by all classes, and stay so without one: measured like this its energy told left-out classes apart with an area of
    .98, and with .45 to .91 once it was trained without them.

    Args:
        likely: (n, K) how near windows of the validation part are to each class.
        target: (n,) true class numbers.

    Returns:
        Mean area under the ROC curve over the classes; None where fewer than three classes occur.
    """
    present = np.unique(target)
    if len(present) < 3:
        return None
    return float(np.mean([area(-np.delete(likely, number, 1).max(1), target == number) for number in present]))


def area(score: np.ndarray, novel: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a novel window scores above a known one, ties counting half."""
    from scipy.stats import rankdata

    ranks, number = rankdata(score), int(novel.sum())
    return float((ranks[novel].sum() - number * (number + 1) / 2) / (number * (len(score) - number)))
