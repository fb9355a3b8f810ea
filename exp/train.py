"""The verb `train`: prepare the data, train, judge the best checkpoint once, write the run folder."""

import logging
import time
from pathlib import Path
from typing import Any

import torch

from data_provider import Prepared, load_data
from exp.runs.run_folder import RunFolder
from exp.training.build import loss_for
from exp.training.trainer import Interrupted, Trainer
from models.baselines import RIVALS
from models.build import model_of, parameter_count
from utils import distributed
from utils.accumulation_plan import AccumulationPlan, plan
from utils.checkpoints import load_checkpoint
from utils.errors import UserError
from utils.logs import RunLog, log_to_screen
from utils.losses import LOSSES, Loss
from utils.options import Options, flags
from utils.seeding import compute_deterministically, seed_everything
from utils.trackers.recorder import Recorder, chosen

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
    "tracker",
    "cuda_graphs",
}


def run(options: Options) -> int:
    """Trains `--itr` times.

    Returns:
        The exit status.
    """
    log_to_screen(logging.INFO if distributed.rank() == 0 else logging.ERROR)
    device = distributed.device_of(options.device)
    compute_deterministically(device)
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
    trackers = chosen(options.tracker)  # what is missing is said before data is read
    with RunLog() as log:
        with distributed.first_goes_first():
            data = load_data(options)
        seed_everything(options.seed)
        if options.model in RIVALS:
            from exp.training.fit_baseline import train_rival  # with all that judging imports, see `_judge`

            train_rival(options, data, device, log, started, resumed=folder is not None)
            return
        accumulation = _plan(options)
        if "gradient_accumulation_steps" in options.explicit:
            options = options.replace(enable_auto_gradient_accumulation=False)  # so config.yaml says what was done
        # Everything that can be wrong with the options is found before a folder is made.
        model, loss = model_of(options, data.info), loss_for(options, data.info)
        trainer = Trainer(options=options, data=data, model=model, loss=loss, plan=accumulation, device=device)
        resumed = folder is not None
        results = folder.results if folder else Path(options.result_path)
        recorder = Recorder(trackers if distributed.rank() == 0 else (), results=results)
        folder = folder or _shared_folder(options)
        if distributed.rank() == 0:
            log.write_to(folder.log)
        logger.info(
            "%s: %s parameters, %d signals, %d classes on %s",
            *(options.model, f"{parameter_count(model):,}", len(data.info.columns), len(data.info.classes), device),
        )
        logger.info(
            "%s", accumulation.banner() or f"gradient accumulation: off, effective batch size {options.batch_size}"
        )
        if resumed:
            trainer.load(folder)
            done = trainer.progress
            logger.info("resumed in epoch %d after %d micro-batches", done.epoch + 1, done.micro_batches)
        with recorder.recording(folder.path, options.plain(), stops=(Interrupted,)):
            try:
                stopped = trainer.fit(folder, recorder.epochs)
            except Interrupted:
                raise Interrupted(str(folder.path)) from None
            if distributed.rank() == 0:
                _judge(options, data, trainer, folder, stopped, time.monotonic() - started)
                recorder.finish(trainer.progress.rows)


def _shared_folder(options: Options) -> RunFolder:
    """The run folder that rank 0 makes, on every process."""
    made = str(RunFolder.create(options).path) if distributed.rank() == 0 else ""
    return RunFolder(Path(distributed.from_first(made)))


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


def _judge(options: Options, data: Prepared, trainer: Trainer, folder: RunFolder, stopped: str, seconds: float) -> None:
    """Evaluates the best checkpoint on validation and test, and writes everything that a run leaves."""
    # Imported now: drawing and statistics take a second that training does not wait for.
    from exp.reporting.figures import save_samples
    from exp.training.finalize import judge

    progress, best = trainer.progress, trainer.judged.float()
    best.load_state_dict(load_checkpoint(folder.best, trainer.device)["model"])
    save_samples(folder, data)
    training: dict[str, Any] = {"best_epoch": progress.best_epoch, "epochs": len(progress.rows), "stopped": stopped}
    training["loss"] = _facts_of(trainer.loss)
    judge(options, data, best, folder, trainer.device, {**training, "seconds": round(seconds, 1)})


def _facts_of(loss: Loss) -> dict[str, Any]:
    """A loss's name in the registry, and its settings."""
    numbers = {name: value for name, value in vars(loss).items() if type(value) in (int, float)}
    return {"name": next(name for name, kind in LOSSES.items() if type(loss) is kind), **numbers}


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
