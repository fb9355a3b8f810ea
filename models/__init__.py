"""The networks, by name: each maps windows (B, C, L) in [-1, 1] to logits (B, K)."""

from torch import nn

from models.DualGAFNet import DualGAFNet
from models.settings import ModelSettings

MODELS: dict[str, type[nn.Module]] = {
    "DualGAFNet": DualGAFNet,
}

__all__ = ["MODELS", "ModelSettings"]
