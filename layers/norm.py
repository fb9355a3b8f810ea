"""Normalisation of feature maps.

GroupNorm looks at one sample at a time, so a sample's gradient does not depend on who else is in its micro-batch, and
gradient accumulation is exact. BatchNorm is here to be compared with.
"""

from collections.abc import Callable

from torch import nn


def group_norm(channels: int, axes: int = 2) -> nn.Module:
    """GroupNorm over maps (N, channels, ...): the most groups, at most 8, that divide `channels` and hold two each."""
    groups = next(g for g in range(max(1, min(8, channels // 2)), 0, -1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


def batch_norm(channels: int, axes: int = 2) -> nn.Module:
    """BatchNorm over maps (N, channels, ...) with one or two axes behind the channels."""
    return nn.BatchNorm1d(channels) if axes == 1 else nn.BatchNorm2d(channels)


NORMS: dict[str, Callable[..., nn.Module]] = {"group": group_norm, "batch": batch_norm}


def conv(norm: str, inputs: int, outputs: int, kernel: int, axes: int = 2, **options: int | str) -> nn.Sequential:
    """A convolution over one or two axes and its normalisation: maps (N, inputs, ...) -> (N, outputs, ...).

    BatchNorm would cancel a bias. GroupNorm needs it: of a constant signal the difference field is zero, and without
    a bias there would be nothing in the maps but rounding errors, which the norm would magnify.

    Args:
        norm: a name of `NORMS`.
        inputs, outputs, kernel, options: as in `nn.Conv2d`.
        axes: 1 or 2.
    """
    convolution = nn.Conv1d if axes == 1 else nn.Conv2d
    return nn.Sequential(
        convolution(inputs, outputs, kernel, bias=norm == "group", **options),  # type: ignore[arg-type]
        NORMS[norm](outputs, axes),
    )
