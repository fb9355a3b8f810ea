"""Fusion of the two fields' features of a signal.

Each is built with (dim) and maps two tensors (B, C, D) to one (B, C, self.dim).
Letters: B batch, C signals, D features.
"""

import torch
from torch import Tensor, nn


class AdaptiveFusion(nn.Module):
    """A weighted sum of both, with weights that a small network chooses for every signal of every window."""

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.weights = nn.Sequential(nn.Linear(2 * dim, dim // 2 + 1), nn.ReLU(), nn.Linear(dim // 2 + 1, 2))

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


FUSIONS: dict[str, type[nn.Module]] = {
    "adaptive": AdaptiveFusion,
    "concat": ConcatFusion,
}
