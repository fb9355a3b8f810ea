"""How likely readings are in each known state: a mixture of normal distributions a class.

It knows nothing of the network. A network learns what tells its classes apart and forgets the rest, among it what would
show a fault that it never met; here every relation between the signals counts.

Letters: n windows, C signals, L steps of a window, S of them that are sampled, K classes, M components.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

STEPS = 12  # of a window that are sampled, evenly spread
COMPONENTS = 16  # of a class at most
POINTS = 8000  # of a class that the mixture is fitted to at most
FEWEST = 4  # points a component for each signal
FLOOR = 1e-5  # added to variances of readings in [-1, 1]: a sensor that never moved in training proves nothing


class _Components(NamedTuple):
    """A class's components in float64: (M, C, C) roots of the precisions, (M, C) means times roots, (M,) constants."""

    roots: Tensor
    offsets: Tensor
    constants: Tensor


@dataclass(frozen=True, kw_only=True)
class GaussianMixtures:
    """Densities of the readings at one step, a mixture for each class; a window's is the mean of its steps' logarithms.

    Attributes:
        means: (K, M, C) float32.
        precisions_cholesky: (K, M, C, C) float32, times their transposes they are the inverses of the covariances.
        log_weights: (K, M) float32; -inf for components that a class does not have.
    """

    means: Tensor
    precisions_cholesky: Tensor
    log_weights: Tensor

    @classmethod
    def fit(cls, steps: np.ndarray, target: np.ndarray, classes: int) -> "GaussianMixtures":
        """From the sampled steps of training windows (n, C, S) and their classes (n,), by expectation maximisation."""
        from sklearn.mixture import GaussianMixture  # a second to import, only needed here

        signals = steps.shape[1]
        means = np.zeros((classes, COMPONENTS, signals), np.float32)
        roots = np.zeros((classes, COMPONENTS, signals, signals), np.float32)
        weights = np.full((classes, COMPONENTS), -np.inf, np.float32)
        for number in np.unique(target):
            points = steps[target == number].swapaxes(1, 2).reshape(-1, signals).astype(np.float64)
            points = np.random.default_rng(0).permutation(points)[:POINTS]
            components = int(np.clip(len(points) // (FEWEST * signals), 1, COMPONENTS))
            found = GaussianMixture(components, reg_covar=FLOOR, max_iter=30, tol=1e-2, random_state=0)
            found.fit(points if len(points) > 1 else np.repeat(points, 2, 0))
            means[number, :components] = found.means_
            roots[number, :components] = found.precisions_cholesky_
            weights[number, :components] = np.log(found.weights_)
        most = int(np.isfinite(weights).sum(1).max())
        return cls(
            means=_tensor(means[:, :most]),
            precisions_cholesky=_tensor(roots[:, :most]),
            log_weights=_tensor(weights[:, :most]),
        )

    @cached_property
    def components(self) -> tuple[_Components | None, ...]:
        """What a density is computed from, class by class; None for a class without windows."""
        return tuple(
            _components(*entry) for entry in zip(self.means, self.precisions_cholesky, self.log_weights, strict=True)
        )

    def log_densities(self, x: Tensor) -> Tensor:
        """(n, C, L) windows in [-1, 1] to (n, K) float64 mean log densities, -inf for a class without windows."""
        points = sample_time_steps(x).transpose(1, 2).double()  # (n, S, C)
        found = []
        for components in self.components:
            if components is None:
                found.append(points.new_full(points.shape[:1], -math.inf))
                continue
            roots, offsets, constants = (part.to(points.device) for part in components)
            away = torch.einsum("nsc,mcd->nsmd", points, roots) - offsets
            found.append((constants - away.square().sum(3) / 2).logsumexp(2).mean(1))
        return torch.stack(found, 1)

    def score(self, x: Tensor) -> Tensor:
        """(n,) minus the log density of the likeliest class: novel is what no known state brings about."""
        return -self.log_densities(x).amax(1)

    def to_tensors(self) -> dict[str, Tensor]:
        """What decision.safetensors holds."""
        return {"means": self.means, "roots": self.precisions_cholesky, "weights": self.log_weights}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "GaussianMixtures":
        """What `to_tensors` gave."""
        return cls(means=tensors["means"], precisions_cholesky=tensors["roots"], log_weights=tensors["weights"])


def sample_time_steps(x: Tensor) -> Tensor:
    """Windows (n, C, L) to the steps that are sampled (n, C, S)."""
    length = x.shape[2]
    if length <= STEPS:
        return x
    return x[:, :, [(2 * place + 1) * length // (2 * STEPS) for place in range(STEPS)]]


def _components(mean: Tensor, root: Tensor, weight: Tensor) -> _Components | None:
    """Of one class, from (M, C), (M, C, C) and (M,)."""
    there = weight > -math.inf
    if not there.any():
        return None
    mean, root, weight = mean[there].double(), root[there].double(), weight[there].double()
    scale = root.diagonal(dim1=1, dim2=2).log().sum(1) - mean.shape[1] * math.log(2 * math.pi) / 2  # (M,)
    return _Components(root, torch.einsum("mc,mcd->md", mean, root), weight + scale)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))
