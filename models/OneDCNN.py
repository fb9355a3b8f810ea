"""OneDCNN: a plain convolutional network along time, all signals as its input channels.

Letters: B batch, C signals, L time steps, P features, K classes.
"""

from torch import Tensor, nn

from layers.norm import conv
from models.config import check
from utils.options import ModelSettings


class OneDCNN(nn.Module):
    """Three convolutions of 64, 128 and 128 filters with poolings between, their average over time, a linear layer.

    Args:
        columns: names of the C signals.
        length: L.
        classes: K.
        settings: norm and dropout are taken from them.
    """

    def __init__(self, *, columns: tuple[str, ...], length: int, classes: int, settings: ModelSettings) -> None:
        super().__init__()
        check(settings, length)
        norm = settings.norm
        self.body = nn.Sequential(
            *(nn.Conv1d(len(columns), 64, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2, ceil_mode=True)),  # (B, 64, L/2)
            *(conv(norm, 64, 128, 5, axes=1, padding=2), nn.ReLU(), nn.MaxPool1d(2, ceil_mode=True)),
            *(conv(norm, 128, 128, 3, axes=1, padding=1), nn.ReLU()),  # (B, 128, L/4)
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(128, classes)

    def features(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) -> penultimate features (B, 128)."""
        return self.dropout(self.body(x).mean(-1))

    def forward(self, x: Tensor) -> Tensor:
        """Windows (B, C, L) -> logits (B, K)."""
        return self.head(self.features(x))
