"""A first convolution on the Gramian fields between signals, computed from their factors; no image is ever built.

A field shows one signal against itself. The field between two signals c and d shows their relation:
    summation   cos(phi_c(i) + phi_d(j)) = c_i d_j - s_i t_j
    difference  sin(phi_c(i) - phi_d(j)) = s_i d_j - c_i t_j
with the cosines c, d and the sines s, t. It has rank two as well. A convolution over the images of all C x C pairs,
whose kernel for a pair is the sum over r of a[r, c] b[r, d]^T, is therefore
    sum over r of (sum over c of c * a[r, c]) (sum over d of d * b[r, d])^T, and the same with the sines:
all pairs cost what one image costs. A signal that rests at the angle 0 stands beside the others: the field between a
signal and it is the signal itself, so the layer can also look at signals alone.

Letters: B windows, C signals, S steps, F filters, R rank of a kernel, k its size, H W the map.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from layers.gramian import METHODS, Gramian, check_choice


class CrossGramianConv2d(nn.Module):
    """`nn.Conv2d` on the fields between every two of C + 1 signals, the last of which rests at the angle 0.

    Args:
        signals: C.
        filters: F.
        kernel_size: k.
        method: the field, "summation" or "difference".
        stride, padding: as in `nn.Conv2d`.
        rank: R.
    """

    def __init__(
        self, *, signals: int, filters: int, kernel_size: int, method: str, stride: int, padding: int, rank: int
    ) -> None:
        super().__init__()
        check_choice("method", method, METHODS)
        self.method, self.filters, self.stride, self.padding = method, filters, stride, padding
        shape = (filters, rank, signals + 1, kernel_size)
        # An entry of a kernel is a sum of `rank` products, and the layer adds up (k (C + 1))^2 of them: He's variance.
        deviation = (2.0 / (rank * (kernel_size * (signals + 1)) ** 2)) ** 0.25
        self.row = nn.Parameter(deviation * torch.randn(shape))
        self.column = nn.Parameter(deviation * torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, field: Gramian) -> Tensor:
        """Factors (B, C, S) -> maps (B, F, H, W)."""
        cos, sin = at_rest(field)  # (B, C + 1, S)
        row_cos, row_sin = self._along(cos, self.row), self._along(sin, self.row)  # (B, F, R, H)
        column_cos, column_sin = self._along(cos, self.column), self._along(sin, self.column)
        first, second = (row_cos, row_sin) if self.method == "summation" else (row_sin, row_cos)
        rows = torch.cat((first, second), 2).flatten(0, 1)  # (B F, 2 R, H)
        columns = torch.cat((column_cos, -column_sin), 2).flatten(0, 1)  # (B F, 2 R, W)
        maps = torch.bmm(rows.transpose(1, 2), columns).unflatten(0, (-1, self.filters))  # (B, F, H, W)
        return maps + self.bias[:, None, None]

    def _along(self, factor: Tensor, kernels: Tensor) -> Tensor:
        """Cosines or sines (B, C + 1, S), convolved with kernels (F, R, C + 1, k): (B, F, R, steps)."""
        along = functional.conv1d(factor, kernels.flatten(0, 1), None, self.stride, self.padding)
        return along.unflatten(1, kernels.shape[:2])

    def on_images(self, field: Gramian) -> Tensor:
        """The same convolution of ready images of all pairs; the reference, of (C + 1)^2 times the work."""
        cos, sin = at_rest(field)
        left = (cos, sin) if self.method == "summation" else (sin, cos)
        images = torch.einsum("bci,bdj->bcdij", left[0], cos) - torch.einsum("bci,bdj->bcdij", left[1], sin)
        kernels = torch.einsum("frci,frdj->fcdij", self.row, self.column)
        return functional.conv2d(images.flatten(1, 2), kernels.flatten(1, 2), self.bias, self.stride, self.padding)


def at_rest(field: Gramian) -> tuple[Tensor, Tensor]:
    """Cosines and sines (B, C + 1, S) of the signals and of one that rests at the angle 0."""
    one = torch.ones_like(field.cos[:, :1])
    return torch.cat((field.cos, one), 1), torch.cat((field.sin, torch.zeros_like(one)), 1)
