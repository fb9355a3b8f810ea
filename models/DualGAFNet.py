"""DualGAFNet: a window of signals, seen as two Gramian angular fields of each.

    x (B, C, L) -+-> Gramian fields -+-> summation branch --+
                 |                   +-> difference branch -+-> fusion -> signal attention -+
                 +-> statistics ------------------------------------------------------------+-> classifier -> logits

Letters: B batch, C signals, L time steps, S side of a field, D features of a signal, V and P features of a window,
K classes.
"""

import math
from typing import cast

from torch import Tensor, nn

from layers.attention import ATTENTIONS
from layers.classifiers import CLASSIFIERS
from layers.compression import SignalCompression
from layers.fusion import FUSIONS, OneField
from layers.gramian import METHODS, gramian
from layers.statistics.branch import STAT_PLACES, NoStatistics
from layers.statistics.features import STATISTICS
from layers.statistics.fusion import STAT_FUSIONS
from models.config import ablated, check, parse_groups
from models.encoder import build_branch
from utils.options import ModelSettings


class DualGAFNet(nn.Module):
    """The network; `features` reads like the figure above, and both fields are computed in it.

    Args:
        columns: names of the C signals.
        length: L.
        classes: K.
        settings: the choices.

    Raises:
        UserError: a setting is not one of its choices.
    """

    methods: tuple[str, ...] = METHODS

    def __init__(self, *, columns: tuple[str, ...], length: int, classes: int, settings: ModelSettings) -> None:
        super().__init__()
        check(settings, length)
        settings = ablated(settings)
        self.settings = settings
        methods = self.methods if settings.fusion else self.methods[:1]
        signals = math.ceil(settings.compression_ratio * len(columns))
        compressed = signals < len(columns)
        self.compression = SignalCompression(signals=len(columns), kept=signals) if compressed else nn.Identity()
        groups = [(settings.encoder, list(range(signals)))] if compressed else parse_groups(settings, columns)
        size = settings.image_size or length
        self.branches = nn.ModuleDict(
            {method: build_branch(method=method, size=size, groups=groups, settings=settings) for method in methods}
        )
        self.fusion = (FUSIONS[settings.fusion] if len(methods) > 1 else OneField)(dim=settings.feature_dim)
        self.attention = ATTENTIONS[settings.attention](signals=signals, dim=self.fusion.dim)
        self.statistics = self._statistics(settings, signals)
        self.classifier = CLASSIFIERS[settings.classifier](inputs=self.statistics.dim, dropout=settings.dropout)
        self.head = nn.Linear(cast(int, self.classifier.dim), classes)

    def _statistics(self, settings: ModelSettings, signals: int) -> nn.Module:
        if not settings.use_statistical_features:
            return NoStatistics(signals=signals, dim=cast(int, self.fusion.dim))
        return STAT_PLACES[settings.stat_per](
            statistics=STATISTICS[settings.stat_type](signals=signals),
            fusion=STAT_FUSIONS[settings.stat_fusion],
            signals=signals,
            dim=self.fusion.dim,
        )

    def features(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) in [-1, 1] -> penultimate features (B, P)."""
        s = self.settings
        x = self.compression(x)
        fields = gramian(x, s.gaf_range, s.image_size, s.gaf_backend)  # both (B, C, S, S), held as factors (B, C, S)
        views = [branch(fields) for branch in self.branches.values()]  # (B, C, D) a field
        signals = self.fusion(*views)  # (B, C, D)
        signals = self.attention(signals)  # (B, C, D)
        window = self.statistics(signals, x)  # (B, V)
        return self.classifier(window)  # (B, P)

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) in [-1, 1] -> logits (B, K)."""
        return self.head(self.features(x))
