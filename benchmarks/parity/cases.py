"""The fixed training that every framework runs, and its true result.

NumPy only: each framework runs in its own environment. Weights travel as [W1 (F, H), b1 (H,), W2 (H, K), b2 (K,)].

Letters: B samples of a window, F features, H hidden units, K classes, N micro-batches of an optimizer step.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

FEATURES, HIDDEN, CLASSES = 8, 16, 3
LEARNING_RATE = 0.5
STEPS = 4  # N
CLASS_WEIGHTS = np.array([0.2, 1.0, 5.0])

Weights = list[np.ndarray]


@dataclass(frozen=True)
class Case:
    """One way to feed the data.

    Attributes:
        name: the table's column.
        sizes: sizes of an epoch's micro-batches.
        epochs: times that they are gone through, in the same order.
        weighted: whether the loss has class weights.
        stop: the run is saved, thrown away and resumed after this many micro-batches; 0 for never.
    """

    name: str
    sizes: tuple[int, ...]
    epochs: int = 1
    weighted: bool = False
    stop: int = 0

    @property
    def windows(self) -> list[tuple[int, ...]]:
        """Micro-batch sizes of an epoch's optimizer steps: N each, the last with what is left."""
        return [self.sizes[i : i + STEPS] for i in range(0, len(self.sizes), STEPS)]

    def epoch(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """An epoch's micro-batches: (n, F) float32 and (n,) int64."""
        x, y = make_data(sum(self.sizes))
        ends = np.cumsum(self.sizes)[:-1]
        return zip(np.split(x, ends), np.split(y, ends), strict=True)


# 20 optimizer steps each.
CASES = [
    Case("even", (4,) * 80),
    Case("ragged", (7, 1, 5, 3) * 20),
    Case("tail", (4,) * 5, epochs=10),  # windows of 4 and of 1 micro-batch
    Case("class weights", (4,) * 80, weighted=True),
    Case("resume in mid-window", (4,) * 80, stop=42),  # 10 steps and 2 micro-batches
]


def make_data(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of three unequal classes that can be told apart, always the same."""
    draw = np.random.default_rng(0)
    y = draw.choice(CLASSES, samples, p=(0.6, 0.3, 0.1))
    centres = draw.normal(size=(CLASSES, FEATURES))
    return (centres[y] + draw.normal(size=(samples, FEATURES))).astype(np.float32), y.astype(np.int64)


def initial_weights() -> Weights:
    """Where every training starts."""
    draw = np.random.default_rng(1)
    shapes = [(FEATURES, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
    return [(draw.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes]


def true_weights(case: Case) -> Weights:
    """Gradient descent on the big batches themselves, in float64, with the gradient written out."""
    weights = [w.astype(np.float64) for w in initial_weights()]
    x, y = make_data(sum(case.sizes))
    ends = np.cumsum([sum(window) for window in case.windows])[:-1]
    for _ in range(case.epochs):
        for px, py in zip(np.split(x, ends), np.split(y, ends), strict=True):
            gradients = _gradients(weights, px, py, CLASS_WEIGHTS if case.weighted else np.ones(CLASSES))
            weights = [w - LEARNING_RATE * g for w, g in zip(weights, gradients, strict=True)]
    return weights


def distance(weights: Weights, truth: Weights) -> float:
    """How far the weights are from the true ones, as a share of the way that training took those."""
    start = np.concatenate([w.ravel() for w in initial_weights()])
    found, true = (np.concatenate([w.ravel() for w in group]).astype(np.float64) for group in (weights, truth))
    return float(np.linalg.norm(found - true) / np.linalg.norm(true - start))


def _gradients(weights: Weights, x: np.ndarray, y: np.ndarray, class_weights: np.ndarray) -> Weights:
    """Of the weighted mean of cross-entropy over (B, F) samples; a tanh layer and a linear one."""
    w1, b1, w2, b2 = weights
    hidden = np.tanh(x @ w1 + b1)  # (B, H)
    logits = hidden @ w2 + b2  # (B, K)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    share = class_weights[y] / class_weights[y].sum()  # (B,)
    d_logits = (p - np.eye(CLASSES)[y]) * share[:, None]
    d_hidden = (d_logits @ w2.T) * (1 - hidden**2)
    return [x.T @ d_hidden, d_hidden.sum(0), hidden.T @ d_logits, d_logits.sum(0)]
