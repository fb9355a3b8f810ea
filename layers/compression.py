"""Compression: fewer signals, each a learned mixture of the given ones.

Letters: B batch, C signals, Z mixtures, L time steps.
"""

import torch
from torch import Tensor, nn


class SignalCompression(nn.Module):
    """C signals -> Z mixtures in [-1, 1]. Everything behind it, the fields above all, costs Z/C of what it did.

    The absolute weights of a mixture sum to 1, which keeps it in [-1, 1] and allows differences of signals. At first
    a mixture is the mean of Z/C adjoining signals, apart from a little noise.

    Args:
        signals: C.
        kept: Z, in 1 to C.
    """

    def __init__(self, *, signals: int, kept: int) -> None:
        super().__init__()
        weight = 0.01 * torch.randn(kept, signals)
        for signal in range(signals):
            weight[signal * kept // signals, signal] += 1.0
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, Z, L)."""
        return self.weight / self.weight.abs().sum(1, keepdim=True).clamp_min(1e-6) @ x
