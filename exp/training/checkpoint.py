"""Everything that the next micro-batch of a training depends on, as one state, and back."""

from typing import TYPE_CHECKING, Any

from exp.training.progress import Progress
from utils import distributed
from utils.errors import UserError
from utils.optimizers import restore_optimizer
from utils.seeding import random_state, set_random_state

if TYPE_CHECKING:
    from exp.training.trainer import Trainer


def state_of(trainer: "Trainer") -> dict[str, Any] | None:
    """The state of a training, the open accumulation window included; None on all processes but the first.

    Every process has to call it, since each gives its own part.
    """
    counts = {"correct": trainer.progress.correct, "seen": trainer.progress.seen}
    own = {"accumulator": trainer.accumulator.state_dict(), "random": random_state(), "counts": counts}
    ranks = distributed.gather(own)
    if trainer.options.zero_optimizer:
        trainer.optimizer.consolidate_state_dict(to=0)  # type: ignore[attr-defined]
    if distributed.rank() > 0:
        return None
    return {
        "model": trainer.model.state_dict(),
        "average": trainer.average.state_dict() if trainer.average else None,
        "optimizer": trainer.optimizer.state_dict(),
        "scheduler": trainer.scheduler.state_dict(),
        "scaler": trainer.scaler.state_dict() if trainer.scaler else None,
        "progress": vars(trainer.progress),
        "piece": trainer.guard.limit,
        "ranks": ranks,
        "options": trainer.options.to_dict(),
        "fingerprint": trainer.fingerprint,
    }


def restore(trainer: "Trainer", state: dict[str, Any], source: object) -> None:
    """Takes up a training where a state was saved.

    Args:
        trainer: built with the options of the run.
        state: what `state_of` gave.
        source: where the state comes from, for messages.

    Raises:
        UserError: the state cannot go on under these options.
    """
    ranks, rank = state["ranks"], distributed.rank()
    if len(ranks) != distributed.world_size() and state["progress"]["micro_batches"]:
        raise UserError(
            f"{source} lies within an epoch of {len(ranks)} processes, now there are "
            f"{distributed.world_size()}; resume with as many, or from the end of an epoch"
        )
    own = ranks[rank] if rank < len(ranks) else ranks[0]
    epoch = state["progress"]["epoch"]
    # Between epochs the former one's number of steps is in force; the next one sets its own as it begins.
    between = not state["progress"]["micro_batches"]
    trainer.accumulator.steps = trainer.plan.steps_at(max(0, epoch - 1) if between else epoch)
    try:
        trainer.accumulator.load_state_dict(own["accumulator"])
    except ValueError as error:
        raise UserError(str(error)) from None
    trainer.model.load_state_dict(state["model"])
    restore_optimizer(trainer.optimizer, state["optimizer"])
    trainer.scheduler.load_state_dict(state["scheduler"])
    if trainer.average:
        trainer.average.load_state_dict(state["average"])
    if trainer.scaler:
        trainer.scaler.load_state_dict(state["scaler"])
    trainer.guard.limit = state["piece"]
    trainer.progress = Progress(**{**state["progress"], **own.get("counts", {})})
    set_random_state(own["random"])
