"""Statistics of the raw window: what a picture of shapes does not tell, above all the level.

Each is built with (signals) and maps windows (B, C, L) to (B, C, self.count).
Letters: B batch, C signals, L time steps, S statistics of a signal.
"""

import torch
from torch import Tensor, nn

# Keeps the derivative of a square root, and a quotient, bounded on a constant signal.
_EPSILON = 1e-6


def basic(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C, 5): mean, deviation, maximum, minimum, median."""
    ordered = x.sort(-1).values
    middle = x.shape[-1] // 2
    median = (ordered[..., middle] + ordered[..., (x.shape[-1] - 1) // 2]) / 2
    deviation = (x.var(-1, correction=0) + _EPSILON).sqrt()
    return torch.stack((x.mean(-1), deviation, ordered[..., -1], ordered[..., 0], median), -1)


class BasicStatistics(nn.Module):
    """Mean, deviation, maximum, minimum and median of every signal."""

    def __init__(self, *, signals: int) -> None:
        super().__init__()
        self.count = 5

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, 5)."""
        return basic(x)


STATISTICS: dict[str, type[nn.Module]] = {
    "basic": BasicStatistics,
}
