"""Baselines that scikit-learn fits to seven statistics of every signal of a window.

What remains of a fit is tensors: it is stored as safetensors, loads without running code, and answers without
scikit-learn, with the same numbers.

Letters: n training windows, B windows, C signals, L time steps, F features of a window, J classes seen in training.
"""

import numpy as np
import torch
from torch import Tensor, nn

from models.baselines.base import Baseline
from models.baselines.trees import Trees, of_boosting, of_forest
from utils.written import DIGITS

STATISTICS = ("mean", "deviation", "minimum", "maximum", "median", "slope of the first half", "slope of the last half")


def window_statistics(x: Tensor) -> Tensor:
    """Seven numbers of every signal of a window, rounded.

    A tree asks on which side of a threshold a number lies, so numbers that are equal but for the order of a sum must be
    equal: the slope of a signal that stands still is 0, not 1e-17. They are computed in float64 and rounded to `DIGITS`
    decimals, for the fit as for the answers.

    Args:
        x: (B, C, L) float, L at least 2.

    Returns:
        (B, 7 C) float64, the statistics of a signal side by side in the order of `STATISTICS`. Slopes are of the
        least-squares line, in units of x over the length of the window.
    """
    x = x.double()
    ordered = x.sort(-1).values
    length = x.shape[-1]
    median = (ordered[..., length // 2] + ordered[..., (length - 1) // 2]) / 2
    half = max(2, length // 2)
    numbers = (
        x.sum(-1) / length,  # a true division everywhere, which gives a constant signal's level back
        x.std(-1, correction=0),
        ordered[..., 0],
        ordered[..., -1],
        median,
        _slope(x[..., :half], length),
        _slope(x[..., length - half :], length),
    )
    return torch.stack(numbers, -1).flatten(1).round(decimals=DIGITS)


def _slope(x: Tensor, length: int) -> Tensor:
    """(B, C, L) -> (B, C), the rise over `length` steps of the least-squares line."""
    time = torch.arange(x.shape[-1], dtype=x.dtype, device=x.device)
    time = time - time.mean()
    return (x * time).sum(-1) * (length / time.square().sum())


class StatisticsBaseline(Baseline):
    """A baseline that reads F = 7 C statistics of a window."""

    def __init__(self, *, signals: int, classes: int, seed: int) -> None:
        super().__init__(signals=signals, classes=classes, seed=seed)
        self.features = signals * len(STATISTICS)


class Logistic(StatisticsBaseline):
    """Logistic regression on standardised statistics of the window."""

    names = ("mean", "scale", "weight", "bias")
    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def _fitted(self, x: Tensor, y: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        features = window_statistics(x).cpu().numpy()  # (n, F)
        scaler = StandardScaler().fit(features, sample_weight=_numpy(weights))
        model = LogisticRegression(max_iter=2000, random_state=self.seed)
        model.fit(scaler.transform(features), y.cpu().numpy(), sample_weight=_numpy(weights))
        weight, bias = model.coef_, model.intercept_  # (J, F), (J,); one row for two classes
        if len(weight) == 1:
            weight, bias = np.concatenate((0 * weight, weight)), np.concatenate((0 * bias, bias))
        filled = {"mean": scaler.mean_, "scale": scaler.scale_, "weight": weight, "bias": bias}
        return {name: torch.from_numpy(np.asarray(value, np.float64)) for name, value in filled.items()}

    def probabilities(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, J)."""
        standard = (window_statistics(x) - self.mean) / self.scale
        return nn.functional.linear(standard, self.weight, self.bias).softmax(1)

    def _check(self) -> None:
        super()._check()
        classes = len(self.present)
        shapes = {"mean": (self.features,), "scale": (self.features,), "bias": (classes,)}
        for name, shape in {**shapes, "weight": (classes, self.features)}.items():
            if getattr(self, name).shape != shape:
                raise RuntimeError(f"{name} is {tuple(getattr(self, name).shape)} and not {shape}")


class TreeBaseline(StatisticsBaseline):
    """A baseline made of decision trees."""

    names: tuple[str, ...] = Trees._fields

    @property
    def trees(self) -> Trees:
        """The buffers as trees."""
        return Trees(*(getattr(self, name) for name in Trees._fields))

    def _check(self) -> None:
        super()._check()
        self.trees.check(self.features)


class Forest(TreeBaseline):
    """A random forest of 300 trees on statistics of the window."""

    def _fitted(self, x: Tensor, y: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(n_estimators=300, random_state=self.seed, n_jobs=torch.get_num_threads())
        model.fit(window_statistics(x).float().cpu().numpy(), y.cpu().numpy(), sample_weight=_numpy(weights))
        return of_forest(model)._asdict()

    def probabilities(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, J), the mean of the trees'."""
        return self.trees.leaves(window_statistics(x).float()).mean(1)

    def _check(self) -> None:
        super()._check()
        if self.trees.value.shape[1] != len(self.present):
            raise RuntimeError(f"its trees are not those of {len(self.present)} classes")


class Boosting(TreeBaseline):
    """Histogram gradient boosting, 100 iterations, on statistics of the window."""

    names = (*Trees._fields, "baseline")
    baseline: Tensor

    def _fitted(self, x: Tensor, y: Tensor, weights: Tensor | None) -> dict[str, Tensor]:
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=self.seed)
        model.fit(window_statistics(x).float().cpu().numpy(), y.cpu().numpy(), sample_weight=_numpy(weights))
        baseline = torch.from_numpy(np.asarray(model._baseline_prediction, np.float64).reshape(-1))  # (J,), or (1,)
        return {**of_boosting(model)._asdict(), "baseline": baseline}

    def probabilities(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, J)."""
        leaves = self.trees.leaves(window_statistics(x).float())  # (B, T, 1)
        raw = leaves.unflatten(1, (-1, len(self.baseline))).sum((1, 3)) + self.baseline  # (B, J), or (B, 1)
        if len(self.baseline) == 1:
            raw = torch.cat((torch.zeros_like(raw), raw), 1)
        return raw.softmax(1)

    def _check(self) -> None:
        super()._check()
        scores = 1 if len(self.present) == 2 else len(self.present)
        trees = self.trees
        if self.baseline.shape != (scores,) or len(trees.root) % scores or trees.value.shape[1] != 1:
            raise RuntimeError(f"its trees are not those of {len(self.present)} classes")


def _numpy(weights: Tensor | None) -> np.ndarray | None:
    return None if weights is None else weights.double().cpu().numpy()
