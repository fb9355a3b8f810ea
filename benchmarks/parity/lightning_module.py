"""Lightning with `accumulate_grad_batches`; the resume reads a checkpoint written in mid-window."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.parity.cases import LEARNING_RATE, STEPS, Case, Weights
from benchmarks.parity.torch_network import InOrder, criterion, dataset, network, weights_of


class Classifier(lightning.LightningModule):
    """The network and its loss."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.network, self.loss_of = network(), criterion(case)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        x, y = batch
        return self.loss_of(self.network(x), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=LEARNING_RATE)


class ResumableLoader(DataLoader):
    """Tells where it is, as Lightning asks of a loader that resumes within an epoch."""

    done = 0
    skip = 0

    def __iter__(self) -> Iterator[Any]:
        skip, self.skip = self.skip, 0
        for i, batch in enumerate(super().__iter__()):
            if i >= skip:
                self.done = i + 1
                yield batch

    def state_dict(self) -> dict[str, int]:
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.skip = state["done"]


class SaveAndStop(lightning.Callback):
    """Saves as a timed checkpoint does, wherever the training is, and ends it."""

    def __init__(self, case: Case, file: Path) -> None:
        self.stop, self.file = case.stop, file

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.stop and batch_idx + 1 == self.stop:
            trainer.save_checkpoint(self.file)
            trainer.should_stop = True


def train(case: Case) -> Weights:
    """Trains by Lightning's Trainer."""
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    module = Classifier(case)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mid.ckpt"
        _trainer(case, folder, [SaveAndStop(case, file)]).fit(module, _loader(case))
        if case.stop:
            module = Classifier(case)
            _trainer(case, folder, []).fit(module, _loader(case), ckpt_path=file)
    return weights_of(module.network)


def _loader(case: Case) -> ResumableLoader:
    return ResumableLoader(dataset(case), batch_sampler=InOrder(case))


def _trainer(case: Case, folder: str, callbacks: list[lightning.Callback]) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="cpu",
        max_epochs=case.epochs,
        accumulate_grad_batches=STEPS,
        callbacks=callbacks,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
