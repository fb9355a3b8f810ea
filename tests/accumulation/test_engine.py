"""The accumulation engine's windows: tail, carry-over, resume, clipping, reported loss, changing N, N = 1.

Letters: N micro-batches of an optimizer step.
"""

import copy
import io
import logging
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.accumulation.kit import WEIGHTS, Recorder, distance, flat, micro_batches, network, samples
from utils.gradient_accumulation import GradientAccumulator, Step
from utils.snapshot import preserved


def losses(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return F.cross_entropy(model(x), y, reduction="none"), WEIGHTS[y].to(x)


def run(accumulator: GradientAccumulator, model: nn.Module, x: Tensor, y: Tensor, sizes: list[int]) -> None:
    for px, py in micro_batches(x, y, sizes):
        accumulator.backward(*losses(model, px, py))


def gradient(model: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    values, weights = losses(model, x, y)
    return list(torch.autograd.grad((values * weights).sum() / weights.sum(), list(model.parameters())))


# --- the tail ---


@pytest.mark.parametrize("steps", [1, 2, 4, 7, 100])
def test_the_tail_steps_once_at_its_own_scale(steps) -> None:
    sizes = [3, 4, 2, 4, 4, 1, 3]
    x, y = samples(sum(sizes))
    model = network()
    optimizer = Recorder(model)
    made: list[Step] = []
    accumulator = GradientAccumulator(model, optimizer, steps=steps, on_step=made.append)
    for _ in range(2):
        with accumulator.epoch():
            run(accumulator, model, x, y, sizes)
    windows = [sizes[i : i + steps] for i in range(0, len(sizes), steps)]
    assert [step.micro_steps for step in made] == [len(window) for window in windows] * 2
    assert accumulator.optimizer_steps == len(optimizer.steps) == 2 * len(windows)
    parts = micro_batches(x, y, [sum(window) for window in windows])
    for (px, py), first, second in zip(parts, optimizer.steps, optimizer.steps[len(windows) :], strict=False):
        assert distance(first, gradient(model, px, py)) < 1e-12
        assert distance(second, first) == 0


@pytest.mark.parametrize("end", ["break", "exception"])
def test_nothing_leaks_out_of_an_epoch_that_ends_early(end) -> None:
    sizes = [4, 4, 4]
    x, y = samples(12)
    model = network()
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=2)

    def epoch(batches: int) -> None:
        with accumulator.epoch():
            for i, (px, py) in enumerate(micro_batches(x, y, sizes)):
                if i == batches and end == "break":
                    break
                if i == batches:
                    raise RuntimeError("the loader failed")
                accumulator.backward(*losses(model, px, py))

    if end == "exception":
        with pytest.raises(RuntimeError, match="the loader failed"):
            epoch(1)
        assert not optimizer.steps
    else:
        epoch(1)
        assert distance(optimizer.steps.pop(), gradient(model, x[:4], y[:4])) < 1e-12
    assert accumulator.count == 0
    assert all(p.grad is None for p in model.parameters())
    epoch(3)
    assert distance(optimizer.steps[0], gradient(model, x[:8], y[:8])) < 1e-12


def test_an_empty_epoch_and_a_window_without_weight_do_not_step() -> None:
    x, y = samples(8)
    model = network()
    optimizer = Recorder(model)
    made: list[Step] = []
    accumulator = GradientAccumulator(model, optimizer, steps=2, on_step=made.append)
    with accumulator.epoch():
        pass
    for px, py in micro_batches(x, y, [4, 4]):
        assert accumulator.backward(losses(model, px, py)[0], torch.zeros(4)) is None
    assert (optimizer.steps, made, accumulator.optimizer_steps, accumulator.skipped_steps) == ([], [], 0, 0)
    run(accumulator, model, x, y, [4, 4])
    assert distance(optimizer.steps[0], gradient(model, x, y)) < 1e-12


def test_a_micro_batch_may_come_in_pieces() -> None:
    x, y = samples(12)
    model = network()
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=2)
    for px, py in micro_batches(x, y, [6, 6]):
        for qx, qy in micro_batches(px, py, [1, 3, 2]):
            assert accumulator.backward(*losses(model, qx, qy), ends=False) is None
        accumulator.end_micro_batch()
    assert len(optimizer.steps) == 1
    assert distance(optimizer.steps[0], gradient(model, x, y)) < 1e-12


# --- carrying over ---


def test_a_carried_window_goes_on_over_the_boundary() -> None:
    sizes = [4, 4, 4, 4, 3]
    x, y = samples(19)
    model = network()
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=3, carry=True)
    counts = []
    for _ in range(3):
        with accumulator.epoch():
            run(accumulator, model, x, y, sizes)
        counts.append(accumulator.count)
    assert counts == [2, 1, 0]
    across = torch.cat([x[12:], x[:4]]), torch.cat([y[12:], y[:4]])
    assert distance(optimizer.steps[1], gradient(model, *across)) < 1e-12
    assert len(optimizer.steps) == 5


def test_switching_carrying_off_brings_the_tail_back() -> None:
    x, y = samples(8)
    model = network()
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=3, carry=True)
    with accumulator.epoch():
        run(accumulator, model, x, y, [4, 4])
    assert accumulator.count == 2
    accumulator.carry = False
    accumulator.finish()
    assert accumulator.count == 0
    assert distance(optimizer.steps[0], gradient(model, x, y)) < 1e-12


# --- resume ---


class Run:
    """A small training with everything that has state: dropout, RAdam, clipping, a schedule, carried windows."""

    def __init__(self, steps: int = 3, buffer_dtype: torch.dtype | None = None) -> None:
        self.model = network(dropout=0.3, dtype=torch.float32)
        self.optimizer = torch.optim.RAdam(self.model.parameters(), lr=0.01)
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, 0.9)
        self.log: list[float] = []
        self.accumulator = GradientAccumulator(
            *(self.model, self.optimizer),
            steps=steps,
            clip_norm=0.5,
            carry=True,
            buffer_dtype=buffer_dtype,
            on_step=self.on_step,
        )

    def on_step(self, step: Step) -> None:
        self.scheduler.step()
        self.log.append(step.loss)

    def train(self, first: int, last: int) -> None:
        """Micro-batches first to last - 1 of epochs of 5."""
        x, y = samples(19, dtype=torch.float32)
        batches = list(micro_batches(x, y, [4, 4, 4, 4, 3]))
        for i in range(first, last):
            self.accumulator.backward(*losses(self.model, *batches[i % 5]))
            if i % 5 == 4:
                self.accumulator.finish()

    def state(self) -> dict:
        parts = ("model", "optimizer", "scheduler", "accumulator")
        return {name: getattr(self, name).state_dict() for name in parts} | {"random": torch.get_rng_state()}

    def load(self, state: dict) -> None:
        for name in ("model", "optimizer", "scheduler", "accumulator"):
            getattr(self, name).load_state_dict(state[name])
        torch.set_rng_state(state["random"])


@pytest.mark.parametrize("buffer_dtype", [None, torch.float32], ids=["grad", "buffer"])
@pytest.mark.parametrize("stop", [1, 2, 3, 5, 7, 11])
def test_resume_in_mid_window_is_bit_for_bit(stop, buffer_dtype) -> None:
    whole = Run(buffer_dtype=buffer_dtype)
    torch.manual_seed(5)
    whole.train(0, 15)

    first = Run(buffer_dtype=buffer_dtype)
    torch.manual_seed(5)
    first.train(0, stop)
    file = io.BytesIO()
    torch.save(first.state(), file)
    held = first.accumulator.state_dict()
    first.train(stop, 15)  # going on must not change a state that is held in memory
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    assert stop % 3 == 0 or flat(saved["accumulator"]["gradients"]).equal(flat(held["gradients"]))
    second = Run(buffer_dtype=buffer_dtype)
    second.load(saved)
    assert second.accumulator.count == stop % 3
    second.train(stop, 15)

    assert first.log[stop // 3 :] == second.log
    assert whole.accumulator.optimizer_steps == second.accumulator.optimizer_steps == 5
    for name in ("model", "optimizer", "scheduler"):
        assert str(getattr(whole, name).state_dict()) == str(getattr(second, name).state_dict())
    for a, b in zip(whole.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_resume_in_mid_window_with_another_n_is_refused_and_at_a_boundary_allowed() -> None:
    run3 = Run(steps=3)
    run3.train(0, 2)
    with pytest.raises(ValueError, match=r"\(2/3\) of steps=3, now steps=2"):
        Run(steps=2).accumulator.load_state_dict(run3.accumulator.state_dict())
    run3.train(2, 3)
    other = Run(steps=2)
    other.accumulator.load_state_dict(run3.accumulator.state_dict())
    assert (other.accumulator.steps, other.accumulator.window_steps) == (2, 2)
    assert other.accumulator.optimizer_steps == 1


# --- one clip, the true loss, N = 1 ---


@pytest.mark.parametrize("sizes", [[12], [4, 4, 4], [1, 6, 5], [1] * 12], ids=str)
def test_one_threshold_clips_every_n_alike(sizes) -> None:
    x, y = samples(12)
    model = network()
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=len(sizes), clip_norm=0.05)
    made: list[Step] = []
    accumulator.on_step = made.append
    run(accumulator, model, x, y, sizes)
    expected = gradient(model, x, y)
    norm = flat(expected).norm()
    assert norm > 0.05
    assert float(made[0].gradient_norm) == pytest.approx(float(norm), rel=1e-12)
    assert distance(optimizer.steps[0], [g * 0.05 / norm for g in expected]) < 1e-5  # clip_grad_norm_ adds 1e-6


def test_clips_once_a_step(monkeypatch) -> None:
    calls = []
    real = nn.utils.clip_grad_norm_
    monkeypatch.setattr(nn.utils, "clip_grad_norm_", lambda *a: calls.append(a) or real(*a))
    x, y = samples(24)
    model = network()
    accumulator = GradientAccumulator(model, Recorder(model), steps=3, clip_norm=1.0)
    run(accumulator, model, x, y, [4] * 6)
    assert len(calls) == accumulator.optimizer_steps == 2


def test_reported_loss_does_not_depend_on_n() -> None:
    x, y = samples(12)
    model = network()
    values, weights = losses(model, x, y)
    expected = ((values * weights).sum() / weights.sum()).item()
    for sizes in ([12], [6, 6], [5, 4, 2, 1]):
        made: list[Step] = []
        accumulator = GradientAccumulator(model, Recorder(model), steps=len(sizes), on_step=made.append)
        run(accumulator, model, x, y, sizes)
        assert made[0].loss == pytest.approx(expected, rel=1e-12)
        assert made[0].weight == pytest.approx(weights.sum().item(), rel=1e-12)


def test_reads_the_device_once_a_step_and_never_in_between(monkeypatch) -> None:
    reads = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__"):
        real = getattr(Tensor, name)
        monkeypatch.setattr(Tensor, name, lambda self, real=real, name=name: reads.append(name) or real(self))
    x, y = samples(16)
    model = network()
    accumulator = GradientAccumulator(model, Recorder(model), steps=4)
    run(accumulator, model, x[:12], y[:12], [4, 4, 4])
    assert reads == []
    run(accumulator, model, x[12:], y[12:], [4])
    assert reads == ["tolist"]


def test_n_1_is_bitwise_plain_training() -> None:
    x, y = samples(19, dtype=torch.float32)
    plain = network(dropout=0.3, dtype=torch.float32)
    ours = copy.deepcopy(plain)
    optimizer = torch.optim.RAdam(plain.parameters(), lr=0.01)
    torch.manual_seed(3)
    for _ in range(10):
        for px, py in micro_batches(x, y, [4, 4, 4, 4, 3]):
            optimizer.zero_grad()
            F.cross_entropy(plain(px), py).backward()
            nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
            optimizer.step()
    accumulator = GradientAccumulator(ours, torch.optim.RAdam(ours.parameters(), lr=0.01), clip_norm=0.5)
    torch.manual_seed(3)
    for _ in range(10):
        with accumulator.epoch():
            for px, py in micro_batches(x, y, [4, 4, 4, 4, 3]):
                assert accumulator.backward(F.cross_entropy(ours(px), py, reduction="none")) is not None
    assert accumulator.optimizer_steps == 50
    for a, b in zip(plain.parameters(), ours.parameters(), strict=True):
        assert torch.equal(a, b)


# --- the buffer ---


def bf16_errors(buffer_dtype: torch.dtype | None) -> float:
    """Relative error of 256 micro-batches of 1 with bfloat16 parameters, from the same gradients summed in float64."""
    x, y = samples(256, dtype=torch.bfloat16)
    model = network(dtype=torch.bfloat16)
    optimizer = Recorder(model)
    accumulator = GradientAccumulator(model, optimizer, steps=256, buffer_dtype=buffer_dtype)
    exact = [torch.zeros_like(p, dtype=torch.float64) for p in model.parameters()]
    for px, py in micro_batches(x, y, [1] * 256):
        accumulator.backward(F.cross_entropy(model(px), py, reduction="none"))
        alone = torch.autograd.grad(F.cross_entropy(model(px), py) / 256, list(model.parameters()))
        exact = [e + g.double() for e, g in zip(exact, alone, strict=True)]
    assert all(p.grad is None for p in model.parameters())
    return distance([g.double() for g in optimizer.steps[0]], exact)


def test_float32_buffer_beside_bfloat16_parameters() -> None:
    buffered, in_place = bf16_errors(torch.float32), bf16_errors(None)
    assert buffered <= 1e-2
    assert in_place > 1.5e-2, "adding in bfloat16 loses what the buffer keeps"


def test_buffer_changes_nothing_in_one_precision() -> None:
    x, y = samples(12)
    model = network()
    optimizer = Recorder(model)
    for buffer_dtype in (None, torch.float64):
        accumulator = GradientAccumulator(model, optimizer, steps=3, buffer_dtype=buffer_dtype, clip_norm=0.1)
        run(accumulator, model, x, y, [4, 4, 4])
    assert distance(*optimizer.steps) == 0


# --- changing N, odd parameters, validation ---


def test_n_changes_with_the_next_window() -> None:
    x, y = samples(36)
    model = network()
    made: list[Step] = []
    accumulator = GradientAccumulator(model, Recorder(model), steps=4, on_step=made.append)
    for i, (px, py) in enumerate(micro_batches(x, y, [4] * 9)):
        if i == 1:
            accumulator.steps = 2  # the open window keeps its 4
        if i == 8:
            accumulator.steps = 1  # nothing is open
        accumulator.backward(*losses(model, px, py))
    assert [step.micro_steps for step in made] == [4, 2, 2, 1]
    with pytest.raises(ValueError, match="steps=0"):
        accumulator.steps = 0


def test_unused_frozen_and_unfrozen_parameters() -> None:
    x, y = samples(8)
    model = network()
    model.add_module("head", nn.Linear(2, 2))
    model.forward = lambda x: nn.Sequential(*list(model)[:4])(x)
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    accumulator = GradientAccumulator(model, optimizer, steps=2, clip_norm=1.0)
    before = copy.deepcopy(model.state_dict())
    run(accumulator, model, x, y, [4, 4])
    after = model.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == ["3.weight", "3.bias"]
    model[0].requires_grad_(True)
    for _ in range(2):  # an unfrozen parameter's gradient is cleared like all others
        run(accumulator, model, x, y, [4, 4])
        assert all(p.grad is None for p in model.parameters())
    assert not torch.equal(before["0.weight"], model[0].weight)


def test_refuses_parameters_that_it_would_not_clear() -> None:
    model, other = network(), nn.Linear(2, 2)
    with pytest.raises(ValueError, match="the optimizer holds parameters that the model lacks"):
        GradientAccumulator(model, torch.optim.SGD([*model.parameters(), *other.parameters()], lr=0.1))


@pytest.mark.parametrize("fails", [False, True], ids=["ends", "raises"])
def test_validation_in_mid_window_leaves_everything_as_it_was(fails) -> None:
    def train(validate: bool) -> nn.Module:
        model = network(dropout=0.3)
        model.insert(1, nn.BatchNorm1d(16, dtype=torch.float64))
        model.append(nn.BatchNorm1d(3, dtype=torch.float64).eval())  # a frozen one in a model that trains
        accumulator = GradientAccumulator(model, torch.optim.RAdam(model.parameters(), lr=0.01), steps=2)
        x, y = samples(24)
        torch.manual_seed(3)
        for px, py in micro_batches(x, y, [4] * 6):
            accumulator.backward(*losses(model, px, py))
            if validate:
                try:
                    with preserved(model):
                        model.train(fails)
                        torch.rand(3)
                        losses(model, x, y)[0].mean().backward()
                        if fails:
                            raise KeyError
                except KeyError:
                    pass
                assert [m.training for m in model] == [True] * 5 + [False]
        return model

    for a, b in zip(train(False).state_dict().values(), train(True).state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_loss_that_is_no_number_is_not_hidden(caplog) -> None:
    x, y = samples(8)
    model = network()
    made: list[Step] = []
    accumulator = GradientAccumulator(model, Recorder(model), steps=2, on_step=made.append)
    with caplog.at_level(logging.WARNING):
        for px, py in micro_batches(x * math.nan, y, [4, 4]):
            accumulator.backward(*losses(model, px, py))
        accumulator.steps = 1
        accumulator.backward(losses(model, x[:4], y[:4])[0], torch.full((4,), math.nan))
    assert len(made) == 2
    assert all(math.isnan(step.loss) for step in made)


# --- windows that are not finite ---


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda values: values * math.nan, "its loss is nan"),
        (lambda values: values + math.inf, "its loss is inf"),
        (lambda values: values, "the norm of its gradient is"),
    ],
    ids=["nan", "infinite", "gradient"],
)
def test_a_window_that_is_not_finite_is_skipped_and_told(spoil, reason) -> None:
    x, y = samples(12)
    model = network()
    told: list[str] = []
    made: list[Step] = []
    accumulator = GradientAccumulator(
        model, torch.optim.SGD(model.parameters(), lr=0.1), steps=2, on_step=made.append, on_skip=told.append
    )
    before = flat(model.parameters()).clone()
    for number, (px, py) in enumerate(micro_batches(x, y, [4, 4, 2, 2])):
        values, weights = losses(model, px, py)
        if number == 1:
            if "gradient" in reason:
                values.register_hook(lambda gradient: gradient * math.inf)
            values = spoil(values)
        accumulator.backward(values, weights)
        if number == 1:
            assert torch.equal(flat(model.parameters()), before)
    assert len(told) == 1
    assert told[0].startswith(reason)
    assert (accumulator.optimizer_steps, accumulator.skipped_steps, len(made)) == (1, 1, 1)
    assert not torch.equal(flat(model.parameters()), before)


def test_an_infinite_gradient_under_a_loss_scale_is_told_in_words(caplog) -> None:
    x, y = samples(4, dtype=torch.float32)
    model = network(dtype=torch.float32)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    told: list[str] = []
    for on_skip in (None, told.append):
        accumulator = GradientAccumulator(
            model, torch.optim.SGD(model.parameters(), lr=0.1), scaler=scaler, on_skip=on_skip
        )
        values, _ = losses(model, x, y)
        values.register_hook(lambda gradient: gradient * math.inf)
        with caplog.at_level(logging.WARNING):
            assert accumulator.backward(values) is None
    said = [record.getMessage() for record in caplog.records]
    assert said == ["an infinite gradient: this window's update is skipped, the loss scale lowered"]
    assert told in (["the norm of its gradient is inf"], ["the norm of its gradient is nan"])
    assert scaler.get_scale() == 2.0
