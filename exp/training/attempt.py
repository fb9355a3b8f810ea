"""One fit for the sake of its validation: what `--auto` and `tune` compare settings by."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from data_provider import Prepared
from exp.evaluation.inference import logits_of, predictions_of
from exp.evaluation.metrics import evaluate
from exp.runs.run_folder import RunFolder
from exp.training.fit_baseline import BaselineFit
from exp.training.fit_network import NetworkFit
from models.baselines import BASELINES
from utils.logs import silence
from utils.options import Options
from utils.seeding import seed_everything


class Reached(NamedTuple):
    """What a fit reaches on the validation windows, and after how many epochs (0: fitted at once)."""

    macro_f1: float
    accuracy: float
    log_loss: float
    epochs: int


def attempt(
    options: Options,
    data: Prepared,
    device: torch.device,
    on_epoch: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
) -> Reached:
    """Fits to the training part and evaluates the validation part; nothing is kept.

    Args:
        options: of the fit.
        data: as the options prepare it; its test part is not looked at.
        device: where to compute.
        on_epoch: is given the rows of training_metrics.csv after every epoch, and may end the fit by an exception.

    Raises:
        Diverged: the training gives no numbers.
        Interrupted: the user stopped it.
        UserError: an option cannot be used.
    """
    data = without_test(data)
    seed_everything(options.seed)
    with silence(), tempfile.TemporaryDirectory() as folder:
        kind = BaselineFit if options.model in BASELINES else NetworkFit
        fitted = kind(options, data, device).fit(RunFolder(Path(folder)), on_epoch)
        logits = logits_of(fitted.model, data.val, device)
    found = evaluate(predictions_of("val", data.val, logits, data.info.classes), normal=None, bootstrap=0)
    macro_f1, accuracy, log_loss = (found[name]["value"] for name in ("macro_f1", "accuracy", "log_loss"))
    return Reached(macro_f1, accuracy, log_loss, len(fitted.rows))


def without_test(data: Prepared) -> Prepared:
    """The data with no window in its test part."""
    nothing = np.zeros(0, np.int64)
    empty = data.val.chosen(nothing, targets=nothing, scaler=data.scaler)
    return dataclasses.replace(data, test=empty)
