"""Inception modules: kernels of several sizes look at the same maps side by side.

Letters: N images, S their side, W width, D features.
Source: Szegedy et al., "Going deeper with convolutions", CVPR 2015; the sizes are ours.
"""

import torch
from torch import Tensor, nn

from layers.encoders.image import ImageEncoder, PooledLinear
from layers.norm import conv


class InceptionModule(nn.Module):
    """1x1, 3x3, 5x5 and pooled branches of `width` maps each, joined: (N, inputs, H, H) -> (N, 4 width, H, H)."""

    def __init__(self, *, inputs: int, width: int, norm: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                conv(norm, inputs, width, 1),
                nn.Sequential(nn.Conv2d(inputs, width, 1), nn.ReLU(), conv(norm, width, width, 3, padding=1)),
                nn.Sequential(nn.Conv2d(inputs, width, 1), nn.ReLU(), conv(norm, width, width, 5, padding=2)),
                nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), conv(norm, inputs, width, 1)),
            ]
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(N, inputs, H, H) -> (N, 4 width, H, H)."""
        return torch.relu(torch.cat([branch(maps) for branch in self.branches], 1))


class InceptionEncoder(ImageEncoder):
    """A 7x7 stem with stride 2, inception modules of 128 and 256 maps with a pooling between, pooling, linear to D.

    Args:
        method: the field, "summation" or "difference".
        size: S.
        dim: D.
        norm: a name of `NORMS`.
    """

    def __init__(self, *, method: str, size: int, dim: int, norm: str) -> None:
        layers = [
            conv(norm, 1, 64, 7, stride=2, padding=3),
            nn.ReLU(),  # (N, 64, S/2, S/2)
            InceptionModule(inputs=64, width=32, norm=norm),
            nn.MaxPool2d(3, stride=2, padding=1),  # (N, 128, S/4, S/4)
            InceptionModule(inputs=128, width=64, norm=norm),
            PooledLinear(channels=256, dim=dim),
        ]
        super().__init__(net=nn.Sequential(*layers), method=method)
