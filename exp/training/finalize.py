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
from exp.evaluation import calibration
from exp.evaluation.decision import Decision, fit_decision, outside, scores_of
from exp.evaluation.inference import exact, logits_of, predictions_of
from exp.evaluation.metrics import confusion, evaluate
from exp.evaluation.predictions import Predictions
from exp.reporting import model_card, training_report
from exp.reporting.figures import draw_figures
from exp.runs.artifact import save_artifact
from exp.runs.run_folder import RunFolder
from models.build import parameter_count
from utils.files import write_csv
from utils.options import Options
from utils.written import DIGITS, rounded

logger = logging.getLogger(__name__)

PIECE = 1024  # windows whose readings are looked at together


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


def judge_parts(model: nn.Module, data: Prepared, device: torch.device) -> dict[str, Predictions]:
    """What the model says about validation and test."""
    return parts_of(part_logits(model, data, device), data)


def part_logits(model: nn.Module, data: Prepared, device: torch.device) -> dict[str, torch.Tensor]:
    """Part -> (n, K) logits, of validation and test."""
    return {part: logits_of(model, windows, device) for part, windows in (("val", data.val), ("test", data.test))}


def parts_of(logits: dict[str, torch.Tensor], data: Prepared) -> dict[str, Predictions]:
    """Part -> probabilities beside the truth."""
    sets = {"val": data.val, "test": data.test}
    return {part: predictions_of(part, sets[part], logits[part], data.info.classes) for part in logits}


def measures_of(predictions: Predictions, normal: str | None) -> dict[str, Any]:
    """All measures of a part, rounded as metrics.json holds them."""
    return {
        **rounded(evaluate(predictions, normal=normal)),
        "confusion": confusion(predictions).tolist(),
        "windows": len(predictions.target),
        "blocks": len(set(predictions.block.tolist())),
    }


def days_of(data: Prepared) -> dict[str, list[int]]:
    """Part -> the calendar days that a class's windows begin on, K numbers each; of all runs together."""
    classes = range(len(data.info.classes))
    sets = {"train": data.train, "val": data.val, "test": data.test}
    days = {part: np.asarray(windows.start).astype("datetime64[D]") for part, windows in sets.items()}
    return {part: [len(np.unique(days[part][sets[part].targets == k])) for k in classes] for part in sets}


def answers_of(
    model: nn.Module, data: Prepared, decision: Decision, logits: dict[str, torch.Tensor], device: torch.device
) -> dict[str, Any]:
    """What `detect` with its default settings would answer about validation and test, as metrics.json holds it.

    Returns:
        "temperature", "score", "threshold", "unknown_rate" and "left_out" of the decision; "val" and "test": windows,
        how many would be "unknown", how many "no answer", and the ece of the confidences that `detect` writes.
    """
    limit = calibration.threshold(decision.table, Options.unknown_rate)
    found: dict[str, Any] = {"temperature": decision.temperature, "score": decision.score, "threshold": limit}
    found |= {"unknown_rate": Options.unknown_rate, "left_out": decision.compared}
    for part, windows in (("val", data.val), ("test", data.test)):
        places = np.arange(len(windows))
        answers = logits[part].double().numpy()  # (n, K)
        unknown = scores_of(decision, model, windows, places, answers, device) > limit
        pieces = np.array_split(places, len(places) // PIECE + 1)
        silent = np.concatenate(
            [outside(windows.readings(piece), decision.lower, decision.upper).any(1) for piece in pieces]
        )
        named = predictions_of(part, windows, logits[part], data.info.classes).top
        confidence = decision.confidence(answers)
        silent |= decision.doubtful(named, confidence, data.info, Options.false_alarm_rate) & ~unknown
        said = predictions_of(part, windows, logits[part] / decision.temperature, data.info.classes)
        counts = {"unknown": int((unknown & ~silent).sum()), "no answer": int(silent.sum())}
        found[part] = {"windows": len(windows), **counts, "ece": evaluate(said, normal=data.info.normal)["ece"]}
    return found


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
