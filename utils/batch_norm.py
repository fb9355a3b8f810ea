"""BatchNorm under gradient accumulation: what it does differently from the big batch, and two remedies.

BatchNorm normalises by the statistics of the micro-batch that it sees, so the gradients of an accumulated step are not
those of the big batch. GroupNorm (`--norm group`) and frozen BatchNorm look at one sample at a time and are exact. The
running statistics are updated N times a step instead of once; a smaller momentum undoes that, in the mean.

Letters: N micro-batches of an optimizer step.
"""

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def batchnorm_advice(model: nn.Module, micro_batch: int, steps: int) -> str | None:
    """One line for the log, or None where BatchNorm meets no accumulation.

    Args:
        model: the network.
        micro_batch: samples of a micro-batch.
        steps: N.
    """
    layers = list(_layers(model))
    if not layers or steps == 1:
        return None
    momentum = next((layer.momentum for layer in layers if layer.momentum is not None), 0.1)
    number = "1 BatchNorm layer sees" if len(layers) == 1 else f"{len(layers)} BatchNorm layers see"
    return (
        f"{number} micro-batches of {micro_batch}, not the {micro_batch * steps} samples of a step, so accumulation is "
        "not exactly the big batch. Remedies: --norm group (exact), frozen statistics (exact, for a trained network), "
        f"momentum {spread_momentum(momentum, steps):.4g} instead of {momentum:.4g} (mends the running statistics only)"
    )


def spread_momentum(momentum: float, steps: float) -> float:
    """1 - (1 - momentum)^(1/N): N updates with it forget as much as one with `momentum`."""
    return 1 - (1 - momentum) ** (1 / steps)


def spread_batchnorm_momentum(model: nn.Module, steps: int, *, former: int = 1) -> None:
    """Sets the momentum of every BatchNorm layer for N updates a step; a cumulative average (momentum None) needs none.

    Args:
        model: the network, changed in place.
        steps: N.
        former: the N that the momenta are made for now.
    """
    for layer in _layers(model):
        if layer.momentum is not None:
            layer.momentum = spread_momentum(layer.momentum, steps / former)


def freeze_batchnorm(model: nn.Module) -> None:
    """Lets BatchNorm layers use their running statistics and not change them; their factors and offsets still learn.

    `model.train()` undoes it: call this after it.
    """
    for layer in _layers(model):
        layer.eval()


def _layers(model: nn.Module) -> Iterator[_BatchNorm]:
    return (module for module in model.modules() if isinstance(module, _BatchNorm))
