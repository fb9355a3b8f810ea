"""A first convolution on Gramian fields that works on their one-dimensional factors; no image is ever built.

A convolution of an image u v^T with a kernel a b^T is (u * a)(v * b)^T. A Gramian field is a sum of two such images,
and any kernel is a sum of R <= k such kernels. So the layer convolves c and s along time with 2 R one-dimensional
kernels a filter, and multiplies the results: one matrix product of depth 2 R an image and filter.

Letters: N signals, S steps, F filters, R rank of a kernel, k its size, H W the map.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from layers.gramian import METHODS, Gramian, check_choice


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


class GramianConv2d(nn.Module):
    """`nn.Conv2d(1, filters, kernel_size, stride, padding)` on a Gramian field, computed from its factors.

    Zero padding of the image is zero padding of both factors, so it needs no care. With `rank` equal to the kernel's
    smaller side every kernel can be represented; a lower rank restricts the kernels and saves time.

    Args:
        filters: F.
        kernel_size: k, or (rows, columns).
        method: the field, "summation" or "difference".
        stride, padding: as in `nn.Conv2d`.
        rank: R; None for the exact one, the smaller side of the kernel.
        bias: whether filters have one.
    """

    def __init__(
        self,
        *,
        filters: int,
        kernel_size: int | tuple[int, int],
        method: str,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        rank: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        check_choice("method", method, METHODS)
        self.method = method
        self.kernel_size, self.stride, self.padding = _pair(kernel_size), _pair(stride), _pair(padding)
        self.rank = min(self.kernel_size) if rank is None else rank
        if not 1 <= self.rank <= min(self.kernel_size):
            raise ValueError(f"rank {rank} is not in 1 to {min(self.kernel_size)}, the kernel's smaller side")
        rows, columns = self.kernel_size
        self.row = nn.Parameter(torch.empty(filters, self.rank, rows))
        self.column = nn.Parameter(torch.empty(filters, self.rank, columns))
        self.bias = nn.Parameter(torch.zeros(filters)) if bias else None
        # An entry of the kernel is a sum of `rank` products: this is He's variance for it.
        deviation = (2.0 / (rows * columns * self.rank)) ** 0.25
        nn.init.normal_(self.row, std=deviation)
        nn.init.normal_(self.column, std=deviation)

    def forward(self, field: Gramian) -> Tensor:
        """Factors (N, S) -> maps (N, F, H, W)."""
        row_cos, row_sin = self._along(field, self.row, 0)  # (N, F, H, R) each
        column_cos, column_sin = self._along(field, self.column, 1)  # (N, F, W, R) each
        left = torch.cat((row_cos, row_sin) if self.method == "summation" else (row_sin, row_cos), -1)
        right = torch.cat((column_cos, -column_sin), -1)
        maps = left @ right.transpose(-1, -2)  # (N, F, H, W)
        return maps if self.bias is None else maps + self.bias[:, None, None]

    def _along(self, field: Gramian, kernels: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """Both factors convolved with `kernels` (F, R, k): (N, F, steps, R) each."""
        filters, rank, size = kernels.shape
        padding = self.padding[axis]
        factors = functional.pad(torch.stack((field.cos, field.sin)), (padding, padding))  # (2, N, S')
        pieces = factors.unfold(-1, size, self.stride[axis])  # (2, N, steps, k)
        along = pieces @ kernels.view(filters * rank, size).t()  # (2, N, steps, F R)
        cos, sin = along.unflatten(-1, (filters, rank)).transpose(2, 3)  # (N, F, steps, R) each
        return cos, sin

    def dense_kernel(self) -> Tensor:
        """(F, 1, rows, columns), the kernels that the factors stand for."""
        return torch.einsum("frh,frw->fhw", self.row, self.column).unsqueeze(1)

    def on_image(self, image: Tensor) -> Tensor:
        """The same convolution of a ready image (N, S, S) -> (N, F, H, W); the reference."""
        return functional.conv2d(image.unsqueeze(1), self.dense_kernel(), self.bias, self.stride, self.padding)

    @torch.no_grad()
    def load_dense(self, kernel: Tensor) -> None:
        """Sets the factors to the best approximation of `kernel` (F, 1, rows, columns): exact at full rank."""
        left, values, right = torch.linalg.svd(kernel.squeeze(1), full_matrices=False)
        root = values[:, : self.rank].sqrt()  # (F, R)
        self.row.copy_(left[:, :, : self.rank].transpose(1, 2) * root.unsqueeze(-1))
        self.column.copy_(right[:, : self.rank] * root.unsqueeze(-1))
