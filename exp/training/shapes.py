"""Whether stored tensors and numbers are of the kind that a training holds."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class Wrong(Exception):
    """What a checkpoint holds is not what a training saves; the message says where and why."""


def whole_number(found: Any, what: str, *, least: int = 0, most: int | None = None) -> int:
    """A whole number within limits, else Wrong."""
    if type(found) is not int:
        raise Wrong(f"{what} is not a whole number")
    if found < least or (most is not None and found > most):
        raise Wrong(f"{what} is {found}" if abs(found) < 10**12 else f"{what} is out of range")
    return found


def tensor_like(found: Any, own: Tensor, what: str, *, finite: bool = True) -> None:
    """Raises Wrong where something is not a plain tensor of a shape and kind, or not finite."""
    if not isinstance(found, Tensor) or found.layout != torch.strided or found.is_quantized:
        raise Wrong(f"{what} is not a tensor")
    if found.shape != own.shape:
        raise Wrong(f"{what} has the shape {tuple(found.shape)}, the training's has {tuple(own.shape)}")
    if found.is_floating_point() != own.is_floating_point() or found.is_complex():
        raise Wrong(f"{what} is of another type, {found.dtype}")
    if finite and found.is_floating_point() and not found.isfinite().all():
        raise Wrong(f"{what} holds NaN or infinity")


def same_tensors(found: Any, own: Mapping[str, Any], what: str) -> None:
    """Raises Wrong where a table of tensors has other names or shapes than a training's own."""
    if not isinstance(found, Mapping):
        raise Wrong(f"'{what}' is not a table of tensors")
    if missing := [name for name in own if name not in found]:
        raise Wrong(f"{what} lacks '{missing[0]}'")
    if extra := [str(name)[:40] for name in found if name not in own]:
        raise Wrong(f"{what} has '{extra[0]}', which the training's has not")
    for name, tensor in own.items():
        tensor_like(found[name], tensor, f"{what}: {name}")


def numbers_like(found: Any, own: Any, what: str) -> None:
    """Raises Wrong where plain values are not built as a training's own: names, lengths, and numbers that are ones."""
    if isinstance(own, Mapping):
        if not isinstance(found, Mapping) or set(found) != set(own):
            raise Wrong(f"{what} has other names")
        for name, value in own.items():
            numbers_like(found[name], value, f"{what}: {name}")
    elif isinstance(own, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(own):
            raise Wrong(f"{what} has another length")
        for number, value in enumerate(own):
            numbers_like(found[number], value, f"{what}[{number}]")
    elif type(own) is int:
        whole_number(found, what)
    elif isinstance(own, float):
        if type(found) not in (int, float) or math.isnan(found) or (math.isinf(found) and math.isfinite(own) and
                                                                     "best" not in what):  # fmt: skip
            raise Wrong(f"{what} is not a number")
    elif type(found) is not type(own):
        raise Wrong(f"{what} is of another type")
