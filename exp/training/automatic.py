"""`--auto`: window, model and settings that suit a data set, chosen on its validation part.

A random forest, fitted in seconds, chooses the window; the models compete on that window. A flag on the line is kept,
so what a user knows is not searched for. The test part is never read.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from data_provider import Prepared, load_data
from exp.training.attempt import attempt
from exp.training.fit_baseline import unread_flags
from models.baselines import BASELINES
from utils import distributed
from utils.errors import Diverged, UserError
from utils.logs import silence
from utils.options import Options

SEQ_LENS = (24, 48, 96, 192)
SCOUT = "RandomForest"
SETTINGS: tuple[dict[str, Any], ...] = (
    {"model": "LogisticRegression"},
    {"model": "RandomForest"},
    {"model": "HistGradientBoosting"},
    {"model": "OneDCNN"},
    {"model": "DualGAFNet"},
    {"model": "DualGAFNet", "feature_dim": 16, "batch_size": 16, "learning_rate": 3e-3},
)
MOST_WINDOWS = 2000  # of the training part that a candidate learns from; the chosen one learns from all

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """Settings that were tried, and what they reach on validation.

    Attributes:
        stage: "window" or "model".
        settings: option -> value.
        macro_f1, accuracy, log_loss: of the validation windows.
        windows: how many training windows it learned from.
        seconds: that it took.
    """

    stage: str
    settings: dict[str, Any]
    macro_f1: float
    accuracy: float
    log_loss: float
    windows: int
    seconds: float

    @property
    def merit(self) -> tuple[float, float, float]:
        """The larger the better."""
        return self.macro_f1, self.accuracy, -self.log_loss

    def row(self, kept: Sequence["Candidate"]) -> dict[str, Any]:
        """Of search.csv."""
        return {
            "stage": self.stage,
            "settings": " ".join(f"{name}={value}" for name, value in self.settings.items()),
            "val_macro_f1": round(self.macro_f1, 4),
            "val_accuracy": round(self.accuracy, 4),
            "val_log_loss": round(self.log_loss, 4),
            "training_windows": self.windows,
            "seconds": round(self.seconds, 1),
            "kept": "yes" if self in kept else "",
        }


def choose(options: Options, data: Prepared, device: torch.device) -> tuple[Options, Prepared, list[dict[str, Any]]]:
    """Searches window, model and settings.

    Args:
        options: of the run, with `auto`.
        data: as the options prepare it.
        device: where to compute.

    Returns:
        The run's options with what was chosen and without `auto`, the data as these prepare it, and the rows of
        search.csv in the order of the search.

    Raises:
        UserError: there are several processes, or an option cannot be used.
        Interrupted: the user stopped; it names no folder, for nothing was written.
    """
    if distributed.world_size() > 1:
        raise UserError("--auto is for one process; start run.py without torchrun, then train what it chooses")
    tried, kept = [], []
    prepared = {options.seq_len: data} if options.folds or "seq_len" in options.explicit else _prepared(options, data)
    if len(prepared) > 1:
        tried = [_window(options, length, one, device) for length, one in prepared.items()]
        kept = [max(tried, key=lambda found: found.merit)]
        options = options.replace(**kept[0].settings)
    data = prepared[options.seq_len]
    settings = candidates(options)
    shown = tqdm(settings, desc="auto", dynamic_ncols=True, disable=len(settings) < 2)
    models = [_tried("model", options, found, data, device) for found in shown] if len(settings) > 1 else []
    if models:
        kept.append(max(models, key=lambda found: found.merit))
        options = options.replace(**kept[-1].settings)
    if not kept:
        logger.warning("--auto: the other flags leave nothing to choose")
    for found in kept:
        logger.info("auto: %s, macro-F1 %.3f on validation", words_of(found.settings), found.macro_f1)
    return options.replace(auto=False), data, [found.row(kept) for found in (*tried, *models)]


def candidates(options: Options) -> list[dict[str, Any]]:
    """The settings that the line leaves open, each once; the first is empty where it leaves none."""
    found: list[dict[str, Any]] = []
    for settings in SETTINGS:
        if "model" in options.explicit and settings["model"] != options.model:
            continue
        if settings["model"] in BASELINES and unread_flags(options):
            continue  # a flag that only networks read asks for one
        settings = {name: value for name, value in settings.items() if name not in options.explicit}
        if settings not in found:
            found.append(settings)
    return found or [{}]


def as_chosen(options: Options, run: Options) -> Options:
    """The options of a run that was begun after a search: what it chose is taken from the run."""
    names = {"seq_len", *(name for settings in SETTINGS for name in settings)}
    return options.replace(auto=False, **{name: getattr(run, name) for name in names})


def words_of(settings: dict[str, Any]) -> str:
    """Settings as flags."""
    return " ".join(f"--{name} {value}" for name, value in settings.items()) or "as the line says"


def _prepared(options: Options, data: Prepared) -> dict[int, Prepared]:
    """Window -> data cut into such windows, of those that leave validation its classes."""
    found = {}
    for length in sorted({*SEQ_LENS, options.seq_len}):
        try:
            with silence():
                found[length] = data if length == options.seq_len else load_data(options.replace(seq_len=length))
        except UserError as error:
            logger.info("auto: no windows of %d steps: %s", length, error)
    most = max(_classes(one) for one in found.values())
    return {length: one for length, one in found.items() if _classes(one) == most}


def _classes(data: Prepared) -> int:
    """How many classes validation has windows of."""
    return sum(count > 0 for count in data.info.counts["val"])


def _window(options: Options, length: int, data: Prepared, device: torch.device) -> Candidate:
    scout = options.replace(model=SCOUT, explicit=frozenset())
    found = _tried("window", scout, {"seq_len": length}, data, device)
    logger.info("auto: windows of %d steps, macro-F1 %.3f on validation by %s", length, found.macro_f1, SCOUT)
    return found


def _tried(stage: str, options: Options, settings: dict[str, Any], data: Prepared, device: torch.device) -> Candidate:
    """Fits a candidate and asks it about validation; one that fails comes last."""
    started = time.monotonic()
    data = _thinned(data)
    try:
        found = attempt(options.replace(**settings), data, device)
        reached = {"macro_f1": found.macro_f1, "accuracy": found.accuracy, "log_loss": found.log_loss}
    except Diverged:
        reached = {"macro_f1": 0.0, "accuracy": 0.0, "log_loss": math.inf}
    return Candidate(stage, settings, **reached, windows=len(data.train), seconds=time.monotonic() - started)


def _thinned(data: Prepared) -> Prepared:
    """The data with at most `MOST_WINDOWS` training windows, spread evenly over the part."""
    train = data.train
    if len(train) <= MOST_WINDOWS:
        return data
    places = np.linspace(0, len(train) - 1, MOST_WINDOWS).astype(np.int64)
    part = train.chosen(places, targets=train.targets[places], scaler=data.scaler)
    return dataclasses.replace(data, train=part)
