"""The networks, by name: each maps windows (B, C, L) in [-1, 1] to logits (B, K)."""

from torch import nn

from models.DualGAFNet import DualGAFNet
from models.InceptionTime import InceptionTime
from models.OneDCNN import OneDCNN
from models.ResNet1D import ResNet1D
from models.SingleGAFNet import SingleGAFNet
from utils.options import ModelSettings

MODELS: dict[str, type[nn.Module]] = {
    "DualGAFNet": DualGAFNet,
    "SingleGAFNet": SingleGAFNet,
    "OneDCNN": OneDCNN,
    "ResNet1D": ResNet1D,
    "InceptionTime": InceptionTime,
}

__all__ = ["MODELS", "ModelSettings"]
