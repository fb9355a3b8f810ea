"""Fitting a rival: the same data, split, judging and run folder as a network, without epochs."""

import logging
import time
from pathlib import Path

import torch

from data_provider import Prepared
from exp.runs.run_folder import RunFolder
from exp.training.build import class_weights_of
from exp.training.finalize import judge
from models.baselines import RIVALS, Rival
from models.build import parameter_count
from utils import distributed
from utils.errors import UserError
from utils.logs import RunLog
from utils.options import Options, flags
from utils.trackers.recorder import Recorder, chosen

logger = logging.getLogger(__name__)

# Of these groups of flags a rival reads nothing but what stands in READ.
OF_NETWORKS = ("model", "loss", "training", "accumulation")
READ = ("class_weights", "enable_class_weights", "tracker")


def train_rival(
    options: Options, data: Prepared, device: torch.device, log: RunLog, started: float, *, resumed: bool
) -> None:
    """Fits the rival that the options choose, judges it once and writes the run folder.

    Args:
        options: of the run.
        data: prepared parts.
        device: where it answers.
        log: the run's log, which gets its place in the folder.
        started: `time.monotonic()` when the run began.
        resumed: whether the line asks to go on with a run.

    Raises:
        UserError: the line asks for what a rival has not: going on with a run, or several processes.
    """
    if resumed:
        raise UserError(f"{options.model} is fitted at once, so there is nothing to --resume; train it anew")
    if distributed.world_size() > 1:
        raise UserError(f"{options.model} is fitted by one process; start run.py without torchrun")
    if unread := unread_flags(options):
        logger.warning("%s has no use for %s", options.model, ", ".join(f"--{name}" for name in unread))
    rival = rival_of(options, data)
    recorder = Recorder(chosen(options.tracker), results=Path(options.result_path))
    folder = RunFolder.create(options)
    log.write_to(folder.log)
    with recorder.recording(folder.path, options.plain()):
        _fit(rival, options, data, device, folder, started)
        recorder.finish()


def _fit(
    rival: Rival, options: Options, data: Prepared, device: torch.device, folder: RunFolder, started: float
) -> None:
    model = fitted(rival, options, data).to(device)
    logger.info(
        "%s fitted at once to %d windows of %d signals; %s numbers are kept",
        *(options.model, len(data.train), len(data.info.columns), f"{parameter_count(model):,}"),
    )
    training = {"best_epoch": 0, "epochs": 0, "stopped": "fitted at once to the training part", "loss": None}
    judge(options, data, model, folder, device, {**training, "seconds": round(time.monotonic() - started, 1)})


def rival_of(options: Options, data: Prepared) -> Rival:
    """The rival that the options choose, to be fitted."""
    return RIVALS[options.model](signals=len(data.info.columns), classes=len(data.info.classes), seed=options.seed)


def fitted(rival: Rival, options: Options, data: Prepared) -> Rival:
    """The rival, fitted to the training part: the same again with the same seed."""
    batch = data.train.__getitems__(range(len(data.train)))
    importance = class_weights_of(options, data.info)
    rival.fit(batch.x, batch.y, None if importance is None else importance[batch.y])
    return rival.eval()


def unread_flags(options: Options) -> list[str]:
    """Flags on the line that only a network reads."""
    of_networks = {field.name for field in flags(*OF_NETWORKS)}
    return sorted(options.explicit & of_networks - set(READ))
