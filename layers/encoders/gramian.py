"""The fast encoder: its first convolution works on the factors of the field, so the image is never built.

Letters: N images, S their side, F filters, D features.
"""

from torch import Tensor, nn

from layers.encoders.image import PooledLinear
from layers.gramian import Gramian
from layers.gramian_conv import GramianConv2d
from layers.norm import conv


class GramianEncoder(nn.Module):
    """A 16x16 low-rank convolution with stride 8 on the factors, one 3x3 convolution with stride 2, pooling, linear.

    The first maps are not normalised: fields are bounded already, and dividing by a map's own size would throw the
    level of the signal away. The maps are as wide as the features: D / 2 after the first convolution, then D.

    Args:
        method: the field, "summation" or "difference".
        size: S.
        dim: D.
        norm: a name of `NORMS`.
    """

    def __init__(self, *, method: str, size: int, dim: int, norm: str) -> None:
        super().__init__()
        kernel = min(16, size)
        self.first = GramianConv2d(
            filters=dim // 2, kernel_size=kernel, stride=8, padding=kernel // 4, rank=min(4, kernel), method=method
        )
        self.rest = nn.Sequential(
            nn.ReLU(inplace=True),
            conv(norm, dim // 2, dim, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            PooledLinear(channels=dim, dim=dim),
        )

    def forward(self, field: Gramian) -> Tensor:
        """Factors (N, S) -> features (N, D)."""
        if field.backend == "pyts":  # the reference has images only
            return self.rest(self.first.on_image(field.image(self.first.method)))
        return self.rest(self.first(field))
