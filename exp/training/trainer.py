"""The training loop: epochs of micro-batches, a validation after each, checkpoints from which it goes on exactly.

Letters: B windows of a micro-batch, C signals, L steps, K classes.
"""

import logging
import math
from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from data_provider import Prepared
from data_provider.channels import points_of_channels
from data_provider.frames import Batch
from exp.evaluation.inference import logits_of, loss_of, predictions_of
from exp.evaluation.metrics import headline
from exp.runs.run_folder import RunFolder
from exp.training.bad_steps import BadSteps
from exp.training.build import accumulator_of, autocast, compile_network, mixup_of, optimizer_of, scheduler_of
from exp.training.fingerprint import Fingerprint
from exp.training.loaders import MicroBatches, loading, train_loader
from exp.training.progress import EpochBar, Progress
from exp.training.saving import Checkpoints
from utils import distributed
from utils.accumulation_plan import AccumulationPlan
from utils.augment import Augment
from utils.batch_norm import batchnorm_advice, freeze_batchnorm, spread_batchnorm_momentum
from utils.ema import build_ema
from utils.errors import Diverged
from utils.gradient_accumulation import Step
from utils.interrupt import StopRequest
from utils.losses import Loss
from utils.memory_guard import MemoryGuard
from utils.options import Options
from utils.seeding import random_state, set_random_state
from utils.written import rounded

logger = logging.getLogger(__name__)


class Interrupted(Exception):
    """Training stopped at the user's request; the last checkpoint holds everything."""


class Unsaved(Interrupted):
    """It stopped, and its last checkpoint could not be written: what came after the one before is lost."""


class Trainer:
    """Trains one model.

    Args:
        options: what to do.
        data: prepared parts.
        model: (B, C, L) to (B, K) logits; moved to the device.
        loss: gives values and weights of samples.
        plan: how micro-batches make a step.
        device: where to compute.
    """

    def __init__(
        self,
        *,
        options: Options,
        data: Prepared,
        model: nn.Module,
        loss: Loss,
        plan: AccumulationPlan,
        device: torch.device,
    ) -> None:
        self.options, self.data, self.plan, self.device = options, data, plan, device
        self.progress, self.bad_steps = Progress(), BadSteps(self, most=options.max_bad_steps)
        self.fingerprint: Fingerprint | None = None
        dtype = torch.bfloat16 if options.param_dtype == "bf16" else torch.float32
        self.model, self.loss = model.to(device, dtype), loss.to(device)
        if options.compile:
            compile_network(self.model, device)
        made_of = torch.from_numpy(points_of_channels()) if options.channels == "physical" else None
        self.augment = Augment(spec=options.augment, seed=options.seed, made_of=made_of)
        self.mixup = mixup_of(options, data) if options.mixup else None
        self.correct = torch.zeros((), dtype=torch.int64, device=device)
        # A copy that the processor may read once a step was waited for, without waiting again.
        self.counted = torch.zeros((), dtype=torch.int64, pin_memory=True) if device.type == "cuda" else self.correct
        self.optimizer = optimizer_of(options, self.model, self._learning_rate(0))
        self.scheduler = scheduler_of(options, self.optimizer, self._steps_per_epoch(0))
        self.average = build_ema(self.model, decay=options.ema) if options.ema else None
        self.scaler = torch.amp.GradScaler(device.type) if options.amp == "fp16" else None
        self.accumulator = accumulator_of(
            options,
            self.model,
            self.optimizer,
            plan,
            device,
            loss=self.loss,
            tensors=(self.correct,),
            scaler=self.scaler,
            on_step=self._on_step,
            on_skip=self.bad_steps.skipped,
        )
        self.guard = MemoryGuard(self.model, self.accumulator, self._compute, tensors=(self.correct,))
        self.checkpoints = Checkpoints(self, minutes=options.checkpoint_minutes)
        if options.bn_statistics == "spread":
            spread_batchnorm_momentum(self.model, plan.steps_at(0))
        elif advice := batchnorm_advice(self.model, options.batch_size, plan.steps_at(0)):
            logger.warning("%s", advice)

    def fit(self, folder: RunFolder, on_epoch: Callable[[list[dict[str, Any]]], None] | None = None) -> str:
        """Trains to the last epoch or until validation stops improving.

        Args:
            folder: where checkpoints and training_metrics.csv go.
            on_epoch: is given the rows of training_metrics.csv after every epoch.

        Returns:
            Why it stopped.

        Raises:
            Interrupted: after Ctrl-C, with the last checkpoint written.
            Diverged: loss or gradient are no numbers, for many steps or at the end.
        """
        self.bad_steps.folder = folder
        stopped = self._epochs(folder, on_epoch)
        self.checkpoints.finish(folder)
        self.bad_steps.check_end()
        return stopped

    def _epochs(self, folder: RunFolder, on_epoch: Callable[[list[dict[str, Any]]], None] | None) -> str:
        with StopRequest() as stop:
            while self.progress.epoch < self.options.train_epochs:
                waited = self.progress.epoch - self.progress.best_epoch
                if waited >= self.options.patience:
                    return f"no better validation for {waited} epochs"
                if any(distributed.gather(stop.made)):
                    raise Interrupted
                self.loss.set_epoch(self.progress.epoch)
                self._follow_plan(self.progress.epoch)
                self._train_epoch(folder, stop)
                if stop.made and distributed.world_size() == 1:  # not after a validation that may take long
                    self._stop(folder)
                self._finish_epoch(folder)
                if on_epoch:
                    on_epoch(self.progress.rows)
        return f"all {self.options.train_epochs} epochs done"

    def _follow_plan(self, epoch: int) -> None:
        """Sets N for the epoch, and the learning rate where it follows the effective batch."""
        former = self.plan.steps_at(max(0, epoch - 1))
        self.accumulator.steps = self.plan.steps_at(epoch)
        if self.accumulator.steps == former or self.progress.micro_batches:
            return
        factor = self._learning_rate(epoch) / self._learning_rate(epoch - 1)
        self.scheduler.rescale(steps_per_epoch=self._steps_per_epoch(epoch), factor=factor)
        if self.options.bn_statistics == "spread":
            spread_batchnorm_momentum(self.model, self.accumulator.steps, former=former)
        logger.info(
            "from here %d micro-batches a step, learning rate %g",
            *(self.accumulator.steps, self.scheduler.learning_rate),
        )

    def _learning_rate(self, epoch: int) -> float:
        rule, world = self.options.scale_lr, distributed.world_size()
        return self.options.learning_rate * self.plan.learning_rate_factor(rule, epoch=epoch, world=world)

    def _steps_per_epoch(self, epoch: int) -> float:
        share = len(self._micro_batches(epoch)) / self.plan.steps_at(epoch)
        return share if self.options.cross_epoch_accumulation else math.ceil(share)

    def _train_epoch(self, folder: RunFolder, stop: StopRequest) -> None:
        self.model.train()
        if self.options.bn_statistics == "frozen":
            freeze_batchnorm(self.model)
        progress, batches = self.progress, self._micro_batches(self.progress.epoch)
        loader = train_loader(
            self.data.train, batches, workers=self.options.num_workers, pin=self.device.type == "cuda"
        )
        self.correct.fill_(progress.correct)
        bar = EpochBar(
            progress, left=len(batches), epochs=self.options.train_epochs, steps=self.accumulator.window_steps
        )
        state = random_state()  # making the loader's processes draws from it
        with bar, self.accumulator.epoch():
            iterator = loading(loader)
            set_random_state(state)
            for batch in iterator:
                self._train_micro_batch(batch, bar)
                if distributed.world_size() > 1:
                    continue  # the others would have to know of it; they do at the epoch's end
                if stop.made:
                    self._stop(folder)
                if self.checkpoints.due():
                    self.checkpoints.save(folder)
        if self.options.cross_epoch_accumulation:
            logger.info("accumulation count %d/%d", self.accumulator.count, self.accumulator.window_steps)

    def _stop(self, folder: RunFolder) -> NoReturn:
        raise Interrupted if self.checkpoints.save(folder) else Unsaved

    def _train_micro_batch(self, batch: Batch, bar: EpochBar) -> None:
        x, y = batch.x.to(self.device, non_blocking=True), batch.y.to(self.device, non_blocking=True)
        index, epoch = batch.index.to(self.device, non_blocking=True), self.progress.epoch
        x, target = self.augment(x, index, epoch=epoch), y
        if self.mixup:
            x, target = self.mixup(x, y, index, epoch=epoch)
        place, steps = self.accumulator.count + 1, self.accumulator.window_steps
        self.bad_steps.takes(batch.index)
        step = self.guard.backward(x, target, y)
        self.progress.seen += len(y)
        self.progress.micro_batches += 1
        if step:
            bar.measured(step.loss, int(self.counted) / self.progress.seen)
        bar.advance(place, steps)

    def _compute(self, x: Tensor, target: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, L) windows, (B,) or mixed (B, K) targets and (B,) classes to (B,) losses and (B,) weights."""
        with autocast(self.options, self.device):
            logits = self.model(x)  # (B, K)
        self.correct += (logits.detach().argmax(1) == y).sum()
        if self.counted is not self.correct:
            self.counted.copy_(self.correct, non_blocking=True)
        return self.loss(logits.float(), target)

    def _on_step(self, step: Step) -> None:
        self.bad_steps.made()
        self.progress.loss += step.loss * step.weight
        self.progress.weight += step.weight
        self.scheduler.step()
        if self.average:
            self.average.update_parameters(self.model)

    def _finish_epoch(self, folder: RunFolder) -> None:
        row = self._row()
        before = self.progress
        self.progress = before.next_epoch(row, self.accumulator.count, self.options.select)
        better = self.progress.best_epoch > before.best_epoch
        self.scheduler.evaluated(row["val_loss"])
        if better and distributed.rank() == 0:
            self.checkpoints.reached(self.progress.epoch)
        self.checkpoints.save(folder)
        logger.info(
            "epoch %d: train loss %.4f, accuracy %.2f %%; validation loss %.4f, accuracy %.2f %%, macro-F1 %.4f%s",
            *(row["epoch"], row["train_loss"], 100 * row["train_accuracy"], row["val_loss"]),
            *(100 * row["val_accuracy"], row["val_macro_f1"], " (best so far)" if better else ""),
        )

    def _row(self) -> dict[str, Any]:
        """The epoch's row of training_metrics.csv; the same on every process."""
        progress = self.progress
        val: dict[str, float] = {}
        if distributed.rank() == 0:
            logits = logits_of(self.kept, self.data.val, self.device)
            target = torch.as_tensor(self.data.val.targets)
            if not logits.isfinite().all():
                raise Diverged(
                    f"the training diverged in epoch {progress.epoch + 1}: what the model says about validation is not "
                    f"a number; {self.bad_steps.advice()}"
                )
            val["loss"] = loss_of(self.loss, logits.to(self.device), target.to(self.device))
            val |= headline(predictions_of("val", self.data.val, logits, self.data.info.classes))
        val = distributed.from_first(rounded(val))
        counts = torch.tensor(distributed.gather([int(self.correct), progress.seen])).sum(0)
        return {
            "epoch": progress.epoch + 1,
            "train_loss": progress.loss / progress.weight if progress.weight else math.nan,
            "train_accuracy": int(counts[0]) / max(1, int(counts[1])),
            "val_loss": val["loss"],
            "val_accuracy": val["accuracy"],
            "val_macro_f1": val["macro_f1"],
            "learning_rate": self.scheduler.learning_rate,
            "effective_batch_size": self.plan.effective_batch_size(progress.epoch) * distributed.world_size(),
            "optimizer_steps": self.accumulator.optimizer_steps,
        }

    @property
    def kept(self) -> nn.Module:
        """The model that validation evaluates and that is kept: the averaged weights where they are on."""
        return self.average.module if self.average else self.model

    def _micro_batches(self, epoch: int) -> MicroBatches:
        return self._micro_batches_from(epoch, carried=self.progress.carried, start=self.progress.micro_batches)

    def micro_batches_of(self, epoch: int, *, carried: int) -> int:
        """How many micro-batches of this process an epoch has, whose open window held some as it began."""
        return len(self._micro_batches_from(epoch, carried=carried, start=0))

    def _micro_batches_from(self, epoch: int, *, carried: int, start: int) -> MicroBatches:
        return MicroBatches(
            samples=len(self.data.train),
            sizes=self.plan.sizes_at(epoch),
            seed=self.options.seed,
            epoch=epoch,
            carried=carried,
            rank=distributed.rank(),
            world=distributed.world_size(),
            start=start,
        )
