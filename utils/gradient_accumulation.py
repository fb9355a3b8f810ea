"""Gradient accumulation that is exactly the big batch.

A window is the N micro-batches of one optimizer step. The loss of a window is

    L = sum_i w_i l_i / D,    D = sum_i w_i

over all its samples, on all processes. A micro-batch cannot know D, which lies partly in the future. So each one
back-propagates sum_i w_i l_i divided by a guess of D, its window's `nominal`, and the gradient is multiplied by
nominal / D once, when the window closes: before clipping, so that one threshold serves every N. Dividing each
micro-batch's mean by N instead is right only if all micro-batches weigh the same.

    accumulator = GradientAccumulator(model, optimizer, steps=4, clip_norm=1.0, on_step=lambda _: scheduler.step())
    for epoch in range(10):
        with accumulator.epoch():
            for x, y in loader:
                accumulator.backward(F.cross_entropy(model(x), y, reduction="none"))

That is the whole of it: no boundary to compute, no tail to treat, and under torchrun the same lines average over all
processes. This module and `accumulation_window.py` need PyTorch only and can be copied into any project.

Letters: B samples of a micro-batch.
"""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from utils.accumulation_window import Step, check_window, fault_of, gradient_size, parameters_of, placed, reduce_window

logger = logging.getLogger(__name__)


class GradientAccumulator:
    """Accumulates gradients over windows of micro-batches and steps the optimizer at each window's end.

    Under `torch.distributed` (initialised by the caller) the parameters are taken from rank 0, and each window costs
    one reduction, at its end: gradients, denominator and loss travel together. A process that has no more
    micro-batches goes on to answer the others' reductions, so processes may hold different numbers of them.

    Args:
        model: holds everything that is trained. The plain module: a DistributedDataParallel wrapper would reduce a
            second time and is refused.
        optimizer: steps once a window. A window whose samples all weigh zero does not step.
        steps: N, micro-batches of a window.
        clip_norm: largest norm of a window's gradient, 0 for no limit.
        scaler: for float16 autocast. A window with an infinite gradient is skipped as a whole.
        buffer_dtype: accumulate in a store of this type beside the parameters (float32 beside bfloat16 parameters);
            None accumulates in the parameters' `.grad`.
        carry: keep a part-filled window over the end of an epoch instead of stepping it.
        on_step: called after every update that was made, never for a skipped one: the place for learning-rate
            schedulers, averaged weights and logging.
        on_skip: given the reason of every skipped update; with it, a window that is not finite is skipped as well.

    Raises:
        ValueError: the model is wrapped, the optimizer holds parameters that the model lacks, or steps is below 1.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        steps: int = 1,
        clip_norm: float = 0.0,
        scaler: torch.amp.GradScaler | None = None,
        buffer_dtype: torch.dtype | None = None,
        carry: bool = False,
        on_step: Callable[[Step], None] | None = None,
        on_skip: Callable[[str], None] | None = None,
    ) -> None:
        self.parameters = parameters_of(model, optimizer)
        self.optimizer, self.scaler, self.clip_norm = optimizer, scaler, clip_norm
        self.buffer_dtype, self.carry, self.on_step, self.on_skip = buffer_dtype, carry, on_step, on_skip
        self.optimizer_steps = self.skipped_steps = 0
        self.count = 0  # micro-batches in the open window
        self.window_steps = steps
        self.steps = steps
        self._sums: Tensor | None = None  # (2,): sum(w l) and sum(w) of the open window
        self._nominal: Tensor | None = None  # (): the guess of sum(w) that its gradients are divided by
        self._buffer: list[Tensor | None] = [None] * len(self.parameters)
        self._world = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
        if self._world > 1:
            for tensor in (*model.parameters(), *model.buffers()):
                dist.broadcast(tensor.detach(), src=0)

    @property
    def steps(self) -> int:
        """N for the windows that open from now on; the open window keeps its own."""
        return self._steps

    @steps.setter
    def steps(self, value: int) -> None:
        if value < 1:
            raise ValueError(f"steps={value}: a window has at least one micro-batch")
        self._steps = value
        if not self.count:
            self.window_steps = value

    @contextmanager
    def epoch(self) -> Iterator[None]:
        """Everything of one epoch. At the end, also after `break`, the part-filled window steps at its own scale, or
        is carried on; after an exception it is discarded, so nothing leaks into what comes next."""
        with ExitStack() as stack:
            stack.callback(self.discard)
            yield
            stack.pop_all()
        self.finish()

    def backward(self, values: Tensor, weights: Tensor | None = None, *, ends: bool = True) -> Step | None:
        """Back-propagates one micro-batch, and steps the optimizer where this closes the window.

        Args:
            values: (B,) losses of the samples.
            weights: (B,) weights, for example of the classes, 0 to ignore a sample; None for all ones.
            ends: False for a piece of a micro-batch; `end_micro_batch` follows the last piece.

        Returns:
            The step made, if one was made.
        """
        if weights is None:
            weights = torch.ones_like(values)
        wide = torch.float32 if values.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
        total, weight = (values * weights).sum(), weights.sum(dtype=wide)
        if self._nominal is None:
            # For N = 1 this is D itself, the correction is exactly 1, and the step is bit for bit the plain one.
            self._nominal = torch.where(weight > 0, weight, 1.0) * self.window_steps
        loss = total / self._nominal.to(total.dtype)
        (self.scaler.scale(loss) if self.scaler else loss).backward()
        sums = torch.stack((total.detach().to(wide), weight))
        self._sums = sums if self._sums is None else self._sums.add_(sums)
        if self.buffer_dtype is not None:
            self._move_to_buffer()
        return self.end_micro_batch() if ends else None

    def run(self, compute: Callable[..., tuple[Tensor, Tensor | None]], *tensors: Tensor) -> None:
        """Computes and back-propagates a piece of a micro-batch; `end_micro_batch` follows the last piece.

        Args:
            compute: `tensors` to (B,) losses and (B,) weights, see `backward`.
            tensors: their first dimension counts the samples.
        """
        self.backward(*compute(*tensors), ends=False)

    def end_micro_batch(self) -> Step | None:
        """Ends a micro-batch given in pieces (`ends=False`), and steps the optimizer where this closes the window."""
        self.count += 1
        return self._close_window(more=True)[0] if self.count >= self.window_steps else None

    def finish(self) -> None:
        """Ends an epoch: steps the part-filled window, or leaves it open if it is to be carried on."""
        if self._world == 1:
            if not self.carry:
                self._close_window(more=False)
            return
        carried = self._take_window() if self.carry else None
        scale = self.scaler.get_scale() if self.scaler else 1.0
        others_go_on = True
        while others_go_on:
            others_go_on = self._close_window(more=False)[1]
        if carried:
            self._put_window(carried)
            if self.scaler and self.scaler.get_scale() != scale:  # another process's window changed it meanwhile
                for gradient in self._gradients():
                    if gradient is not None:
                        gradient.mul_(self.scaler.get_scale() / scale)

    def discard(self) -> None:
        """Drops the open window with its gradients."""
        self._take_window()

    def state_dict(self) -> dict[str, Any]:
        """The open window, gradients included: what an exact resume needs beside model and optimizer."""
        return {
            "steps": self.steps,
            "world_size": self._world,
            "optimizer_steps": self.optimizer_steps,
            "skipped_steps": self.skipped_steps,
            "count": self.count,
            "window_steps": self.window_steps,
            "sums": None if self._sums is None else self._sums.clone(),
            "nominal": None if self._nominal is None else self._nominal.clone(),
            "gradients": [None if g is None else g.clone() for g in self._gradients()],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores `state_dict()`.

        Raises:
            ValueError: the state holds an open window, which cannot go on with another N or number of processes.
        """
        check_window(state, steps=self.steps, world_size=self._world)
        self.optimizer_steps, self.skipped_steps = state["optimizer_steps"], state["skipped_steps"]
        self._put_window(placed(state, self.parameters))
        if not self.count:
            self.window_steps = self.steps

    def _gradients(self) -> list[Tensor | None]:
        return [p.grad for p in self.parameters] if self.buffer_dtype is None else self._buffer

    def _take_window(self) -> dict[str, Any]:
        """Empties the window; returns what was in it."""
        window: dict[str, Any] = {"count": self.count, "window_steps": self.window_steps, "sums": self._sums}
        window |= {"nominal": self._nominal, "gradients": self._gradients()}
        for parameter in self.parameters:
            parameter.grad = None
        self.count, self.window_steps = 0, self.steps
        self._sums = self._nominal = None
        self._buffer = [None] * len(self.parameters)
        return window

    def _put_window(self, window: dict[str, Any]) -> None:
        self.count, self.window_steps = window["count"], window["window_steps"]
        self._sums, self._nominal = window["sums"], window["nominal"]
        if self.buffer_dtype is not None:
            self._buffer = list(window["gradients"])
            return
        for parameter, gradient in zip(self.parameters, window["gradients"], strict=True):
            parameter.grad = gradient

    def _move_to_buffer(self) -> None:
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is not None:
                store = self._buffer[i]
                self._buffer[i] = parameter.grad.to(self.buffer_dtype) if store is None else store.add_(parameter.grad)
                parameter.grad = None

    def _close_window(self, *, more: bool) -> tuple[Step | None, bool]:
        """Reduces, rescales, clips and steps.

        Args:
            more: whether this process may have another window in this epoch.

        Returns:
            The step, if one was made, and whether any process may have another window.
        """
        gradients, total, weight, nominal, size = self._gradients(), 0.0, 0.0, 1.0, 0.0
        if self._world > 1:
            kept = self.parameters[0].dtype if self.buffer_dtype is None else self.buffer_dtype
            gradients, (total, weight), more = reduce_window(
                self.parameters, gradients, sums=self._sums, nominal=self._nominal, dtype=kept, more=more
            )
            size = gradient_size(gradients, self.parameters[0].detach().new_zeros(())).item()
        elif self._sums is not None and self._nominal is not None:
            own = [gradient_size(gradients, self._sums[0])] if self.on_skip else []
            total, weight, nominal, *sizes = torch.stack((*self._sums, self._nominal, *own)).tolist()  # the one read
            size = sum(sizes)
        step, fault = None, ""
        if weight != 0:
            fault = fault_of(total, weight, size) if self.on_skip else ""
            # A gradient that a loss scale made infinite is for the scaler to skip, which lowers the scale.
            skips = bool(fault) and (self.scaler is None or math.isfinite(size))
            norm, updated = (None, False) if skips else self._step(gradients, nominal / weight)
            if updated:
                self.optimizer_steps += 1
                step = Step(total / weight, weight, self.count, norm)
            else:
                self.skipped_steps += 1
                fault = fault or "an infinite gradient"
        self.discard()
        if step and self.on_step:
            self.on_step(step)
        elif fault and self.on_skip:
            self.on_skip(fault)
        elif fault:
            logger.warning("%s: this window's update is skipped, the loss scale lowered", fault)
        return step, more

    def _step(self, gradients: list[Tensor | None], scale: float) -> tuple[Tensor | None, bool]:
        """Updates the parameters by the window's gradients times `scale`.

        Returns:
            The gradient's norm if it clips, and False where the loss scaler skipped the step.
        """
        return self._prepare(gradients, scale), self._update()

    def _prepare(self, gradients: list[Tensor | None], scale: float) -> Tensor | None:
        """Puts the window's gradient at its true scale into the parameters' `.grad`; returns its norm if it clips."""
        if scale != 1:  # windows of equal weights are at their true scale already
            torch._foreach_mul_([g for g in gradients if g is not None], scale)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = None if gradient is None else gradient.to(parameter.dtype)
        if self.scaler:
            self.scaler.unscale_(self.optimizer)
        return nn.utils.clip_grad_norm_(self.parameters, self.clip_norm) if self.clip_norm else None

    def _update(self) -> bool:
        """Steps the optimizer; False where the loss scaler skipped the step."""
        if not self.scaler:
            self.optimizer.step()
            return True
        before = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return self.scaler.get_scale() >= before
