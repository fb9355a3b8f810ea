"""Recordings without a GPU: functions that run again, on the memory that a recording would work on."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from utils.cuda_graphs import GraphAccumulator
from utils.gradient_accumulation import GradientAccumulator

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]


class RunAgain:
    """A recorder whose replay runs the function, as if Python were not there: only memory changes.

    What the function leaves in new memory is copied to where the recording left it, and the accumulator's own
    attributes are put back.
    """

    made: list["RunAgain"] = []  # noqa: RUF012 - emptied by the test that counts

    def __init__(self, accumulator: GradientAccumulator) -> None:
        self.accumulator = accumulator
        self.rehearsals = 0
        self.made.append(self)

    def rehearse(self, function: Callable[[], None]) -> None:
        self.rehearsals += 1
        for _ in range(3):
            function()

    def record(self, function: Callable[[], None]) -> Callable[[], None]:
        accumulator = self.accumulator
        state = [v for values in accumulator.optimizer.state.values() for v in values.values() if isinstance(v, Tensor)]
        changed = [*accumulator.parameters, *state]
        former = [tensor.detach().clone() for tensor in changed]
        steps, begin = accumulator.window_steps, accumulator._take_window()
        accumulator._put_window(begin | {"window_steps": steps})
        function()
        end = accumulator._take_window()
        accumulator._put_window(end)
        with torch.no_grad():
            for tensor, value in zip(changed, former, strict=True):
                tensor.copy_(value)

        def replay() -> None:
            place = {"count": accumulator.count, "window_steps": accumulator.window_steps}
            mine = accumulator._take_window() | place
            accumulator._put_window(begin | {"window_steps": steps})
            function()
            for kept, new in zip(_tensors(end), _tensors(accumulator._take_window()), strict=True):
                if kept is not None and kept is not new:
                    kept.copy_(new)
            accumulator._put_window(mine)

        return replay


def accumulator_on(
    device: str, model: nn.Module, optimizer: torch.optim.Optimizer, *, size: int, **settings: Any
) -> GraphAccumulator:
    """A `GraphAccumulator` that records on the GPU, or without one as `RunAgain` does."""
    made: list[GraphAccumulator] = []
    recorder = None if device == "cuda" else lambda: RunAgain(made[0])
    settings = {"constants": (model,), **settings}
    made.append(GraphAccumulator(model, optimizer, size=size, recorder=recorder, **settings))
    if device == "cpu":  # where every step can run again
        made[0]._records_steps = made[0].scaler is None
    return made[0]


def _tensors(window: dict[str, Any]) -> list[Tensor | None]:
    return [window["sums"], window["nominal"], *window["gradients"]]
