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
