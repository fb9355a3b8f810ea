"""How statistics join the features.

Each is built with (dim, stat_dim) and maps features (..., D) and encoded statistics (..., S) to (..., self.dim).
Letters: D features, S encoded statistics.
"""

import torch
from torch import Tensor, nn


class ConcatStatFusion(nn.Module):
    """Both side by side; the only one that adds features."""

    def __init__(self, *, dim: int, stat_dim: int) -> None:
        super().__init__()
        self.dim = dim + stat_dim

    def forward(self, features: Tensor, statistics: Tensor) -> Tensor:
        """(..., D), (..., S) -> (..., D + S)."""
        return torch.cat((features, statistics), -1)


class AttentionStatFusion(nn.Module):
    """The features ask: weights over the two come from how much each resembles the question."""

    def __init__(self, *, dim: int, stat_dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.project = nn.Linear(stat_dim, dim)
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim, bias=False)

    def forward(self, features: Tensor, statistics: Tensor) -> Tensor:
        """(..., D), (..., S) -> (..., D)."""
        both = torch.stack((features, self.project(statistics)), -2)  # (..., 2, D)
        question = self.query(features).unsqueeze(-1)  # (..., D, 1)
        weights = (self.key(both) @ question * self.dim**-0.5).softmax(-2)  # (..., 2, 1)
        return (weights * both).sum(-2)


class GatedStatFusion(nn.Module):
    """A gate for every feature decides between the features and the statistics."""

    def __init__(self, *, dim: int, stat_dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.project = nn.Linear(stat_dim, dim)
        self.gate = nn.Linear(dim + stat_dim, dim)

    def forward(self, features: Tensor, statistics: Tensor) -> Tensor:
        """(..., D), (..., S) -> (..., D)."""
        gate = self.gate(torch.cat((features, statistics), -1)).sigmoid()
        return torch.lerp(self.project(statistics), features, gate)


class AdaptiveStatFusion(nn.Module):
    """A weighted sum, with two weights that a small network chooses."""

    def __init__(self, *, dim: int, stat_dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.project = nn.Linear(stat_dim, dim)
        self.weights = nn.Linear(dim + stat_dim, 2)

    def forward(self, features: Tensor, statistics: Tensor) -> Tensor:
        """(..., D), (..., S) -> (..., D)."""
        weights = self.weights(torch.cat((features, statistics), -1)).softmax(-1)  # (..., 2)
        return weights[..., :1] * features + weights[..., 1:] * self.project(statistics)


class FilmStatFusion(nn.Module):
    """The statistics scale and shift the features (Perez et al., "FiLM", AAAI 2018)."""

    def __init__(self, *, dim: int, stat_dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.modulate = nn.Linear(stat_dim, 2 * dim)

    def forward(self, features: Tensor, statistics: Tensor) -> Tensor:
        """(..., D), (..., S) -> (..., D)."""
        scale, shift = self.modulate(statistics).chunk(2, -1)
        return features * (1.0 + scale) + shift


STAT_FUSIONS: dict[str, type[nn.Module]] = {
    "concat": ConcatStatFusion,
    "attention": AttentionStatFusion,
    "gated": GatedStatFusion,
    "adaptive": AdaptiveStatFusion,
    "film": FilmStatFusion,
}
