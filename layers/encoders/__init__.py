"""Encoders: from one Gramian field of a signal to a vector of features.

Each is built with (method, size, dim, norm) and maps the factors of N signals, a `Gramian` of (N, size), to (N, dim).
Those of `BETWEEN` take (signals) too and look at all of a window's signals together: (B, signals, size) to (B, dim).
"""

from torch import nn

from layers.encoders.between import BetweenEncoder
from layers.encoders.dilated import DilatedEncoder
from layers.encoders.gramian import GramianEncoder
from layers.encoders.inception import InceptionEncoder
from layers.encoders.large_kernel import LargeKernelEncoder
from layers.encoders.multiscale import MultiscaleEncoder
from layers.encoders.resnet18 import ResNet18Encoder

ENCODERS: dict[str, type[nn.Module]] = {
    "gramian": GramianEncoder,
    "dilated": DilatedEncoder,
    "large_kernel": LargeKernelEncoder,
    "inception": InceptionEncoder,
    "multiscale": MultiscaleEncoder,
    "resnet18": ResNet18Encoder,
}

BETWEEN: dict[str, type[nn.Module]] = {"between": BetweenEncoder}
