"""The floor under a training step: what this machine would need for the arithmetic and for the memory alone.

Letters: n side of a square matrix.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.workloads import Training

# Passes over every parameter in a step with clipping and RAdam, each read or written once: the weight in the forward
# and the backward pass; its gradient written, and read by the norm and the update; two moments read and written; the
# weight read and written.
PARAMETER_PASSES = 11


@dataclass(frozen=True)
class Floor:
    """Counted work of one training step and the measured speed of this machine.

    Attributes:
        operations: floating-point operations of matrix products and convolutions, forward and backward.
        traffic: bytes that must be written and read once: saved activations, parameters, gradients, moments.
        kernels: operators started.
        matrix_rate: operations a second of large float32 matrix products.
        bandwidth: bytes a second of large copies.
    """

    operations: int
    traffic: int
    kernels: int
    matrix_rate: float
    bandwidth: float

    @property
    def seconds(self) -> float:
        """The least time of a step: arithmetic and memory at the same time, at their full speed."""
        return max(self.operations / self.matrix_rate, self.traffic / self.bandwidth)


def floor_of(training: Training) -> Floor:
    """Counts one step of a training and measures the machine."""
    training()  # the optimizer makes its state
    operations, kernels = _operations(training)
    return Floor(
        operations=operations,
        traffic=_traffic(training),
        kernels=kernels,
        matrix_rate=matrix_rate(training.device),
        bandwidth=bandwidth(training.device),
    )


class _Counter(TorchDispatchMode):
    """Counts operators that compute something; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.kernels += not func.is_view
        return func(*args, **(kwargs or {}))


def _operations(training: Training) -> tuple[int, int]:
    with FlopCounterMode(display=False) as operations:
        training()
    with _Counter() as counter:
        training()
    return operations.get_total_flops(), counter.kernels


def _traffic(training: Training) -> int:
    """Bytes: what autograd keeps, written and read once, and the passes over the parameters."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    own = {p.untyped_storage().data_ptr() for p in training.model.parameters()}
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        training()
    activations = sum(size for place, size in kept.items() if place not in own)
    parameters = sum(p.numel() * p.element_size() for p in training.model.parameters())
    return 2 * activations + PARAMETER_PASSES * parameters


def matrix_rate(device: torch.device, n: int = 1024) -> float:
    """Floating-point operations a second of float32 matrix products, the best of several."""
    a, b, out = (torch.rand(n, n, device=device) for _ in range(3))
    return 2 * n**3 / _best(lambda: torch.mm(a, b, out=out), device)


def bandwidth(device: torch.device, size: int = 256 * 2**20) -> float:
    """Bytes a second, read and written, of copies that no cache holds, the best of several."""
    source, target = (torch.ones(size // 4, device=device) for _ in range(2))
    return 2 * size / _best(lambda: target.copy_(source), device)


def _best(work: Callable[[], Any], device: torch.device, repeats: int = 7) -> float:
    """Seconds of the fastest of several runs: the machine undisturbed."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - started)
    return min(times)
