"""Statistics of the raw window: what a picture of shapes does not tell, above all the level.

Each is built with (signals) and maps windows (B, C, L) to (B, C, self.count).
Letters: B batch, C signals, L time steps, S statistics of a signal.
"""

import torch
from torch import Tensor, nn

# Keeps derivatives of square roots and quotients bounded on a constant signal; a deviation is never below its root.
_EPSILON = 1e-6


def basic(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C, 5): mean, `log_deviation`, maximum, minimum, median."""
    ordered = x.sort(-1).values
    middle = x.shape[-1] // 2
    median = (ordered[..., middle] + ordered[..., (x.shape[-1] - 1) // 2]) / 2
    return torch.stack((x.mean(-1), log_deviation(x), ordered[..., -1], ordered[..., 0], median), -1)


def standard_deviation(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C), the standard deviation with a floor of 0.001 (added in squares)."""
    return (x.var(-1, correction=0) + _EPSILON).sqrt()


def log_deviation(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C), half the logarithm of the deviation: -3.5 for a constant signal, 0 for a deviation of 1.

    A sensor that stands still and one that moves a little differ by much here, and by next to nothing in deviation.
    """
    return 0.5 * standard_deviation(x).log()


def standardized(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C, L) with mean 0 and deviation 1; 0 where a signal is constant."""
    return (x - x.mean(-1, keepdim=True)) / standard_deviation(x).unsqueeze(-1)


def correlations(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C, C): Pearson's correlation of every two signals, 0 with a constant one and on the diagonal."""
    z = standardized(x)
    matrix = z @ z.transpose(-1, -2) / x.shape[-1]
    return matrix * (1.0 - torch.eye(x.shape[-2], dtype=x.dtype, device=x.device))


class BasicStatistics(nn.Module):
    """Mean, deviation (as `log_deviation`), maximum, minimum and median of every signal."""

    def __init__(self, *, signals: int) -> None:
        super().__init__()
        self.count = 5

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, 5)."""
        return basic(x)


class ComprehensiveStatistics(nn.Module):
    """The basic ones; skewness, kurtosis, variation; and the mean, highest and lowest correlation with other signals.

    Skewness and kurtosis (0 for a normal distribution) can reach tens and are given as their asinh. Variation is
    v / (1 + v) of the coefficient of variation v, deviation over absolute mean: it stays finite where the mean is 0.
    """

    def __init__(self, *, signals: int) -> None:
        super().__init__()
        self.count = 11
        self.others = max(1, signals - 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, 11)."""
        z = standardized(x)
        skewness = z.pow(3).mean(-1)
        kurtosis = z.pow(4).mean(-1) - 3.0
        spread = standard_deviation(x)
        variation = spread / (spread + x.mean(-1).abs())
        related = correlations(x)  # (B, C, C)
        shape = torch.stack((skewness.asinh(), kurtosis.asinh(), variation), -1)
        relation = torch.stack((related.sum(-1) / self.others, related.amax(-1), related.amin(-1)), -1)
        return torch.cat((basic(x), shape, relation), -1)


class CorrelationStatistics(nn.Module):
    """Mean, deviation (as `log_deviation`), and the correlation with each of the signals."""

    def __init__(self, *, signals: int) -> None:
        super().__init__()
        self.count = 2 + signals

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, 2 + C)."""
        return torch.cat((torch.stack((x.mean(-1), log_deviation(x)), -1), correlations(x)), -1)


def slope(x: Tensor) -> Tensor:
    """(B, C, L) -> (B, C), the rise over the window of the least-squares line, by its covariance with time."""
    time = torch.linspace(-1.0, 1.0, x.shape[-1], dtype=x.dtype, device=x.device)
    return 2.0 * (x * time).sum(-1) / time.square().sum()


class SlopeStatistics(nn.Module):
    """The basic ones, the slopes of the first and the last half, and the roughness.

    Roughness is the logarithm of the deviation from one step to the next, with the floor of `log_deviation`.
    """

    def __init__(self, *, signals: int) -> None:
        super().__init__()
        self.count = 8

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, 8)."""
        half = max(2, x.shape[-1] // 2)
        rough = 0.25 * (x.diff(dim=-1).square().mean(-1) + _EPSILON).log()
        numbers = torch.stack((slope(x[..., :half]), slope(x[..., -half:]), rough), -1)
        return torch.cat((basic(x), numbers), -1)


STATISTICS: dict[str, type[nn.Module]] = {
    "basic": BasicStatistics,
    "comprehensive": ComprehensiveStatistics,
    "correlation_focused": CorrelationStatistics,
    "slopes": SlopeStatistics,
}
