"""PyTorch's optimizers without PyTorch's compiler.

Their methods carry decorators that tell the compiler to leave them alone, and that import it for the purpose: a third
of a start in which nothing is compiled. The classes made here lack the decorators and nothing else.
"""

import inspect
from typing import Any, TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)
DECORATED = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def plain(kind: type[Kind]) -> type[Kind]:
    """The same optimizer, to the last bit: made, stepped and stored without `torch._dynamo`.

    Args:
        kind: one of torch.optim; its option `differentiable` has no effect in what is returned.
    """
    methods: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in DECORATED}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "__module__": kind.__module__, **methods})
