"""Fitting a network: epochs of micro-batches, the best of them kept."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from data_provider import Prepared, WindowSet
from exp.runs.run_folder import RunFolder
from exp.training.build import loss_for
from exp.training.fingerprint import fingerprint_of
from exp.training.fitted import Fitted
from exp.training.pretrained import take_over
from exp.training.trainer import Trainer
from models import DualGAFNet
from models.build import model_of, parameter_count
from utils import distributed
from utils.accumulation_plan import AccumulationPlan, plan
from utils.losses import LOSSES, Loss
from utils.options import Options

FEW = 1000  # training windows; a set below that gains from settings of its own
MOST_LOOKED_AT = 4096  # windows whose statistics a network takes its quantiles from

logger = logging.getLogger(__name__)


class NetworkFit:
    """A training of the network that the options choose.

    Args:
        options: of the run.
        data: prepared splits.
        device: where to compute.

    Attributes:
        options: those of the run, as they are carried out.

    Raises:
        UserError: an option cannot be used.
    """

    def __init__(self, options: Options, data: Prepared, device: torch.device) -> None:
        accumulation = plan_of(options)
        if "gradient_accumulation_steps" in options.explicit:
            options = options.replace(enable_auto_gradient_accumulation=False)  # so config.yaml says what was done
        self.options, self.data = options, data
        model, loss = model_of(options, data.info), loss_for(options, data.info)
        if isinstance(model, DualGAFNet) and not options.resume:
            model.look_at(_some_of(data.train))
        if options.init and not options.resume:
            take_over(model, options, data.info)
        self.trainer = Trainer(options=options, data=data, model=model, loss=loss, plan=accumulation, device=device)
        self.trainer.fingerprint = fingerprint_of(options, data)

    def announce(self) -> None:
        """Logs what is about to be trained, and how micro-batches make a step."""
        trainer, info = self.trainer, self.data.info
        logger.info(
            "%s: %s parameters, %d signals, %d classes on %s",
            *(self.options.model, f"{parameter_count(trainer.model):,}", len(info.columns), len(info.classes)),
            trainer.device,
        )
        clip = f"gradients clipped to a norm of {self.options.clip_grad:g}" if self.options.clip_grad else "no clipping"
        logger.info(
            "optimizer: %s, learning rate %g, schedule %s, %s",
            *(self.options.optimizer, trainer.scheduler.learning_rate, self.options.lr_scheduler, clip),
        )
        off = f"gradient accumulation: off, effective batch size {self.options.batch_size}"
        logger.info("%s", trainer.plan.banner() or off)
        if len(self.data.train) < FEW:
            logger.info("%d training windows are few: --auto chooses settings for them", len(self.data.train))

    def resume(self, folder: RunFolder) -> None:
        """Takes up the training of a run folder where its last checkpoint was written."""
        self.trainer.checkpoints.load(folder)
        done = self.trainer.progress
        logger.info("resumed in epoch %d after %d micro-batches", done.epoch + 1, done.micro_batches)

    def fit(self, folder: RunFolder, on_epoch: Callable[[list[dict[str, Any]]], None]) -> Fitted:
        """Trains to the end and takes the best checkpoint.

        Args:
            folder: where checkpoints and training_metrics.csv go.
            on_epoch: is given the rows of training_metrics.csv after every epoch.

        Raises:
            Interrupted: the user stopped the training.
        """
        trainer = self.trainer
        stopped = trainer.fit(folder, on_epoch)
        best = trainer.kept.float()
        if distributed.rank() == 0:
            best.load_state_dict(trainer.checkpoints.best)
        progress = trainer.progress
        return Fitted(best, progress.best_epoch, progress.rows, stopped, _facts_of(trainer.loss))


def _some_of(windows: WindowSet) -> torch.Tensor:
    """(n, C, L) windows, evenly spread over a part."""
    places = np.unique(np.linspace(0, len(windows) - 1, min(MOST_LOOKED_AT, len(windows))).astype(np.int64))
    return windows.gather(places).x


def plan_of(options: Options) -> AccumulationPlan:
    """How micro-batches make a step, with a line of log where a rule chose it."""
    chosen = plan(
        batch_size=options.batch_size,
        steps=options.gradient_accumulation_steps,
        automatic=options.enable_auto_gradient_accumulation,
        explicit_steps="gradient_accumulation_steps" in options.explicit,
        target_batch_size=options.target_batch_size,
        schedule=options.accumulation_schedule,
    )
    if chosen.reason:
        logger.info("%s", chosen.reason)
    return chosen


def _facts_of(loss: Loss) -> dict[str, Any]:
    """A loss's name in the registry, and its settings."""
    numbers = {name: value for name, value in vars(loss).items() if type(value) in (int, float)}
    return {"name": next(name for name, kind in LOSSES.items() if type(loss) is kind), **numbers}
