"""Any way to cut a batch into micro-batches gives the big batch's gradient, for every loss and preset that we ship.

Letters: B samples, K classes.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.accumulation.kit import WEIGHTS, Recorder, distance, micro_batches, network, partition, samples
from utils.gradient_accumulation import GradientAccumulator
from utils.loss_presets import PRESETS, build_loss
from utils.losses import IGNORE, LOSSES, Loss

BATCH = 13
PARTITIONS = [partition(BATCH, torch.Generator().manual_seed(seed)) for seed in range(4)] + [
    [4, 4, 4, 1],  # ragged at the end
    [1] * BATCH,
    [1, BATCH - 1],
]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
NAMED = [("loss", name) for name in LOSSES] + [("preset", name) for name in PRESETS]


def make_loss(kind: str, name: str, class_weights: Tensor | None) -> Loss:
    settings = dict.fromkeys(("label_smoothing", "focal_alpha", "focal_gamma", "confidence_penalty"))
    chosen = {"preset": None, "loss": None} | {kind: name}
    loss = build_loss(**chosen, **settings, class_weights=class_weights)
    loss.set_epoch(3)
    return loss


def make_batch(dtype: torch.dtype, *, ignored: bool) -> tuple[Tensor, Tensor]:
    x, y = samples(BATCH, dtype=dtype)
    if ignored:
        y = y.clone()
        y[[0, 4, 5, 6, 7, 12]] = IGNORE  # one micro-batch of [4, 4, 4, 1] has none left, another has one
    return x, y


def big_batch_gradient(model: nn.Module, loss: Loss, x: Tensor, y: Tensor) -> list[Tensor]:
    values, weights = loss(model(x), y)
    return list(torch.autograd.grad((values * weights).sum() / weights.sum(), list(model.parameters())))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("ignored", [False, True], ids=["all", "ignored"])
@pytest.mark.parametrize("class_weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(("kind", "name"), NAMED)
def test_any_partition_gives_the_big_batchs_gradient(kind, name, class_weights, ignored, dtype) -> None:
    loss = make_loss(kind, name, class_weights)
    x, y = make_batch(dtype, ignored=ignored)
    model = network(dtype=dtype)
    expected = big_batch_gradient(model, loss, x, y)
    values, weights = loss(model(x), y)
    true_loss = ((values * weights).sum() / weights.sum()).item()
    for sizes in PARTITIONS:
        optimizer = Recorder(model)
        accumulator = GradientAccumulator(model, optimizer, steps=len(sizes))
        made = [accumulator.backward(*loss(model(px), py)) for px, py in micro_batches(x, y, sizes)]
        assert distance(optimizer.steps[0], expected) <= TOLERANCE[dtype], sizes
        assert [step is not None for step in made] == [False] * (len(sizes) - 1) + [True]
        assert made[-1].loss == pytest.approx(true_loss, rel=TOLERANCE[dtype])


def divided_by_n(model: nn.Module, sizes: list[int], x: Tensor, y: Tensor) -> list[Tensor]:
    """What the usual recipe gives: each micro-batch's weighted mean, divided by their number."""
    model.zero_grad()
    for px, py in micro_batches(x, y, sizes):
        (F.cross_entropy(model(px), py, weight=WEIGHTS) / len(sizes)).backward()
    return [p.grad.clone() for p in model.parameters()]


@pytest.mark.parametrize("sizes", PARTITIONS, ids=str)
def test_dividing_by_n_fails_the_same_test(sizes) -> None:
    loss = LOSSES["cross_entropy"](class_weights=WEIGHTS)
    x, y = make_batch(torch.float64, ignored=False)
    model = network()
    expected = big_batch_gradient(model, loss, x, y)
    theirs = torch.autograd.grad(F.cross_entropy(model(x), y, weight=WEIGHTS), list(model.parameters()))
    assert distance(expected, theirs) <= 1e-12, "the reference is PyTorch's own weighted mean of the big batch"
    assert distance(divided_by_n(model, sizes, x, y), expected) > 0.1


def test_the_first_micro_batch_may_weigh_nothing_or_almost_nothing() -> None:
    x, y = make_batch(torch.float64, ignored=False)
    model = network()
    for first in (0.0, 1e-9):
        weights = torch.linspace(0.5, 2, BATCH, dtype=torch.float64)
        weights[:4] = first
        losses = F.cross_entropy(model(x), y, reduction="none")
        expected = torch.autograd.grad((losses * weights).sum() / weights.sum(), list(model.parameters()))
        optimizer = Recorder(model)
        accumulator = GradientAccumulator(model, optimizer, steps=4)
        for (px, py), w in zip(micro_batches(x, y, [4, 4, 4, 1]), weights.split([4, 4, 4, 1]), strict=True):
            accumulator.backward(F.cross_entropy(model(px), py, reduction="none"), w)
        assert distance(optimizer.steps[0], expected) <= 1e-12
