"""Extractors: from one Gramian field of a signal to a vector of features.

Each is built with (method, size, dim, norm) and maps the factors of N signals, a `Gramian` of (N, size), to (N, dim).
"""

from torch import nn

from layers.extractors.dilated import DilatedExtractor
from layers.extractors.gramian import GramianExtractor
from layers.extractors.inception import InceptionExtractor
from layers.extractors.large_kernel import LargeKernelExtractor
from layers.extractors.multiscale import MultiscaleExtractor
from layers.extractors.resnet18 import ResNet18Extractor

EXTRACTORS: dict[str, type[nn.Module]] = {
    "gramian": GramianExtractor,
    "dilated": DilatedExtractor,
    "large_kernel": LargeKernelExtractor,
    "inception": InceptionExtractor,
    "multiscale": MultiscaleExtractor,
    "resnet18": ResNet18Extractor,
}
