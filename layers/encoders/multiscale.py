"""The image at full, half and quarter size, each through its own convolutions.

Letters: N images, S their side, D features.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from layers.encoders.image import ImageEncoder, PooledLinear
from layers.norm import conv


class Pyramid(nn.Module):
    """Images (N, 1, S, S) -> maps (N, 96, S/4, S/4): 32 maps a scale, brought to one size by their strides."""

    def __init__(self, *, norm: str) -> None:
        super().__init__()
        self.scales = nn.ModuleList([self._scale(strides, norm) for strides in ((2, 2), (2, 1), (1, 1))])

    @staticmethod
    def _scale(strides: tuple[int, int], norm: str) -> nn.Module:
        return nn.Sequential(
            conv(norm, 1, 16, 5, stride=strides[0], padding=2),
            nn.ReLU(),
            conv(norm, 16, 32, 3, stride=strides[1], padding=1),
            nn.ReLU(),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(N, 1, S, S) -> (N, 96, S/4, S/4)."""
        half = functional.avg_pool2d(image, 2, ceil_mode=True)
        quarter = functional.avg_pool2d(half, 2, ceil_mode=True)
        maps = [scale(scaled) for scale, scaled in zip(self.scales, (image, half, quarter), strict=True)]
        return torch.cat(maps, 1)


class MultiscaleEncoder(ImageEncoder):
    """Three scales of 32 maps, a 3x3 convolution that joins them to 128, pooling, linear to D.

    Args:
        method: the field, "summation" or "difference".
        size: S.
        dim: D.
        norm: a name of `NORMS`.
    """

    def __init__(self, *, method: str, size: int, dim: int, norm: str) -> None:
        layers = [
            Pyramid(norm=norm),
            conv(norm, 96, 128, 3, padding=1),
            nn.ReLU(),
            PooledLinear(channels=128, dim=dim),
        ]
        super().__init__(net=nn.Sequential(*layers), method=method)
