"""Judging a trained model once on validation and test, and writing everything that a run leaves.

Letters: n windows, K classes.
"""

import dataclasses
import logging
from typing import Any

import numpy as np
import torch
from torch import nn

from data_provider import Prepared
from exp.evaluation.fitting import fit_decision
from exp.evaluation.inference import exact
from exp.evaluation.measure import answers_of, line_of, measures_of, part_logits, parts_of
from exp.reporting import model_card, training_report
from exp.reporting.figures import draw_figures
from exp.runs.artifact import save_artifact
from exp.runs.run_folder import RunFolder
from models.build import parameter_count
from utils.files import write_csv
from utils.options import Options
from utils.written import DIGITS, rounded

logger = logging.getLogger(__name__)


def judge(
    options: Options,
    data: Prepared,
    model: nn.Module,
    folder: RunFolder,
    device: torch.device,
    training: dict[str, Any],
) -> None:
    """Evaluates a model on validation and test, and writes its files, numbers, figures and training_report.

    Args:
        options: of the run.
        data: what it was trained on.
        model: (B, C, L) windows to (B, K) logits, on the device.
        folder: where to write.
        device: where to compute.
        training: "best_epoch", "epochs" (both 0 where the model was fitted at once), "stopped", "seconds", "loss".
    """
    evaluated = exact(model)
    logits = part_logits(evaluated, data, device)
    decision = fit_decision(evaluated, data, logits["val"], device, every_sensor="drop_sensor" not in options.augment)
    save_artifact(
        folder.model,
        model=model,
        info=data.info,
        scaler=data.scaler,
        recipe=data.recipe,
        decision=decision,
        options=options,
    )
    parts = parts_of(logits, data)
    for predictions in parts.values():
        folder.write_predictions(predictions)
    metrics: dict[str, Any] = {
        "digits": DIGITS,  # decimals of every measure; programs that noted none evaluated in float32
        "data": dataclasses.asdict(data.info),
        "days": days_of(data),
        "model": {"name": options.model, "parameters": parameter_count(model)},
        **{part: measures_of(predictions, data.info.normal) for part, predictions in parts.items()},
        "answers": rounded(answers_of(evaluated, data, decision, logits, device)),
        **training,
        "command": options.command(),
    }
    folder.write_metrics(metrics)
    write_csv(folder.summary, [_summary(options, metrics, folder)])
    draw_figures(folder)
    training_report.write(folder.path)
    model_card.write(folder)
    for part in parts:
        logger.info("%s", line_of(part, metrics[part]))
    if data.info.leaking:
        logger.warning("these numbers leak: %s", data.info.protocol)
    logger.info("report: %s", folder.path / "report.html")
    print(f"run folder: {folder.path}")


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
    return row
