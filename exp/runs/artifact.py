"""The trained model as files that anyone may load: weights, and one JSON with everything needed to use them.

Beside them lie the arrays of the decision settings. Loading runs no code from the files, bounds their sizes, and
compares their SHA-256.
"""

import hashlib
import json
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from data_provider import Recipe, Scaler
from data_provider.frames import DataInfo
from exp.evaluation.days import DayDecision
from exp.evaluation.decision import Decision, DecisionRule, most_missing
from exp.evaluation.inference import exact
from models.baselines import Baseline
from models.build import model_of
from utils.errors import UserError
from utils.files import sha256_of, whole, write_text
from utils.former_options import of_today
from utils.options import Options

DESCRIPTION, WEIGHTS, DECISION = "model.json", "weights.safetensors", "decision.safetensors"  # the files' names
FORMAT = 1
LARGEST_JSON = 16 * 2**20  # bytes
LARGEST_WEIGHTS = 4 * 2**30


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
    _save(weights, {name: _stored(tensor, model) for name, tensor in model.state_dict().items()})
    _save(settings, decision.to_tensors())
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
    description["sha256"] = {**sums, DESCRIPTION: _own_sha256({**description, "sha256": sums})}
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1, ensure_ascii=False) + "\n")


def load_artifact(folder: Path) -> Artifact:
    """Reads what `save_artifact` wrote.

    Raises:
        UserError: a file is missing, too large, altered, or of another format.
    """
    description = _described(folder)
    stored = of_today(description["options"])
    options = Options(**{**stored, "compare": tuple(stored.get("compare", ()))})
    info = DataInfo.from_dict(description)
    return Artifact(
        model=exact(_loaded(folder, options, info)).eval(),
        info=info,
        scaler=Scaler.from_dict(description["scaler"]),
        recipe=Recipe.from_dict(description["recipe"]),
        decision=Decision.from_dict(description["decision"], safetensors.torch.load_file(folder / DECISION)),
        options=options,
        description=description,
        days=DayDecision.from_dict(description["days"]) if "days" in description else None,
    )


def _described(folder: Path) -> dict[str, Any]:
    """What model.json holds, once it and the files that it names are known to be whole."""
    path = folder / DESCRIPTION
    description = _read_json(path)
    if description.get("format") != FORMAT:
        raise UserError(f"{path} has format {description.get('format')}, this program reads {FORMAT}")
    if "decision" not in description:
        raise UserError(f"{path} has no decision settings: an older program wrote it; train again")
    sums = description.get("sha256")
    if not isinstance(sums, dict) or DESCRIPTION not in sums:
        raise UserError(f"{path} has no SHA-256 of its own: an older program wrote it; train again")
    if sums[DESCRIPTION] != _own_sha256(description):
        raise UserError(f"{path} was altered (its SHA-256 differs); copy the model folder again")
    for other in (folder / WEIGHTS, folder / DECISION):
        _check_size(other, LARGEST_WEIGHTS)
        if sha256_of(other) != sums.get(other.name):
            raise UserError(f"{other} is not the file that model.json describes (its SHA-256 differs); copy it again")
    return description


def _loaded(folder: Path, options: Options, info: DataInfo) -> nn.Module:
    """The model with its stored weights."""
    model = model_of(options, info)
    if isinstance(model, Baseline) and not model.stored:
        raise UserError(
            f"{folder} keeps no fitted model: {options.model} has no form that loads without running code; "
            "python run.py test fits it again, with the same seed on the same data"
        )
    weights = folder / WEIGHTS
    try:
        model.load_state_dict(safetensors.torch.load_file(weights))
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise UserError(
            f"{weights} does not fit the model that model.json describes: {str(error).splitlines()[0]}"
        ) from None
    return model


def _stored(tensor: torch.Tensor, model: nn.Module) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.float() if tensor.is_floating_point() and not isinstance(model, Baseline) else tensor


def _save(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    with whole(path) as part:
        safetensors.torch.save_file(tensors, part)


def _read_json(path: Path) -> dict[str, Any]:
    _check_size(path, LARGEST_JSON)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not JSON: {error}; copy the model folder again") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} does not describe a model; copy the model folder again")
    return content


def _check_size(path: Path, largest: int) -> None:
    if not path.is_file():
        raise UserError(f"no {path.name} in {path.parent}; give --run a run folder whose training has ended")
    if path.stat().st_size > largest:
        raise UserError(f"{path} is larger than {largest / 2**20:.0f} MiB, more than any model of this program")


def _own_sha256(description: dict[str, Any]) -> str:
    """Of everything in model.json but this sum itself."""
    sums = {name: value for name, value in description["sha256"].items() if name != DESCRIPTION}
    text = json.dumps({**description, "sha256": sums}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
