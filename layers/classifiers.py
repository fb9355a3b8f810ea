"""Classifiers, without their last layer: from the window's vector to the vector that the last linear layer reads.

Each is built with (inputs, dropout) and maps (B, inputs) to (B, self.dim).
Letters: B batch, P features.
"""

import torch
from torch import Tensor, nn


class Simple(nn.Module):
    """Nothing but normalisation and dropout: the last linear layer does all the work."""

    def __init__(self, *, inputs: int, dropout: float) -> None:
        super().__init__()
        self.dim = inputs
        self.layers = nn.Sequential(nn.LayerNorm(inputs), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> the same shape."""
        return self.layers(x)


class MLP(nn.Module):
    """Two hidden layers."""

    def __init__(self, *, inputs: int, dropout: float) -> None:
        super().__init__()
        self.dim = 128
        self.layers = nn.Sequential(
            nn.LayerNorm(inputs),
            *(nn.Linear(inputs, 256), nn.ReLU(), nn.Dropout(dropout)),
            *(nn.Linear(256, 128), nn.ReLU(), nn.Dropout(dropout)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, 128)."""
        return self.layers(x)


class ResidualBlock(nn.Module):
    """x + two linear layers through `hidden` features; (B, width) keeps its shape."""

    def __init__(self, *, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(width),
            *(nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout)),
            nn.Linear(hidden, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) -> the same shape."""
        return x + self.layers(x)


class Residual(nn.Module):
    """A step to 256 features and two residual blocks, which pass through `hidden` features."""

    hidden = 256

    def __init__(self, *, inputs: int, dropout: float) -> None:
        super().__init__()
        self.dim = 256
        blocks = [ResidualBlock(width=256, hidden=self.hidden, dropout=dropout) for _ in range(2)]
        self.layers = nn.Sequential(nn.LayerNorm(inputs), nn.Linear(inputs, 256), *blocks, nn.LayerNorm(256))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, 256)."""
        return self.layers(x)


class ResidualBottleneck(Residual):
    """The same with narrow blocks: a quarter of their parameters."""

    hidden = 64


class ResidualDense(nn.Module):
    """Three layers of 64 features, each of which reads everything before it (after DenseNet, CVPR 2017)."""

    def __init__(self, *, inputs: int, dropout: float) -> None:
        super().__init__()
        self.dim = 128 + 3 * 64
        self.first = nn.Sequential(nn.LayerNorm(inputs), nn.Linear(inputs, 128), nn.ReLU(), nn.Dropout(dropout))
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(128 + 64 * before, 64), nn.ReLU(), nn.Dropout(dropout)) for before in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, 320)."""
        known = self.first(x)
        for layer in self.layers:
            known = torch.cat((known, layer(known)), -1)
        return known


CLASSIFIERS: dict[str, type[nn.Module]] = {
    "mlp": MLP,
    "simple": Simple,
    "residual": Residual,
    "residual_bottleneck": ResidualBottleneck,
    "residual_dense": ResidualDense,
}
