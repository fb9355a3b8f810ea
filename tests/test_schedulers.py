"""Learning-rate curves against PyTorch's own, over samples seen, and resumed.

Letters: N micro-batches of a step.
"""

import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, MultiStepLR, ReduceLROnPlateau

from utils.errors import UserError
from utils.schedulers import MIN_RATE, SCHEDULERS, Scheduler, build_scheduler


def optimizer(*rates: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates or (0.1,)])


def build(name: str, *, rate: float = 0.1, **settings) -> Scheduler:
    return build_scheduler(optimizer(rate), name=name, **{"steps_per_epoch": 10, "epochs": 6, **settings})


def rates(scheduler: Scheduler, steps: int) -> list[float]:
    """The rates of the next steps."""
    seen = []
    for _ in range(steps):
        seen.append(scheduler.learning_rate)
        scheduler.step()
    return seen


def reference(kind: type, steps: int, **settings) -> list[float]:
    seen = []
    inner = optimizer(0.1)
    theirs = kind(inner, **settings)
    for _ in range(steps):
        seen.append(inner.param_groups[0]["lr"])
        inner.step()
        theirs.step()
    return seen


def test_curves_equal_pytorch():
    cosine = reference(CosineAnnealingLR, 60, T_max=60, eta_min=MIN_RATE)
    assert rates(build("cosine"), 60) == pytest.approx(cosine, rel=1e-12)
    linear = reference(LinearLR, 60, start_factor=1.0, end_factor=MIN_RATE / 0.1, total_iters=60)
    assert rates(build("linear"), 60) == pytest.approx(linear, rel=1e-12)
    multistep = reference(MultiStepLR, 60, milestones=[20, 42], gamma=0.1)
    assert rates(build("multistep", milestones=(2 / 6, 0.7)), 60) == pytest.approx(multistep, rel=1e-12)
    assert rates(build("none"), 60) == [0.1] * 60
    assert rates(build("plateau"), 60) == [0.1] * 60


def test_plateau_equals_pytorch_over_many_evaluations():
    generator = torch.Generator().manual_seed(3)
    losses = [1 / (1 + n) + 0.3 * torch.rand((), generator=generator).item() for n in range(150)] + [math.nan] * 20
    inner = optimizer(0.1)
    theirs = ReduceLROnPlateau(inner, factor=0.5, patience=5, min_lr=1e-6, cooldown=2)
    ours = build("plateau")
    for number, loss in enumerate(losses):
        theirs.step(loss)
        ours.step()
        ours.evaluated(loss)
        assert ours.learning_rate == pytest.approx(inner.param_groups[0]["lr"], rel=1e-9), number
    assert ours.learning_rate == pytest.approx(MIN_RATE)


def curve_of(name: str, batch_size: int, accumulation: int, *, per_micro_batch: bool = False, **settings) -> dict:
    """Samples seen before an optimizer step -> its rate, in a loop over the micro-batches of 250 samples an epoch."""
    sizes = [min(batch_size, 250 - start) for start in range(0, 250, batch_size)]
    scheduler = build(name, steps_per_epoch=math.ceil(len(sizes) / accumulation), **settings)
    curve, seen = {}, 0
    for epoch in range(6):
        for number, size in enumerate(sizes):
            if number % accumulation == 0:
                curve[seen] = scheduler.learning_rate
            seen += size
            if per_micro_batch or (number + 1) % accumulation == 0 or number + 1 == len(sizes):
                scheduler.step()
        scheduler.evaluated(1.0 + epoch)
    return curve


@pytest.mark.parametrize("period", [1, 3])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_rate_over_samples_is_the_same_for_24x1_12x2_and_8x3(name, period):
    drawn = [curve_of(name, b, n, warmup_epochs=1.5, period=period) for b, n in ((24, 1), (12, 2), (8, 3))]
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(drawn[0]) == 66
    assert len(set(drawn[0].values())) > 5


def test_stepping_with_micro_batches_bends_the_curve():
    """The negative control: what a loop does that forgets the accumulation."""
    whole, parts = (curve_of("cosine", b, n, per_micro_batch=True) for b, n in ((24, 1), (8, 3)))
    assert max(abs(whole[seen] - parts[seen]) for seen in whole) > 0.05


def test_warm_up_rises_in_a_line_then_the_curve_begins():
    for name in SCHEDULERS:
        warm = rates(build(name, warmup_epochs=2.0), 20)
        assert warm == pytest.approx([0.1 * (step + 1) / 20 for step in range(20)]), name
    after = rates(build("cosine", warmup_epochs=2.0), 60)[20:]
    assert after == pytest.approx(reference(CosineAnnealingLR, 40, T_max=40, eta_min=MIN_RATE), rel=1e-9)


def test_warm_up_composes_with_plateau():
    scheduler = build("plateau", warmup_epochs=2.0)
    for _ in range(9):
        scheduler.step()
    for _ in range(7):
        scheduler.evaluated(1.0)
    assert scheduler.learning_rate == pytest.approx(0.1 * 0.5 * 10 / 20)
    assert rates(scheduler, 30)[-1] == pytest.approx(0.05)


def test_the_period_holds_the_rate():
    every, fourth = rates(build("linear"), 60), rates(build("linear", period=4), 60)
    assert fourth == [every[step - step % 4] for step in range(60)]


def test_beyond_the_end_the_last_rate_holds():
    for name in ("cosine", "linear"):
        assert rates(build(name), 100)[60:] == pytest.approx([MIN_RATE] * 40)


def test_a_base_rate_below_the_least_rate_stays():
    for name in SCHEDULERS:
        scheduler = build(name, rate=1e-8)
        for _ in range(20):
            scheduler.evaluated(1.0)
        assert rates(scheduler, 60) == pytest.approx([1e-8] * 60), name


def test_groups_keep_their_ratio():
    inner = optimizer(0.1, 0.01)
    scheduler = build_scheduler(inner, name="multistep", steps_per_epoch=10, epochs=6)
    for _ in range(59):
        scheduler.step()
    assert [group["lr"] for group in inner.param_groups] == pytest.approx([1e-3, 1e-4])


def drive(scheduler: Scheduler, steps: range) -> list[float]:
    """Rates of a training that evaluates every fifth step, with a loss that stops falling."""
    seen = []
    for step in steps:
        seen.append(scheduler.learning_rate)
        scheduler.step()
        if step % 5 == 4:
            scheduler.evaluated(max(0.5, 1.0 - step / 20))
    return seen


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_resumed_curve_is_the_uninterrupted_one(name, tmp_path):
    settings = {"warmup_epochs": 1.0, "period": 2, "epochs": 20}
    whole = drive(build(name, **settings), range(200))
    for cut in (0, 7, 33, 120):
        first = build(name, **settings)
        drive(first, range(cut))
        torch.save(first.state_dict(), tmp_path / "state.pt")
        second = build(name, **settings)
        second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        assert drive(second, range(cut, 200)) == whole[cut:]


@pytest.mark.parametrize("name", ["cosine", "linear", "multistep"])
def test_a_change_of_accumulation_keeps_the_curve_over_epochs(name):
    """With twice the micro-batches a step from epoch 3 on, epochs begin at the rates that they had."""
    plain, changed = build(name), build(name)
    by_epoch = rates(plain, 60)[::10]
    first = rates(changed, 30)[::10]
    changed.rescale(steps_per_epoch=5)
    assert first + rates(changed, 15)[::5] == pytest.approx(by_epoch)


def test_a_change_of_the_effective_batch_may_change_the_base_rate():
    by_epoch, doubled = rates(build("cosine"), 60)[::10], build("cosine")
    rates(doubled, 30)
    doubled.rescale(steps_per_epoch=5, factor=2.0)
    way = [(rate - MIN_RATE) / (base - MIN_RATE) for rate, base in ((doubled.learning_rate, 0.2), (by_epoch[3], 0.1))]
    assert way[0] == pytest.approx(way[1])
    copy = build("cosine")
    copy.load_state_dict(doubled.state_dict())
    assert rates(copy, 15) == rates(doubled, 15)


@pytest.mark.parametrize("warmup", [0.0, 0.1])
@pytest.mark.parametrize("tenths", [5, 7])
def test_milestones_fall_on_their_step(warmup, tenths):
    settings = {"warmup_epochs": warmup, "milestones": (tenths / 10,)}
    for epochs in range(4, 30):
        for steps in (1, 3, 7, 10, 13, 49):
            drawn = rates(build("multistep", steps_per_epoch=steps, epochs=epochs, **settings), steps * epochs)
            falls = [n for n in range(1, len(drawn)) if drawn[n] < drawn[n - 1]]
            assert falls == [-(-tenths * steps * epochs // 10)]  # rounded up


def test_an_epoch_may_have_a_fraction_of_a_step():
    """A window of 3 over 250 micro-batches, carried over: 83.33 steps an epoch."""
    scheduler = build("multistep", steps_per_epoch=250 / 3, milestones=(0.5,))
    drawn = rates(scheduler, 500)
    assert drawn[249] == 0.1
    assert drawn[250] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "cosin"}, "unknown scheduler 'cosin'; choose one of: cosine, linear, multistep, none, plateau"),
        ({"warmup_epochs": 6.0}, "--warmup_epochs is 6.0; give at least 0 and less than the 6 epochs"),
        ({"warmup_epochs": -1.0}, "--warmup_epochs is -1.0"),
        ({"warmup_epochs": math.nan}, "--warmup_epochs is nan"),
        ({"period": 0}, "--scheduler_period is 0"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_one_line(changes, words):
    with pytest.raises(UserError, match=words):
        build(**{"name": "cosine", **changes})
    with pytest.raises(ValueError, match="must be above 0"):
        build("cosine", steps_per_epoch=0)
