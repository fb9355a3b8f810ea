"""Depthwise convolutions in float64 on a processor: a kernel for each channel, as products of matrices.

The rows under a kernel lie side by side in memory. So a row of outputs is a product of the k rows under it, of k X
readings, with a band matrix that holds the kernel once a column. Most of that matrix is 0, and the product is still far
faster than one channel after the other.

Letters: N images, C channels, H W rows and columns of the output, k m rows and columns of the kernel, X padded columns
of an image.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor


class Shape(NamedTuple):
    """Of a convolution: (rows, columns) of each, padding as zeros (above, below, left, right)."""

    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, int, int, int]

    def sizes(self, rows: int, columns: int, k: int, m: int) -> tuple[int, int, int, int]:
        """Rows and columns of a padded image, and H and W."""
        (down, along), (by, across), (top, bottom, left, right) = self
        tall, wide = rows + top + bottom, columns + left + right
        return tall, wide, (tall - by * (k - 1) - 1) // down + 1, (wide - across * (m - 1) - 1) // along + 1


class Depthwise(torch.autograd.Function):
    """(N, C, rows, columns) -> (N, C, H, W), with a gradient for the images alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, shape: Shape) -> Tensor:
        (number, channels, rows, columns), (_, _, k, m) = x.shape, weight.shape
        tall, wide, height, width = shape.sizes(rows, columns, k, m)
        bands = _bands(weight, shape, wide, width)
        out = x.new_empty(number, channels, height, width)
        padded = x.new_zeros(channels, tall, wide)
        inside = _inside(padded, shape, rows, columns)
        under = _under(padded, shape, k, height)
        for image, target in zip(x, out, strict=True):
            inside.copy_(image)
            torch.bmm(under.reshape(channels, height, k * wide), bands, out=target)
        if bias is not None:
            out += bias[:, None, None]
        ctx.weight, ctx.shape, ctx.sizes = weight, shape, (rows, columns)
        return out

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        (number, channels, height, width), (_, _, k, m) = given[0].shape, ctx.weight.shape
        tall, wide, _, _ = ctx.shape.sizes(*ctx.sizes, k, m)
        bands = _bands(ctx.weight, ctx.shape, wide, width).transpose(1, 2)
        found = given[0].new_empty(number, channels, *ctx.sizes)
        padded = found.new_zeros(channels, tall, wide)
        inside, under = _inside(padded, ctx.shape, *ctx.sizes), _under(padded, ctx.shape, k, height)
        for slopes, target in zip(given[0].contiguous(), found, strict=True):
            padded.zero_()
            spread = torch.bmm(slopes, bands).view(under.shape)
            for i in range(k):  # one row of the kernel at a time, whose readings do not overlap
                under[:, :, i] += spread[:, :, i]
            target.copy_(inside)
        return found, None, None, None


def _bands(weight: Tensor, shape: Shape, wide: int, width: int) -> Tensor:
    """(C, 1, k, m) kernels -> (C, k X, W): column w holds the kernel where output w has its readings."""
    channels, _, k, m = weight.shape
    bands = weight.new_zeros(channels, k, wide, width)
    columns = torch.arange(width)
    for j in range(m):
        bands[:, :, j * shape.dilation[1] + shape.stride[1] * columns, columns] = weight[:, 0, :, j, None]
    return bands.view(channels, k * wide, width)


def _inside(padded: Tensor, shape: Shape, rows: int, columns: int) -> Tensor:
    top, _, left, _ = shape.padding
    return padded[:, top : top + rows, left : left + columns]


def _under(padded: Tensor, shape: Shape, k: int, height: int) -> Tensor:
    """(C, H, k, X) the rows under each row of outputs; they overlap in memory."""
    channel, row, _ = padded.stride()
    sizes = (len(padded), height, k, padded.shape[2])
    return padded.as_strided(sizes, (channel, row * shape.stride[0], row * shape.dilation[0], 1))
