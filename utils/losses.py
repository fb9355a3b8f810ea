"""Losses that return one value and one weight a sample, so that a whole accumulation window has one denominator.

What is shipped is sum_i w_i l_i / sum_i w_i over every sample of the window, in all its micro-batches and processes. A
loss never divides: it cannot know the window. The engine (`utils/gradient_accumulation.py`) does, once.

w_i is 1, or the class weight w[y_i], or 0 where the target is `IGNORE`. A class weight is the importance of a sample:
weight 2 is the same as having the sample twice, for every loss here. (torch.nn.functional.cross_entropy with weights
and label smoothing together means something else: it also weighs the smoothed part of the target by class, so that the
optimum for a sample leans to the heavy classes whatever its own class is. Without either of the two they agree.)

Letters: B batch, K classes, q target distribution, p predicted distribution.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.errors import UserError

IGNORE = -100


class PerSample(NamedTuple):
    """What a loss returns.

    Attributes:
        values: (B,) loss of each sample, 0 where ignored.
        weights: (B,) weight of each sample in the window's sum and denominator.
    """

    values: Tensor
    weights: Tensor


class Loss(nn.Module):
    """A loss given by `sample_loss`, its value for each sample.

    Args:
        class_weights: (K,) importance of each class's samples, at least 0; None weighs all alike.
    """

    class_weights: Tensor | None

    def __init__(self, *, class_weights: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("class_weights", class_weights)

    def set_epoch(self, epoch: int) -> None:
        """Tells the loss which epoch (from 0) begins. Most losses do not care."""

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        """(B, K) log-probabilities and (B, K) targets that sum to 1 -> (B,) losses."""
        raise NotImplementedError

    def forward(self, logits: Tensor, target: Tensor) -> PerSample:
        """Losses and weights of a micro-batch.

        Args:
            logits: (B, K); half precision is computed in float32.
            target: (B,) class numbers or `IGNORE`; or (B, K) probabilities, and the weight is their expected one.

        Raises:
            ValueError: the shapes do not fit each other.
        """
        if logits.dim() != 2 or target.shape not in (logits.shape, logits.shape[:1]):
            raise ValueError(f"logits {tuple(logits.shape)} and target {tuple(target.shape)} are not (B, K) and (B,)")
        if logits.dtype in (torch.float16, torch.bfloat16):
            logits = logits.float()
        log_p = F.log_softmax(logits, 1)
        if target.dim() == 2:
            q = target.to(log_p)
            kept = torch.ones_like(q[:, 0], dtype=torch.bool)
        else:
            kept = target != IGNORE
            q = F.one_hot(target.where(kept, 0), logits.shape[1]).to(log_p)
        weights = torch.ones_like(q[:, 0])
        if self.class_weights is not None:
            weights = (q * self.class_weights.to(q)).sum(1)  # no matmul: autocast would round it to half precision
        return PerSample(self.sample_loss(log_p, q).where(kept, 0), weights.where(kept, 0))


class CrossEntropy(Loss):
    """-sum_k q_k log p_k."""

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        return cross_entropy(log_p, q)


class LabelSmoothing(Loss):
    """Cross-entropy to a target of which a share is spread over all classes (Szegedy et al., 2016, section 7).

    Args:
        label_smoothing: the share, in [0, 1).
    """

    def __init__(self, *, label_smoothing: float = 0.1, class_weights: Tensor | None = None) -> None:
        super().__init__(class_weights=class_weights)
        self.label_smoothing = _share("label_smoothing", label_smoothing)

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        return cross_entropy(log_p, smooth(q, self.label_smoothing))


class TimmSmoothing(LabelSmoothing):
    """Label smoothing in the two terms of timm's LabelSmoothingCrossEntropy, whose own forward keeps only their mean.

    The same number as `LabelSmoothing` but for rounding; a test holds both equal to timm's. timm is not imported.
    """

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        confidence = 1 - self.label_smoothing
        return confidence * cross_entropy(log_p, q) - self.label_smoothing * log_p.mean(1)


class AdaptiveSmoothing(Loss):
    """Label smoothing that goes in a straight line from its first epoch's share to its last one's, then stays.

    A function of the epoch alone, so there is nothing to save: call `set_epoch` at the start of each epoch. In
    evaluation mode the share is the final one: else a validation loss falls by itself, and the last epoch looks best.

    Args:
        label_smoothing: the share in epoch 0.
        final_smoothing: the share from epoch `smoothing_epochs` - 1 on.
        smoothing_epochs: how many epochs the way takes, at least 1.
    """

    def __init__(
        self,
        *,
        label_smoothing: float = 0.2,
        final_smoothing: float = 0.08,
        smoothing_epochs: int = 30,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__(class_weights=class_weights)
        self.first = _share("label_smoothing", label_smoothing)
        self.final = _share("final_smoothing", final_smoothing)
        if smoothing_epochs < 1:
            raise UserError(f"smoothing_epochs is {smoothing_epochs}; give at least 1")
        self.epochs = smoothing_epochs
        self.label_smoothing = self.first

    def set_epoch(self, epoch: int) -> None:
        if epoch < 0:
            raise ValueError(f"epoch is {epoch}; epochs count from 0")
        done = min(epoch / (self.epochs - 1), 1.0) if self.epochs > 1 else 1.0
        self.label_smoothing = self.first + (self.final - self.first) * done

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        return cross_entropy(log_p, smooth(q, self.label_smoothing if self.training else self.final))


class Focal(Loss):
    """-alpha sum_k q_k (1 - p_k)^gamma log p_k: samples that are already right count less (Lin et al., 2017).

    Args:
        focal_alpha: a factor of the whole loss, above 0 (it changes the step's size, not what is learnt).
        focal_gamma: how fast a well-classified sample fades, at least 0; 0 with alpha 1 is cross-entropy.
    """

    def __init__(
        self, *, focal_alpha: float = 1.0, focal_gamma: float = 2.0, class_weights: Tensor | None = None
    ) -> None:
        super().__init__(class_weights=class_weights)
        self.focal_alpha = _positive("focal_alpha", focal_alpha)
        self.focal_gamma = _not_negative("focal_gamma", focal_gamma)

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        return self.focal_alpha * focal(log_p, q, self.focal_gamma)


class HybridFocal(Focal):
    """The focal loss of a smoothed target: hard samples lead, and the smoothed share still holds confidence down.

    Args:
        focal_alpha, focal_gamma: as in `Focal`.
        label_smoothing: as in `LabelSmoothing`.
    """

    def __init__(
        self,
        *,
        focal_alpha: float = 0.8,
        focal_gamma: float = 2.5,
        label_smoothing: float = 0.1,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__(focal_alpha=focal_alpha, focal_gamma=focal_gamma, class_weights=class_weights)
        self.label_smoothing = _share("label_smoothing", label_smoothing)

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        return super().sample_loss(log_p, smooth(q, self.label_smoothing))


class ConfidencePenalty(Loss):
    """Label smoothing minus a share of the prediction's entropy (Pereyra et al., 2017). It can be below zero.

    Args:
        label_smoothing: as in `LabelSmoothing`.
        confidence_penalty: the entropy's factor, at least 0.
    """

    def __init__(
        self, *, label_smoothing: float = 0.1, confidence_penalty: float = 0.1, class_weights: Tensor | None = None
    ) -> None:
        super().__init__(class_weights=class_weights)
        self.label_smoothing = _share("label_smoothing", label_smoothing)
        self.confidence_penalty = _not_negative("confidence_penalty", confidence_penalty)

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        return cross_entropy(log_p, smooth(q, self.label_smoothing)) - self.confidence_penalty * entropy(log_p)


class Combined(Loss):
    """Half label smoothing, half focal loss, minus a share of the prediction's entropy.

    Args: as in `ConfidencePenalty` and `Focal`.
    """

    def __init__(
        self,
        *,
        label_smoothing: float = 0.1,
        focal_alpha: float = 1.0,
        focal_gamma: float = 2.0,
        confidence_penalty: float = 0.1,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__(class_weights=class_weights)
        self.label_smoothing = _share("label_smoothing", label_smoothing)
        self.focal_alpha = _positive("focal_alpha", focal_alpha)
        self.focal_gamma = _not_negative("focal_gamma", focal_gamma)
        self.confidence_penalty = _not_negative("confidence_penalty", confidence_penalty)

    def sample_loss(self, log_p: Tensor, q: Tensor) -> Tensor:
        smoothed = cross_entropy(log_p, smooth(q, self.label_smoothing))
        focused = self.focal_alpha * focal(log_p, q, self.focal_gamma)
        return (smoothed + focused) / 2 - self.confidence_penalty * entropy(log_p)


def cross_entropy(log_p: Tensor, q: Tensor) -> Tensor:
    """(B, K) log-probabilities, (B, K) targets -> (B,)."""
    return -(q * log_p).sum(1)


def smooth(q: Tensor, share: float) -> Tensor:
    """(B, K) targets with a share of each spread over all K classes."""
    return (1 - share) * q + share / q.shape[1]


def focal(log_p: Tensor, q: Tensor, gamma: float) -> Tensor:
    """(B, K) log-probabilities, (B, K) targets -> (B,); finite, with finite gradients, for any p and gamma."""
    missing = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).tiny)  # 1 - p without cancellation
    return -(q * missing**gamma * log_p).sum(1)


def entropy(log_p: Tensor) -> Tensor:
    """(B, K) log-probabilities -> (B,) in nats."""
    return -(log_p.exp() * log_p).sum(1)


def _share(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise UserError(f"{name} is {value}; give a share from 0 to below 1")
    return value


def _positive(name: str, value: float) -> float:
    if not 0 < value < float("inf"):
        raise UserError(f"{name} is {value}; give a number above 0")
    return value


def _not_negative(name: str, value: float) -> float:
    if not 0 <= value < float("inf"):
        raise UserError(f"{name} is {value}; give a number of at least 0")
    return value


LOSSES: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropy,
    "label_smoothing": LabelSmoothing,
    "timm_smoothing": TimmSmoothing,
    "focal": Focal,
    "confidence_penalty": ConfidencePenalty,
    "combined": Combined,
    "hybrid_focal": HybridFocal,
    "adaptive_smoothing": AdaptiveSmoothing,
}
