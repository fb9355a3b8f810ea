"""The verb `train`: prepare the data, train, judge the best checkpoint once, write the run folder."""

import dataclasses
import logging
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from data_provider import Prepared, load_data
from exp.artifact import save_artifact
from exp.build import loss_for, model_of, parameter_count
from exp.evaluate import logits_of, predictions_of
from exp.figures import draw_figures, save_samples
from exp.run_folder import RunFolder, write_csv
from exp.trainer import Interrupted, Trainer
from utils import distributed, report
from utils.accumulation_plan import AccumulationPlan, plan
from utils.checkpoints import load_checkpoint
from utils.errors import UserError
from utils.logs import RunLog, log_to_screen
from utils.metrics import confusion, evaluate
from utils.options import Options, flags
from utils.predictions import Predictions
from utils.seeding import seed_everything

logger = logging.getLogger(__name__)

# What may differ between a run and its resume; everything else would make another run of it.
FREE_TO_CHANGE = {
    "train_epochs",
    "patience",
    "num_workers",
    "device",
    "disable_parallel",
    "resume",
    "config",
    "itr",
    "run",
}


def run(options: Options) -> int:
    """Trains `--itr` times.

    Returns:
        The exit status.
    """
    log_to_screen(logging.INFO if distributed.rank() == 0 else logging.ERROR)
    device = distributed.device_of(options.device)
    if options.disable_parallel:
        torch.set_num_threads(1)
    distributed.start(device)
    try:
        if options.resume:
            folder = RunFolder.find(options.resume, options)
            _train(_options_of_resume(folder, options), device, folder)
        else:
            for i in range(options.itr):
                _train(options.replace(seed=options.seed + i, itr=1), device)
    except Interrupted as stopped:
        logger.info("stopped; nothing is lost. Go on with: python run.py --resume %s", stopped)
        return 130
    finally:
        distributed.stop()
    return 0


def _train(options: Options, device: torch.device, folder: RunFolder | None = None) -> None:
    started = time.monotonic()
    with RunLog() as log:
        with distributed.first_goes_first():
            data = load_data(options)
        seed_everything(options.seed)
        model, loss = model_of(options, data.info), loss_for(options, data.info)
        accumulation = _plan(options)
        if "gradient_accumulation_steps" in options.explicit:
            options = options.replace(enable_auto_gradient_accumulation=False)  # so config.yaml says what was done
        resumed = folder is not None
        if folder is None:
            folder = RunFolder(Path(distributed.from_first(str(_create(options)) if distributed.rank() == 0 else "")))
        if distributed.rank() == 0:
            log.write_to(folder.log)
        logger.info(
            "%s: %s parameters, %d signals, %d classes on %s",
            *(options.model, f"{parameter_count(model):,}", len(data.info.columns), len(data.info.classes), device),
        )
        logger.info(
            "%s", accumulation.banner() or f"gradient accumulation: off, effective batch size {options.batch_size}"
        )
        trainer = Trainer(
            options=options, data=data, model=model, loss=loss, plan=accumulation, folder=folder, device=device
        )
        if resumed:
            trainer.load()
            logger.info(
                "resumed in epoch %d after %d micro-batches", trainer.progress.epoch + 1, trainer.progress.micro_batches
            )
        try:
            stopped = trainer.fit()
        except Interrupted:
            raise Interrupted(str(folder.path)) from None
        if distributed.rank() == 0:
            _judge(options, data, trainer, stopped, time.monotonic() - started)


def _create(options: Options) -> Path:
    return RunFolder.create(options).path


def _plan(options: Options) -> AccumulationPlan:
    chosen = plan(
        batch_size=options.batch_size,
        steps=options.gradient_accumulation_steps,
        automatic=options.enable_auto_gradient_accumulation,
        explicit_steps="gradient_accumulation_steps" in options.explicit,
        target_batch_size=options.target_batch_size,
        schedule=options.accumulation_schedule,
    )
    if chosen.reason:
        logger.info("%s", chosen.reason)
    return chosen


def _judge(options: Options, data: Prepared, trainer: Trainer, stopped: str, seconds: float) -> None:
    """Evaluates the best checkpoint on validation and test, and writes everything that a run leaves."""
    folder, progress, device = trainer.folder, trainer.progress, trainer.device
    best = trainer.judged
    best.load_state_dict(load_checkpoint(folder.best, device)["model"])
    save_artifact(folder.model, model=best, info=data.info, scaler=data.scaler, options=options)
    parts = judge_parts(best, data, device)
    for predictions in parts.values():
        folder.write_predictions(predictions)
    metrics: dict[str, Any] = {
        "data": dataclasses.asdict(data.info),
        "model": {"name": options.model, "parameters": parameter_count(best)},
        **{part: measures_of(predictions, data.info.normal) for part, predictions in parts.items()},
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.rows),
        "stopped": stopped,
        "seconds": round(seconds, 1),
        "command": options.command(),
    }
    folder.write_metrics(metrics)
    write_csv(folder.summary, [_summary(options, metrics, folder)])
    save_samples(folder, data)
    draw_figures(folder)
    report.write(folder.path)
    for part in parts:
        logger.info("%s", line_of(part, metrics[part]))
    if data.info.leaking:
        logger.warning("these numbers leak: %s", data.info.protocol)
    logger.info("report: %s", folder.path / "report.html")
    print(f"run folder: {folder.path}")


def judge_parts(model: nn.Module, data: Prepared, device: torch.device) -> dict[str, Predictions]:
    """What the model says about validation and test."""
    return {
        part: predictions_of(part, windows, logits_of(model, windows, device), data.info.classes)
        for part, windows in (("val", data.val), ("test", data.test))
    }


def measures_of(predictions: Predictions, normal: str | None) -> dict[str, Any]:
    """All measures of a part, as metrics.json holds them."""
    return {
        **evaluate(predictions, normal=normal),
        "confusion": confusion(predictions).tolist(),
        "windows": len(predictions.target),
        "blocks": len(set(predictions.block.tolist())),
    }


def line_of(part: str, measures: dict[str, Any]) -> str:
    """A part's headline for a person."""
    words = []
    for name, shown in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        m = measures[name]
        interval = f" (95 % interval {m['low']:.3f} to {m['high']:.3f})" if m.get("low") is not None else ""
        words.append(f"{shown} {m['value']:.4f}{interval}")
    return f"{part}: {', '.join(words)}; {measures['windows']} windows in {measures['blocks']} blocks"


def _summary(options: Options, metrics: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    row: dict[str, Any] = {"run": folder.path.name, "model": options.model, "data": options.data, "des": options.des}
    row |= {"seed": options.seed, "best_epoch": metrics["best_epoch"], "parameters": metrics["model"]["parameters"]}
    for part in ("val", "test"):
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "log_loss"):
            row[f"{part}_{name}"] = metrics[part][name]["value"]
    return row


def _options_of_resume(folder: RunFolder, given: Options) -> Options:
    """The run's own options with those of the line that may change.

    Raises:
        UserError: the line asks for another run than the one that it resumes.
    """
    own = folder.options()
    changes = {name: getattr(given, name) for name in given.explicit if name != "resume"}
    for field in flags():
        name = field.name
        if name in changes and changes[name] != getattr(own, name) and name not in FREE_TO_CHANGE:
            raise UserError(
                f"--{name} {changes[name]} differs from the run's {getattr(own, name)}: {folder.path} would be two "
                "runs in one; leave the flag out, or start a new run"
            )
    resumed = own.replace(**changes)
    folder.write_config(resumed)
    return resumed
