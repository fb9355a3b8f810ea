"""What a forward pass changes beside gradients: random state, buffers such as running statistics, and modes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from utils.seeding import random_state, set_random_state


class Snapshot:
    """PyTorch's random state on every device, and a model's buffers and modes, as they are when it is made.

    Args:
        model: whose buffers and modes.
        tensors: further tensors that are changed in place.
    """

    def __init__(self, model: nn.Module, tensors: Sequence[Tensor] = ()) -> None:
        self._random = random_state()
        self._tensors = [(tensor, tensor.detach().clone()) for tensor in (*model.buffers(), *tensors)]
        self._buffers = len(list(model.buffers()))
        self._modes = [(module, module.training) for module in model.modules()]

    def restore(self) -> None:
        """Puts everything back, as often as needed."""
        set_random_state(self._random)
        with torch.no_grad():
            for tensor, value in self._tensors:
                tensor.copy_(value)
        for module, training in self._modes:
            module.training = training

    def restore_buffers(self) -> None:
        """Puts the model's buffers back, and nothing else."""
        with torch.no_grad():
            for tensor, value in self._tensors[: self._buffers]:
                tensor.copy_(value)


@contextmanager
def preserved(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, for example a validation in mid-window, training goes on as if it had not.

    Gradients, random state, buffers, and each module's own mode are put back; gradients computed inside are dropped.
    """
    snapshot, gradients = Snapshot(model), [(p, p.grad) for p in model.parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        yield
    finally:
        snapshot.restore()
        for parameter, gradient in gradients:
            parameter.grad = gradient
