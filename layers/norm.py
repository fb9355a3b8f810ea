"""Normalisation of feature maps.

GroupNorm looks at one sample at a time, so a sample's gradient does not depend on who else is in its micro-batch, and
gradient accumulation is exact. BatchNorm is here to be compared with.
"""

from collections.abc import Callable

from torch import nn


def group_norm(channels: int) -> nn.Module:
    """GroupNorm over maps (N, channels, ...), in the largest number of groups, at most 8, that divides `channels`."""
    groups = next(g for g in range(min(8, channels), 0, -1) if channels % g == 0)
    return nn.GroupNorm(groups, channels)


def batch_norm(channels: int) -> nn.Module:
    """BatchNorm over maps (N, channels, H, W)."""
    return nn.BatchNorm2d(channels)


NORMS: dict[str, Callable[[int], nn.Module]] = {"group": group_norm, "batch": batch_norm}
