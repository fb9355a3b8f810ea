"""Judging a model on a part of the data. Nothing of the training is touched: no mode, gradient or random number.

Letters: n windows, K classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from data_provider import WindowSet
from exp.loaders import batches_in_order
from utils.predictions import Predictions

EVALUATION_BATCH = 64  # fixed, so that a test repeats a training's numbers to the last digit


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode without gradients; each module's own mode is restored."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def answering(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode, in the precision of the model's parameters."""
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    with evaluation_mode(model), torch.autocast(device.type, dtype=dtype, enabled=dtype == torch.bfloat16):
        yield


def logits_of(model: nn.Module, windows: WindowSet, device: torch.device) -> torch.Tensor:
    """(n, K) float32 logits of all windows of a part, on the CPU."""
    with answering(model, device):
        pieces = [model(b.x.to(device)).float().cpu() for b in batches_in_order(windows, size=EVALUATION_BATCH)]
    return torch.cat(pieces)


def loss_of(loss: nn.Module, logits: torch.Tensor, target: torch.Tensor) -> float:
    """The mean of a part's losses, weighed as in training; a loss that changes over the epochs takes its final form,
    so that epochs can be compared."""
    with evaluation_mode(loss):
        values, weights = loss(logits, target)
    return float((values.double() * weights.double()).sum() / weights.double().sum().clamp(min=1e-12))


def predictions_of(part: str, windows: WindowSet, logits: torch.Tensor, classes: tuple[str, ...]) -> Predictions:
    """Probabilities beside the truth."""
    return Predictions(
        part=part,
        classes=classes,
        probabilities=torch.softmax(logits.double(), 1).numpy(),
        target=np.asarray(windows.targets),
        file=np.asarray(windows.file),
        start=np.asarray(windows.start),
        end=np.asarray(windows.end),
        block=np.asarray(windows.block),
    )
