"""Convolutions in float64 on a processor, as products of matrices.

oneDNN convolves no float64, and PyTorch's own way takes one image after the other. Here the readings under the kernel
are copied side by side (`unfold`), a piece at a time that stays in the processor's second-level cache, and one product
with the kernels follows. Convolutions with groups, on other devices, in other types or with gradients are PyTorch's.

Letters: N images, C input channels, O output channels, H W rows and columns of the output, k m rows and columns of the
kernel.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

PIECE = 2**19  # bytes of unfolded readings; second-level caches hold half a MiB to 2 MiB a core


class ProductConv2d(nn.Conv2d):
    """`nn.Conv2d`, by products of matrices where that is faster."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, rows, columns) -> (N, O, H, W), channels last in memory where a product computed it."""
        if not _by_product(self, input) or input.dim() != 4:
            return super().forward(input)
        left, right, top, bottom = self._reversed_padding_repeated_twice
        return convolve(input, self.weight, self.bias, self.stride, self.dilation, padding=(top, bottom, left, right))


class ProductConv1d(nn.Conv1d):
    """`nn.Conv1d`, by products of matrices where that is faster."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, columns) -> (N, O, W)."""
        if not _by_product(self, input) or input.dim() != 3:
            return super().forward(input)
        left, right = self._reversed_padding_repeated_twice
        image, kernels = input.unsqueeze(2), self.weight.unsqueeze(2)
        stride, dilation = (1, *self.stride), (1, *self.dilation)
        return convolve(image, kernels, self.bias, stride, dilation, padding=(0, 0, left, right)).squeeze(2)


KINDS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: ProductConv2d, nn.Conv1d: ProductConv1d}


def use_products(network: nn.Module) -> None:
    """Lets every plain convolution of a network choose products of matrices; weights and their names stay."""
    for module in network.modules():
        if type(module) in KINDS:
            module.__class__ = KINDS[type(module)]


def _by_product(layer: nn.Conv1d | nn.Conv2d, x: Tensor) -> bool:
    usual = layer.groups == 1 and layer.padding_mode == "zeros"
    return usual and x.dtype == torch.float64 and x.device.type == "cpu" and not torch.is_grad_enabled()


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[int, int, int, int],
) -> Tensor:
    """`functional.conv2d` without groups, outside of autograd.

    Args:
        x: (N, C, rows, columns).
        weight: (O, C, k, m).
        bias: (O,).
        stride, dilation: of rows and columns.
        padding: zeros above, below, to the left and to the right.

    Returns:
        (N, O, H, W), channels last in memory.
    """
    (number, channels, rows, columns), (outputs, _, k, m) = x.shape, weight.shape
    top, bottom, left, right = padding
    tall, wide = rows + top + bottom, columns + left + right
    height = (tall - dilation[0] * (k - 1) - 1) // stride[0] + 1
    width = (wide - dilation[1] * (m - 1) - 1) // stride[1] + 1
    depth = k * m * channels
    kernels = weight.permute(2, 3, 1, 0).reshape(depth, outputs)
    readings = x.permute(0, 2, 3, 1)  # (N, rows, columns, C)
    out = x.new_empty(number, height, width, outputs)
    images, lines = _piece(height, width * depth * x.element_size())
    padded = x.new_zeros(min(images, number), tall, wide, channels)  # the frame stays 0 while images go through it
    one, row, column, _ = padded.stride()
    under = padded.as_strided(  # (N, H, W, k, m, C), each output's readings; they overlap in memory
        (len(padded), height, width, k, m, channels),
        (one, row * stride[0], column * stride[1], row * dilation[0], column * dilation[1], 1),
    )
    unfolded = x.new_empty(len(padded) * lines * width, depth)
    for first, last in _steps(number, images):
        padded[: last - first, top : top + rows, left : left + columns] = readings[first:last]
        for begin, end in _steps(height, lines):
            seen, target = under[: last - first, begin:end], out[first:last, begin:end].view(-1, outputs)
            piece = unfolded[: len(target)]
            piece.view(seen.shape).copy_(seen)
            torch.mm(piece, kernels, out=target) if bias is None else torch.addmm(bias, piece, kernels, out=target)
    return out.permute(0, 3, 1, 2)


def _piece(height: int, bytes_a_line: int) -> tuple[int, int]:
    """Whole images, or lines of one image, that make a piece."""
    lines = max(1, PIECE // bytes_a_line)
    return (lines // height, height) if lines >= height else (1, lines)


def _steps(end: int, step: int) -> Iterator[tuple[int, int]]:
    return ((low, min(low + step, end)) for low in range(0, end, step))
