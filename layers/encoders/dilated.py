"""The published encoder: three convolutions, the later ones dilated, over the dense image.

Letters: N images, S their side, D features.
"""

from torch import nn

from layers.encoders.image import ImageEncoder, PooledLinear
from layers.norm import conv


class DilatedEncoder(ImageEncoder):
    """7x7 with stride 2 to 32 maps, 3x3 with dilation 2 to 64, 3x3 with dilation 4 to 128, pooling, linear to D.

    Args:
        method: the field, "summation" or "difference".
        size: S.
        dim: D.
        norm: a name of `NORMS`.
    """

    def __init__(self, *, method: str, size: int, dim: int, norm: str) -> None:
        layers = [
            conv(norm, 1, 32, 7, stride=2, padding=3),
            nn.ReLU(),  # (N, 32, S/2, S/2)
            conv(norm, 32, 64, 3, padding=2, dilation=2),
            nn.ReLU(),
            conv(norm, 64, 128, 3, padding=4, dilation=4),
            nn.ReLU(),  # (N, 128, S/2, S/2)
            PooledLinear(channels=128, dim=dim),
        ]
        super().__init__(net=nn.Sequential(*layers), method=method)
