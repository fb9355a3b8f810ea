"""The statistics branch: statistics of the raw window, encoded and joined to the features of its signals.

Letters: B batch, C signals, L time steps, D features of a signal, S statistics of a signal, E encoded, V features.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class PeriodicEncoder(nn.Module):
    """Sines and cosines of every statistic at learned frequencies, then a linear layer.

    A network learns a small step of a number slowly; among its sines some change quickly
    (Gorishniy et al., "On embeddings for numerical features in tabular deep learning", NeurIPS 2022).

    Args:
        inputs: number of statistics.
        dim: E.
        frequencies: sines a statistic.
        spread: deviation of the first frequencies, in half-periods over the range [-1, 1] of a statistic.
    """

    def __init__(self, *, inputs: int, dim: int, frequencies: int = 16, spread: float = 2.0) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(spread * torch.randn(inputs, frequencies))
        self.linear = nn.Linear(2 * inputs * frequencies, dim)

    def forward(self, statistics: Tensor) -> Tensor:
        """(..., inputs) -> (..., dim)."""
        angle = torch.pi * statistics.unsqueeze(-1) * self.frequencies  # (..., inputs, frequencies)
        return functional.gelu(self.linear(torch.cat((angle.sin(), angle.cos()), -1).flatten(-2)))


class SignalStatistics(nn.Module):
    """Joins the statistics of every signal to the features of that signal, then puts the signals side by side.

    Args:
        statistics: windows (B, C, L) -> (B, C, S), with `count` S.
        fusion: a class of `STAT_FUSIONS`.
        signals: C.
        dim: D.
    """

    def __init__(self, *, statistics: nn.Module, fusion: type[nn.Module], signals: int, dim: int) -> None:
        super().__init__()
        self.statistics = statistics
        self.encoder = PeriodicEncoder(inputs=cast(int, statistics.count), dim=32)
        self.fusion = fusion(dim=dim, stat_dim=32)
        self.dim = signals * cast(int, self.fusion.dim)

    def forward(self, signals: Tensor, x: Tensor) -> Tensor:
        """Features (B, C, D) and windows (B, C, L) -> (B, V)."""
        return self.fusion(signals, self.encoder(self.statistics(x))).flatten(1)


class WindowStatistics(nn.Module):
    """Joins all statistics of the window to one vector of all its signals. The arguments are those above."""

    def __init__(self, *, statistics: nn.Module, fusion: type[nn.Module], signals: int, dim: int) -> None:
        super().__init__()
        self.statistics = statistics
        self.encoder = PeriodicEncoder(inputs=signals * cast(int, statistics.count), dim=128)
        self.reduce = nn.Linear(signals * dim, 128)
        self.fusion = fusion(dim=128, stat_dim=128)
        self.dim = self.fusion.dim

    def forward(self, signals: Tensor, x: Tensor) -> Tensor:
        """Features (B, C, D) and windows (B, C, L) -> (B, V)."""
        return self.fusion(self.reduce(signals.flatten(1)), self.encoder(self.statistics(x).flatten(1)))


class NoStatistics(nn.Module):
    """The features of the signals side by side, and nothing else."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        self.dim = signals * dim

    def forward(self, signals: Tensor, x: Tensor) -> Tensor:
        """Features (B, C, D), and windows that are not looked at -> (B, C D)."""
        return signals.flatten(1)


STAT_PLACES: dict[str, type[nn.Module]] = {"signal": SignalStatistics, "window": WindowStatistics}
