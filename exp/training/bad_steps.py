"""Steps whose loss or gradient is not a number: skipped, counted, named, and the end of a training if they go on."""

import logging
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from torch import Tensor

from exp.runs.run_folder import RunFolder
from utils import distributed
from utils.errors import Diverged
from utils.files import whole

if TYPE_CHECKING:
    from exp.training.trainer import Trainer

logger = logging.getLogger(__name__)

BATCH = "bad_batch.safetensors"  # in the run folder


class BadSteps:
    """What happens where a step is skipped.

    Args:
        trainer: whose steps.
        most: of them in a row. Ten halvings take fp16's loss scale from 65536 to 64: a gradient that is still infinite
            there is infinite by itself.
    """

    def __init__(self, trainer: "Trainer", *, most: int) -> None:
        self._trainer, self._most = trainer, most
        self._window: list[Tensor] = []
        self.folder: RunFolder | None = None

    def takes(self, index: Tensor) -> None:
        """Notes the windows (B,) of a micro-batch that goes into the open accumulation window."""
        self._window.append(index)

    def made(self) -> None:
        """A step was made."""
        self._trainer.progress.bad_in_a_row = 0
        self._window = []

    def skipped(self, reason: str) -> None:
        """A step was skipped.

        Raises:
            Diverged: it was one too many; its windows are in the run folder.
        """
        trainer, windows = self._trainer, self._window
        progress, self._window = trainer.progress, []
        progress.bad_steps += 1
        progress.bad_in_a_row += 1
        trainer.guard.undo_buffers()
        lowered = f", the loss scale is {trainer.scaler.get_scale():g} now" if trainer.scaler else ""
        logger.warning(
            "a step is skipped in epoch %d: %s%s (%s; %d in a row)",
            *(progress.epoch + 1, reason, lowered, self._named(windows), progress.bad_in_a_row),
        )
        if progress.bad_in_a_row >= self._most:
            saved = self._save(windows)
            raise Diverged(
                f"the training diverged in epoch {progress.epoch + 1}: {progress.bad_in_a_row} steps in a row were "
                f"skipped, the last because {reason}{saved}; {self.advice()}"
            )

    def check_end(self) -> None:
        """Raises Diverged where a training ends in skipped steps, as many as its last epoch made or more: too few for
        `most`, and still no model to be used."""
        progress = self._trainer.progress
        counts = [0, *(row["optimizer_steps"] for row in progress.rows)][-2:]
        if progress.bad_in_a_row >= max(1, counts[-1] - counts[0]):
            raise Diverged(
                f"the training diverged: its last {progress.bad_in_a_row} steps were skipped, for their loss or "
                f"gradient is not a number; {self.advice()}"
            )

    def advice(self) -> str:
        """What to do about a training that diverged."""
        options = self._trainer.options
        words = [f"lower --learning_rate (now {options.learning_rate:g})"]
        if options.amp == "fp16":
            words.append("take --amp bf16, whose numbers reach further")
        if not options.clip_grad:
            words.append("limit the gradient by --clip_grad 1")
        return ", or ".join(words)

    def _named(self, windows: list[Tensor]) -> str:
        """Which windows, for a person who goes to look at the data."""
        if not windows:
            return "no window of this process"
        part, places = self._trainer.data.train, torch.cat(windows).cpu().numpy()
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        return f"{part.file[places[0]]} at {part.start[places[0]]}{more}"

    def _save(self, windows: list[Tensor]) -> str:
        """Writes the windows (n, C, L) as the network sees them without noise, with their classes and places."""
        if self.folder is None or not windows or distributed.rank() > 0:
            return ""
        part, places = self._trainer.data.train, torch.cat(windows).cpu()
        batch, path = part.gather(places.numpy()), self.folder.path / BATCH
        named = [f"{part.file[place]} {part.start[place]}" for place in places.tolist()]
        notes = {"epoch": str(self._trainer.progress.epoch + 1), "windows": "\n".join(named)}
        try:
            with whole(path) as half:
                safetensors.torch.save_file({"x": batch.x, "y": batch.y, "index": places}, half, metadata=notes)
        except (OSError, safetensors.SafetensorError) as error:
            logger.warning("cannot write %s: %s", path, error)
            return ""
        return f"; its windows are in {path}"
