"""What the encoders that look at a dense image have in common.

Letters: N images, S their side, D features.
"""

from torch import Tensor, cat, float32, nn, promote_types
from torch.nn import functional

from layers.gramian import Gramian


class ImageEncoder(nn.Module):
    """Builds the image of one field and gives it to a network.

    Args:
        net: images (N, 1, S, S) -> features (N, D).
        method: the field, "summation" or "difference".
    """

    def __init__(self, *, net: nn.Module, method: str) -> None:
        super().__init__()
        self.net = net
        self.method = method

    def forward(self, field: Gramian) -> Tensor:
        """Factors (N, S) -> features (N, D)."""
        return self.net(field.image(self.method).unsqueeze(1))


class PooledLinear(nn.Module):
    """Maps (N, channels, H, W) -> (N, dim): average and maximum of every map, joined, through one linear layer."""

    def __init__(self, *, channels: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * channels, dim)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, dim)."""
        # A sum costs a pass over the maps less than a mean: its gradient is not written out. It needs a wide type.
        wide = promote_types(maps.dtype, float32)
        average = (maps.sum((2, 3), dtype=wide) / (maps.shape[2] * maps.shape[3])).to(maps.dtype)
        # A GPU takes its time for the gradient of this pooling; a processor does for that of `amax`.
        highest = functional.adaptive_max_pool2d(maps, 1).flatten(1) if maps.is_cpu else maps.amax((2, 3))
        return self.linear(cat((average, highest), 1))
