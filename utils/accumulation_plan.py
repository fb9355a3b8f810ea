"""How many micro-batches of which size make one optimizer step: decided once, before training, from the command line.

Letters: N micro-batches of a step, M samples of a step.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from utils.errors import UserError, unknown_name

LEARNING_RATE_RULES: dict[str, Callable[[float], float]] = {
    "none": lambda growth: 1.0,
    "linear": lambda growth: growth,  # Goyal et al. 2017, for SGD
    "sqrt": math.sqrt,  # Krizhevsky 2014; the usual choice for Adam and its relatives
}


@dataclass(frozen=True)
class AccumulationPlan:
    """What `plan` decided.

    Attributes:
        batch_size: samples of a micro-batch as asked for: the reference of learning-rate rules.
        sizes: sizes of a step's N micro-batches, before the schedule's first entry.
        schedule: (epoch, N) by rising epoch, epochs from 0.
        reason: one line for the log: what was chosen and why.
    """

    batch_size: int
    sizes: tuple[int, ...]
    schedule: tuple[tuple[int, int], ...]
    reason: str

    def sizes_at(self, epoch: int) -> tuple[int, ...]:
        """Sizes of a step's micro-batches in an epoch."""
        begun = [steps for start, steps in self.schedule if start <= epoch]
        return (self.batch_size,) * begun[-1] if begun else self.sizes

    def steps_at(self, epoch: int) -> int:
        """N in an epoch."""
        return len(self.sizes_at(epoch))

    def effective_batch_size(self, epoch: int = 0) -> int:
        """M in an epoch, of one process."""
        return sum(self.sizes_at(epoch))

    def banner(self, epoch: int = 0) -> str | None:
        """The three lines that announce the accumulation, or None where nothing is accumulated."""
        sizes = self.sizes_at(epoch)
        if len(sizes) == 1:
            return None
        return (
            f"🔄 梯度累积配置: 每{len(sizes)}轮累积一次梯度\n"
            f"   实际batch_size: {sizes[0]}\n"
            f"   有效batch_size: {sum(sizes)}"
        )

    def learning_rate_factor(self, rule: str, *, epoch: int = 0, world: int = 1) -> float:
        """Factor of the learning rate for a step of M samples on each of `world` processes instead of one micro-batch.

        Args:
            rule: none, linear or sqrt.
            epoch: from 0; with a schedule the factor changes.
            world: number of processes.
        """
        if rule not in LEARNING_RATE_RULES:
            raise unknown_name("rule of --scale_lr", rule, list(LEARNING_RATE_RULES))
        return LEARNING_RATE_RULES[rule](self.effective_batch_size(epoch) * world / self.batch_size)


def plan(
    *,
    batch_size: int,
    steps: int,
    automatic: bool,
    explicit_steps: bool,
    target_batch_size: int | None = None,
    schedule: str = "",
) -> AccumulationPlan:
    """Chooses N and the sizes of micro-batches.

    An explicit N wins over the automatic rule. A target chooses the smallest N that reaches it, or shares it among an
    explicit N. A schedule rules from its first epoch on.

    Args:
        batch_size: largest micro-batch.
        steps: `--gradient_accumulation_steps`.
        automatic: `--enable_auto_gradient_accumulation`.
        explicit_steps: whether the user gave `steps`.
        target_batch_size: M exactly.
        schedule: "EPOCH:N,EPOCH:N", as "0:4,10:2".

    Raises:
        UserError: a number below 1, a malformed schedule, or settings that contradict each other.
    """
    _at_least_one("--batch_size", batch_size)
    _at_least_one("--gradient_accumulation_steps", steps)
    entries = _parse_schedule(schedule)
    starts_at_once = bool(entries) and entries[0][0] == 0
    if starts_at_once and explicit_steps:
        raise UserError(
            f"--accumulation_schedule {schedule} begins at epoch 0 and leaves no epoch for "
            f"--gradient_accumulation_steps {steps}; leave one of them out"
        )
    if target_batch_size is not None:
        if entries:
            raise UserError("--target_batch_size and --accumulation_schedule exclude each other; leave one of them out")
        sizes, reason = _share_target(target_batch_size, batch_size, steps if explicit_steps else None)
        return AccumulationPlan(batch_size, sizes, (), reason + "; the automatic rule is not used" * automatic)
    number, reason = _choose_steps(batch_size, steps, automatic=automatic, explicit=explicit_steps)
    if entries:
        listed = ", ".join(f"{n} from epoch {epoch}" for epoch, n in entries)
        before = "" if starts_at_once else f"; before that {reason}"
        reason = f"micro-batches a step by --accumulation_schedule: {listed}{before}"
    return AccumulationPlan(batch_size, (batch_size,) * number, entries, reason)


def automatic_steps(batch_size: int) -> int:
    """Micro-batches a step, by batch size: below 4, 4; from 4 to 7, 2; from 8 on, 1."""
    if batch_size < 4:
        return 4
    return 2 if batch_size < 8 else 1


def micro_batch_sizes(samples: int, sizes: Sequence[int], *, start: int = 0) -> Iterator[int]:
    """Cuts an epoch into micro-batches.

    Args:
        samples: samples of the epoch.
        sizes: sizes of a window's micro-batches, repeated over the epoch.
        start: place in the window where the epoch begins, when a window was carried over.

    Yields:
        Sizes that sum to `samples`; only the last may be smaller than planned.
    """
    left = samples
    for size in itertools.islice(itertools.cycle(sizes), start % len(sizes), None):
        if left <= 0:
            return
        yield min(size, left)
        left -= size


def _choose_steps(batch_size: int, steps: int, *, automatic: bool, explicit: bool) -> tuple[int, str]:
    rule = automatic_steps(batch_size)
    if automatic and not explicit:
        return rule, f"{_micro_batches(rule)} of {batch_size} a step, by the automatic rule"
    reason = f"{_micro_batches(steps)} of {batch_size} a step"
    if automatic:
        reason += f": --gradient_accumulation_steps wins over the automatic rule, which would take {rule}"
    return steps, reason


def _micro_batches(number: int) -> str:
    return "1 micro-batch" if number == 1 else f"{number} micro-batches"


def _share_target(target: int, batch_size: int, steps: int | None) -> tuple[tuple[int, ...], str]:
    _at_least_one("--target_batch_size", target)
    number = steps or math.ceil(target / batch_size)
    if not number <= target <= number * batch_size:
        raise UserError(
            f"--target_batch_size {target} cannot be shared among {_micro_batches(number)} "
            f"(--gradient_accumulation_steps) of 1 to {batch_size} samples (--batch_size); leave the steps out"
        )
    base, rest = divmod(target, number)
    sizes = (base + 1,) * rest + (base,) * (number - rest)
    return sizes, f"micro-batches of {', '.join(map(str, sizes))} a step: {target} samples by --target_batch_size"


def _parse_schedule(text: str) -> tuple[tuple[int, int], ...]:
    if not text:
        return ()
    try:
        entries = tuple((int(epoch), int(steps)) for epoch, steps in (part.split(":") for part in text.split(",")))
    except ValueError:
        raise UserError(f"--accumulation_schedule '{text}' is not EPOCH:STEPS,...; write it as 0:4,10:2") from None
    epochs = [epoch for epoch, _ in entries]
    if epochs[0] < 0 or any(a >= b for a, b in itertools.pairwise(epochs)):
        raise UserError(f"--accumulation_schedule '{text}': epochs start at 0 and must rise, as in 0:4,10:2")
    if any(steps < 1 for _, steps in entries):
        raise UserError(f"--accumulation_schedule '{text}': a step takes at least 1 micro-batch, as in 0:4,10:2")
    return entries


def _at_least_one(flag: str, value: int) -> None:
    if value < 1:
        raise UserError(f"{flag} {value}: give a number of at least 1")
