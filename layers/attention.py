"""Attention over the signals of a window.

Each is built with (signals, dim) and maps (B, C, D) to (B, C, D).
Letters: B batch, C signals, D features of a signal.
"""

import torch
from torch import Tensor, nn

from layers.cross_attention import CrossAttention


class ChannelAttention(nn.Module):
    """A gate for every signal, from the mean and the maximum of all signals' features (squeeze and excitation)."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        hidden = max(4, signals // 4)
        self.gate = nn.Sequential(nn.Linear(signals, hidden), nn.GELU(), nn.Linear(hidden, signals))

    def forward(self, signals: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, D)."""
        pooled = torch.stack((signals.mean(-1), signals.amax(-1)))  # (2, B, C)
        gate = self.gate(pooled).sum(0).sigmoid()  # (B, C)
        return signals * gate.unsqueeze(-1)


class SpatialAttention(nn.Module):
    """A gate for every feature, from the mean and the maximum over the signals."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        self.gate = nn.Conv1d(2, 1, 7, padding=3)

    def forward(self, signals: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, D)."""
        pooled = torch.stack((signals.mean(1), signals.amax(1)), 1)  # (B, 2, D)
        return signals * self.gate(pooled).sigmoid()


class CBAM(nn.Module):
    """Channel attention, then spatial attention (Woo et al., "CBAM", ECCV 2018)."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        self.channel = ChannelAttention(signals=signals, dim=dim)
        self.spatial = SpatialAttention(signals=signals, dim=dim)

    def forward(self, signals: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, D)."""
        return self.spatial(self.channel(signals))


class SelfAttention(nn.Module):
    """Every signal gathers from the signals that resemble it; the result is added to it."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.attention = CrossAttention(dim=dim)

    def forward(self, signals: Tensor) -> Tensor:
        """(B, C, D) -> (B, C, D)."""
        normed = self.norm(signals)
        return signals + self.attention(normed, normed)


class NoAttention(nn.Identity):
    """All signals as they are; takes and ignores (signals, dim)."""


ATTENTIONS: dict[str, type[nn.Module]] = {
    "channel": ChannelAttention,
    "spatial": SpatialAttention,
    "cbam": CBAM,
    "self": SelfAttention,
    "none": NoAttention,
}
