"""The statistics branch: statistics of the raw window, encoded and joined to the features of its signals.

Letters: B batch, C signals, L time steps, T rows of D features, S statistics of a signal, E encoded, n training
windows, V features.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from layers.statistics.encoders import PiecewiseEncoder

STAT_DIM = 16  # features of a signal's statistics beside a window's


class StatisticsBranch(nn.Module):
    """What the branches share: statistics of a window, and an encoder that may first look at training windows.

    Args:
        statistics: windows (B, C, L) -> (B, C, S), with `count` S.
        encoder: of `STAT_ENCODERS`, built.
    """

    def __init__(self, *, statistics: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self.statistics = statistics
        self.encoder = encoder

    def look_at(self, x: Tensor) -> None:
        """Shows the encoder training windows (n, C, L)."""
        cast(PiecewiseEncoder, self.encoder).look_at(self.numbers(x))

    def numbers(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, C, S), what the encoder reads."""
        return self.statistics(x)


class SignalStatistics(StatisticsBranch):
    """Joins the statistics of every signal to the features of that signal, then puts the signals side by side.

    Args:
        statistics: windows (B, C, L) -> (B, C, S), with `count` S.
        encoder: a class of `STAT_ENCODERS`.
        fusion: a class of `STAT_FUSIONS`.
        signals: C.
        rows: T, C here.
        dim: D.
    """

    def __init__(
        self,
        *,
        statistics: nn.Module,
        encoder: type[nn.Module],
        fusion: type[nn.Module],
        signals: int,
        rows: int,
        dim: int,
    ) -> None:
        count = cast(int, statistics.count)
        super().__init__(statistics=statistics, encoder=encoder(signals=signals, inputs=count, dim=32))
        self.fusion = fusion(dim=dim, stat_dim=32)
        self.dim = signals * cast(int, self.fusion.dim)

    def forward(self, signals: Tensor, x: Tensor) -> Tensor:
        """Features (B, C, D) and windows (B, C, L) -> (B, V)."""
        return self.fusion(signals, self.encoder(self.numbers(x))).flatten(1)


class StatisticsBeside(StatisticsBranch):
    """Encodes the statistics of every signal, attends to the signals, and joins all to features of the whole window.

    For encoders that look at all signals together, whose features belong to no signal.

    Args:
        statistics, encoder, fusion, signals: as in `SignalStatistics`.
        attention: a class of `ATTENTIONS`.
        rows: T.
        dim: D.
    """

    def __init__(
        self,
        *,
        statistics: nn.Module,
        encoder: type[nn.Module],
        fusion: type[nn.Module],
        attention: type[nn.Module],
        signals: int,
        rows: int,
        dim: int,
    ) -> None:
        count = cast(int, statistics.count)
        super().__init__(statistics=statistics, encoder=encoder(signals=signals, inputs=count, dim=STAT_DIM))
        self.attention = attention(signals=signals, dim=STAT_DIM)
        self.reduce = nn.Linear(signals * STAT_DIM, 128)
        self.fusion = fusion(dim=rows * dim, stat_dim=128)
        self.dim = self.fusion.dim

    def forward(self, rows: Tensor, x: Tensor) -> Tensor:
        """Features (B, T, D) and windows (B, C, L) -> (B, V)."""
        signals = self.attention(self.encoder(self.numbers(x)))  # (B, C, E)
        return self.fusion(rows.flatten(1), functional.gelu(self.reduce(signals.flatten(1))))


class WindowStatistics(StatisticsBranch):
    """Joins all statistics of the window to one vector of all its signals. The arguments are those above."""

    def __init__(
        self,
        *,
        statistics: nn.Module,
        encoder: type[nn.Module],
        fusion: type[nn.Module],
        signals: int,
        rows: int,
        dim: int,
    ) -> None:
        count = signals * cast(int, statistics.count)
        super().__init__(statistics=statistics, encoder=encoder(signals=1, inputs=count, dim=128))
        self.reduce = nn.Linear(rows * dim, 128)
        self.fusion = fusion(dim=128, stat_dim=128)
        self.dim = self.fusion.dim

    def forward(self, rows: Tensor, x: Tensor) -> Tensor:
        """Features (B, T, D) and windows (B, C, L) -> (B, V)."""
        return self.fusion(self.reduce(rows.flatten(1)), self.encoder(self.numbers(x)).squeeze(1))

    def numbers(self, x: Tensor) -> Tensor:
        """(B, C, L) -> (B, 1, C S), the statistics of all signals as those of one."""
        return self.statistics(x).flatten(1).unsqueeze(1)


class NoStatistics(nn.Module):
    """The features of the signals side by side, and nothing else."""

    def __init__(self, *, signals: int, dim: int) -> None:
        super().__init__()
        self.dim = signals * dim

    def look_at(self, x: Tensor) -> None:
        """There is nothing to learn from windows."""

    def forward(self, signals: Tensor, x: Tensor) -> Tensor:
        """Features (B, C, D), and windows that are not looked at -> (B, C D)."""
        return signals.flatten(1)


STAT_PLACES: dict[str, type[nn.Module]] = {"signal": SignalStatistics, "window": WindowStatistics}
