"""The default encoder: the fields between all signals at once, of which one map a filter is left.

Letters: B windows, C signals, S steps, D features.
"""

from torch import Tensor, nn

from layers.cross_gramian import CrossGramianConv2d
from layers.encoders.image import PooledLinear
from layers.gramian import Gramian
from layers.norm import conv


class BetweenEncoder(nn.Module):
    """An 8x8 low-rank convolution with stride 4 over the fields of every two signals, a 3x3 one, pooling, linear.

    Other encoders see a signal at a time; a fault shows in how signals go together, a valve's command and what the air
    does. The first maps are not normalised, as in `GramianEncoder`.

    Args:
        signals: C.
        method: the field, "summation" or "difference".
        size: S.
        dim: D.
        norm: a name of `NORMS`.
    """

    def __init__(self, *, signals: int, method: str, size: int, dim: int, norm: str) -> None:
        super().__init__()
        kernel, filters = min(8, size), max(1, dim // 2)
        self.first = CrossGramianConv2d(
            signals=signals,
            filters=filters,
            kernel_size=kernel,
            method=method,
            stride=(kernel + 1) // 2,
            padding=kernel // 2,
            rank=2,
        )
        self.rest = nn.Sequential(
            nn.ReLU(inplace=True),
            conv(norm, filters, dim, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            PooledLinear(channels=dim, dim=dim),
        )

    def forward(self, fields: Gramian) -> Tensor:
        """Factors (B, C, S) -> features (B, D)."""
        return self.rest(self.first(fields))
