"""Checkpoints of a training: when they are written, which are kept, and which is taken up.

`last.pt` is the newest, `previous.pt` the one before it, `best.pt` the weights of the best epoch.
"""

import logging
import time
from typing import TYPE_CHECKING, Any

from torch import Tensor

from exp.runs.run_folder import RunFolder
from exp.training.checkpoint import restore, state_of
from exp.training.fingerprint import compare, compare_options
from exp.training.state_schema import check_best, check_head, check_state
from utils import distributed
from utils.checkpoints import load_checkpoint, load_newest, save_checkpoint

if TYPE_CHECKING:
    from exp.training.trainer import Trainer

logger = logging.getLogger(__name__)

FORMER = "previous.pt"
COPIES, SLACK = 64, 64 * 2**20  # of a model, and bytes beside them: more than any optimizer and any processes keep
clock = time.monotonic


class Checkpoints:
    """The checkpoints of one training.

    Args:
        trainer: what is saved.
        minutes: between checkpoints within an epoch, 0 for none.
    """

    def __init__(self, trainer: "Trainer", *, minutes: float) -> None:
        self._trainer, self._seconds = trainer, 60 * minutes
        self._written = clock()
        self._best: dict[str, Any] | None = None
        self._best_is_new = self._fails = False
        self._has_config: bool | None = None

    def due(self) -> bool:
        """Whether it is time for a checkpoint within the epoch."""
        return self._seconds > 0 and clock() - self._written >= self._seconds

    def reached(self, epoch: int) -> None:
        """Keeps the trainer's weights as the best so far; the next `save` writes them."""
        weights = {name: tensor.detach().cpu().clone() for name, tensor in self._trainer.kept.state_dict().items()}
        self._best, self._best_is_new = {"model": weights, "epoch": epoch}, True

    @property
    def best(self) -> dict[str, Tensor]:
        """The weights of the best epoch."""
        assert self._best is not None
        return self._best["model"]

    def save(self, folder: RunFolder) -> bool:
        """Writes everything that the next micro-batch depends on, the open accumulation window included.

        Every process has to call it; the first writes. Where that fails, as on a full disk, the training goes on, and
        the checkpoints before are as they were.

        Returns:
            False where it could not be written.
        """
        trainer = self._trainer
        if trainer.progress.micro_batches:
            trainer.progress.correct = int(trainer.correct)
        state = state_of(trainer)
        self._written = clock()
        if state is None:
            return True
        try:
            self._write(folder, state)
        except OSError as error:
            if not self._fails:
                logger.warning(
                    "cannot write a checkpoint: %s: %s; the training goes on, and the checkpoint before is kept",
                    *(error.filename2 or error.filename or folder.last, error.strerror),
                )
            self._fails = True
            return False
        if self._fails:
            logger.info("checkpoints can be written again")
        self._fails = False
        return True

    def finish(self, folder: RunFolder) -> None:
        """Tries once more to write what could not be written: what follows reads training_metrics.csv."""
        if self._fails and distributed.world_size() == 1:
            self.save(folder)

    def _write(self, folder: RunFolder, state: dict[str, Any]) -> None:
        if self._has_config is None:
            self._has_config = folder.config.is_file()
        if self._has_config and not folder.config.is_file():
            logger.warning("%s is gone: it is made again, with the checkpoint", folder.path)
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.write_config(self._trainer.options)
            self._best_is_new = self._best is not None
        if self._best is not None and self._best_is_new:  # first: last.pt never names a best that is not there
            save_checkpoint(self._best, folder.best)
            self._best_is_new = False
        save_checkpoint(state, folder.last, former=folder.last.with_name(FORMER))
        if self._trainer.progress.rows:
            folder.write_epochs(self._trainer.progress.rows)

    def load(self, folder: RunFolder) -> None:
        """Takes up the newest checkpoint that is whole.

        Raises:
            UserError: there is none, or it cannot go on under these options, with this data.
        """
        trainer, largest = self._trainer, self._largest()
        former = folder.last.with_name(FORMER)
        state, source, damage = load_newest([folder.last, former], largest=largest)
        if damage:
            logger.warning("%s; going on from the checkpoint before it, %s", damage, source)
        check_head(state, source)
        compare_options(state["options"], trainer.options, source)
        compare(state.get("fingerprint"), trainer.fingerprint, source)
        check_state(state, trainer, source)
        restore(trainer, state, source)
        if distributed.rank() == 0 and trainer.progress.best_epoch:
            found = load_checkpoint(folder.best, largest=largest)
            check_best(found, trainer, folder.best)
            self._best = found
        if distributed.rank() == 0 and trainer.progress.rows:  # a kill may have come before they were written
            folder.write_epochs(trainer.progress.rows)
        self._written = clock()

    def _largest(self) -> int:
        """Bytes that a checkpoint of this training can hold."""
        weights = sum(
            tensor.numel() * max(4, tensor.element_size()) for tensor in self._trainer.model.state_dict().values()
        )
        return COPIES * weights + SLACK
