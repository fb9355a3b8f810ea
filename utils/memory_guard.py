"""Out of memory in the middle of an accumulation window: smaller pieces, the same step.

What is exact: the samples of every step and their weights stay those of the plan, so the step is the same sum in
another order (1e-12 in float64). The redone run is bit for bit the run that used the smaller pieces from that window
on. It is not bit for bit the run that never fell, and where a layer's result depends on the pieces - dropout draws its
masks piece by piece, BatchNorm normalises each - it is another sample of the same training.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from utils.errors import UserError
from utils.gradient_accumulation import GradientAccumulator, Step
from utils.snapshot import Snapshot

logger = logging.getLogger(__name__)


class MemoryGuard:
    """Feeds micro-batches to an accumulator; where memory runs out, halves them and redoes the open window.

    Holds the open window's micro-batches (inputs only) and what forward passes changed, to be able to. The window is
    redone from its start, or from where the guard first saw it after a resume. The loss scaler and the optimizer change
    only at a window's end, which is never redone; memory that runs out there is an error.

    Args:
        model: the network; its buffers are restored.
        accumulator: what the losses go to.
        compute: a micro-batch's tensors to (values, weights) of its samples.
        tensors: tensors that `compute` changes in place, such as a count of hits, restored with the rest.
        limit: largest piece of a micro-batch, None for no limit; part of an exact resume.
    """

    def __init__(
        self,
        model: nn.Module,
        accumulator: GradientAccumulator,
        compute: Callable[..., tuple[Tensor, Tensor | None]],
        *,
        tensors: tuple[Tensor, ...] = (),
        limit: int | None = None,
    ) -> None:
        self.model, self.accumulator, self.compute, self.tensors = model, accumulator, compute, tensors
        self.limit = limit
        self._batches: list[tuple[Tensor, ...]] = []
        self._state: dict[str, Any] = {}
        self._snapshot: Snapshot | None = None

    def backward(self, *batch: Tensor) -> Step | None:
        """One micro-batch, as `GradientAccumulator.backward`.

        Args:
            batch: tensors whose first dimension counts the samples.

        Returns:
            The step made, if one was made.

        Raises:
            UserError: a single sample does not fit.
        """
        if not self._batches or self.accumulator.count != self._state["count"] + len(self._batches):
            self._open()
        self._batches.append(batch)
        fits = self._feed(batch)
        while not fits:  # outside the except clause, which would keep the failed pass's tensors alive
            self._shrink()
            self._rewind()
            fits = self._redo()
        return self.accumulator.end_micro_batch()

    def undo_buffers(self) -> None:
        """Puts the model's buffers, such as running means, back to the open window's start: its step is skipped."""
        if self._snapshot is not None:
            self._snapshot.restore_buffers()

    def _open(self) -> None:
        self._batches = []
        self._state = self.accumulator.state_dict()
        self._snapshot = Snapshot(self.model, self.tensors)

    def _feed(self, batch: tuple[Tensor, ...]) -> bool:
        """Back-propagates a micro-batch piece by piece; False where memory ran out."""
        size = min(self.limit or len(batch[0]), len(batch[0]))
        try:
            for piece in zip(*(tensor.split(size) for tensor in batch), strict=True):
                self.accumulator.run(self.compute, *piece)
        except torch.OutOfMemoryError:
            return False
        return True

    def _shrink(self) -> None:
        largest = max(len(batch[0]) for batch in self._batches)
        size = min(self.limit or largest, largest)
        if size == 1:
            raise UserError(
                "out of memory with a single window in the micro-batch; choose a smaller network (--encoder, "
                "--feature_dim, --image_size) or --device cpu"
            )
        self.limit = size // 2
        logger.warning(
            "out of memory: micro-batches are computed in pieces of at most %d from now on, and the open accumulation "
            "window is redone; the effective batch size stays",
            self.limit,
        )

    def _rewind(self) -> None:
        """Takes everything back to the window's start."""
        assert self._snapshot is not None
        steps, window_steps = self.accumulator.steps, self.accumulator.window_steps
        self.accumulator.discard()
        self.accumulator.load_state_dict(self._state | {"steps": steps})
        self.accumulator.window_steps = window_steps
        self._snapshot.restore()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _redo(self) -> bool:
        for batch in self._batches[:-1]:
            if not self._feed(batch):
                return False
            self.accumulator.end_micro_batch()
        return self._feed(self._batches[-1])
