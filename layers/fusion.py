"""Fusion of the two fields' features of a signal.

Each is built with (dim) and maps two tensors (B, C, D) to one (B, C, self.dim).
Letters: B batch, C signals, D features.
"""

import torch
from torch import Tensor, nn

from layers.cross_attention import CrossAttention


class AdaptiveFusion(nn.Module):
    """A weighted sum of both, with weights that a small network chooses for every signal of every window."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        hidden = dim // 2 + 1
        self.weights = nn.Sequential(nn.Linear(2 * dim, hidden), nn.GELU(), nn.Linear(hidden, 2))

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, D)."""
        weights = self.weights(torch.cat((summation, difference), -1)).softmax(-1)  # (B, C, 2)
        return weights[..., :1] * summation + weights[..., 1:] * difference


class ConcatFusion(nn.Module):
    """Both side by side; the only one that doubles the features."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = 2 * dim

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, 2 D)."""
        return torch.cat((summation, difference), -1)


class AddFusion(nn.Module):
    """The sum."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, D)."""
        return summation + difference


class MulFusion(nn.Module):
    """The product."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, D)."""
        return summation * difference


class WeightedAddFusion(nn.Module):
    """A weighted sum with one learned weight a feature, the same for all signals and windows."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.share = nn.Parameter(torch.zeros(dim))

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, D)."""
        return torch.lerp(difference, summation, self.share.sigmoid())


class BidirectionalFusion(nn.Module):
    """Cross-attention both ways: the signals of one field ask those of the other; the answers are added to both."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.to_difference = CrossAttention(dim=dim)
        self.to_summation = CrossAttention(dim=dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, D)."""
        asked = summation + self.to_difference(summation, difference)
        answered = difference + self.to_summation(difference, summation)
        return self.norm(asked + answered)


class GatedFusion(nn.Module):
    """A gate for every feature of every signal of every window decides between the two."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.gate = nn.Linear(2 * dim, dim)

    def forward(self, summation: Tensor, difference: Tensor) -> Tensor:
        """(B, C, D), (B, C, D) -> (B, C, D)."""
        gate = self.gate(torch.cat((summation, difference), -1)).sigmoid()
        return torch.lerp(difference, summation, gate)


class OneField(nn.Module):
    """Nothing to fuse: the features of the only field."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, D) -> the same."""
        return features


FUSIONS: dict[str, type[nn.Module]] = {
    "adaptive": AdaptiveFusion,
    "concat": ConcatFusion,
    "add": AddFusion,
    "mul": MulFusion,
    "weighted_add": WeightedAddFusion,
    "bidirectional": BidirectionalFusion,
    "gated": GatedFusion,
}
