"""Attention over the signals of a window.

Each is built with (signals, dim) and maps (B, C, D) to (B, C, D).
Letters: B batch, C signals, D features of a signal.
"""

from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """A gate for every signal, from the mean and the maximum of all signals' features (squeeze and excitation)."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        hidden = max(4, signals // 4)
        self.gate = nn.Sequential(nn.Linear(signals, hidden), nn.ReLU(), nn.Linear(hidden, signals))

    def forward(self, signals: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, D)."""
        gate = (self.gate(signals.mean(-1)) + self.gate(signals.amax(-1))).sigmoid()  # (B, C)
        return signals * gate.unsqueeze(-1)


class NoAttention(nn.Module):
    """All signals as they are."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()

    def forward(self, signals: Tensor) -> Tensor:
        """(B, C, D) -> the same."""
        return signals


ATTENTIONS: dict[str, type[nn.Module]] = {
    "channel": ChannelAttention,
    "none": NoAttention,
}
