"""Builds encoders by name: ours, and any image network of timm.

Letters: S side of the images, D features.
"""

import difflib

import torch
from torch import nn

from layers.branch import BetweenBranch, Branch, GroupedBranch, NoBranch
from layers.encoders import BETWEEN, ENCODERS
from layers.encoders.backbone import BackboneEncoder
from layers.norm import group_norm
from models.config import TIMM
from utils.errors import UserError
from utils.options import ModelSettings
from utils.timm_compat import import_timm


def build_branch(*, method: str, size: int, groups: list[tuple[str, list[int]]], settings: ModelSettings) -> nn.Module:
    """A branch: one encoder for all signals, or one a group; it gives (B, `rows_of(groups)`, D).

    Args:
        method: the field, "summation" or "difference".
        size: S.
        groups: encoder and places of the signals of each group.
        settings: for the features and the norm.
    """
    branches = [_branch(name, len(places), method=method, size=size, settings=settings) for name, places in groups]
    return (
        branches[0] if len(groups) == 1 else GroupedBranch(groups=[places for _, places in groups], branches=branches)
    )


def rows_of(groups: list[tuple[str, list[int]]]) -> int:
    """Rows of features that `build_branch` gives: one a signal, or one a group that is looked at together."""
    return sum(1 if looks_together(name) else len(places) for name, places in groups)


def looks_together(name: str) -> bool:
    """True if an encoder gives one row of features for all its signals; "" is none at all."""
    return not name or name in BETWEEN


def _branch(name: str, signals: int, *, method: str, size: int, settings: ModelSettings) -> nn.Module:
    dim = settings.feature_dim
    if not name:
        return NoBranch(dim=dim)
    if name in BETWEEN:
        encoder = BETWEEN[name](signals=signals, method=method, size=size, dim=dim, norm=settings.norm)
        return BetweenBranch(encoder=encoder, dim=dim)
    return Branch(encoder=build_encoder(name=name, method=method, size=size, settings=settings), dim=dim)


def build_encoder(*, name: str, method: str, size: int, settings: ModelSettings) -> nn.Module:
    """The encoder `name` for one field of side `size`.

    Raises:
        UserError: timm does not know the network, or cannot build it for such images.
    """
    if not name.startswith(TIMM):
        return ENCODERS[name](method=method, size=size, dim=settings.feature_dim, norm=settings.norm)
    backbone, features = timm_backbone(name.removeprefix(TIMM), size)
    if settings.norm == "group":
        group_norms(backbone)
    return BackboneEncoder(backbone=backbone, features=features, method=method, dim=settings.feature_dim)


def timm_backbone(name: str, size: int) -> tuple[nn.Module, int]:
    """timm's network `name` with one input channel and no classifier, and the features it gives.

    The network maps images (N, 1, S, S) to (N, features). It is tried on an image, because what timm says of the
    features is not always what comes out, and because some networks find only then that an image is too small.
    """
    timm = import_timm()
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise UserError(f"encoder 'timm:{name}': timm {timm.__version__} has no network of that name{hint}")
    # Networks made for one size of image, above all transformers, take the size as an argument.
    fixed = timm.get_pretrained_cfg(architecture)
    sized = {"img_size": size} if fixed is not None and fixed.fixed_input_size else {}
    try:
        backbone = timm.create_model(name, pretrained=False, in_chans=1, num_classes=0, **sized)
        with torch.no_grad():
            features = backbone.eval()(torch.zeros(1, 1, size, size)).shape[-1]
        return backbone.train(), features
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"encoder 'timm:{name}' cannot be built for images of {size} x {size}: {reason}") from error


def group_norms(network: nn.Module) -> None:
    """Replaces every BatchNorm of a network by GroupNorm, so that its samples do not depend on each other."""
    for name, child in network.named_children():
        if not isinstance(child, nn.BatchNorm2d):
            group_norms(child)
            continue
        norm = group_norm(child.num_features)
        norm.load_state_dict({"weight": child.weight.data, "bias": child.bias.data})
        activation: nn.Module | None = getattr(child, "act", None)  # timm has a BatchNorm with one behind it
        setattr(network, name, norm if activation is None else nn.Sequential(norm, activation))
