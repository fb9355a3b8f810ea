"""Evaluating a fitted model once on validation and test, and writing everything that a run leaves.

Letters: n windows, K classes.
"""

import dataclasses
import logging
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from data_provider import Prepared
from exp.evaluation.decision import Decision
from exp.evaluation.fitting import fit_decision
from exp.evaluation.inference import exact
from exp.evaluation.limits import most_missing
from exp.evaluation.measure import answers_of, line_of, measures_of, part_logits, parts_of
from exp.evaluation.predictions import Predictions
from exp.reporting import model_card, training_report
from exp.reporting.figures import draw_figures, save_samples
from exp.runs.artifact import save_artifact
from exp.runs.leak_marks import marked, marks_of
from exp.runs.run_folder import RunFolder
from exp.training.fitted import Fitted
from models.build import parameter_count
from utils.files import write_csv
from utils.options import Options
from utils.written import DIGITS, rounded

logger = logging.getLogger(__name__)


class Evaluation(NamedTuple):
    """What a fitted model says about validation and test.

    Attributes:
        decision: the settings of its verdicts, fitted on validation.
        predictions: split -> probabilities beside the truth.
        answers: what `detect` would answer, as metrics.json holds it.
    """

    decision: Decision
    predictions: dict[str, Predictions]
    answers: dict[str, Any]


def evaluate(options: Options, data: Prepared, model: nn.Module, device: torch.device) -> Evaluation:
    """Evaluates a model on validation and test, the latter for the only time.

    Args:
        options: of the run.
        data: what it was trained on.
        model: (B, C, L) windows to (B, K) logits, on the device.
        device: where to compute.
    """
    model = exact(model)
    logits = part_logits(model, data, device)
    missing = most_missing(len(data.info.columns), options.augment)
    decision = fit_decision(model, data, logits["val"], device, most_missing=missing)
    return Evaluation(decision, parts_of(logits, data), answers_of(model, data, decision, logits, device))


def write(
    folder: RunFolder, options: Options, data: Prepared, fitted: Fitted, evaluation: Evaluation, seconds: float
) -> None:
    """Writes everything that a run leaves: the artifact, predictions, measures, figures, report and model card."""
    save_artifact(
        folder.model,
        model=fitted.model,
        info=data.info,
        scaler=data.scaler,
        recipe=data.recipe,
        decision=evaluation.decision,
        options=options,
    )
    for predictions in evaluation.predictions.values():
        folder.write_predictions(predictions)
    metrics = _metrics(options, data, fitted, evaluation, seconds)
    folder.write_metrics(metrics)
    write_csv(folder.summary, [_summary(options, metrics, folder)])
    if fitted.rows:
        save_samples(folder, data)
    draw_figures(folder)
    training_report.write(folder.path)
    model_card.write(folder)
    for part in evaluation.predictions:
        logger.info("%s", marked(metrics["data"], line_of(part, metrics[part])))
    if data.info.leaking:
        logger.warning("these numbers leak: %s", data.info.protocol)
    logger.info("report: %s", folder.report)
    print(f"run folder: {folder.path}")


def _metrics(
    options: Options, data: Prepared, fitted: Fitted, evaluation: Evaluation, seconds: float
) -> dict[str, Any]:
    """What metrics.json holds."""
    measures = {part: measures_of(found, data.info.normal) for part, found in evaluation.predictions.items()}
    return {
        "digits": DIGITS,  # decimals of every measure; programs that noted none evaluated in float32
        "data": dataclasses.asdict(data.info),
        "days": days_of(data),
        "model": {"name": options.model, "parameters": parameter_count(fitted.model)},
        **measures,
        "answers": rounded(evaluation.answers),
        "best_epoch": fitted.best_epoch,
        "epochs": len(fitted.rows),
        "stopped": fitted.stopped,
        "loss": fitted.loss,
        "seconds": round(seconds, 1),
        "command": options.command(),
    }


def days_of(data: Prepared) -> dict[str, list[int]]:
    """Part -> the calendar days that a class's windows begin on, K numbers each; of all runs together."""
    classes = range(len(data.info.classes))
    sets = {"train": data.train, "val": data.val, "test": data.test}
    days = {part: np.asarray(windows.start).astype("datetime64[D]") for part, windows in sets.items()}
    return {part: [len(np.unique(days[part][sets[part].targets == k])) for k in classes] for part in sets}


def _summary(options: Options, metrics: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    row: dict[str, Any] = {"run": folder.path.name, "model": options.model, "data": options.data, "des": options.des}
    row |= {"seed": options.seed, "best_epoch": metrics["best_epoch"], "parameters": metrics["model"]["parameters"]}
    for part in ("val", "test"):
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "log_loss"):
            row[f"{part}_{name}"] = metrics[part][name]["value"]
    row["leaks"] = " ".join(marks_of(metrics["data"]))
    return row
