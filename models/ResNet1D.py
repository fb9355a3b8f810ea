"""ResNet1D: a residual network along time, all signals as its input channels.

Letters: B batch, C signals, L time steps, P features, K classes.
Source: Wang, Yan and Oates, "Time series classification from scratch with deep neural networks", IJCNN 2017.
"""

import torch
from torch import Tensor, nn

from layers.norm import conv
from models.config import check
from utils.options import ModelSettings


class Block(nn.Module):
    """Convolutions of 7, 5 and 3 steps beside a shortcut: (B, inputs, L) -> (B, outputs, L).

    The paper's first is 8 wide; an odd one stays centred without padding one side more.
    """

    def __init__(self, *, inputs: int, outputs: int, norm: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width, channels in ((7, inputs), (5, outputs), (3, outputs)):
            layers += [conv(norm, channels, outputs, width, axes=1, padding=width // 2), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        self.shortcut = conv(norm, inputs, outputs, 1, axes=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, L) -> (B, outputs, L)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class ResNet1D(nn.Module):
    """Blocks of 64, 128 and 128 filters, their average over time, a linear layer.

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
            Block(inputs=len(columns), outputs=64, norm=settings.norm),
            Block(inputs=64, outputs=128, norm=settings.norm),
            Block(inputs=128, outputs=128, norm=settings.norm),
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(128, classes)

    def features(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) -> penultimate features (B, 128)."""
        return self.dropout(self.body(x).mean(-1))

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) -> logits (B, K)."""
        return self.head(self.features(x))
