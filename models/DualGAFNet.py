"""DualGAFNet: a window of signals, seen as two Gramian angular fields of each.

    x (B, C, L) -+-> Gramian fields -+-> summation branch --+
                 |                   +-> difference branch -+-> fusion -> signal attention -+
                 +-> statistics ------------------------------------------------------------+-> classifier -> logits

Letters: B batch, C signals, L time steps, D features of a signal, P features of a window, K classes.
"""

from torch import Tensor, nn

from layers.attention import ATTENTIONS
from layers.classifiers import CLASSIFIERS
from layers.extractors import EXTRACTORS
from layers.fusion import FUSIONS
from layers.gramian import Gramian, gramian
from layers.stat_fusion import STAT_FUSIONS
from layers.statistics import STATISTICS
from models.settings import ModelSettings


class DualGAFNet(nn.Module):
    """The network. Both fields are computed inside it; `features` reads like the figure above."""

    def __init__(self, *, columns: tuple[str, ...], length: int, classes: int, settings: ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        size = settings.image_size or length
        self.branches = nn.ModuleDict()
        for method in ("summation", "difference"):
            self.branches[method] = EXTRACTORS[settings.extractor](
                method=method, size=size, dim=settings.feature_dim, norm=settings.norm
            )
        self.fusion = FUSIONS[settings.fusion](dim=settings.feature_dim)
        self.attention = ATTENTIONS[settings.attention](signals=len(columns), dim=self.fusion.dim)
        self.statistics = STATISTICS[settings.stat_type](signals=len(columns))
        self.encoder = nn.Sequential(nn.Linear(self.statistics.count, 32), nn.ReLU(), nn.Linear(32, 32))
        self.stat_fusion = STAT_FUSIONS[settings.stat_fusion](dim=self.fusion.dim, stat_dim=32)
        self.classifier = CLASSIFIERS[settings.classifier](
            inputs=len(columns) * self.stat_fusion.dim, dropout=settings.dropout
        )
        self.head = nn.Linear(self.classifier.dim, classes)

    def features(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) in [-1, 1] -> penultimate features (B, P)."""
        field = gramian(x, self.settings.gaf_range, self.settings.image_size, self.settings.gaf_backend)
        flat = Gramian(field.cos.flatten(0, 1), field.sin.flatten(0, 1), field.backend)
        signals = self.fusion(*(branch(flat).unflatten(0, x.shape[:2]) for branch in self.branches.values()))
        signals = self.attention(signals)  # (B, C, D)
        signals = self.stat_fusion(signals, self.encoder(self.statistics(x)))
        return self.classifier(signals.flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) in [-1, 1] -> logits (B, K)."""
        return self.head(self.features(x))
