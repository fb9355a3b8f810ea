"""Large kernels: depthwise 13x13 convolutions see half an image at once.

Letters: N images, S their side, W width, D features.
Source: Ding et al., "Scaling up your kernels to 31x31", CVPR 2022; the sizes are ours.
"""

from torch import Tensor, nn

from layers.encoders.image import ImageEncoder, PooledLinear
from layers.norm import NORMS, conv


class LargeKernelBlock(nn.Module):
    """x + pointwise(ReLU(norm(depthwise 13x13(x)))); maps (N, W, H, H) keep their shape."""

    def __init__(self, *, width: int, norm: str) -> None:
        super().__init__()
        self.depthwise = conv(norm, width, width, 13, padding=6, groups=width)
        self.pointwise = nn.Sequential(nn.ReLU(), nn.Conv2d(width, width, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, W, H, H) -> the same shape."""
        return maps + self.pointwise(self.depthwise(maps))


class LargeKernelEncoder(ImageEncoder):
    """A 7x7 stem with stride 2, two blocks of 32 maps, a step to 64 maps with stride 2, two more, pooling, linear.

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
            *(LargeKernelBlock(width=32, norm=norm), LargeKernelBlock(width=32, norm=norm)),
            conv(norm, 32, 64, 3, stride=2, padding=1),
            nn.ReLU(),  # (N, 64, S/4, S/4)
            *(LargeKernelBlock(width=64, norm=norm), LargeKernelBlock(width=64, norm=norm)),
            *(NORMS[norm](64), nn.ReLU(), PooledLinear(channels=64, dim=dim)),
        ]
        super().__init__(net=nn.Sequential(*layers), method=method)
