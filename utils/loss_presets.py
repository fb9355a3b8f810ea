"""Loss settings by name, how they meet explicit settings, and class weights.

Letters: K classes.
"""

import inspect
import logging
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from utils.errors import UserError, unknown_name
from utils.losses import LOSSES, Loss

logger = logging.getLogger(__name__)

PRESETS: dict[str, dict[str, Any]] = {
    "hvac_similar": {"loss": "label_smoothing", "label_smoothing": 0.15},
    "imbalanced_focus": {"loss": "focal", "focal_alpha": 1.0, "focal_gamma": 2.0},
    "hard_samples": {"loss": "focal", "focal_alpha": 0.25, "focal_gamma": 3.0},
    "overconfidence_prevention": {"loss": "confidence_penalty", "label_smoothing": 0.1, "confidence_penalty": 0.1},
    "hvac_similar_optimized": {"loss": "timm_smoothing", "label_smoothing": 0.1},
    "hvac_adaptive": {
        "loss": "adaptive_smoothing",
        "label_smoothing": 0.2,
        "final_smoothing": 0.08,
        "smoothing_epochs": 30,
    },
    "hvac_hard_samples": {"loss": "hybrid_focal", "focal_alpha": 0.8, "focal_gamma": 2.5, "label_smoothing": 0.1},
    "production_optimized": {"loss": "timm_smoothing", "label_smoothing": 0.12},
}

# Settings given without a preset and without a loss -> the loss that takes just those.
IMPLIED = {
    (): "cross_entropy",
    ("smoothing",): "label_smoothing",
    ("focal",): "focal",
    ("penalty",): "confidence_penalty",
    ("penalty", "smoothing"): "confidence_penalty",
    ("focal", "smoothing"): "hybrid_focal",
    ("focal", "penalty"): "combined",
    ("focal", "penalty", "smoothing"): "combined",
}


def build_loss(
    *,
    preset: str | None,
    loss: str | None,
    label_smoothing: float | None,
    focal_alpha: float | None,
    focal_gamma: float | None,
    confidence_penalty: float | None,
    class_weights: Tensor | None,
) -> Loss:
    """The loss that a run asked for.

    A preset sets defaults, and a setting that is not None wins over it. Without preset and loss it is the loss that
    takes the settings given; cross-entropy if there are none.

    Args:
        preset: a name in `PRESETS`.
        loss: a name in `LOSSES`; of a preset only the settings that this loss takes remain.
        label_smoothing, focal_alpha, focal_gamma, confidence_penalty: as in `utils.losses`.
        class_weights: (K,) or None.

    Raises:
        UserError: an unknown name, a value out of range, or a setting that the loss does not take.
    """
    if preset is not None and preset not in PRESETS:
        raise unknown_name("loss preset", preset, list(PRESETS))
    settings = {
        "label_smoothing": label_smoothing,
        "focal_alpha": focal_alpha,
        "focal_gamma": focal_gamma,
        "confidence_penalty": confidence_penalty,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    defaults = dict(PRESETS[preset]) if preset else {"loss": _implied(given)}
    name = loss or defaults["loss"]
    if name not in LOSSES:
        raise unknown_name("loss", name, list(LOSSES))
    _check_settings(name, given, f" of --loss_preset {preset}" if preset and not loss else "")
    chosen = {key: value for key, value in {**defaults, **given}.items() if key in _settings_of(name)}
    logger.info("loss: %s", " ".join([name, *(f"{key}={value:g}" for key, value in chosen.items())]))
    return LOSSES[name](class_weights=class_weights, **chosen)


def _check_settings(name: str, given: dict[str, float], origin: str) -> None:
    """Raises UserError for a setting other than 0 that a loss does not take; `origin` says who chose the loss."""
    for setting, value in given.items():
        if setting not in _settings_of(name) and value != 0:
            takers = ", ".join(other for other in LOSSES if setting in _settings_of(other))
            raise UserError(
                f"--{setting} means nothing to the loss {name}{origin}; leave it out or use --loss {takers}"
            )


def class_weights_from_counts(counts: Sequence[int] | Tensor) -> Tensor:
    """Weights that give every class the same say: n / (K * count), as scikit-learn's "balanced".

    K and n count the classes that occur, so that the mean weight of a training sample is 1. A class without a sample
    gets 1: no training sample has it, and its samples in another part keep the say of an average one.

    Args:
        counts: K numbers of training samples.

    Returns:
        (K,) float32.

    Raises:
        UserError: there is no sample at all.
    """
    number = torch.as_tensor(counts, dtype=torch.float64)
    if number.dim() != 1 or not bool((number >= 0).all()):
        raise ValueError(f"counts must be K numbers of at least 0, not {counts}")
    present = number > 0
    if not bool(present.any()):
        raise UserError("no class has a training window, so there are no class weights; check the data and the split")
    balanced = number.sum() / (present.sum() * number.clamp_min(1))
    return balanced.where(present, 1.0).float()


def parse_class_weights(text: str, *, classes: Sequence[str]) -> Tensor:
    """The weights of `--class_weights`.

    Args:
        text: K numbers with commas between, in the order of the classes; 0 leaves a class out of the loss.
        classes: K class names.

    Returns:
        (K,) float32.

    Raises:
        UserError: not K numbers, a number below 0, or no number above 0.
    """
    words = text.split(",")
    if len(words) != len(classes):
        raise UserError(
            f"--class_weights '{text}' has {len(words)} values, but there are {len(classes)} classes; "
            f"give one each for: {', '.join(classes)}"
        )
    values = [_weight(word, name) for word, name in zip(words, classes, strict=True)]
    if not any(values):
        raise UserError(f"--class_weights '{text}' leaves every class out; give at least one value above 0")
    return torch.tensor(values)


def _weight(word: str, name: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UserError(
            f"--class_weights: '{word.strip()}' for the class {name} is not a number of at least 0; change it"
        )
    return value


def _implied(given: dict[str, float]) -> str:
    kinds = {"label_smoothing": "smoothing", "confidence_penalty": "penalty"}
    return IMPLIED[tuple(sorted({kinds.get(name, "focal") for name in given}))]


def _settings_of(loss: str) -> set[str]:
    return set(inspect.signature(LOSSES[loss]).parameters) - {"class_weights"}
