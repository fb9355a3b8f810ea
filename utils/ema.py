"""A second set of weights that follows the trained ones slowly (Polyak averaging), to be evaluated in their place."""

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from utils.errors import UserError

Tensors = list[Tensor] | tuple[Tensor, ...]


def build_ema(model: nn.Module, *, decay: float) -> AveragedModel:
    """An exponential moving average of a model's parameters and floating-point buffers.

    Call `update_parameters(model)` once an optimizer step that was not skipped, so that the average does not depend on
    the accumulation. Evaluate `.module`; save and load it by `state_dict`, which holds the number of updates.

    The decay of update n (from 1) is min(decay, (1 + n) / (10 + n)): a short run would otherwise end near its random
    initial weights. Whole-number buffers (BatchNorm's counter) are copied.

    Args:
        model: copied at once, on its own device.
        decay: above 0, below 1; 0.999 averages about the last thousand steps.

    Raises:
        UserError: a decay out of range.
    """
    if not 0 < decay < 1:
        raise UserError(f"the decay of averaged weights is {decay}; give --ema a number above 0 and below 1")

    @torch.no_grad()
    def average(averaged: Tensors, current: Tensors, updates: Tensor | int) -> None:
        if not averaged[0].is_floating_point():
            torch._foreach_copy_(averaged, current)
            return
        done = int(updates)
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + done) / (10 + done)))

    return AveragedModel(model, multi_avg_fn=average, use_buffers=True)
