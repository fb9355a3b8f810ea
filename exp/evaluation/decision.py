"""From a model's answers to a verdict about each window: a class, "unknown", or no answer.

Every verdict of the program is made by `DecisionRule`: in evaluation, in `detect`, in `doctor`, and in exported files,
whose graph holds it. What is compared with a threshold is rounded first, as it is written (utils/written.py).

Letters: n windows, C signals, L steps of a window, K classes, P features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from data_provider.frames import DataInfo
from exp.evaluation.calibration import Distance
from exp.evaluation.density import GaussianMixtures
from exp.evaluation.limits import LimitTable, Scores, rank_of
from utils.written import ONE, written

NORMAL, UNKNOWN, NO_ANSWER = "normal", "unknown", "no answer"
ANSWERED, NOT_SURE, OUTSIDE, MISSING, UNDEFINED = range(5)  # `Verdicts.reason`
MARGIN = 0.1  # of a signal's training range, by which readings may leave it on either side
MOST_OUTSIDE = 3  # readings of a signal in a window; as many missing ones would be held over as well
SCORES = ("readings", "distance", "energy", "confidence")
Array = TypeVar("Array", np.ndarray, Tensor)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What verdicts rest on: fitted once, when a training is evaluated, and kept with the model.

    Attributes:
        temperature: logits are divided by it before they become a confidence.
        score: what the novelty score is, one of `SCORES`.
        novelty_quantiles: of that score over the validation windows, see `calibration.quantiles`.
        false_alarm_quantiles: of 1 - the confidence in the fault-free class over the fault-free validation windows;
            empty where they are too few.
        compared: score -> area under the ROC curve when classes are held out of it, where that can be measured.
        lower, upper: (C,) float32, the range of each signal within which the model answers; infinite for a signal
            that never changed in training.
        distance: of features to the classes, None where `score` is another.
        reference_window: (C, L) float32 scaled, a typical fault-free training window, of any class where there is none.
        mixtures: densities of the readings, None where `score` is another.
        lacking: number of sensors -> scores of windows that lack so many; empty where none may be lacking.
    """

    temperature: float
    score: str
    novelty_quantiles: np.ndarray
    false_alarm_quantiles: np.ndarray
    compared: dict[str, float]
    lower: np.ndarray
    upper: np.ndarray
    distance: Distance | None
    reference_window: np.ndarray
    mixtures: GaussianMixtures | None = None
    lacking: Mapping[int, Scores] = field(default_factory=dict)

    @property
    def scores(self) -> dict[int, Scores]:
        """Number of lacking sensors -> scores of known windows."""
        whole = Scores(novelty=self.novelty_quantiles, false_alarm=self.false_alarm_quantiles)
        return {0: whole, **self.lacking}

    def novelty(self, *, x: Tensor | None, logits: Tensor | None, features: Tensor | None) -> Tensor:
        """(n,) float64 novelty scores before they are rounded; gradients pass through.

        Args:
            x: (n, C, L) what the model sees; for "readings".
            logits: (n, K); for "energy" (Liu et al., "Energy-based out-of-distribution detection") and "confidence".
            features: (n, P) of the last layer but one; for "distance".
        """
        if self.mixtures is not None:
            assert x is not None
            return self.mixtures.score(x)
        if self.distance is not None:
            assert features is not None
            return self.distance.score(features)
        assert logits is not None
        if self.score == "energy":
            return -logits.double().logsumexp(1)
        return 1 - logits.double().softmax(1).amax(1)

    def to_dict(self) -> dict[str, Any]:
        """What model.json holds."""
        return {
            "temperature": self.temperature,
            "unknown": {
                "score": self.score,
                "quantiles": self.novelty_quantiles.tolist(),
                "compared": self.compared,
            },
            "alarm": {"quantiles": self.false_alarm_quantiles.tolist()},
            "ranges": {"lower": _finite(self.lower), "upper": _finite(self.upper), "margin": MARGIN},
            "lacking": {str(level): scores.to_dict() for level, scores in self.lacking.items()},
        }

    def to_tensors(self) -> dict[str, Tensor]:
        """What decision.safetensors holds."""
        tensors = {"usual": torch.from_numpy(np.ascontiguousarray(self.reference_window))}
        for part in (self.distance, self.mixtures):
            tensors |= part.to_tensors() if part is not None else {}
        return tensors

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Decision":
        """What `to_dict` and `to_tensors` gave."""
        score = stored["unknown"]["score"]
        return cls(
            temperature=stored["temperature"],
            score=score,
            # Earlier programs kept more digits than are compared.
            novelty_quantiles=written(stored["unknown"]["quantiles"]),
            false_alarm_quantiles=written(stored["alarm"]["quantiles"]),
            compared=dict(stored["unknown"]["compared"]),
            lower=_bounds(stored["ranges"]["lower"], -np.inf),
            upper=_bounds(stored["ranges"]["upper"], np.inf),
            distance=Distance.from_tensors(tensors) if score == "distance" else None,
            reference_window=tensors["usual"].numpy(),
            mixtures=GaussianMixtures.from_tensors(tensors) if score == "readings" else None,
            lacking={int(n): Scores.from_dict(scores) for n, scores in stored.get("lacking", {}).items()},
        )


class Verdicts(NamedTuple):
    """Verdicts about n windows; every float is rounded as it is written.

    Attributes:
        number: (n,) int64 of `verdict_names`: a class, K for unknown, K + 1 for no answer.
        reason: (n,) int64 why there is no answer: `NOT_SURE`, `OUTSIDE`, `MISSING` or `UNDEFINED`; `ANSWERED` if there
            is one.
        named: (n,) int64 the class with the largest probability, whatever the verdict.
        probabilities: (n, K) float64.
        confidence: (n, K) float64, calibrated: how often a class so sure of is right.
        novelty: (n,) float64 novelty scores.
        novelty_rank: (n,) float64 share of known windows with a lower novelty score.
        outside: (n, C) bool, signals that left the range of training.
    """

    number: Tensor
    reason: Tensor
    named: Tensor
    probabilities: Tensor
    confidence: Tensor
    novelty: Tensor
    novelty_rank: Tensor
    outside: Tensor

    @classmethod
    def joined(cls, parts: Sequence["Verdicts"]) -> "Verdicts":
        """Of all windows, from at least one part."""
        return cls(*(torch.cat(entries) for entries in zip(*parts, strict=True)))

    def own_confidence(self) -> Tensor:
        """(n,) float64 confidence of each verdict: a class's own, the novelty rank of an unknown window, else NaN."""
        classes = self.confidence.shape[1]
        own = self.confidence.gather(1, self.named[:, None])[:, 0]
        answered = torch.where(self.number == classes, self.novelty_rank, own)
        return torch.where(self.number > classes, torch.nan, answered)


class DecisionRule(nn.Module):
    """Turns what a model answers about windows, and their readings, into verdicts.

    A window gets no answer if it lacks too many sensors, if a signal leaves the range of training, or if what the model
    says about it is not a number. It is unknown if its novelty score is above the threshold. It gets no answer if it
    would be called a fault though too many fault-free windows look like it. The first of these that holds decides.

    Args:
        decision: the model's settings.
        info: the classes, and which of them is the fault-free one.
        unknown_rate: share of known windows that may be called unknown, 0 for none.
        false_alarm_rate: share of fault-free windows that may be called a fault; 1 for no limit.
        most_missing: sensors that a window may lack.
    """

    lower: Tensor
    upper: Tensor
    temperature: Tensor

    def __init__(
        self,
        decision: Decision,
        info: DataInfo,
        *,
        unknown_rate: float,
        false_alarm_rate: float,
        most_missing: int = 0,
    ) -> None:
        super().__init__()
        self.decision, self.most_missing = decision, most_missing
        self.normal = None if info.normal is None else info.classes.index(info.normal)
        self.limits = LimitTable(
            decision.scores,
            unknown_rate=unknown_rate,
            false_alarm_rate=false_alarm_rate,
            has_normal=self.normal is not None,
        )
        self.register_buffer("temperature", torch.as_tensor(decision.temperature, dtype=torch.float64))
        for name in ("lower", "upper"):
            self.register_buffer(name, torch.from_numpy(getattr(decision, name)))  # (C,)

    @property
    def novelty_threshold(self) -> Tensor:
        """Of a window that lacks no sensor."""
        return self.limits.novelty[0]

    @property
    def false_alarm_threshold(self) -> Tensor:
        """Of a window that lacks no sensor."""
        return self.limits.false_alarm[0]

    def forward(
        self, *, readings: Tensor, missing: Tensor | None, x: Tensor, logits: Tensor, features: Tensor | None
    ) -> Verdicts:
        """Verdicts about n windows.

        Args:
            readings: (n, C, L) float32 as measured.
            missing: (n, C) bool, sensors that a window lacks; None for none.
            x: (n, C, L) float32, what the model sees.
            logits: (n, K).
            features: (n, P) of the last layer but one, None of a baseline.
        """
        classes = logits.shape[1]
        probabilities = _written(logits.double().softmax(1))
        confidence = _written((logits.double() / self.temperature).softmax(1))
        named = probabilities.argmax(1)
        novelty = _written(self.decision.novelty(x=x, logits=logits, features=features))
        limits = self.limits(missing)
        unknown = novelty > limits.novelty
        reason = torch.where(self._unsure(named, confidence, limits.false_alarm) & ~unknown, NOT_SURE, ANSWERED)
        reason = torch.where(_undefined(x, logits, confidence, novelty), UNDEFINED, reason)
        outside = self.outside(readings, missing)
        reason = torch.where(outside.any(1), OUTSIDE, reason)
        if missing is not None:
            reason = torch.where(self.lacks(missing), MISSING, reason)
        number = torch.where(unknown, classes, named)
        return Verdicts(
            number=torch.where(reason == ANSWERED, number, classes + 1),
            reason=reason,
            named=named,
            probabilities=probabilities,
            confidence=confidence,
            novelty=novelty,
            novelty_rank=rank_of(novelty, limits.quantiles),
            outside=outside,
        )

    def outside(self, readings: Tensor, missing: Tensor | None) -> Tensor:
        """(n, C) bool: signals of windows (n, C, L) that leave the range of training for more than a few readings;
        not those that are missing."""
        beyond = outside(readings, self.lower, self.upper)
        return beyond if missing is None else beyond & ~missing

    def lacks(self, missing: Tensor) -> Tensor:
        """(n,) bool: windows that lack too many sensors, by (n, C) bool."""
        return missing.sum(1) > self.most_missing

    def _unsure(self, named: Tensor, confidence: Tensor, limit: Tensor) -> Tensor:
        """(n,) bool: a fault would be named, and the fault-free class is as likely as it is for many windows of it."""
        if self.normal is None:
            return torch.zeros_like(named, dtype=torch.bool)
        unlike = _written(1 - confidence[:, self.normal])
        return (named != self.normal) & (unlike <= limit)


def outside(readings: Array, lower: Array, upper: Array) -> Array:
    """(n, C) bool: windows (n, C, L) with more than a few readings of a signal beyond the (C,) bounds."""
    beyond = (readings < lower[:, None]) | (readings > upper[:, None])
    return beyond.sum(2) > MOST_OUTSIDE


def _undefined(x: Tensor, logits: Tensor, confidence: Tensor, novelty: Tensor) -> Tensor:
    """(n,) bool: windows of which the model sees, says or decides something that is not a finite number."""
    numbers = x.isfinite().all(2).all(1) & logits.isfinite().all(1) & confidence.isfinite().all(1)
    return ~(numbers & novelty.isfinite())


def verdict_names(info: DataInfo) -> tuple[str, ...]:
    """What `Verdicts.number` means: K classes, the fault-free one as "normal", then "unknown" and "no answer"."""
    return (*(NORMAL if name == info.normal else name for name in info.classes), UNKNOWN, NO_ANSWER)


def _written(values: Tensor) -> Tensor:
    """`written` for float64 tensors, bit for bit."""
    return (values * ONE).round() / ONE + 0.0


def _finite(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, which knows no infinity."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _bounds(stored: list[float | None], endless: float) -> np.ndarray:
    return np.array([endless if value is None else value for value in stored], np.float32)
