"""float16 with a loss scaler, on the CPU: an infinite micro-batch spoils its own window and nothing else."""

import copy
import logging

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.accumulation.kit import distance, micro_batches, network, samples
from utils.gradient_accumulation import GradientAccumulator, Step


class CountingScaler(torch.amp.GradScaler):
    """Counts what a window does to it."""

    def __init__(self, scale: float = 2.0**10) -> None:
        super().__init__("cpu", init_scale=scale, growth_interval=1000)
        self.calls: list[str] = []

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        self.calls.append("unscale")
        super().unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:  # type: ignore[override]
        self.calls.append("step")
        super().step(optimizer)

    def update(self, new_scale: float | None = None) -> None:  # type: ignore[override]
        self.calls.append("update")
        super().update(new_scale)


class CountingSGD(torch.optim.SGD):
    """Counts the updates that reach it."""

    updates = 0

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        self.updates += 1
        super().step()


def losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.float16):
        logits = model(x)
    return F.cross_entropy(logits.float(), y, reduction="none")


@pytest.mark.parametrize("buffer_dtype", [None, torch.float32], ids=["grad", "buffer"])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_infinite_micro_batch_skips_its_window_and_leaves_the_next_clean(place, buffer_dtype, caplog) -> None:
    x, y = samples(32, dtype=torch.float32)
    model = network(dtype=torch.float32)
    untouched = copy.deepcopy(model)
    optimizer, scaler = CountingSGD(model.parameters(), lr=0.1), CountingScaler()
    made: list[Step] = []
    accumulator = GradientAccumulator(
        *(model, optimizer),
        steps=4,
        clip_norm=0.5,
        scaler=scaler,
        buffer_dtype=buffer_dtype,
        on_step=made.append,
    )
    batches = list(micro_batches(x, y, [4] * 8))
    with caplog.at_level(logging.WARNING):
        for i, (px, py) in enumerate(batches[:4]):
            step = accumulator.backward(losses(model, px, py) * (float("inf") if i == place else 1.0))
            assert step is None
    assert scaler.calls == ["unscale", "step", "update"]
    assert scaler.get_scale() == 2.0**9
    assert (optimizer.updates, accumulator.optimizer_steps, accumulator.skipped_steps, made) == (0, 0, 1, [])
    assert distance(model.parameters(), untouched.parameters()) == 0
    assert len(caplog.records) == 1
    assert accumulator.count == 0

    for px, py in batches[4:]:
        accumulator.backward(losses(model, px, py))
    assert scaler.calls == ["unscale", "step", "update"] * 2
    assert scaler.get_scale() == 2.0**9
    assert (optimizer.updates, accumulator.optimizer_steps, accumulator.skipped_steps, len(made)) == (1, 1, 1, 1)
    alone = GradientAccumulator(
        *(untouched, CountingSGD(untouched.parameters(), lr=0.1)), steps=4, clip_norm=0.5, scaler=CountingScaler(2.0**9)
    )
    for px, py in batches[4:]:
        alone.backward(losses(untouched, px, py))
    assert distance(model.parameters(), untouched.parameters()) == 0


def test_unscales_before_it_clips() -> None:
    """The norm that is clipped, and the step, do not depend on the loss scale or on N."""
    x, y = samples(16, dtype=torch.float32)
    results = []
    for scale, sizes in ((1.0, [16]), (2.0**12, [16]), (2.0**12, [4, 4, 5, 3])):
        model = network(dtype=torch.float32)
        made: list[Step] = []
        accumulator = GradientAccumulator(
            *(model, torch.optim.SGD(model.parameters(), lr=0.1)),
            steps=len(sizes),
            clip_norm=0.05,
            scaler=CountingScaler(scale),
            on_step=made.append,
        )
        for px, py in micro_batches(x, y, sizes):
            accumulator.backward(F.cross_entropy(model(px), py, reduction="none"))
        results.append((made[0].gradient_norm, list(model.parameters())))
    for norm, weights in results[1:]:
        assert float(norm) == pytest.approx(float(results[0][0]), rel=1e-5)
        assert distance(weights, results[0][1]) < 1e-6


def test_a_disabled_scaler_is_none() -> None:
    x, y = samples(8, dtype=torch.float32)
    weights = []
    for scaler in (None, torch.amp.GradScaler("cpu", enabled=False)):
        model = network(dtype=torch.float32)
        accumulator = GradientAccumulator(model, torch.optim.SGD(model.parameters(), lr=0.1), steps=2, scaler=scaler)
        made = [
            accumulator.backward(F.cross_entropy(model(px), py, reduction="none"))
            for px, py in micro_batches(x, y, [4, 4])
        ]
        assert made[1] is not None
        weights.append(list(model.parameters()))
    assert distance(*weights) == 0
