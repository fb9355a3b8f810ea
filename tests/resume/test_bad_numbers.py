"""Losses and gradients that are no numbers: skipped, counted, named, and the end of a run that goes on so."""

import math

import pytest
import safetensors
import torch

import run
from exp.training.trainer import Trainer
from tests.kit import train, write_folder
from tests.resume.kit import NOISY, assert_same_files, raw, stop_after
from tests.test_resume import assert_same, state_of
from utils.gradient_accumulation import GradientAccumulator

FLAGS = [*NOISY, "--train_epochs", "2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("bad") / "data", days=8)


def spoil(monkeypatch, bad, how):
    """Spoils the micro-batches of these numbers, counted over the run from 1."""
    count = 0
    original = Trainer._compute

    def spoiled(self, x, target, y):
        nonlocal count
        count += 1
        values, weights = original(self, x, target, y)
        return (how(values), weights) if count in bad else (values, weights)

    monkeypatch.setattr(Trainer, "_compute", spoiled)
    return lambda: count


class _InfiniteGradient(torch.autograd.Function):
    @staticmethod
    def forward(context, values):
        return values.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * math.inf


HOW = {
    "a loss of NaN": (lambda values: values * math.nan, "its loss is nan"),
    "an infinite loss": (lambda values: values + math.inf, "its loss is inf"),
    "an infinite gradient": (_InfiniteGradient.apply, "the norm of its gradient is"),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("flags", [[], ["--gradient_accumulation_steps", "2"], ["--norm", "batch", "--ema", "0.9"]])
@pytest.mark.parametrize("name", HOW)
def test_a_bad_step_is_skipped_counted_and_named(name, flags, data, tmp_path, monkeypatch, capsys):
    how, words = HOW[name]
    spoil(monkeypatch, {5, 6, 9}, how)
    status, folder = train(data, tmp_path, *FLAGS, *flags)
    assert status == 0
    said = capsys.readouterr().out
    skipped = 2 if flags[:1] == ["--gradient_accumulation_steps"] else 3
    assert said.count("a step is skipped in epoch 1") == skipped
    assert words in said
    state = raw(folder)
    assert state["progress"]["bad_steps"] == skipped
    assert state["progress"]["bad_in_a_row"] == 0
    assert state["ranks"][0]["accumulator"]["skipped_steps"] == skipped
    for tensors in (state["model"], state["average"] or {}):
        assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_a_skipped_step_leaves_weights_means_and_schedule_as_they_were(data, tmp_path, monkeypatch):
    """A batch of NaN would stay in the running means of BatchNorm for ever."""
    kept = {}
    original = Trainer._train_micro_batch

    def watched(self, batch, bar):
        number = self.progress.micro_batches + 1
        if self.progress.epoch == 0 and number == 5:
            kept["before"] = {k: v.clone() for k, v in self.model.state_dict().items()}, self.scheduler.state_dict()
            batch = batch._replace(x=torch.full_like(batch.x, math.nan))
        original(self, batch, bar)
        if self.progress.epoch == 0 and number == 5:
            kept["after"] = {k: v.clone() for k, v in self.model.state_dict().items()}, self.scheduler.state_dict()

    monkeypatch.setattr(Trainer, "_train_micro_batch", watched)
    status, _ = train(data, tmp_path, *FLAGS, "--norm", "batch", "--lr_scheduler", "cosine")
    assert status == 0
    assert_same(kept["before"], kept["after"])


def test_too_many_in_a_row_end_the_run_with_the_windows_saved(data, tmp_path, monkeypatch, capsys):
    count = spoil(monkeypatch, set(range(4, 100)), lambda values: values * math.nan)
    status, folder = train(data, tmp_path, *FLAGS, "--max_bad_steps", "5", "--gradient_accumulation_steps", "2")
    assert status == 3
    error = [line for line in capsys.readouterr().err.splitlines() if "run.py:" in line]
    assert len(error) == 1
    assert "5 steps in a row were skipped, the last because its loss is nan" in error[0]
    assert "lower --learning_rate" in error[0]
    assert count() == 12  # five windows of two: the first one's other half was good
    path = folder / "bad_batch.safetensors"
    assert str(path) in error[0]
    with safetensors.safe_open(path, "pt") as file:
        assert file.get_tensor("x").shape == (16, 5, 16)
        assert file.get_tensor("y").shape == file.get_tensor("index").shape == (16,)
        named = file.metadata()["windows"].splitlines()
        assert len(named) == 16
        assert named[0].split()[0] in ("normal", "biased", "stuck")
    assert not (folder / "metrics.json").exists()


def test_a_good_step_begins_the_count_again(data, tmp_path, monkeypatch):
    spoil(monkeypatch, {number for number in range(1, 100) if number % 4}, lambda values: values * math.nan)
    status, folder = train(data, tmp_path, *FLAGS, "--max_bad_steps", "4")
    assert status == 0
    assert raw(folder)["progress"]["bad_steps"] == 24 - 1


@pytest.mark.parametrize(
    "flags", [["--batch_size", "4"], ["--batch_size", "64"], ["--batch_size", "32", "--train_epochs", "1"]]
)
def test_a_training_that_diverged_in_half_precision_does_not_end_well(flags, data, tmp_path, capsys):
    status, folder = train(data, tmp_path, *FLAGS, "--amp", "fp16", "--learning_rate", "1e6", *flags)
    assert status == 3
    error = capsys.readouterr().err
    assert "the training diverged" in error
    assert "--amp bf16" in error
    assert not (folder / "model").exists()


def test_a_loss_scale_that_finds_its_place_is_no_divergence(data, tmp_path, monkeypatch):
    status, folder = train(data, tmp_path, *FLAGS, "--amp", "fp16")
    assert status == 0
    assert raw(folder)["progress"]["bad_in_a_row"] == 0


def test_a_validation_without_numbers_ends_the_run(data, tmp_path, monkeypatch, capsys):
    import exp.training.trainer as module

    monkeypatch.setattr(module, "logits_of", lambda *_: torch.full((54, 3), math.nan, dtype=torch.float64))
    status, folder = train(data, tmp_path, *FLAGS)
    assert status == 3
    assert "validation is not a number" in capsys.readouterr().err
    assert not (folder / "model").exists()


def test_bad_steps_survive_a_resume(data, tmp_path, monkeypatch):
    """The count in a row, and the run itself, are those of the uninterrupted one."""
    with monkeypatch.context() as patch:
        spoil(patch, {5, 6, 7}, lambda values: values * math.nan)
        _, whole = train(data, tmp_path / "whole", *FLAGS)
    with monkeypatch.context() as patch:
        spoil(patch, {5, 6, 7}, lambda values: values * math.nan)
        stop_after(patch, 6)
        status, broken = train(data, tmp_path / "broken", *FLAGS)
    assert status == 130
    assert raw(broken)["progress"]["bad_in_a_row"] == 2
    with monkeypatch.context() as patch:
        spoil(patch, {1}, lambda values: values * math.nan)
        assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(whole), state_of(broken))
    assert_same_files(whole, broken)


def test_the_engine_alone_skips_what_it_is_asked_to():
    model = torch.nn.Linear(3, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    reasons, steps = [], []
    accumulator = GradientAccumulator(
        model, torch.optim.SGD(model.parameters(), lr=0.1), steps=2, on_step=steps.append, on_skip=reasons.append
    )
    x = torch.randn(4, 3)
    for factor in (1.0, math.nan):
        accumulator.backward((model(x) ** 2).sum(1) * factor)
    assert reasons == ["its loss is nan"]
    assert steps == []
    assert (accumulator.skipped_steps, accumulator.optimizer_steps, accumulator.count) == (1, 0, 0)
    assert_same(before, dict(model.state_dict()))
    for _ in range(2):
        accumulator.backward((model(x) ** 2).sum(1))
    assert len(steps) == 1
