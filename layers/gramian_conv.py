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

# A field is the sum over y and z of FORM[y][z] (factor y) (factor z)^T, with the cosine as factor 0.
FORMS = {"summation": ((1.0, 0.0), (0.0, -1.0)), "difference": ((0.0, -1.0), (1.0, 0.0))}


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

    one: Tensor
    form: Tensor

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
        self.register_buffer("one", torch.eye(2), persistent=False)
        self.register_buffer("form", torch.tensor(FORMS[method]), persistent=False)
        # An entry of the kernel is a sum of `rank` products: this is He's variance for it.
        standard_deviation = (2.0 / (rows * columns * self.rank)) ** 0.25
        nn.init.normal_(self.row, std=standard_deviation)
        nn.init.normal_(self.column, std=standard_deviation)

    def forward(self, field: Gramian) -> Tensor:
        """Factors (N, S) -> maps (N, F, H, W)."""
        factors = torch.stack((field.cos, field.sin), 1)  # (N, 2, S)
        rows = self._along(factors, self.row, self.one, 0)  # (N F, 2 R, H)
        columns = self._along(factors, self.column, self.form, 1)  # (N F, 2 R, W)
        maps = torch.bmm(rows.transpose(1, 2), columns).unflatten(0, (-1, len(self.row)))  # (N, F, H, W)
        if maps.is_cpu and torch.is_grad_enabled():  # the gradient of a convolution behind is faster so
            maps = maps.contiguous(memory_format=torch.channels_last)
        return maps if self.bias is None else maps.add_(self.bias[:, None, None])

    def _along(self, factors: Tensor, kernels: Tensor, mixed: Tensor, axis: int) -> Tensor:
        """Factors (N, 2, S), mixed by a matrix (2, 2) and convolved with kernels (F, R, k): (N F, 2 R, steps).

        Every kernel becomes two kernels over both factors, which leaves the results in the order of the product.
        """
        wide = mixed[:, None, :, None] * kernels[:, None, :, None]  # (F, 2, R, 2, k)
        along = functional.conv1d(factors, wide.flatten(0, 2), None, self.stride[axis], self.padding[axis])
        return along.unflatten(1, (len(kernels), -1)).flatten(0, 1)

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
