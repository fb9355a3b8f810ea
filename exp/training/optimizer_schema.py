"""Whether a stored state is one of the optimizer that a training has."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from exp.training.shapes import Wrong, tensor_like
from utils.optimizers import OPTIMIZERS

_OF_GROUPS = {"params", "lr"}


def check_optimizer(found: Any, optimizer: Optimizer) -> None:
    """Raises Wrong where a state is not one of this optimizer's parameters.

    Optimizers from elsewhere keep what they like; of theirs the parameters alone are held against the training's.
    """
    if not isinstance(found, Mapping) or set(found) != {"state", "param_groups"}:
        raise Wrong("'optimizer' has no state and groups")
    groups, state = found["param_groups"], found["state"]
    own = optimizer.param_groups
    if not isinstance(groups, list) or len(groups) != len(own) or not isinstance(state, Mapping):
        raise Wrong(f"optimizer: it has not the training's {len(own)} groups of weights")
    number = 0
    parameters: dict[int, nn.Parameter] = {}
    for group, mine in zip(groups, own, strict=True):
        expected = list(range(number, number + len(mine["params"])))
        _group(group, expected, mine)
        parameters |= dict(zip(expected, mine["params"], strict=True))
        number += len(expected)
    if extra := [str(key)[:40] for key in state if key not in parameters]:
        raise Wrong(f"optimizer: it has a state of weight {extra[0]}, which there is not")
    names = _names_of_state(optimizer)
    if names is None:
        return
    for key, values in state.items():
        _values(values, parameters[key], names, f"optimizer: weight {key}")


def _group(found: Any, expected: list[int], own: Mapping[str, Any]) -> None:
    if not isinstance(found, Mapping) or not set(found) >= _OF_GROUPS or list(found["params"]) != expected:
        raise Wrong("optimizer: its groups are not those of the training's weights")
    if extra := [str(name)[:40] for name in found if name not in {*own, "initial_lr"}]:
        raise Wrong(f"optimizer: unknown setting '{extra[0]}'")
    for name, value in found.items():
        if name != "params" and not _is_setting(value):
            raise Wrong(f"optimizer: its setting '{name}' is not a number")
    if isinstance(found["lr"], bool | str | tuple | list | None) or float(found["lr"]) < 0:
        raise Wrong("optimizer: its rate 'lr' is not a number from 0 on")


def _is_setting(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_setting(part) for part in value)
    if isinstance(value, Tensor):
        return value.numel() == 1 and bool(value.isfinite().all())
    return value is None or isinstance(value, bool | str) or (type(value) in (int, float) and math.isfinite(value))


def _values(found: Any, parameter: nn.Parameter, names: set[str], what: str) -> None:
    if not isinstance(found, Mapping) or set(found) != names:
        raise Wrong(f"{what}: its state is not {', '.join(sorted(names)) or 'empty'}")
    for name, value in found.items():
        if isinstance(value, Tensor):
            tensor_like(value, value.new_zeros(()) if value.ndim == 0 else parameter, f"{what}: {name}")
        elif value is not None and (type(value) not in (int, float) or not math.isfinite(value)):
            raise Wrong(f"{what}: {name} is not a number")
        if name == "step" and (value is None or float(value) < 0):
            raise Wrong(f"{what}: {name} is below 0")


def _names_of_state(optimizer: Optimizer) -> set[str] | None:
    """What the optimizer keeps of a weight once it has stepped; None where that is its own affair."""
    kind = next((kind for kind in OPTIMIZERS.values() if isinstance(optimizer, kind)), None)
    if kind is None:
        return None
    probe = nn.Parameter(torch.zeros(1))
    probe.grad = torch.zeros(1)
    settings = {"momentum": optimizer.param_groups[0]["momentum"]} if "momentum" in optimizer.param_groups[0] else {}
    trial = kind([probe], lr=0.1, **settings)  # type: ignore[call-arg]
    trial.step()
    return set(trial.state[probe])
