"""What a checkpoint must look like before anything of it is used: names, kinds, shapes and ranges.

A right SHA-256 says that the bytes are those that were written, not that this program wrote them. The pattern is the
state that the training itself would save.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor, nn

from exp.training.optimizer_schema import check_optimizer
from exp.training.progress import Progress
from exp.training.shapes import Wrong, numbers_like, same_tensors, tensor_like, whole_number
from utils.errors import UserError

if TYPE_CHECKING:
    from exp.training.trainer import Trainer

FIELDS = {"model", "average", "optimizer", "scheduler", "scaler", "progress", "piece", "ranks", "options"}
LATER = {"fingerprint"}  # fields that older programs did not write
MOST = 10**9  # epochs, and processes
_WINDOW = {"steps", "world_size", "optimizer_steps", "skipped_steps", "count", "window_steps"}
_ROW = {"epoch", "val_loss", "learning_rate", "effective_batch_size", "optimizer_steps"}


def check_head(state: Mapping[str, Any], source: Path) -> None:
    """Raises UserError where a checkpoint has other fields than a training's, or does not say of which run it is."""
    try:
        _names(state, FIELDS, "the checkpoint", LATER)
        if not isinstance(state["options"], dict):
            raise Wrong("'options' is not a table")
        if (found := state.get("fingerprint")) is not None:
            _names(found, {"files", "readings", "split"}, "the fingerprint")
            if not isinstance(found["files"], dict) or not isinstance(found["split"], dict):
                raise Wrong("the fingerprint is not one of files and parts")
            for name in found["files"]:
                if not isinstance(name, str):
                    raise Wrong("the fingerprint names a file that has no name")
    except Wrong as reason:
        _refuse(source, reason)


def check_state(state: Mapping[str, Any], trainer: "Trainer", source: Path) -> None:
    """Raises UserError where a checkpoint's content cannot be that of this training; names what is wrong."""
    try:
        same_tensors(state["model"], trainer.model.state_dict(), "model")
        _average(state["average"], trainer)
        check_optimizer(state["optimizer"], trainer.optimizer)
        numbers_like(state["scheduler"], trainer.scheduler.state_dict(), "scheduler")
        _scheduler(state["scheduler"])
        _scaler(state["scaler"], trainer)
        _progress(state["progress"], trainer)
        if state["piece"] is not None:
            whole_number(state["piece"], "piece", least=1)
        _ranks(state["ranks"], trainer)
    except Wrong as reason:
        _refuse(source, reason)


def check_best(state: Mapping[str, Any], trainer: "Trainer", source: Path) -> None:
    """Raises UserError where best.pt cannot be the best epoch that the training knows."""
    try:
        _names(state, {"model", "epoch"}, "the checkpoint")
        same_tensors(state["model"], trainer.kept.state_dict(), "model")
        epoch = whole_number(state["epoch"], "epoch", least=1)
        if epoch < trainer.progress.best_epoch:
            raise Wrong(f"it is of epoch {epoch}, and the best is {trainer.progress.best_epoch}")
    except Wrong as reason:
        _refuse(source, reason)


def _refuse(source: Path, reason: Wrong) -> NoReturn:
    raise UserError(f"{source} is no checkpoint of this training: {reason}; start the training again") from None


def _names(found: Any, names: set[str], what: str, later: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    if not isinstance(found, Mapping):
        raise Wrong(f"{what} is not a table of names")
    if missing := sorted(names - set(found)):
        raise Wrong(f"{what} lacks '{missing[0]}'")
    if extra := [str(name)[:40] for name in found if name not in names | later]:
        raise Wrong(f"{what} has an unknown field '{extra[0]}'")


def _average(found: Any, trainer: "Trainer") -> None:
    if (found is None) != (trainer.average is None):
        raise Wrong("it has averaged weights where --ema is off, or none where it is on")
    if trainer.average:
        same_tensors(found, trainer.average.state_dict(), "average")


def _scheduler(found: Mapping[str, Any]) -> None:
    if found["steps_per_epoch"] <= 0 or min(found["base_rates"], default=1) <= 0 or min(found["anchor"]) < 0:
        raise Wrong("scheduler: steps, rates or epochs below 0")


def _scaler(found: Any, trainer: "Trainer") -> None:
    if (found is None) != (trainer.scaler is None):
        raise Wrong("it has a loss scale where --amp is not fp16, or none where it is")
    if trainer.scaler:
        numbers_like(found, trainer.scaler.state_dict(), "scaler")
        if not found["scale"] > 0:
            raise Wrong("scaler: the loss scale is not above 0")


def _progress(found: Any, trainer: "Trainer") -> None:
    own = vars(Progress())
    later = {"bad_steps", "bad_in_a_row"}
    _names(found, set(own) - later, "progress", later)
    for name in ("epoch", "micro_batches", "carried", "correct", "seen", "best_epoch", *(later & set(found))):
        whole_number(found[name], f"progress: {name}", most=MOST)
    for name in ("loss", "weight"):
        if type(found[name]) not in (int, float) or not math.isfinite(found[name]):
            raise Wrong(f"progress: {name} is not a number")
    most = trainer.micro_batches_of(found["epoch"], carried=found["carried"])
    if found["micro_batches"] > most:
        raise Wrong(f"progress: {found['micro_batches']} micro-batches are done, and the epoch has {most}")
    if not found["correct"] <= found["seen"] <= len(trainer.data.train):
        raise Wrong("progress: more windows are seen than there are")
    if found["best_epoch"] > found["epoch"] or found["micro_batches"] == 0 < found["seen"]:
        raise Wrong("progress: the best epoch is one to come, or windows are seen before the first micro-batch")
    best = found["best"]
    if not isinstance(best, list) or not all(type(value) in (int, float) and value == value for value in best):
        raise Wrong("progress: 'best' is not a list of numbers")
    _rows(found["rows"], found["epoch"])


def _rows(rows: Any, epochs: int) -> None:
    if not isinstance(rows, list) or len(rows) != epochs:
        raise Wrong(f"progress: there are not as many rows as the {epochs} epochs done")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping) or not set(row) >= _ROW or row["epoch"] != number:
            raise Wrong(f"progress: row {number} is not one of training_metrics.csv")
        if not all(isinstance(name, str) and type(value) in (int, float) for name, value in row.items()):
            raise Wrong(f"progress: row {number} holds something other than numbers")


def _ranks(found: Any, trainer: "Trainer") -> None:
    if not isinstance(found, list) or not found:
        raise Wrong("'ranks' is not a list of processes")
    for own in found:
        _names(own, {"accumulator", "random"}, "a process", {"counts"})
        _window(own["accumulator"], trainer.accumulator.parameters)
        _random(own["random"])
        if "counts" in own:
            _names(own["counts"], {"correct", "seen"}, "the counts of a process")
            for name in ("correct", "seen"):
                whole_number(own["counts"][name], name, most=len(trainer.data.train))


def _window(found: Any, parameters: Sequence[nn.Parameter]) -> None:
    """The open accumulation window of a process."""
    _names(found, _WINDOW | {"sums", "nominal", "gradients"}, "accumulator")
    for name in sorted(_WINDOW):
        least = 1 if name in ("steps", "world_size", "window_steps") else 0
        whole_number(found[name], f"accumulator: {name}", least=least, most=MOST)
    if found["count"] > found["window_steps"]:
        raise Wrong(f"accumulator: {found['count']} of {found['window_steps']} micro-batches are in the open window")
    opened = found["count"] > 0
    for name, shape in (("sums", (2,)), ("nominal", ())):
        if (found[name] is not None) != opened:
            raise Wrong(f"accumulator: '{name}' does not fit the {found['count']} micro-batches of the window")
        if opened:
            tensor_like(found[name], torch.zeros(shape), f"accumulator: {name}")
    if opened and not float(found["nominal"]) > 0:
        raise Wrong("accumulator: 'nominal' is not above 0")
    gradients = found["gradients"]
    if not isinstance(gradients, list) or len(gradients) != len(parameters):
        raise Wrong(f"accumulator: there are not as many gradients as the {len(parameters)} weights")
    for number, (gradient, parameter) in enumerate(zip(gradients, parameters, strict=True)):
        if gradient is not None:
            # An open window's gradient may be infinite under a loss scale.
            tensor_like(gradient, parameter, f"accumulator: gradient {number}", finite=False)


def _random(found: Any) -> None:
    _names(found, {"cpu", "cuda"}, "random")
    if not isinstance(found["cuda"], list) or not all(isinstance(state, Tensor) for state in found["cuda"]):
        raise Wrong("random: 'cuda' is not a list of states")
    try:
        torch.Generator().set_state(found["cpu"])
    except (RuntimeError, TypeError) as error:
        raise Wrong(f"random: 'cpu' is not a state of the generator ({str(error).splitlines()[0][:60]})") from None
