"""What a fit leaves, of a network or a baseline."""

from typing import Any, NamedTuple

from torch import nn


class Fitted(NamedTuple):
    """A model that has learned.

    Attributes:
        model: (B, C, L) windows to (B, K) logits, on the device.
        best_epoch: the epoch whose weights these are, from 1; 0 where the model was fitted at once.
        rows: training_metrics.csv, a row an epoch; empty where the model was fitted at once.
        stopped: why it ended, in words.
        loss: the loss's name and settings, None where the model was fitted at once.
    """

    model: nn.Module
    best_epoch: int
    rows: list[dict[str, Any]]
    stopped: str
    loss: dict[str, Any] | None
