"""What scores of a window are compared with, by how many sensors it lacks.

A window without a sensor looks stranger to a network than a whole one, however well it was trained to do without. So
windows that lack sensors are held to the scores of known windows that lack as many.

Letters: n windows, V numbers of lacking sensors that were measured.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.stats import binom
from torch import Tensor, nn

from exp.evaluation.calibration import RATES, threshold
from utils.augment import Augment
from utils.written import written

SEEN_IN_TRAINING = 0.99  # of training windows had at most as many sensors dropped
MOST_LEVELS = 6  # numbers of lacking sensors that are measured beside none


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Quantiles of scores over known windows, see `calibration.quantiles`.

    Attributes:
        novelty: (RATES,) novelty scores of the validation windows.
        false_alarm: (RATES,) 1 - the confidence in the fault-free class over its windows; empty where they are too few.
    """

    novelty: np.ndarray
    false_alarm: np.ndarray

    def to_dict(self) -> dict[str, list[float]]:
        """What model.json holds."""
        return {"unknown": self.novelty.tolist(), "alarm": self.false_alarm.tolist()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Scores":
        """What `to_dict` gave."""
        return cls(novelty=written(stored["unknown"]), false_alarm=written(stored["alarm"]))


class Limits(NamedTuple):
    """Thresholds for n windows: (n,) novelty and false alarm, and (n, RATES) or (1, RATES) quantiles of novelty."""

    novelty: Tensor
    false_alarm: Tensor
    quantiles: Tensor


class LimitTable(nn.Module):
    """Thresholds by the number of sensors that a window lacks; between two numbers those of the higher hold.

    Args:
        scores: number of lacking sensors -> scores; 0 is there.
        unknown_rate, false_alarm_rate: of `DecisionRule`.
        has_normal: whether there is a fault-free class.
    """

    levels: Tensor
    novelty: Tensor
    false_alarm: Tensor
    quantiles: Tensor

    def __init__(
        self, scores: Mapping[int, Scores], *, unknown_rate: float, false_alarm_rate: float, has_normal: bool
    ) -> None:
        super().__init__()

        def alarm(table: np.ndarray) -> float:
            limited = has_normal and len(table) > 0 and false_alarm_rate < 1
            return threshold(table, false_alarm_rate) if limited else -math.inf

        ordered = [scores[level] for level in sorted(scores)]
        self.one = len(scores) == 1
        self.register_buffer("levels", None if self.one else torch.tensor(sorted(scores)))
        for name, values in (
            ("novelty", [threshold(entry.novelty, unknown_rate) for entry in ordered]),
            ("false_alarm", [alarm(entry.false_alarm) for entry in ordered]),
            ("quantiles", np.stack([entry.novelty for entry in ordered])),
        ):
            self.register_buffer(name, torch.as_tensor(np.asarray(values), dtype=torch.float64))

    def forward(self, missing: Tensor | None) -> Limits:
        """The thresholds for windows that lack sensors as (n, C) bool says, None for none."""
        if self.one:
            return Limits(self.novelty, self.false_alarm, self.quantiles)
        if missing is None:
            return Limits(self.novelty[:1], self.false_alarm[:1], self.quantiles[:1])
        place = (missing.sum(1)[:, None] > self.levels).sum(1).clamp(max=len(self.levels) - 1)
        return Limits(self.novelty[place], self.false_alarm[place], self.quantiles[place])


def most_missing(signals: int, augment: str) -> int:
    """Sensors that a window may lack: those that training, with this --augment, dropped from windows often enough."""
    dropped = Augment(spec=augment, seed=0).dropped
    return int(binom.ppf(SEEN_IN_TRAINING, signals, dropped)) if dropped else 0


def levels_of(most_missing: int) -> list[int]:
    """Numbers of lacking sensors to measure, evenly spread to the most that a window may lack."""
    spread = np.linspace(0, most_missing, min(most_missing, MOST_LEVELS) + 1).round().astype(int)
    return [int(level) for level in np.unique(spread) if level > 0]


def rank_of(novelty: Tensor, quantiles: Tensor) -> Tensor:
    """(n,) share of known windows that look less strange, by (n,) scores and (n, RATES) or (1, RATES) quantiles."""
    return (quantiles < novelty[:, None]).sum(1).clamp(max=RATES - 1).double() / (RATES - 1)
