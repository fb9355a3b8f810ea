"""The trained model as files that anyone may load: weights, and one JSON with everything needed to use them.

Beside them lie the arrays of the decision settings. Loading runs no code from the files, bounds their sizes, and
compares their SHA-256.
"""

import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from data_provider import Recipe, Scaler
from data_provider.frames import DataInfo
from exp.evaluation.days import DayDecision
from exp.evaluation.decision import Decision, DecisionRule
from exp.evaluation.inference import exact
from exp.evaluation.limits import most_missing
from exp.runs.model_files import FORMAT, described, own_sha256, tensors_of, with_weights
from exp.runs.model_schema import REMEDY, check_channels, check_tensors
from exp.runs.names import DECISION, DESCRIPTION, WEIGHTS
from models.baselines import BASELINES, Baseline
from utils.command_line import stored_options
from utils.errors import UserError
from utils.files import sha256_of, write_bytes, write_text
from utils.options import Options


@dataclass(frozen=True)
class Artifact:
    """A trained model with what it was trained on.

    Attributes:
        model: (B, C, L) in [-1, 1] to (B, K) logits, as it is evaluated: in float64 and evaluation mode. The files
            hold float32, which float64 keeps as it is.
        info: columns, units, classes, period.
        scaler: from measured units to [-1, 1].
        recipe: from the readings of a file to even steps, as in training.
        decision: from answers to decisions.
        options: how it was trained.
        description: the whole JSON.
        days: from windows and rules to decisions about days, None where windows are all that is decided.
    """

    model: nn.Module
    info: DataInfo
    scaler: Scaler
    recipe: Recipe
    decision: Decision
    options: Options
    description: dict[str, Any]
    days: DayDecision | None = None

    def _most_missing(self) -> int:
        """Signals that a window may lack. Of points the fewest are asked for elsewhere (data_provider/channels.py)."""
        signals = len(self.info.columns)
        return signals - 1 if self.options.channels == "physical" else most_missing(signals, self.options.augment)

    def rule(self, *, unknown_rate: float, false_alarm_rate: float) -> DecisionRule:
        """How verdicts are made, with the rates of `DecisionRule`."""
        return DecisionRule(
            self.decision,
            self.info,
            unknown_rate=unknown_rate,
            false_alarm_rate=false_alarm_rate,
            most_missing=self._most_missing(),
        )


def save_artifact(
    folder: Path,
    *,
    model: nn.Module,
    info: DataInfo,
    scaler: Scaler,
    recipe: Recipe,
    decision: Decision,
    options: Options,
    days: DayDecision | None = None,
) -> None:
    """Writes `weights.safetensors`, a network's in float32, `decision.safetensors` and `model.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, settings = folder / WEIGHTS, folder / DECISION
    stored = {name: _stored(tensor, model) for name, tensor in model.state_dict().items()}
    write_bytes(weights, safetensors.torch.save(stored))
    write_bytes(settings, safetensors.torch.save(decision.to_tensors()))
    description: dict[str, Any] = {
        "format": FORMAT,
        "model": options.model,
        **info.to_dict(),
        "scaler": scaler.to_dict(),
        "recipe": recipe.to_dict(),
        "decision": decision.to_dict(),
        **({"days": days.to_dict()} if days else {}),
        "options": options.to_dict(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    sums = {path.name: sha256_of(path) for path in (weights, settings)}
    description["sha256"] = {**sums, DESCRIPTION: own_sha256({**description, "sha256": sums})}
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1, ensure_ascii=False) + "\n")


def load_artifact(folder: Path) -> Artifact:
    """Reads what `save_artifact` wrote.

    Raises:
        UserError: a file is missing, too large, altered, of another form, or names an option that is not known.
    """
    description = described(folder)
    path = folder / DESCRIPTION
    options = Options(**stored_options(description["options"], str(path)))
    info = DataInfo.from_dict(description)
    if options.channels == "physical":
        check_channels(description, path)
    settings = tensors_of(folder, DECISION, description)
    check_tensors(settings, description, folder / DECISION)
    if options.model in BASELINES and not BASELINES[options.model].stored:
        raise UserError(
            f"{folder} keeps no fitted model: {options.model} has no form that loads without running code; "
            "python run.py test fits it again, with the same seed on the same data"
        )
    artifact = Artifact(
        model=exact(with_weights(folder, description, options, info)).eval(),
        info=info,
        scaler=Scaler.from_dict(description["scaler"]),
        recipe=Recipe.from_dict(description["recipe"]),
        decision=Decision.from_dict(description["decision"], settings),
        options=options,
        description=description,
        days=DayDecision.from_dict(description["days"]) if "days" in description else None,
    )
    if artifact.decision.distance is not None:
        _check_features(artifact, folder / DECISION)
    return artifact


def _check_features(artifact: Artifact, path: Path) -> None:
    """Raises UserError where distances are not of this model's features."""
    wanted = len(artifact.decision.distance.whitener)  # type: ignore[union-attr]
    if isinstance(artifact.model, Baseline):
        raise UserError(f"{path} measures features, and a baseline has none; {REMEDY}")
    with torch.no_grad():
        window = torch.zeros(1, len(artifact.info.columns), artifact.info.seq_len, dtype=torch.float64)
        found = artifact.model.features(window).shape[1]  # type: ignore[operator]
    if found != wanted:
        raise UserError(f"{path} measures {wanted} features, and the model has {found}; {REMEDY}")


def _stored(tensor: torch.Tensor, model: nn.Module) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.float() if tensor.is_floating_point() and not isinstance(model, Baseline) else tensor
