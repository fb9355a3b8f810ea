"""Gradient accumulation whose passes and steps are recorded once as CUDA graphs and replayed from then on.

A small network's training step is hundreds of kernels of a few microseconds. Starting them one by one from Python takes
several times as long as running them; a graph starts them all at once. `GraphAccumulator` does what
`GradientAccumulator` does, by the same code: a recording runs that code once, and a replay repeats its kernels on the
same memory. What does not fit a recording, a smaller micro-batch above all, runs as it always did.

There are three graphs:
- opening: forward, loss and backward of a window's first micro-batch, which leaves its gradients in memory of its own;
- adding: the same for a further micro-batch, whose gradients are added there;
- update: the window's gradients are scaled and clipped, and the optimizer steps.

Letters: B samples of a micro-batch.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from utils.cuda_recorder import CudaRecorder, Recorder, Replay
from utils.errors import UserError
from utils.gradient_accumulation import GradientAccumulator
from utils.snapshot import Snapshot

logger = logging.getLogger(__name__)


@dataclass
class _Passes:
    """Both passes of micro-batches of one shape.

    Attributes:
        key: what a recording holds fixed: N, plain numbers of the modules, shapes.
        inputs: memory that a micro-batch is copied to.
        window: the open window in the recording's memory, as `GradientAccumulator._take_window` gives it.
        opening, adding: the replays.
    """

    key: tuple[Any, ...]
    inputs: tuple[Tensor, ...]
    window: dict[str, Any] = field(default_factory=dict)
    opening: Replay = lambda: None
    adding: Replay = lambda: None


@dataclass
class _Update:
    """A step.

    Attributes:
        gradients: memory that a window's gradients are copied to; None where a parameter has none.
        scale: () what they are multiplied by.
        norm: () the norm before clipping, None without clipping.
        replay: the replay.
    """

    gradients: list[Tensor | None]
    scale: Tensor
    norm: Tensor | None = None
    replay: Replay = lambda: None

    def takes(self, gradients: list[Tensor | None]) -> bool:
        """Whether the step was recorded for such gradients."""
        kinds = [None if gradient is None else gradient.dtype for gradient in gradients]
        return kinds == [None if kept is None else kept.dtype for kept in self.gradients]


class GraphAccumulator(GradientAccumulator):
    """`GradientAccumulator` for a GPU: micro-batches of the usual size, and steps, are replayed as CUDA graphs.

    Args:
        model, optimizer, settings: as in `GradientAccumulator`.
        size: B of the micro-batches that are recorded.
        constants: modules whose plain numbers, such as a rate of dropout or a share of smoothing, a recording holds
            fixed; where one has changed, an epoch begins with a new recording.
        tensors: what a pass changes in place beside gradients, such as a count of hits.
        required: whether a training that cannot be recorded is an error.
        recorder: makes a recorder; None for `CudaRecorder`.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        size: int,
        constants: Sequence[nn.Module],
        tensors: tuple[Tensor, ...] = (),
        required: bool = False,
        recorder: Callable[[], Recorder] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(model, optimizer, **settings)
        self.model, self.size, self.constants, self.tensors = model, size, constants, tensors
        self.required = required
        self._recorder = recorder or (lambda: CudaRecorder(self.parameters[0].device))
        self._numbers = _numbers(constants)
        self._passes: _Passes | None = None
        self._update_graph: _Update | None = None
        self._records_passes, self._records_steps = True, self.scaler is None and _is_capturable(optimizer)

    @contextmanager
    def epoch(self) -> Iterator[None]:
        """As `GradientAccumulator.epoch`."""
        numbers = _numbers(self.constants)
        self._numbers = self._numbers if numbers == self._numbers else numbers  # the same object compares fast
        with super().epoch():
            yield

    # --- passes ---

    def run(self, compute: Callable[..., tuple[Tensor, Tensor | None]], *tensors: Tensor) -> None:
        """As `GradientAccumulator.run`; micro-batches of the usual size are replayed.

        Raises:
            UserError: a recording is required and cannot be made.
        """
        passes = self._passes_for(compute, tensors) if self._records_passes and len(tensors[0]) == self.size else None
        if passes is None:
            super().run(compute, *tensors)
            return
        for kept, tensor in zip(passes.inputs, tensors, strict=True):
            kept.copy_(tensor, non_blocking=True)
        if self._sums is None:
            passes.opening()
            self._put_window(passes.window | self._place())
        else:
            self._adopt(passes.window)
            passes.adding()

    def _passes_for(self, compute: Callable[..., Any], tensors: tuple[Tensor, ...]) -> _Passes | None:
        """The recording that fits, made now where there is none; None where none can be made."""
        opens = self._sums is None
        steps = self.window_steps if opens or self._passes is None else self._passes.key[0]
        key = (steps, self._numbers, *((tensor.shape, tensor.dtype) for tensor in tensors))
        if self._passes is None or self._passes.key != key:
            first, self._passes = self._passes is None, None  # the former one's memory goes first
            try:
                self._passes = self._record_passes(compute, _Passes(key, tuple(t.clone() for t in tensors)))
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._give_up(error)
                self._records_passes = False
            else:
                if first:
                    logger.info("%s", self._about())
        return self._passes

    def _record_passes(self, compute: Callable[..., Any], passes: _Passes) -> _Passes:
        """Records both passes. The open window, and all that a pass changes, are left as they were."""
        steps = self.window_steps

        def run() -> None:
            GradientAccumulator.run(self, compute, *passes.inputs)

        def rehearsal() -> None:
            self._take_window()
            run()

        snapshot, window, recorder = Snapshot(self.model, self.tensors), self._take_window(), self._recorder()
        try:
            recorder.rehearse(rehearsal)
            self._take_window()
            self.window_steps = steps
            passes.opening = recorder.record(run)
            passes.adding = recorder.record(run)
            passes.window = self._take_window()
        finally:
            self._take_window()
            self._put_window(window)
            snapshot.restore()
        return passes

    def _adopt(self, window: dict[str, Any]) -> None:
        """Moves the open window to the memory of a recording if it lies elsewhere, after a resume for example."""
        if self._sums is window["sums"]:
            return
        pairs = [(window["sums"], self._sums), (window["nominal"], self._nominal)]
        pairs += zip(window["gradients"], self._gradients(), strict=True)
        for kept, tensor in pairs:
            if kept is not None and tensor is None:
                kept.zero_()
            elif kept is not None:
                kept.copy_(tensor)
        self._put_window(window | self._place())

    def _place(self) -> dict[str, int]:
        return {"count": self.count, "window_steps": self.window_steps}

    # --- steps ---

    def _step(self, gradients: list[Tensor | None], scale: float) -> tuple[Tensor | None, bool]:
        if not self._records_steps or not self.optimizer.state:  # an optimizer's first step makes its state
            return super()._step(gradients, scale)
        if self._update_graph is None:
            try:
                self._update_graph = self._record_update(gradients)
            except RuntimeError as error:
                self._give_up(error)
                self._records_steps = False
                return super()._step(gradients, scale)
        update = self._update_graph
        if not update.takes(gradients):
            return super()._step(gradients, scale)
        kept, new = _present(update.gradients), _present(gradients)
        torch._foreach_copy_(kept, new)
        update.scale.fill_(scale)
        update.replay()
        return None if update.norm is None else update.norm.clone(), True

    def _record_update(self, gradients: list[Tensor | None]) -> _Update:
        """Records a step. Weights and the optimizer's state are left as they were."""
        kept = [None if gradient is None else gradient.clone() for gradient in gradients]
        present = _present(kept)
        wide = torch.promote_types(present[0].dtype, torch.float32)
        update = _Update(kept, torch.ones((), dtype=wide, device=present[0].device))

        def step() -> None:
            torch._foreach_mul_(present, update.scale)
            update.norm, _ = super(GraphAccumulator, self)._step(kept, 1.0)

        state = [value for values in self.optimizer.state.values() for value in values.values()]
        changed = [tensor for tensor in (*self.parameters, *state) if isinstance(tensor, Tensor)]
        former, recorder = [tensor.detach().clone() for tensor in changed], self._recorder()
        try:
            recorder.rehearse(step)
        finally:
            with torch.no_grad():
                for tensor, value in zip(changed, former, strict=True):
                    tensor.copy_(value)
        update.replay = recorder.record(step)
        return update

    # --- words ---

    def _give_up(self, error: RuntimeError) -> None:
        reason = str(error).splitlines()[0]
        if self.required:
            raise UserError(f"--cuda_graphs on: this training cannot be recorded ({reason}); use auto") from None
        logger.warning("not replayed as a CUDA graph: %s", reason)

    def _about(self) -> str:
        parts = f"CUDA graphs replay forward, loss and backward of micro-batches of {self.size}"
        if self._records_steps:
            return f"{parts}, and the optimizer's step; other sizes run kernel by kernel"
        why = "the loss scale decides on it" if self.scaler else f"{type(self.optimizer).__name__} cannot be recorded"
        return f"{parts}; the optimizer's step runs kernel by kernel, for {why}"


def _is_capturable(optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimizer keeps on the GPU whatever changes from step to step."""
    return all(group.get("capturable", False) for group in optimizer.param_groups)


def _present(tensors: list[Tensor | None]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor is not None]


def _numbers(modules: Sequence[nn.Module]) -> list[tuple[str, Any]]:
    """Every plain attribute of modules and of all their parts."""
    parts = [part for module in modules for part in module.modules()]
    return [(name, value) for part in parts for name, value in vars(part).items() if type(value) in (bool, int, float)]
