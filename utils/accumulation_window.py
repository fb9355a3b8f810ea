"""What a window of micro-batches comes to: its step, its sum over all processes, and whether it is finite."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Step(NamedTuple):
    """One optimizer step.

    Attributes:
        loss: the window's true mean sum(w l) / sum(w), over all processes.
        weight: sum(w), by which means over several windows are weighed.
        micro_steps: micro-batches that this process gave to it.
        gradient_norm: norm of the whole gradient before clipping; None without clipping.
    """

    loss: float
    weight: float
    micro_steps: int
    gradient_norm: Tensor | None


def check_window(state: Mapping[str, Any], **now: int) -> None:
    """Raises ValueError where a stored window is open and cannot go on.

    Args:
        state: of an accumulator.
        now: its `steps` and `world_size` as they are now.
    """
    for name, value in now.items() if state["count"] else ():
        if state[name] != value:
            raise ValueError(
                f"the checkpoint lies within an accumulation window ({state['count']}/{state['window_steps']}) "
                f"of {name}={state[name]}, now {name}={value}: resume with the same, or from a window's end"
            )


def placed(state: Mapping[str, Any], parameters: Sequence[nn.Parameter]) -> dict[str, Any]:
    """A stored window, copied to where the parameters are."""
    device = parameters[0].device
    window = {name: None if state[name] is None else state[name].to(device, copy=True) for name in ("sums", "nominal")}
    gradients = [
        None if gradient is None else gradient.to(parameter.device, copy=True)
        for parameter, gradient in zip(parameters, state["gradients"], strict=True)
    ]
    return {**state, **window, "gradients": gradients}


def gradient_size(gradients: Sequence[Tensor | None], like: Tensor) -> Tensor:
    """() the norm of a window's gradient, in the type and place of `like`; not finite where an entry is not."""
    present = [gradient for gradient in gradients if gradient is not None]
    if not present:
        return torch.zeros_like(like)
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(present)).to(like))


def fault_of(total: float, weight: float, size: float) -> str:
    """Why a window must not step, "" if it may.

    Args:
        total, weight: sum(w l) and sum(w).
        size: of its gradient.
    """
    if not math.isfinite(total) or not math.isfinite(weight):
        return f"its loss is {total / weight if weight else total}"
    return "" if math.isfinite(size) else f"the norm of its gradient is {size}"


def parameters_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The model's parameters.

    Raises:
        ValueError: the model is wrapped, or the optimizer holds parameters that the model lacks.
    """
    if isinstance(model, nn.parallel.DistributedDataParallel):
        raise ValueError("pass the plain module (ddp.module): the accumulator reduces gradients itself")
    parameters = list(model.parameters())
    known = {id(p) for p in parameters}
    if any(id(p) not in known for group in optimizer.param_groups for p in group["params"]):
        raise ValueError("the optimizer holds parameters that the model lacks: pass a module that holds them all")
    return parameters


def reduce_window(
    parameters: Sequence[nn.Parameter],
    gradients: Sequence[Tensor | None],
    *,
    sums: Tensor | None,
    nominal: Tensor | None,
    dtype: torch.dtype,
    more: bool,
) -> tuple[list[Tensor | None], list[float], bool]:
    """Sums gradients, loss and denominator over all processes, in one reduction.

    Args:
        parameters: of the model.
        gradients: of the parameters, None where this process has none.
        sums: (2,) sum(w l) and sum(w) of this process's window, None if it is empty.
        nominal: () the guess of sum(w) that the gradients are divided by, None if the window is empty.
        dtype: that gradients are kept in; they travel in float32 at least.
        more: whether this process may have another window.

    Returns:
        Gradients of sum(w l), not yet divided (None where no process has one); [sum(w l), sum(w)]; whether any process
        may have another window.
    """
    first, trained = parameters[0], [i for i, p in enumerate(parameters) if p.requires_grad]
    dtype = torch.promote_types(dtype, torch.float32)
    factor = 1.0 if nominal is None else nominal.to(first.device, dtype)
    totals = first.new_zeros(2, dtype=dtype) if sums is None else sums.to(first.device, dtype)
    flags = torch.tensor([gradients[i] is not None for i in trained] + [more], dtype=dtype, device=first.device)
    pieces = [
        first.new_zeros(parameters[i].numel(), dtype=dtype) if g is None else g.reshape(-1).to(dtype) * factor
        for i, g in ((i, gradients[i]) for i in trained)
    ]
    flat = torch.cat([*pieces, totals, flags])
    dist.all_reduce(flat)
    *pieces, totals, flags = flat.split([piece.numel() for piece in pieces] + [2, len(trained) + 1])
    *present, more = (flags > 0).tolist()
    reduced: list[Tensor | None] = [None] * len(gradients)
    for i, piece, has in zip(trained, pieces, present, strict=True):
        reduced[i] = piece.view_as(parameters[i]) if has else None
    return reduced, totals.tolist(), more
