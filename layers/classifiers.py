"""Classifiers, without their last layer: from the window's vector to the vector that the last linear layer reads.

Each is built with (inputs, dropout) and maps (B, inputs) to (B, self.dim).
Letters: B batch, P features.
"""

from torch import Tensor, nn


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


CLASSIFIERS: dict[str, type[nn.Module]] = {
    "mlp": MLP,
}
