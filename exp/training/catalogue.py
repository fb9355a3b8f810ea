"""Everything that is chosen by name, in one list: the registries behind the flags, with a line on each entry."""

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from layers.encoders import BETWEEN, ENCODERS
from models import MODELS
from models.baselines import BASELINES
from models.config import ABLATIONS, REGISTRIES
from utils.augment import AUGMENTATIONS, Augmentation
from utils.loss_presets import PRESETS
from utils.losses import LOSSES
from utils.optimizers import OPTIMIZERS
from utils.schedulers import SCHEDULERS

# What an ablation mode leaves out, by the setting that it replaces.
ABLATED = {
    "encoder": "the fields",
    "fusion": "the difference field",
    "use_statistical_features": "statistics",
    "attention": "attention",
}

NETWORK_PARTS: dict[str, Mapping[str, Any]] = {
    "encoder": {**BETWEEN, **ENCODERS},
    **{
        flag: REGISTRIES[flag] for flag in ("fusion", "attention", "classifier", "stat_type", "stat_per", "stat_fusion")
    },
    "norm": REGISTRIES["norm"],
    "ablation_mode": ABLATIONS,
}
TRAINING_PARTS: dict[str, Mapping[str, Any]] = {
    "loss": LOSSES,
    "loss_preset": PRESETS,
    "optimizer": OPTIMIZERS,
    "lr_scheduler": SCHEDULERS,
    "augment": AUGMENTATIONS,
}


class Part(NamedTuple):
    """An entry of a registry.

    Attributes:
        flag: the flag that chooses it.
        name: the entry's name.
        value: what to give the flag to try it.
        about: what it is, in a line.
        counted: whether it changes the size of a network, which can be counted before any training.
    """

    flag: str
    name: str
    value: str
    about: str
    counted: bool


def everything() -> list[Part]:
    """All parts: networks, baselines, what networks are built from, what they are trained with."""
    timm = Part("encoder", "timm:NAME", "timm:resnet10t", "Any image network of timm.", False)
    found = [*_parts({"model": MODELS}, True), *_parts({"model": BASELINES}, False), *_parts(NETWORK_PARTS, True)]
    found.insert(len(MODELS) + len(BASELINES) + len(BETWEEN) + len(ENCODERS), timm)
    return [*found, *_parts(TRAINING_PARTS, False)]


def _parts(registries: Mapping[str, Mapping[str, Any]], counted: bool) -> list[Part]:
    return [
        Part(flag, name, _value(name, entry), _about(flag, entry), counted)
        for flag, registry in registries.items()
        for name, entry in registry.items()
    ]


def _value(name: str, entry: Any) -> str:
    """What to give the flag to try an entry."""
    return f"{name}:{entry.trial}" if isinstance(entry, Augmentation) else name


def _about(flag: str, entry: Any) -> str:
    """The first line of what an entry says about itself, or the settings that it stands for."""
    if isinstance(entry, Augmentation):
        entry = entry.apply
    if not isinstance(entry, Mapping):
        return (inspect.getdoc(entry) or "").partition("\n")[0]
    if flag == "ablation_mode":
        return f"Without {', '.join(ABLATED[name] for name in entry if name in ABLATED)}." if entry else "Everything."
    return ", ".join(f"{name} {value}" for name, value in entry.items())
