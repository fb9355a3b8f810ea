"""How statistics join the features.

Each is built with (dim, stat_dim) and maps features (..., D) and statistics (..., S) to (..., self.dim).
Letters: D features, S encoded statistics.
"""

import torch
from torch import Tensor, nn


class ConcatStatFusion(nn.Module):
    """Both side by side."""

    def __init__(self, *, dim: int, stat_dim: int) -> None:
        super().__init__()
        self.dim = dim + stat_dim

    def forward(self, features: Tensor, statistics: Tensor) -> Tensor:
        """(..., D), (..., S) -> (..., D + S)."""
        return torch.cat((features, statistics), -1)


STAT_FUSIONS: dict[str, type[nn.Module]] = {
    "concat": ConcatStatFusion,
}
