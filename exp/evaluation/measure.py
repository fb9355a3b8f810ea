"""What a model says about validation and test, and the measures of it.

Letters: n windows, K classes.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from data_provider import Prepared
from exp.evaluation import calibration
from exp.evaluation.decision import Decision, outside, scores_of
from exp.evaluation.inference import logits_of, predictions_of
from exp.evaluation.metrics import confusion, evaluate
from exp.evaluation.predictions import Predictions
from utils.options import Options
from utils.written import rounded

PIECE = 1024  # windows whose readings are looked at together


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
