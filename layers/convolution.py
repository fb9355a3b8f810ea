"""Convolutions in float64 on a processor, as products of matrices.

oneDNN convolves no float64, and PyTorch's own way takes one image after the other, and one group after the other. Here
the readings under the kernel are copied side by side, a piece at a time that stays in the processor's caches, and one
product with the kernels follows. Depthwise kernels, one a channel, are in `depthwise.py`. It is made for
networks that are evaluated: gradients reach the readings, not the weights. Convolutions with other groups, on other
devices, in other types or with weights that learn are PyTorch's.

Letters: N images, C input channels, O output channels, H W rows and columns of the output, k m rows and columns of the
kernel, D = k m C readings under a kernel.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layers.depthwise import Depthwise, Shape

PIECE = 2**21  # bytes of copied readings; of half a MiB to 4 MiB the fastest, or next to it


class ProductConv2d(nn.Conv2d):
    """`nn.Conv2d`, by products of matrices where that is faster."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, rows, columns) -> (N, O, H, W), channels last in memory where a product computed it."""
        if not _by_product(self, input) or input.dim() != 4:
            return super().forward(input)
        left, right, top, bottom = self._reversed_padding_repeated_twice
        shape = Shape(self.stride, self.dilation, (top, bottom, left, right))
        return _product(self).apply(input, self.weight, self.bias, shape)


class ProductConv1d(nn.Conv1d):
    """`nn.Conv1d`, by products of matrices where that is faster."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, columns) -> (N, O, W)."""
        if not _by_product(self, input) or input.dim() != 3:
            return super().forward(input)
        left, right = self._reversed_padding_repeated_twice
        shape = Shape((1, *self.stride), (1, *self.dilation), (0, 0, left, right))
        return _product(self).apply(input.unsqueeze(2), self.weight.unsqueeze(2), self.bias, shape).squeeze(2)


KINDS: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: ProductConv2d, nn.Conv1d: ProductConv1d}


def use_products(network: nn.Module) -> None:
    """Lets every plain convolution of a network choose products of matrices; weights and their names stay."""
    for module in network.modules():
        if type(module) in KINDS:
            module.__class__ = KINDS[type(module)]


def _by_product(layer: nn.Conv1d | nn.Conv2d, x: Tensor) -> bool:
    usual = (layer.groups == 1 or _is_depthwise(layer)) and layer.padding_mode == "zeros"
    learns = torch.is_grad_enabled() and any(p.requires_grad for p in layer.parameters())
    return usual and x.dtype == torch.float64 and x.device.type == "cpu" and not learns


def _is_depthwise(layer: nn.Conv1d | nn.Conv2d) -> bool:
    return layer.groups == layer.in_channels == layer.out_channels > 1


def _product(layer: nn.Conv1d | nn.Conv2d) -> type[torch.autograd.Function]:
    return Depthwise if _is_depthwise(layer) else _Product


class _Product(torch.autograd.Function):
    """(N, C, rows, columns) -> (N, O, H, W), with a gradient for the images alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, shape: Shape) -> Tensor:
        kernels = _kernels(weight)
        readings = x.permute(0, 2, 3, 1)  # (N, rows, columns, C)
        pieces = _Pieces(x, weight, shape)
        out = x.new_empty(len(x), pieces.height, pieces.width, len(weight))
        for images, lines, under, inside in pieces:
            if lines.start == 0:
                inside.copy_(readings[images])
            target = out[images, lines].view(-1, len(weight))
            piece = pieces.copied[: len(target)]
            piece.view(under.shape).copy_(under)
            torch.mm(piece, kernels, out=target) if bias is None else torch.addmm(bias, piece, kernels, out=target)
        ctx.weight, ctx.shape, ctx.like = weight, shape, x.new_empty(()).expand(x.shape)
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        slopes = given[0].permute(0, 2, 3, 1).contiguous()  # (N, H, W, O)
        kernels = _kernels(ctx.weight).t()  # (O, D)
        pieces = _Pieces(ctx.like, ctx.weight, ctx.shape)
        found = slopes.new_empty(ctx.like.permute(0, 2, 3, 1).shape)  # (N, rows, columns, C)
        for images, lines, under, inside in pieces:
            if lines.start == 0:
                pieces.padded.zero_()
            piece = pieces.copied[: under[..., 0, 0, 0].numel()]
            torch.mm(slopes[images, lines].view(-1, len(ctx.weight)), kernels, out=piece)
            spread = piece.view(under.shape)
            for i in range(under.shape[3]):  # of one place of the kernel at a time, whose readings do not overlap
                for j in range(under.shape[4]):
                    under[:, :, :, i, j] += spread[:, :, :, i, j]
            if lines.stop == pieces.height:
                found[images] = inside
        return found.permute(0, 3, 1, 2), None, None, None


class _Pieces:
    """The pieces of a convolution, and the memory that they go through one after the other.

    Attributes:
        height, width: H and W.
        padded: (images, rows, columns, C) of a piece with its frame of zeros.
        copied: (outputs of a piece, D).
    """

    def __init__(self, x: Tensor, weight: Tensor, shape: Shape) -> None:
        (self.number, channels, self.rows, self.columns), (_, _, k, m) = x.shape, weight.shape
        (down, along), (by, across), (self.top, _, self.left, _) = shape
        tall, wide, self.height, self.width = shape.sizes(self.rows, self.columns, k, m)
        depth = k * m * channels
        lines = max(1, PIECE // (self.width * depth * weight.element_size()))
        self.images = max(1, min(lines // self.height, self.number))
        self.lines = min(lines, self.height)
        self.padded = weight.new_zeros(self.images, tall, wide, channels)
        self.copied = weight.new_empty(self.images * self.lines * self.width, depth)
        one, row, column, _ = self.padded.stride()
        self.under = self.padded.as_strided(  # (images, H, W, k, m, C), each output's readings; they overlap in memory
            (self.images, self.height, self.width, k, m, channels),
            (one, row * down, column * along, row * by, column * across, 1),
        )

    def __iter__(self) -> Iterator[tuple[slice, slice, Tensor, Tensor]]:
        """Places of images and of lines of the output, what lies under the kernels there, and inside of the frame."""
        for images in _steps(self.number, self.images):
            part = slice(0, images.stop - images.start)
            rows, columns = slice(self.top, self.top + self.rows), slice(self.left, self.left + self.columns)
            for lines in _steps(self.height, self.lines):
                yield images, lines, self.under[part, lines], self.padded[part, rows, columns]


def _kernels(weight: Tensor) -> Tensor:
    """(O, C, k, m) -> (D, O), in the order of the copied readings."""
    return weight.permute(2, 3, 1, 0).reshape(-1, len(weight))


def _steps(end: int, step: int) -> Iterator[slice]:
    return (slice(low, min(low + step, end)) for low in range(0, end, step))
