"""What settings change in a training: learning rates, BatchNorm, averaged weights, precisions, several processes."""

import logging
import math

import pytest
import torch
from torch import nn

from exp.training.trainer import Interrupted, Trainer
from tests.resume.kit import stop_after
from tests.training.kit import training
from utils import distributed


def rates_of(trainer: Trainer) -> list[float]:
    return [row["learning_rate"] for row in trainer.progress.rows]


@pytest.mark.parametrize(
    ("rule", "factors"), [("none", (1, 1, 1, 1)), ("linear", (1, 2, 4, 4)), ("sqrt", (1, 2**0.5, 2, 2))]
)
def test_the_learning_rate_follows_the_effective_batch(rule, factors, data, tmp_path, caplog) -> None:
    trainer, folder = training(
        data, tmp_path, accumulation_schedule="0:1,1:2,2:4", scale_lr=rule, lr_scheduler="none", train_epochs=4
    )
    with caplog.at_level(logging.INFO):
        trainer.fit(folder)
    assert rates_of(trainer) == pytest.approx([0.001 * factor for factor in factors])
    assert [row["effective_batch_size"] for row in trainer.progress.rows] == [16, 32, 64, 64]
    assert [row["optimizer_steps"] for row in trainer.progress.rows] == [8, 12, 14, 16]
    said = [record.getMessage() for record in caplog.records if "from here" in record.getMessage()]
    assert said == [
        f"from here {steps} micro-batches a step, learning rate {0.001 * factor:g}"
        for steps, factor in zip((2, 4), factors[1:3], strict=True)  # none at the fourth epoch
    ]


def test_an_epoch_that_is_taken_up_sets_nothing_once_more(data, tmp_path, monkeypatch) -> None:
    asked = {"accumulation_schedule": "0:1,1:2", "scale_lr": "linear", "train_epochs": 2, "lr_scheduler": "cosine"}
    whole, there = training(data, tmp_path / "whole", **asked)
    whole.fit(there)
    broken, folder = training(data, tmp_path / "broken", **asked)
    with monkeypatch.context() as patch:
        stop_after(patch, 11)
        with pytest.raises(Interrupted):
            broken.fit(folder)
    resumed, _ = training(data, tmp_path / "broken", resume=str(folder.path), **asked)
    resumed.checkpoints.load(folder)
    resumed.fit(folder)
    assert resumed.progress == whole.progress


@pytest.mark.parametrize(("carry", "steps"), [(False, 9), (True, 8)])
def test_a_schedule_counts_the_steps_of_an_epoch(carry, steps, data, tmp_path) -> None:
    """8 micro-batches in windows of 3: three steps an epoch, or eight in three epochs; cosine ends at its least."""
    trainer, folder = training(
        data, tmp_path, gradient_accumulation_steps=3, cross_epoch_accumulation=carry, lr_scheduler="cosine",
        train_epochs=3,
    )  # fmt: skip
    trainer.fit(folder)
    assert trainer.progress.rows[-1]["optimizer_steps"] == steps
    assert rates_of(trainer)[0] > rates_of(trainer)[1] > rates_of(trainer)[2]
    assert rates_of(trainer)[-1] == pytest.approx(1e-6)


@pytest.mark.parametrize("kind", ["micro", "spread", "frozen"])
def test_batch_norm(kind, data, tmp_path) -> None:
    trainer, folder = training(
        data, tmp_path, norm="batch", bn_statistics=kind, accumulation_schedule="0:2,1:4", train_epochs=2
    )
    layers = [layer for layer in trainer.model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    before = [layer.running_mean.clone() for layer in layers]
    assert layers[0].momentum == pytest.approx(1 - 0.9**0.5 if kind == "spread" else 0.1)
    trainer.fit(folder)
    assert layers[0].momentum == pytest.approx(1 - 0.9**0.25 if kind == "spread" else 0.1)
    same = [torch.equal(layer.running_mean, mean) for layer, mean in zip(layers, before, strict=True)]
    assert same == [kind == "frozen"] * len(layers)


def test_averaged_weights_are_what_is_evaluated_and_kept(data, tmp_path) -> None:
    trainer, folder = training(data, tmp_path, ema=0.1, train_epochs=1)
    average = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    update = trainer._on_step

    def followed(step):
        update(step)
        share = 0.9 if trainer.accumulator.optimizer_steps > 1 else 1.0  # the first step is where the average begins
        for mean, parameter in zip(average, trainer.model.parameters(), strict=True):
            mean.lerp_(parameter.detach(), share)

    trainer.accumulator.on_step = followed
    trainer.fit(folder)
    kept = list(trainer.kept.parameters())
    assert all(torch.allclose(mean, parameter, atol=1e-6) for mean, parameter in zip(average, kept, strict=True))
    assert not torch.equal(kept[0], next(iter(trainer.model.parameters())))
    best = trainer.checkpoints.best
    assert all(torch.equal(best[name], tensor) for name, tensor in trainer.kept.state_dict().items())
    plain, _ = training(data, tmp_path)
    assert plain.kept is plain.model


def test_precisions(data, tmp_path) -> None:
    scaled, _ = training(data, tmp_path, amp="fp16")
    assert scaled.scaler is scaled.accumulator.scaler is not None
    whole, _ = training(data, tmp_path)
    assert whole.scaler is whole.mixup is whole.average is None
    assert next(whole.model.parameters()).dtype == torch.float32
    short, folder = training(data, tmp_path, param_dtype="bf16", grad_buffer="fp32", train_epochs=1)
    assert next(short.model.parameters()).dtype == torch.bfloat16
    short.fit(folder)
    assert math.isfinite(short.progress.rows[0]["train_loss"])


def test_noise_and_mixture_are_functions_of_window_and_epoch(data, tmp_path) -> None:
    trainer, folder = training(data, tmp_path, augment="jitter:0.05", mixup=0.3, train_epochs=2)
    seen: list[tuple[int, int, bool]] = []
    augment, mixup = trainer.augment, trainer.mixup
    assert mixup

    def augmented(x, index, *, epoch):
        seen.append((epoch, len(index), False))
        return augment(x, index, epoch=epoch)

    def mixed_up(x, y, index, *, epoch):
        seen.append((epoch, len(index), True))
        return mixup(x, y, index, epoch=epoch)

    trainer.augment, trainer.mixup = augmented, mixed_up
    trainer.fit(folder)
    sizes = [16] * 7 + [8]
    assert seen == [(epoch, size, mixed) for epoch in range(2) for size in sizes for mixed in (False, True)]


def test_the_loss_is_told_each_epoch(data, tmp_path, monkeypatch) -> None:
    trainer, folder = training(data, tmp_path, train_epochs=3)
    told: list[int] = []
    monkeypatch.setattr(trainer.loss, "set_epoch", told.append)
    trainer.fit(folder)
    assert told == [0, 1, 2]


@pytest.mark.parametrize(("schedule", "advised"), [("0:1,1:4", False), ("0:4,1:1", True)])
def test_the_advice_about_batch_norm_is_for_the_first_epoch(schedule, advised, data, tmp_path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        training(data, tmp_path, norm="batch", accumulation_schedule=schedule)
    assert ("BatchNorm layer" in caplog.text) is advised


@pytest.mark.parametrize("channels", ["columns", "physical"])
def test_noise_of_physical_channels_follows_their_points(channels, data, tmp_path, monkeypatch) -> None:
    made: list[object] = []
    monkeypatch.setattr("exp.training.trainer.Augment", lambda **given: made.append(given["made_of"]))
    trainer, _ = training(data, tmp_path)
    given = {"data": trainer.data, "model": trainer.model, "loss": trainer.loss, "plan": trainer.plan}
    Trainer(options=trainer.options.replace(channels=channels), device=trainer.device, **given)
    assert (made[-1] is not None) is (channels == "physical")


# --- several processes, of which the others do what this one does ---


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "gather", lambda value: [value, value])
    monkeypatch.setattr(
        distributed, "from_first", lambda value: value or {"loss": 1.0, "accuracy": 0.5, "macro_f1": 0.5}
    )
    return lambda rank: monkeypatch.setattr(distributed, "rank", lambda: rank)


def test_two_processes_share_the_micro_batches_and_sum_up(two, data, tmp_path) -> None:
    two(0)
    trainer, folder = training(data, tmp_path, scale_lr="linear", lr_scheduler="none", train_epochs=1)
    trainer.fit(folder)
    (row,) = trainer.progress.rows
    assert (row["effective_batch_size"], row["optimizer_steps"], row["learning_rate"]) == (32, 4, 0.002)
    assert trainer.progress.best_epoch == 1
    assert folder.best.is_file()
    assert row["train_accuracy"] * 128 % 2 == 0  # hits of 64 windows, twice


def test_the_others_write_and_evaluate_nothing(two, data, tmp_path, monkeypatch) -> None:
    two(1)
    monkeypatch.setattr("exp.training.trainer.logits_of", lambda *_: pytest.fail("it was evaluated"))
    trainer, folder = training(data, tmp_path, train_epochs=1)
    trainer.fit(folder)
    assert trainer.progress.rows[0]["val_loss"] == 1.0
    assert trainer.checkpoints._best is None
    assert not folder.last.exists()


def test_with_several_processes_a_stop_waits_for_the_end_of_the_epoch(two, data, tmp_path, monkeypatch) -> None:
    two(0)
    stop_after(monkeypatch, 2)
    monkeypatch.setattr("exp.training.saving.Checkpoints.due", lambda self: True)
    trainer, folder = training(data, tmp_path, train_epochs=3)
    with pytest.raises(Interrupted):
        trainer.fit(folder)
    assert (trainer.progress.epoch, trainer.progress.micro_batches) == (1, 0)
