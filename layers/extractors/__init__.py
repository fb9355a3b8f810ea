"""Extractors: from one Gramian field of a signal to a vector of features.

Each is built with (method, size, dim, norm) and maps the factors of N signals to (N, dim).
"""

from torch import nn

from layers.extractors.dilated import DilatedExtractor
from layers.extractors.gramian import GramianExtractor

EXTRACTORS: dict[str, type[nn.Module]] = {
    "gramian": GramianExtractor,
    "dilated": DilatedExtractor,
}
