"""What a model says about validation and test, and the measures of it.

Letters: n windows, K classes.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from data_provider import Prepared, WindowSet
from exp.evaluation.decision import Decision, DecisionRule, Verdicts
from exp.evaluation.diagnosis import FORMER, Cases, rates
from exp.evaluation.fitting import features_of, pieces_of
from exp.evaluation.inference import logits_of, predictions_of
from exp.evaluation.metrics import confusion, evaluate
from exp.evaluation.over_time import days_of, time_to_detection
from exp.evaluation.predictions import Predictions
from utils.options import Options
from utils.written import rounded


def evaluate_parts(model: nn.Module, data: Prepared, device: torch.device) -> dict[str, Predictions]:
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
    """All measures of a part, rounded as metrics.json holds them: of windows, of days, and the time to detection."""
    cases = Cases(predictions.target, predictions.top, predictions.block)
    return {
        **rounded(evaluate(predictions, normal=normal)),
        **rounded(_over_time(cases, predictions, normal)),
        "confusion": confusion(predictions).tolist(),
        "windows": len(predictions.target),
        "blocks": len(set(predictions.block.tolist())),
    }


def _over_time(cases: Cases, p: Predictions, normal: str | None, *, verdicts: bool = False) -> dict[str, Any]:
    """Measures of the days of a part, and the time to detection where a class is normal."""
    classes, number = len(p.classes), None if normal is None else p.classes.index(normal)
    days = days_of(cases, p.file, p.start, classes, number)
    found: dict[str, Any] = {"per_day": {**rates(days, classes, number, verdicts=verdicts), "days": len(days.truth)}}
    if number is not None:
        found["time_to_detection"] = time_to_detection(cases, p.file, p.start, p.end, classes, number)
    return found


def known_to(stored: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Measures of a part as the version that stored them would have written them.

    Args:
        stored: a part of metrics.json, of whatever version.
        found: the same part by this version.
    """
    former = {FORMER[name]: name for name in stored if name in FORMER}
    kept = {former.get(name, name): value for name, value in found.items() if former.get(name, name) in stored}
    if "interval" not in kept or "wilson" in stored["interval"]:
        return kept
    wilson = {former.get(name, name) for name in found["interval"]["wilson"]}
    for name, measure in kept.items():
        if isinstance(measure, dict) and "value" in measure and (name in wilson or measure["low"] is None):
            kept[name] = {**stored[name], "value": measure["value"]}  # its only bounds were those of draws
    kept["interval"] = {name: value for name, value in found["interval"].items() if name in stored["interval"]}
    return kept


def answers_of(
    model: nn.Module, data: Prepared, decision: Decision, logits: dict[str, torch.Tensor], device: torch.device
) -> dict[str, Any]:
    """What `detect` with its default settings would answer about validation and test, as metrics.json holds it.

    Returns:
        "temperature", "score", "threshold", "unknown_rate" and "left_out" of the decision; "val" and "test": windows,
        how many would be "unknown", how many "no answer", the ece of the confidences that `detect` writes, and the
        field's measures of these verdicts, "per_window", "per_day" and "time_to_detection".
    """
    rule = DecisionRule(
        decision, data.info, unknown_rate=Options.unknown_rate, false_alarm_rate=Options.false_alarm_rate
    )
    unknown = len(data.info.classes)
    found: dict[str, Any] = {
        "temperature": decision.temperature,
        "score": decision.score,
        "threshold": float(rule.novelty_threshold),
        "unknown_rate": Options.unknown_rate,
        "left_out": decision.compared,
    }
    for part, windows in (("val", data.val), ("test", data.test)):
        verdicts = verdicts_of(rule, model, windows, logits[part], device)
        counts = {"unknown": int((verdicts.number == unknown).sum()), "no answer": int((verdicts.reason > 0).sum())}
        scaled = predictions_of(part, windows, logits[part] / decision.temperature, data.info.classes)
        found[part] = {"windows": len(windows), **counts, "ece": evaluate(scaled, normal=data.info.normal)["ece"]}
        cases = Cases(scaled.target, np.asarray(verdicts.number), scaled.block)
        normal = None if data.info.normal is None else data.info.classes.index(data.info.normal)
        found[part]["per_window"] = rates(cases, unknown, normal, verdicts=True)
        found[part] |= _over_time(cases, scaled, data.info.normal, verdicts=True)
    return found


def verdicts_of(
    rule: DecisionRule, model: nn.Module, windows: WindowSet, logits: torch.Tensor, device: torch.device
) -> Verdicts:
    """The verdicts about all windows of a part, whose logits (n, K) are known."""
    pieces = []
    for places in pieces_of(np.arange(len(windows))):
        batch = windows.gather(places)
        by_distance = rule.decision.score == "distance"
        features = features_of(model, windows, device, places) if by_distance else None
        pieces.append(
            rule(
                readings=torch.from_numpy(windows.readings(places)),
                missing=batch.missing,
                x=batch.x,
                logits=logits[torch.from_numpy(places)],
                features=features,
            )
        )
    return Verdicts.joined(pieces)


def line_of(part: str, measures: dict[str, Any]) -> str:
    """A part's headline for a person."""
    words = []
    for name, shown in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        m = measures[name]
        interval = f" (95 % interval {m['low']:.3f} to {m['high']:.3f})" if m.get("low") is not None else ""
        words.append(f"{shown} {m['value']:.4f}{interval}")
    return f"{part}: {', '.join(words)}; {measures['windows']} windows in {measures['blocks']} blocks"
