"""InceptionTime: inception modules along time, all signals as their input channels. One network, not an ensemble.

Letters: B batch, C signals, L time steps, P features, K classes.
Source: Ismail Fawaz et al., "InceptionTime", Data Mining and Knowledge Discovery 34, 2020.
"""

import torch
from torch import Tensor, nn

from layers.norm import conv
from models.config import check
from utils.options import ModelSettings

WIDTHS = (39, 19, 9)


class Module(nn.Module):
    """Three widths behind a bottleneck of 32, and a pooled branch, 32 filters each: (B, inputs, L) -> (B, 128, L)."""

    def __init__(self, *, inputs: int, norm: str) -> None:
        super().__init__()
        self.bottleneck = nn.Conv1d(inputs, 32, 1, bias=False)
        self.wide = nn.ModuleList(conv(norm, 32, 32, width, axes=1, padding=width // 2) for width in WIDTHS)
        self.pooled = nn.Sequential(nn.MaxPool1d(3, stride=1, padding=1), conv(norm, inputs, 32, 1, axes=1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, L) -> (B, 128, L)."""
        narrow = self.bottleneck(x)
        return torch.relu(torch.cat([*(wide(narrow) for wide in self.wide), self.pooled(x)], 1))


class Residual(nn.Module):
    """Three modules beside a shortcut: (B, inputs, L) -> (B, 128, L)."""

    def __init__(self, *, inputs: int, norm: str) -> None:
        super().__init__()
        self.body = nn.Sequential(*(Module(inputs=channels, norm=norm) for channels in (inputs, 128, 128)))
        self.shortcut = conv(norm, inputs, 128, 1, axes=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, L) -> (B, 128, L)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class InceptionTime(nn.Module):
    """Six inception modules with a shortcut around every three, their average over time, a linear layer.

    Args:
        columns: names of the C signals.
        length: L.
        classes: K.
        settings: norm and dropout are taken from them.
    """

    def __init__(self, *, columns: tuple[str, ...], length: int, classes: int, settings: ModelSettings) -> None:
        super().__init__()
        check(settings, length)
        self.body = nn.Sequential(
            Residual(inputs=len(columns), norm=settings.norm), Residual(inputs=128, norm=settings.norm)
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(128, classes)

    def features(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) -> penultimate features (B, 128)."""
        return self.dropout(self.body(x).mean(-1))

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) -> logits (B, K)."""
        return self.head(self.features(x))
