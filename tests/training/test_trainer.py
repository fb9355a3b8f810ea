"""The training loop against one written out by hand, and what it does at its ends."""

import logging
import math
from typing import Any

import pytest
import torch

from exp.evaluation.inference import logits_of, loss_of, predictions_of
from exp.evaluation.metrics import headline
from exp.training import saving
from exp.training import trainer as module
from exp.training.loaders import MicroBatches
from exp.training.trainer import Interrupted, Trainer, Unsaved
from tests.resume.kit import raw, stop_after
from tests.training.kit import CPU, training
from utils.errors import Diverged
from utils.optimizers import build_optimizer
from utils.written import rounded


def by_hand(trainer: Trainer, *, steps: int, epochs: int, clip: float) -> list[dict[str, Any]]:
    """Trains the network of a trainer that has not begun, and gives the rows of training_metrics.csv."""
    options, data, model = trainer.options, trainer.data, trainer.model
    optimizer = build_optimizer(model, name="radam", learning_rate=0.001, weight_decay=options.weight_decay)
    rows: list[dict[str, Any]] = []
    made = 0
    for epoch in range(epochs):
        model.train()
        order = list(MicroBatches(samples=len(data.train), sizes=[16], seed=options.seed, epoch=epoch))
        total, hits = 0.0, 0
        for first in range(0, len(order), steps):
            index = [place for batch in order[first : first + steps] for place in batch]
            batch = data.train.gather(torch.tensor(index).numpy())
            logits = model(batch.x)
            values, weights = trainer.loss(logits.float(), batch.y)
            assert (weights == 1).all()
            optimizer.zero_grad()
            values.mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            made += 1
            total += values.sum().item()
            hits += int((logits.argmax(1) == batch.y).sum())
        logits, target = logits_of(model, data.val, CPU), torch.as_tensor(data.val.targets)
        val = rounded(
            {"loss": loss_of(trainer.loss, logits, target)}
            | headline(predictions_of("val", data.val, logits, data.info.classes))
        )
        rows.append(
            {
                "epoch": epoch + 1,
                "train_loss": pytest.approx(total / len(data.train), rel=1e-4),
                "train_accuracy": hits / len(data.train),
                "val_loss": pytest.approx(val["loss"], abs=2e-5),
                "val_accuracy": val["accuracy"],
                "val_macro_f1": val["macro_f1"],
                "learning_rate": 0.001,
                "effective_batch_size": 16 * steps,
                "optimizer_steps": made,
            }
        )
    return rows


@pytest.mark.parametrize("steps", [1, 3])
def test_a_training_is_the_loop_written_out(steps, data, tmp_path) -> None:
    asked = {"gradient_accumulation_steps": steps, "dropout": 0.0, "clip_grad": 0.5, "train_epochs": 3}
    trainer, folder = training(data, tmp_path / "ours", **asked)
    shown: list[list[dict[str, Any]]] = []
    assert trainer.fit(folder, lambda rows: shown.append(list(rows))) == "all 3 epochs done"
    plain, _ = training(data, tmp_path / "plain", **asked)
    expected = by_hand(plain, steps=steps, epochs=3, clip=0.5)
    assert trainer.progress.rows == expected
    assert [len(rows) for rows in shown] == [1, 2, 3]
    for ours, other in zip(trainer.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.allclose(ours, other, atol=1e-5)
    assert raw(folder.path)["progress"]["rows"] == expected
    assert len(folder.read_epochs()) == 3


def test_the_bar_shows_the_loss_and_the_accuracy_of_the_epoch_so_far(data, tmp_path, monkeypatch) -> None:
    shown: list[Any] = []

    class Bar:
        def __init__(self, progress, *, left, epochs, steps):
            shown.append((left, epochs, steps))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            shown.append("closed")

        def measured(self, loss, accuracy):
            shown.append((round(loss, 6), accuracy))

        def advance(self, place, steps):
            shown.append((place, steps))

    monkeypatch.setattr(module, "EpochBar", Bar)
    trainer, folder = training(data, tmp_path, gradient_accumulation_steps=3, train_epochs=1)
    trainer.fit(folder)
    number = math.ceil(len(trainer.data.train) / 16)
    assert shown[0] == (number, 1, 3)
    assert shown[-1] == "closed"
    assert [entry for entry in shown if isinstance(entry[0], int)][1:] == [(n % 3 + 1, 3) for n in range(number)]
    measured = [entry for entry in shown if isinstance(entry[0], float)]
    assert len(measured) == number // 3  # the tail's step is made after the last micro-batch
    assert all(0 <= accuracy <= 1 for _, accuracy in measured)
    seen = 16 * 3 * len(measured)
    assert measured[-1][1] * seen == pytest.approx(round(measured[-1][1] * seen))
    assert shown.index(measured[0]) == 3


def test_it_stops_where_validation_no_longer_improves(data, tmp_path, monkeypatch) -> None:
    scores = iter([0.1, 0.3, 0.3, 0.2, 0.25, 0.9])
    monkeypatch.setattr(module, "headline", lambda found: {"accuracy": 0.5, "macro_f1": next(scores)})
    monkeypatch.setattr(module, "loss_of", lambda *_: 1.0)
    trainer, folder = training(data, tmp_path, train_epochs=9, patience=3)
    assert trainer.fit(folder) == "no better validation for 3 epochs"
    assert (trainer.progress.epoch, trainer.progress.best_epoch) == (5, 2)
    assert raw(folder.path, "best.pt")["epoch"] == 2
    other = raw(folder.path)["model"]
    assert any(not torch.equal(tensor, other[name]) for name, tensor in trainer.checkpoints.best.items())


def test_the_log_says_what_an_epoch_gave(data, tmp_path, caplog) -> None:
    trainer, folder = training(
        data, tmp_path, train_epochs=2, gradient_accumulation_steps=3, cross_epoch_accumulation=True, norm="batch"
    )
    with caplog.at_level(logging.INFO):
        trainer.fit(folder)
    said = [record.getMessage() for record in caplog.records]
    number = math.ceil(len(trainer.data.train) / 16)
    assert [line for line in said if "accumulation count" in line] == [
        f"accumulation count {number % 3}/3",
        f"accumulation count {2 * number % 3}/3",
    ]
    row = trainer.progress.rows[0]
    assert (
        f"epoch 1: train loss {row['train_loss']:.4f}, accuracy {100 * row['train_accuracy']:.2f} %; validation loss "
        f"{row['val_loss']:.4f}, accuracy {100 * row['val_accuracy']:.2f} %, macro-F1 {row['val_macro_f1']:.4f} "
        "(best so far)"
    ) in said
    training(data, tmp_path, gradient_accumulation_steps=3, norm="batch")
    assert "BatchNorm layer" in caplog.text


# --- ends ---


@pytest.mark.parametrize("place", [1, 5, 8, 11])
def test_a_request_to_stop_is_heeded_after_the_micro_batch_and_nothing_is_lost(
    place, data, tmp_path, monkeypatch
) -> None:
    asked = {"gradient_accumulation_steps": 3, "ema": 0.9, "augment": "jitter:0.05", "mixup": 0.2, "train_epochs": 3}
    whole, there = training(data, tmp_path / "whole", **asked)
    whole.fit(there)
    broken, folder = training(data, tmp_path / "broken", **asked)
    with monkeypatch.context() as patch:
        stop_after(patch, place)
        with pytest.raises(Interrupted) as stopped:
            broken.fit(folder)
    assert type(stopped.value) is Interrupted
    number = math.ceil(len(whole.data.train) / 16)
    progress = raw(folder.path)["progress"]
    assert progress["epoch"] * number + progress["micro_batches"] == place
    resumed, _ = training(data, tmp_path / "broken", resume=str(folder.path), **asked)
    resumed.checkpoints.load(folder)
    assert resumed.fit(folder) == "all 3 epochs done"
    assert resumed.progress == whole.progress
    for ours, other in zip(resumed.kept.parameters(), whole.kept.parameters(), strict=True):
        assert torch.equal(ours, other)


def test_a_stop_whose_checkpoint_cannot_be_written_says_so(data, tmp_path, monkeypatch) -> None:
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "save_checkpoint", full)
    stop_after(monkeypatch, 2)
    trainer, folder = training(data, tmp_path)
    with pytest.raises(Unsaved):
        trainer.fit(folder)


def test_the_clock_asks_for_checkpoints_within_an_epoch(data, tmp_path, monkeypatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(saving.Checkpoints, "due", lambda self: self._trainer.progress.micro_batches % 3 == 0)
    monkeypatch.setattr(
        saving.Checkpoints, "save", lambda self, folder: saved.append(self._trainer.progress.micro_batches) or True
    )
    trainer, folder = training(data, tmp_path, train_epochs=2)
    trainer.fit(folder)
    assert saved == [3, 6, 0, 3, 6, 0]


def test_a_validation_without_numbers_ends_the_training(data, tmp_path, monkeypatch) -> None:
    real = logits_of
    monkeypatch.setattr(module, "logits_of", lambda *given: real(*given) * torch.tensor([1.0, math.nan, 1.0]))
    trainer, folder = training(data, tmp_path)
    with pytest.raises(Diverged, match="diverged in epoch 1: what the model says about validation is not a number"):
        trainer.fit(folder)


def test_a_training_of_skipped_steps_alone_is_no_training(data, tmp_path, monkeypatch) -> None:
    """Its losses have no mean, and its end is not taken for one."""
    real = Trainer._compute
    monkeypatch.setattr(Trainer, "_compute", lambda *given: (real(*given)[0] * math.nan, real(*given)[1]))
    trainer, folder = training(data, tmp_path, train_epochs=1)
    with pytest.raises(Diverged, match="its last 8 steps were skipped"):
        trainer.fit(folder)
    assert math.isnan(trainer.progress.rows[0]["train_loss"])
    assert trainer.bad_steps.folder is folder
