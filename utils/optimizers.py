"""Optimizers by name, and which parameters weight decay touches.

Weight decay is for kernels and matrices only: not for biases, not for the scale and shift of a norm, nor for any other
vector or single number, whose size says little about how complicated the network is.
How decay is applied is PyTorch's rule for each: added to the gradient in radam, adam, nadam, adamax and sgd; taken from
the weights themselves in adamw.
"""

import inspect
import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from utils.errors import UserError, unknown_name
from utils.plain_optimizers import plain
from utils.radam import RAdam
from utils.timm_compat import import_timm

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "radam": RAdam,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "adamax": torch.optim.Adamax,
    "sgd": torch.optim.SGD,
}

TIMM = "timm:"


def build_optimizer(
    model: nn.Module | Iterable[nn.Parameter],
    *,
    name: str,
    learning_rate: float,
    weight_decay: float,
    momentum: float = 0.9,
) -> Optimizer:
    """The optimizer of a model's parameters that require a gradient.

    Args:
        model: a model, or parameters.
        name: a name in `OPTIMIZERS`, or "timm:NAME" for one of timm's.
        learning_rate: above 0.
        weight_decay: at least 0.
        momentum: for the optimizers that have a momentum by that name (sgd).

    Raises:
        UserError: an unknown name or a number out of range.
    """
    if not 0 < learning_rate < math.inf:
        raise UserError(f"the learning rate is {learning_rate}; give --learning_rate a number above 0")
    if not 0 <= weight_decay < math.inf:
        raise UserError(f"the weight decay is {weight_decay}; give --weight_decay a number of at least 0")
    groups = decay_groups(model, weight_decay)
    if name.startswith(TIMM):
        return _of_timm(groups, name, learning_rate, momentum)
    if name not in OPTIMIZERS:
        raise unknown_name("optimizer", name, [*OPTIMIZERS, f"{TIMM}NAME"])
    chosen = OPTIMIZERS[name]
    extra: dict[str, Any] = {"momentum": momentum} if "momentum" in inspect.signature(chosen).parameters else {}
    if "capturable" in inspect.signature(chosen).parameters and any(p.is_cuda for p in groups[0]["params"]):
        extra["capturable"] = True  # keeps the count of steps on the GPU, and its rate, so that a step can be recorded
        for group in groups:
            group |= {"initial_lr": learning_rate, "lr": torch.tensor(learning_rate, device=group["params"][0].device)}
    # One call for all tensors, on every device: the same numbers, and 0.6 of radam's time on a CPU.
    return plain(chosen)(groups, lr=learning_rate, foreach=True, **extra)  # type: ignore[call-arg]


def restore_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """`optimizer.load_state_dict`, whatever device the state comes from.

    How steps are computed, and where a rate lies, stays as this machine has it; the rate's value is taken over.
    """
    groups = []
    for own, saved in zip(optimizer.param_groups, state["param_groups"], strict=True):
        kept = {name: own[name] for name in ("foreach", "fused", "capturable") if name in own}
        rate = float(saved["lr"])
        lr = torch.full_like(own["lr"], rate) if isinstance(own["lr"], torch.Tensor) else rate
        groups.append({**saved, **kept, "lr": lr})
    optimizer.load_state_dict({**state, "param_groups": groups})


def decay_groups(model: nn.Module | Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups: tensors of two or more dimensions decay, the others do not.

    Args:
        model: a model, or parameters; frozen ones are left out, shared ones count once.
        weight_decay: of the first group.

    Returns:
        at most two groups for a torch optimizer, none of them empty.
    """
    parameters = model.parameters() if isinstance(model, nn.Module) else model
    trained = list(dict.fromkeys(p for p in parameters if p.requires_grad))
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def timm_optimizers() -> list[str]:
    """Names of timm's optimizers that take one ordinary gradient and need nothing else installed."""
    optim = import_timm().optim
    names = optim.list_optimizers(exclude_filters=["bnb*", "fused*"])
    return [name for name in names if not optim.get_optimizer_info(name).second_order]


def _of_timm(groups: list[dict[str, Any]], name: str, learning_rate: float, momentum: float) -> Optimizer:
    known = timm_optimizers()
    if name.removeprefix(TIMM) not in known:
        raise unknown_name("optimizer", name, [TIMM + other for other in known])
    create = import_timm().optim.create_optimizer_v2
    return create(groups, opt=name.removeprefix(TIMM), lr=learning_rate, momentum=momentum)
