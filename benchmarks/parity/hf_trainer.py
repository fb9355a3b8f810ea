"""Transformers Trainer in three ways: the loss in the model, the same with **kwargs, and `compute_loss_func`."""

import contextlib
import tempfile
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments

from benchmarks.parity.cases import CLASS_WEIGHTS, LEARNING_RATE, STEPS, Case, Weights
from benchmarks.parity.torch_network import criterion, dataset, loader, network, weights_of

SAVE_STEPS = 5  # optimizer steps: the Trainer saves nowhere else


class Classifier(nn.Module):
    """Takes labels and returns a mean loss, as the page on custom models shows; knows nothing of accumulation."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.network, self.loss_of = network(), criterion(case)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        logits = self.network(x)
        return {"logits": logits} if labels is None else {"loss": self.loss_of(logits, labels), "logits": logits}


class KeywordClassifier(Classifier):
    """The same, but passes on whatever it is given: the Trainer takes it for one that divides by the item count."""

    def forward(self, x: Tensor, labels: Tensor | None = None, **kwargs: Any) -> dict[str, Tensor]:
        return super().forward(x, labels)


class CaseTrainer(Trainer):
    """Feeds the case's micro-batches."""

    case: Case

    def get_train_dataloader(self) -> DataLoader:
        return self.accelerator.prepare(loader(self.case, collate_fn=_collate))


class Stop(TrainerCallback):
    """The machine fails after so many micro-batches."""

    def __init__(self, case: Case) -> None:
        self.left = case.stop

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        self._count()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._count()

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def train(
    case: Case, model_of: Callable[[Case], nn.Module] = Classifier, compute_loss: Callable[..., Tensor] | None = None
) -> Weights:
    """Trains by the Trainer; a resume begins at its last checkpoint, which lies at a window's end."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = _trainer(case, folder, model_of, compute_loss)
        if case.stop:
            trainer.add_callback(Stop(case))
            with contextlib.suppress(KeyboardInterrupt):
                trainer.train()
            trainer = _trainer(case, folder, model_of, compute_loss)
        trainer.train(resume_from_checkpoint=bool(case.stop))
    return weights_of(trainer.model.network)


def divided_by_items(case: Case) -> Callable[..., Tensor]:
    """The sum of losses over `num_items_in_batch`: what `compute_loss_func` is documented for."""
    weights = torch.tensor(CLASS_WEIGHTS, dtype=torch.float32) if case.weighted else None

    def compute_loss(outputs: dict[str, Tensor], labels: Tensor, num_items_in_batch: Tensor | None = None) -> Tensor:
        return F.cross_entropy(outputs["logits"], labels, weight=weights, reduction="sum") / num_items_in_batch

    return compute_loss


def _trainer(
    case: Case, folder: str, model_of: Callable[[Case], nn.Module], compute_loss: Callable[..., Tensor] | None
) -> CaseTrainer:
    arguments = TrainingArguments(
        output_dir=folder,
        gradient_accumulation_steps=STEPS,
        num_train_epochs=case.epochs,
        learning_rate=LEARNING_RATE,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
        save_steps=SAVE_STEPS,
        report_to="none",
        use_cpu=True,
        disable_tqdm=True,
        logging_strategy="no",
    )
    trainer = CaseTrainer(
        model=model_of(case), args=arguments, train_dataset=dataset(case), compute_loss_func=compute_loss
    )
    trainer.case = case
    return trainer


def _collate(samples: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    x, y = zip(*samples, strict=True)
    return {"x": torch.stack(x), "labels": torch.stack(y)}
