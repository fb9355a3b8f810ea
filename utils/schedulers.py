"""Learning rates as a function of optimizer steps.

A micro-batch never moves the rate, an optimizer step does; so with 24 windows a step the curve over samples seen is the
same in 24 x 1, 12 x 2 and 8 x 3. The curves are closed forms of the number of steps: a resumed run needs that number
and no more. Only `plateau` has a memory, PyTorch's own ReduceLROnPlateau.

    rate = base rate * warm-up(time) * curve(progress)      time in epochs; progress: 0 after the warm-up, 1 at the end
"""

import logging
import math
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from utils.errors import UserError, unknown_name
from utils.plain_optimizers import plain

logger = logging.getLogger(__name__)

MIN_RATE = 1e-6


class Scheduler:
    """Sets the rates of an optimizer's groups, at once for the first step, then at each call of `step`.

    Args:
        optimizer: its groups' rates are the base rates.
        steps_per_epoch: optimizer steps of an epoch, above 0; a fraction where a window spans epochs.
        epochs: length of the whole curve.
        warmup_epochs: the rate rises in a straight line to the base rate; the curve begins after.
        period: the rate changes at every `period`-th optimizer step only.
        milestones: shares of the epochs after which `multistep` takes a tenth.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        steps_per_epoch: float,
        epochs: int,
        warmup_epochs: float = 0.0,
        period: int = 1,
        milestones: tuple[float, ...] = (0.5, 0.75),
    ) -> None:
        if not 0 < steps_per_epoch < math.inf or epochs < 1:
            raise ValueError(f"{steps_per_epoch} steps an epoch and {epochs} epochs; both must be above 0")
        if not 0 <= warmup_epochs < epochs:
            raise UserError(f"--warmup_epochs is {warmup_epochs}; give at least 0 and less than the {epochs} epochs")
        if period < 1:
            raise UserError(f"--scheduler_period is {period}; give at least 1")
        self.optimizer = optimizer
        self.base_rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
        self.steps_per_epoch, self.epochs, self.warmup_epochs = float(steps_per_epoch), epochs, float(warmup_epochs)
        self.period, self.milestones = period, milestones
        self.steps = 0
        self._anchor = (0, 0.0)  # steps and epochs done when the steps of an epoch last changed
        self._apply()

    def curve(self, progress: float, floor: float) -> float:
        """Factor of the base rate; `floor` is the factor that gives `MIN_RATE`."""
        raise NotImplementedError

    def step(self) -> None:
        """One optimizer step is done (not a skipped one): sets the rate of the next."""
        self.steps += 1
        self._apply()

    def evaluated(self, loss: float) -> None:
        """An evaluation is done. Only `plateau` listens."""

    def rescale(self, *, steps_per_epoch: float, factor: float = 1.0) -> None:
        """The accumulation changes here: an epoch has another number of steps from now on.

        Args:
            steps_per_epoch: optimizer steps of an epoch from now on.
            factor: of the base rates, where the rate follows the effective batch.
        """
        self._anchor = (self.steps, self._time(self.steps))
        self.steps_per_epoch = float(steps_per_epoch)
        self.base_rates = [rate * factor for rate in self.base_rates]
        self._apply()

    @property
    def learning_rate(self) -> float:
        """The rate of the next optimizer step."""
        return self._rates[0]

    def state_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "steps": self.steps,
            "anchor": list(self._anchor),
            "steps_per_epoch": self.steps_per_epoch,
            "base_rates": list(self.base_rates),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from `state_dict`; also sets the optimizer's rates."""
        self.steps = state["steps"]
        self._anchor = (state["anchor"][0], state["anchor"][1])
        self.steps_per_epoch = state["steps_per_epoch"]
        self.base_rates = list(state["base_rates"])
        self._apply()

    def _time(self, steps: int) -> float:
        return self._anchor[1] + (steps - self._anchor[0]) / self.steps_per_epoch

    def _apply(self) -> None:
        steps = max(self.steps - self.steps % self.period, self._anchor[0])
        time = self._time(steps)
        warmup = 1.0
        if self.warmup_epochs > 0:
            warmup = min(1.0, (time + 1 / self.steps_per_epoch) / self.warmup_epochs)
        progress = min(1.0, max(0.0, time - self.warmup_epochs) / (self.epochs - self.warmup_epochs))
        self._rates = [base * warmup * self.curve(progress, min(1.0, MIN_RATE / base)) for base in self.base_rates]
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            _set_rate(group, rate)


class Constant(Scheduler):
    """The base rate, after the warm-up."""

    def curve(self, progress: float, floor: float) -> float:
        return 1.0


class Cosine(Scheduler):
    """Half a cosine from the base rate down to `MIN_RATE` (Loshchilov and Hutter, 2017)."""

    def curve(self, progress: float, floor: float) -> float:
        return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


class Linear(Scheduler):
    """A straight line from the base rate down to `MIN_RATE`."""

    def curve(self, progress: float, floor: float) -> float:
        return floor + (1 - floor) * (1 - progress)


class MultiStep(Scheduler):
    """A tenth of the rate after each milestone."""

    def curve(self, progress: float, floor: float) -> float:
        time = self.warmup_epochs + progress * (self.epochs - self.warmup_epochs)
        # The slack keeps a milestone on its step where the division by steps_per_epoch rounds down.
        passed = sum(time >= share * self.epochs - 1e-9 for share in self.milestones)
        return max(floor, 0.1**passed)


class Plateau(Scheduler):
    """PyTorch's ReduceLROnPlateau on the validation loss: factor 0.5, patience 5, least rate 1e-6, cooldown 2.

    It steers the rates of a stand-in, which the warm-up then multiplies.
    """

    def __init__(self, optimizer: Optimizer, **settings: Any) -> None:
        self._stand_in = plain(SGD)([{"params": [torch.zeros(())], "lr": 1.0}], lr=1.0)
        self._plateau = ReduceLROnPlateau(self._stand_in, factor=0.5, patience=5, cooldown=2)
        super().__init__(optimizer, **settings)

    def curve(self, progress: float, floor: float) -> float:
        return max(floor, self._stand_in.param_groups[0]["lr"])

    def evaluated(self, loss: float) -> None:
        before = self.learning_rate
        self._plateau.step(loss)
        self._apply()
        if self.learning_rate < before:
            logger.info("the validation loss no longer falls: learning rate %g, was %g", self.learning_rate, before)

    def state_dict(self) -> dict[str, Any]:
        plateau = self._plateau
        memory = {"best": plateau.best, "bad": plateau.num_bad_epochs, "cooldown": plateau.cooldown_counter}
        return {**super().state_dict(), "plateau": {**memory, "factor": self._stand_in.param_groups[0]["lr"]}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        memory, plateau = state["plateau"], self._plateau
        plateau.best, plateau.num_bad_epochs = memory["best"], memory["bad"]
        plateau.cooldown_counter = memory["cooldown"]
        self._stand_in.param_groups[0]["lr"] = memory["factor"]
        super().load_state_dict(state)


def _set_rate(group: dict[str, Any], rate: float) -> None:
    """A rate that is a tensor stays where it is: a recorded step reads it there."""
    if isinstance(group["lr"], torch.Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


SCHEDULERS: dict[str, Callable[..., Scheduler]] = {
    "plateau": Plateau,
    "cosine": Cosine,
    "linear": Linear,
    "multistep": MultiStep,
    "none": Constant,
}


def build_scheduler(
    optimizer: Optimizer,
    *,
    name: str,
    steps_per_epoch: float,
    epochs: int,
    warmup_epochs: float = 0.0,
    period: int = 1,
    milestones: tuple[float, ...] = (0.5, 0.75),
) -> Scheduler:
    """The scheduler by its name in `SCHEDULERS`; the other arguments are those of `Scheduler`.

    Raises:
        UserError: an unknown name, or a warm-up or period out of range.
    """
    if name not in SCHEDULERS:
        raise unknown_name("scheduler", name, list(SCHEDULERS))
    return SCHEDULERS[name](
        optimizer,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        warmup_epochs=warmup_epochs,
        period=period,
        milestones=milestones,
    )
