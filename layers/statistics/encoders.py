"""Encoders of statistics: from a few numbers to features that a network can tell apart.

Each is built with (signals, inputs, dim) and maps statistics (B, signals, inputs) to (B, signals, dim).
Source: Gorishniy et al., "On embeddings for numerical features in tabular deep learning", NeurIPS 2022.
Letters: B batch, C signals, S statistics of a signal, T bins, E encoded, n training windows.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

BINS = 16
NARROWEST = 0.01  # of a bin, in units of the statistic: rounding must not carry a number across one


class PeriodicEncoder(nn.Module):
    """Sines and cosines of every statistic at learned frequencies, then a linear layer; all signals share both.

    A network learns a small step of a number slowly; among its sines some change quickly.

    Args:
        signals: C, which changes nothing here.
        inputs: S.
        dim: E.
        frequencies: sines a statistic.
        spread: deviation of the first frequencies, in half-periods over the range [-1, 1] of a statistic.
    """

    def __init__(self, *, signals: int, inputs: int, dim: int, frequencies: int = 16, spread: float = 2.0) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(spread * torch.randn(inputs, frequencies))
        self.linear = nn.Linear(2 * inputs * frequencies, dim)

    def look_at(self, statistics: Tensor) -> None:
        """Takes nothing from the training windows."""

    def forward(self, statistics: Tensor) -> Tensor:
        """(B, C, S) -> (B, C, E)."""
        angle = torch.pi * statistics.unsqueeze(-1) * self.frequencies  # (B, C, S, frequencies)
        return functional.gelu(self.linear(torch.cat((angle.sin(), angle.cos()), -1).flatten(-2)))


class PiecewiseEncoder(nn.Module):
    """Where a statistic lies among its training quantiles: of each bin between two, the share that it has passed.

    Then a linear layer with weights of its own for each signal. What is rare in training is far from what is common,
    however near the numbers are, as in the splits of a tree.

    Args:
        signals: C.
        inputs: S.
        dim: E.
    """

    edges: Tensor

    def __init__(self, *, signals: int, inputs: int, dim: int) -> None:
        super().__init__()
        even = torch.linspace(-1.0, 1.0, BINS + 1)
        self.register_buffer("edges", even.expand(signals, inputs, -1).clone())  # (C, S, T + 1)
        self.weight = nn.Parameter(torch.randn(signals, inputs * BINS, dim) / (inputs * BINS) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(signals, dim))

    @torch.no_grad()
    def look_at(self, statistics: Tensor) -> None:
        """Takes the edges of the bins from the statistics (n, C, S) of training windows."""
        places = torch.linspace(0.0, 1.0, BINS + 1, device=statistics.device)
        edges = torch.quantile(statistics.float(), places, dim=0, interpolation="nearest")  # (T + 1, C, S)
        self.edges.copy_(edges.movedim(0, -1))

    def forward(self, statistics: Tensor) -> Tensor:
        """(B, C, S) -> (B, C, E)."""
        low, high = self.edges[..., :-1], self.edges[..., 1:]
        passed = ((statistics.unsqueeze(-1) - low) / (high - low).clamp_min(NARROWEST)).clamp(0.0, 1.0)  # (B, C, S, T)
        encoded = torch.einsum("bcn,cne->bce", passed.flatten(2), self.weight) + self.bias
        return functional.gelu(encoded)


STAT_ENCODERS: dict[str, type[nn.Module]] = {"piecewise": PiecewiseEncoder, "periodic": PeriodicEncoder}
