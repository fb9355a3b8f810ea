"""How likely readings are in each known state: a mixture of normal distributions a class.

It knows nothing of the network. A network learns what tells its classes apart and forgets the rest, among it what would
show a fault that it never met; here every relation between the signals counts.

Letters: n windows, C signals, L steps of a window, S of them that are looked at, K classes, M components.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

STEPS = 12  # of a window that are looked at, evenly spread
COMPONENTS = 16  # of a class at most
POINTS = 8000  # of a class that the mixture is fitted to at most
FEWEST = 4  # points a component for each signal
FLOOR = 1e-5  # added to variances of readings in [-1, 1]: a sensor that never moved in training is no proof


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Densities of the readings at a moment, one for each class; a window's is the mean of its moments' logarithms.

    Attributes:
        means: (K, M, C) float32.
        roots: (K, M, C, C) float32, times their transposes they are the inverses of the covariances.
        weights: (K, M) float32, logarithms; -inf for components that a class does not have.
    """

    means: Tensor
    roots: Tensor
    weights: Tensor

    @classmethod
    def fit(cls, moments: np.ndarray, target: np.ndarray, classes: int) -> "Mixture":
        """From the `moments` of training windows (n, C, S) and their classes (n,), by expectation and maximisation."""
        from sklearn.mixture import GaussianMixture  # a second to import, only needed here

        signals = moments.shape[1]
        means = np.zeros((classes, COMPONENTS, signals), np.float32)
        roots = np.zeros((classes, COMPONENTS, signals, signals), np.float32)
        weights = np.full((classes, COMPONENTS), -np.inf, np.float32)
        for number in np.unique(target):
            points = moments[target == number].swapaxes(1, 2).reshape(-1, signals).astype(np.float64)
            points = np.random.default_rng(0).permutation(points)[:POINTS]
            components = int(np.clip(len(points) // (FEWEST * signals), 1, COMPONENTS))
            found = GaussianMixture(components, reg_covar=FLOOR, max_iter=30, tol=1e-2, random_state=0)
            found.fit(points if len(points) > 1 else np.repeat(points, 2, 0))
            means[number, :components] = found.means_
            roots[number, :components] = found.precisions_cholesky_
            weights[number, :components] = np.log(found.weights_)
        most = int(np.isfinite(weights).sum(1).max())
        arrays = (means[:, :most], roots[:, :most], weights[:, :most])
        return cls(**dict(zip(("means", "roots", "weights"), map(_tensor, arrays), strict=True)))

    def of_classes(self, x: Tensor) -> Tensor:
        """(n, C, L) windows in [-1, 1] to (n, K) float64 mean log densities, -inf for a class without windows."""
        points = moments(x).transpose(1, 2).double()  # (n, S, C)
        found = []
        for mean, root, weight in zip(self.means, self.roots, self.weights, strict=True):
            there = weight > -math.inf
            mean, root, weight = mean[there].to(points), root[there].to(points), weight[there].to(points)
            if not len(weight):
                found.append(points.new_full((len(points),), -math.inf))
                continue
            away = torch.einsum("nsc,mcd->nsmd", points, root) - torch.einsum("mc,mcd->md", mean, root)
            scale = root.diagonal(dim1=1, dim2=2).log().sum(1) - mean.shape[1] * math.log(2 * math.pi) / 2  # (M,)
            found.append((weight + scale - away.square().sum(3) / 2).logsumexp(2).mean(1))
        return torch.stack(found, 1)

    def score(self, x: Tensor) -> Tensor:
        """(n,) minus the log density of the likeliest class: strange is what no known state brings about."""
        return -self.of_classes(x).amax(1)

    def tensors(self) -> dict[str, Tensor]:
        """The attributes by name."""
        return dict(vars(self))

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Mixture":
        """What `tensors` gave."""
        return cls(means=tensors["means"], roots=tensors["roots"], weights=tensors["weights"])


def moments(x: Tensor) -> Tensor:
    """Windows (n, C, L) to the steps that are looked at (n, C, S)."""
    length = x.shape[2]
    if length <= STEPS:
        return x
    return x[:, :, [(2 * place + 1) * length // (2 * STEPS) for place in range(STEPS)]]


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
