"""DualGAFNet: a window of signals, seen as two Gramian angular fields of each.

    x (B, C, L) -+-> Gramian fields -+-> summation branch --+
                 |                   +-> difference branch -+-> fusion -> signal attention -+
                 +-> statistics ------------------------------------------------------------+-> classifier -> logits

The rows of features that the branches give are one a signal, or one for all where the fields between signals are seen
together; the attention is then over the signals' statistics.

Letters: B batch, C signals, L time steps, S side of a field, T rows of D features, V and P features of a window,
K classes.
"""

import math
from typing import Any, cast

from torch import Tensor, nn

from layers.attention import ATTENTIONS
from layers.classifiers import CLASSIFIERS
from layers.compression import SignalCompression
from layers.fusion import FUSIONS, OneField
from layers.gramian import METHODS, gramian
from layers.statistics.branch import STAT_PLACES, NoStatistics, SignalStatistics, StatisticsBeside
from layers.statistics.encoders import STAT_ENCODERS
from layers.statistics.features import STATISTICS
from layers.statistics.fusion import STAT_FUSIONS
from models.config import ablated, check, parse_groups
from models.encoder import build_branch, looks_together, rows_of
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
        methods = self.methods if settings.fusion and settings.encoder else self.methods[:1]
        signals = math.ceil(settings.compression_ratio * len(columns))
        compressed = signals < len(columns)
        self.compression = SignalCompression(signals=len(columns), kept=signals) if compressed else nn.Identity()
        groups = [(settings.encoder, list(range(signals)))] if compressed else parse_groups(settings, columns)
        size = settings.image_size or length
        self.branches = nn.ModuleDict(
            {method: build_branch(method=method, size=size, groups=groups, settings=settings) for method in methods}
        )
        self.fusion = (FUSIONS[settings.fusion] if len(methods) > 1 else OneField)(dim=settings.feature_dim)
        rows = rows_of(groups)  # T
        together = any(looks_together(name) for name, _ in groups)
        attention = ATTENTIONS["none" if together and rows == 1 else settings.attention]
        self.attention = attention(signals=rows, dim=self.fusion.dim)
        self.statistics = self._statistics(settings, signals, rows, together)
        self.classifier = CLASSIFIERS[settings.classifier](inputs=self.statistics.dim, dropout=settings.dropout)
        self.head = nn.Linear(cast(int, self.classifier.dim), classes)

    def _statistics(self, settings: ModelSettings, signals: int, rows: int, together: bool) -> nn.Module:
        dim = cast(int, self.fusion.dim)
        if not settings.use_statistical_features:
            return NoStatistics(signals=rows, dim=dim)
        parts: dict[str, Any] = {
            "statistics": STATISTICS[settings.stat_type](signals=signals),
            "encoder": STAT_ENCODERS[settings.stat_encoder],
            "fusion": STAT_FUSIONS[settings.stat_fusion],
            "signals": signals,
            "dim": dim,
        }
        if settings.stat_per == "window" or not together:
            return STAT_PLACES[settings.stat_per](rows=rows, **parts)
        return StatisticsBeside(rows=rows, attention=ATTENTIONS[settings.attention], **parts)

    def look_at(self, x: Tensor) -> None:
        """Takes from training windows (n, C, L) what is no weight: where their statistics lie."""
        cast(SignalStatistics, self.statistics).look_at(self.compression(x))

    def features(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) in [-1, 1] -> penultimate features (B, P)."""
        s = self.settings
        x = self.compression(x)
        fields = gramian(x, s.gaf_range, s.image_size, s.gaf_backend)  # both (B, C, S, S), held as factors (B, C, S)
        views = [branch(fields) for branch in self.branches.values()]  # (B, T, D) a field
        rows = self.fusion(*views)  # (B, T, D)
        rows = self.attention(rows)  # (B, T, D)
        window = self.statistics(rows, x)  # (B, V)
        return self.classifier(window)  # (B, P)

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) in [-1, 1] -> logits (B, K)."""
        return self.head(self.features(x))
