"""The size of a network and what one window costs it.

Letters: C signals, L time steps.
"""

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count(model: nn.Module, columns: tuple[str, ...], length: int) -> tuple[int, int]:
    """Parameters, and multiply-adds of the convolutions and matrix products of one window's forward pass.

    Nothing is computed: a copy of the network runs on tensors without contents.

    Args:
        model: one of `MODELS`, built for these columns and this length.
        columns: names of the C signals.
        length: L.
    """
    parameters = sum(parameter.numel() for parameter in model.parameters())
    hollow = copy.deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        hollow(torch.empty(1, len(columns), length, device="meta"))
    return parameters, counter.get_total_flops() // 2
