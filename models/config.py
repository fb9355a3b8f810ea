"""Looks at the choices before anything is built from them: a wrong one is a line, not a traceback.

Letters: C signals.
"""

import dataclasses
from typing import Any

from layers.attention import ATTENTIONS
from layers.classifiers import CLASSIFIERS
from layers.encoders import BETWEEN, ENCODERS
from layers.fusion import FUSIONS
from layers.gramian import BACKENDS, RANGES
from layers.norm import NORMS
from layers.statistics.branch import STAT_PLACES
from layers.statistics.encoders import STAT_ENCODERS
from layers.statistics.features import STATISTICS
from layers.statistics.fusion import STAT_FUSIONS
from utils.errors import UserError, unknown_name
from utils.options import ModelSettings

# Which settings a mode replaces. What is left out by them is not built.
ABLATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "no_diff": {"fusion": ""},
    "no_stat": {"use_statistical_features": False},
    "no_fields": {"encoder": "", "signal_groups": "", "group_encoders": ""},
    "no_attention": {"attention": "none"},
    "minimal": {"fusion": "", "use_statistical_features": False, "attention": "none"},
}

REGISTRIES: dict[str, dict[str, Any]] = {
    "fusion": FUSIONS,
    "attention": ATTENTIONS,
    "classifier": CLASSIFIERS,
    "stat_type": STATISTICS,
    "stat_per": STAT_PLACES,
    "stat_encoder": STAT_ENCODERS,
    "stat_fusion": STAT_FUSIONS,
    "norm": NORMS,
    "ablation_mode": ABLATIONS,
    "gaf_range": dict.fromkeys(RANGES),
    "gaf_backend": dict.fromkeys(BACKENDS),
}

TIMM = "timm:"


def check(settings: ModelSettings, length: int) -> None:
    """Raises UserError if a setting is not one of its choices, or out of its range for windows of `length` steps."""
    for setting, registry in REGISTRIES.items():
        name = getattr(settings, setting)
        if name not in registry:
            raise unknown_name(setting, name, registry)
    for name in (settings.encoder, *filter(None, settings.group_encoders.split("|"))):
        check_encoder(name.strip())
    if settings.ablation_mode == "no_fields" and not settings.use_statistical_features:
        raise UserError("ablation_mode no_fields needs the statistics; leave no_use_statistical_features out")
    if not 0.0 < settings.compression_ratio <= 1.0:
        raise UserError(f"compression_ratio {settings.compression_ratio} is not in (0, 1]; 0.5 leaves half the signals")
    if settings.compression_ratio < 1.0 and settings.signal_groups:
        raise UserError("signal_groups names signals that compression_ratio would mix; leave one of the two out")
    if not 0 <= settings.image_size <= length:
        raise UserError(f"image_size {settings.image_size} is not in 0 to {length}, the steps of a window")
    if settings.feature_dim < 2:
        raise UserError(f"feature_dim {settings.feature_dim} is less than 2, which cannot be normalised; 32 is usual")
    if not 0.0 <= settings.dropout < 1.0:
        raise UserError(f"dropout {settings.dropout} is not in [0, 1); 0.1 is usual")


def check_encoder(name: str) -> None:
    """Raises UserError unless `name` is an encoder of ours or "timm:" and a name."""
    if name not in {**BETWEEN, **ENCODERS} and not (name.startswith(TIMM) and len(name) > len(TIMM)):
        raise unknown_name("encoder", name, [*BETWEEN, *ENCODERS, "timm:NAME"])


def ablated(settings: ModelSettings) -> ModelSettings:
    """The settings without what their ablation mode leaves out; a fusion "" stands for a single field, an encoder ""
    for none."""
    return dataclasses.replace(settings, **ABLATIONS[settings.ablation_mode])


def parse_groups(settings: ModelSettings, columns: tuple[str, ...]) -> list[tuple[str, list[int]]]:
    """The groups of signals: (encoder, places among the C columns) each.

    Signals that no group names form a last group with `settings.encoder`. Without groups, that is all of them.

    Raises:
        UserError: a signal is unknown or named twice, a group is empty, or there are not as many encoders as groups.
    """
    named = [[name.strip() for name in group.split(",")] for group in settings.signal_groups.split("|")]
    named = named if settings.signal_groups.strip() else []
    chosen = [name.strip() for name in settings.group_encoders.split("|")]
    encoders = chosen if settings.group_encoders.strip() else [settings.encoder] * len(named)
    if len(encoders) != len(named):
        raise UserError(f"group_encoders names {len(encoders)} for {len(named)} signal_groups; give one a group")
    taken: set[str] = set()
    for name in (name for group in named for name in group):
        if name not in columns:
            raise unknown_name("signal in signal_groups", name, columns)
        if name in taken:
            raise UserError(f"signal_groups names '{name}' twice; a signal belongs to one group")
        taken.add(name)
    groups = [(e, [columns.index(n) for n in group]) for e, group in zip(encoders, named, strict=True)]
    rest = [place for place, name in enumerate(columns) if name not in taken]
    return [*groups, (settings.encoder, rest)] if rest else groups
