"""GroupNorm and frozen BatchNorm are exact under accumulation; BatchNorm is not, and its momentum can be mended."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.accumulation.kit import CLASSES, Recorder, distance, micro_batches, samples
from utils.batch_norm import batchnorm_advice, freeze_batchnorm, spread_batchnorm_momentum, spread_momentum
from utils.gradient_accumulation import GradientAccumulator

SIZES = [4, 4, 4, 4, 4, 4, 5, 3]


def network(norm: nn.Module) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 16), norm, nn.Tanh(), nn.Linear(16, CLASSES)).double()


def error_against_the_big_batch(model: nn.Module) -> float:
    x, y = samples(sum(SIZES))
    expected = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=len(SIZES))
    for px, py in micro_batches(x, y, SIZES):
        accumulator.backward(F.cross_entropy(model(px), py, reduction="none"))
    return distance(optimizer.steps[0], expected)


def test_group_norm_and_frozen_batch_norm_are_exact_and_batch_norm_is_not() -> None:
    assert error_against_the_big_batch(network(nn.GroupNorm(4, 16))) < 1e-12
    frozen = network(nn.BatchNorm1d(16))
    frozen(samples(64, seed=8)[0])  # some statistics to be frozen
    frozen.train()
    freeze_batchnorm(frozen)
    statistics = frozen[1].running_mean.clone()
    assert error_against_the_big_batch(frozen) < 1e-12
    assert torch.equal(frozen[1].running_mean, statistics)
    assert frozen[0].training
    assert error_against_the_big_batch(network(nn.BatchNorm1d(16))) > 0.01


def running_mean(momentum: float, batches: list[Tensor]) -> Tensor:
    layer = nn.BatchNorm1d(5, momentum=momentum).double()
    for batch in batches:
        layer(batch)
    return layer.running_mean


def test_spread_momentum_follows_the_big_batchs_running_mean() -> None:
    """Over 60 steps of drifting data: what is left of the distance that the unchanged momentum has."""
    steps, n = 60, 8
    draw = torch.Generator().manual_seed(0)
    drift = torch.arange(steps, dtype=torch.float64)[:, None, None] * 0.1
    data = torch.randn(steps, n * 4, 5, generator=draw, dtype=torch.float64) + drift
    small = [micro for batch in data for micro in batch.split(4)]
    reference = running_mean(0.1, list(data))
    unchanged = float((running_mean(0.1, small) - reference).norm() / reference.norm())
    mended = float((running_mean(spread_momentum(0.1, n), small) - reference).norm() / reference.norm())
    assert unchanged > 0.1
    assert mended < 0.1 * unchanged


def test_momentum_of_a_model_is_spread_and_back() -> None:
    model = nn.Sequential(nn.BatchNorm1d(3), nn.BatchNorm2d(3, momentum=0.3), nn.BatchNorm1d(3, momentum=None))
    spread_batchnorm_momentum(model, 4)
    assert model[0].momentum == pytest.approx(1 - 0.9**0.25)
    assert model[1].momentum == pytest.approx(1 - 0.7**0.25)
    assert model[2].momentum is None
    spread_batchnorm_momentum(model, 2, former=4)
    assert model[0].momentum == pytest.approx(1 - 0.9**0.5)
    spread_batchnorm_momentum(model, 1, former=2)
    assert model[0].momentum == pytest.approx(0.1)


def test_advice() -> None:
    model = network(nn.BatchNorm1d(16))
    advice = batchnorm_advice(model, 4, 8)
    assert "\n" not in advice
    for words in ("1 BatchNorm layer sees micro-batches of 4, not the 32", "--norm group", "frozen", "0.01308 instead"):
        assert words in advice
    assert batchnorm_advice(model, 4, 1) is None
    assert batchnorm_advice(network(nn.GroupNorm(4, 16)), 4, 8) is None
    assert "2 BatchNorm layers see" in batchnorm_advice(nn.Sequential(model, nn.SyncBatchNorm(3)), 4, 8)
