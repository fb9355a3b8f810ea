"""ResNet-18 for small fields: one input channel, and no pooling behind the stem, which would leave little of them.

Letters: N images, S their side, D features.
Source: He et al., "Deep residual learning for image recognition", CVPR 2016.
"""

import torch
from torch import Tensor, nn

from layers.encoders.image import ImageEncoder, PooledLinear
from layers.norm import conv


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (N, inputs, H, H) -> (N, outputs, H/stride, H/stride)."""

    def __init__(self, *, inputs: int, outputs: int, stride: int, norm: str) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(norm, inputs, outputs, 3, stride=stride, padding=1),
            nn.ReLU(),
            conv(norm, outputs, outputs, 3, padding=1),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = conv(norm, inputs, outputs, 1, stride=stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, inputs, H, H) -> (N, outputs, H/stride, H/stride)."""
        return torch.relu(self.body(maps) + self.shortcut(maps))


class ResNet18Encoder(ImageEncoder):
    """A 7x7 stem with stride 2, four stages of two blocks with 64, 128, 256 and 512 maps, pooling, linear to D.

    Args:
        method: the field, "summation" or "difference".
        size: S.
        dim: D.
        norm: a name of `NORMS`.
    """

    def __init__(self, *, method: str, size: int, dim: int, norm: str) -> None:
        layers: list[nn.Module] = [conv(norm, 1, 64, 7, stride=2, padding=3), nn.ReLU()]
        inputs = 64
        for outputs in (64, 128, 256, 512):
            stride = 1 if outputs == inputs else 2
            layers.append(BasicBlock(inputs=inputs, outputs=outputs, stride=stride, norm=norm))
            layers.append(BasicBlock(inputs=outputs, outputs=outputs, stride=1, norm=norm))
            inputs = outputs
        super().__init__(net=nn.Sequential(*layers, PooledLinear(channels=512, dim=dim)), method=method)
