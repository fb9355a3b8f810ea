"""Which sensors, and when, speak for a verdict.

Networks are attributed by integrated gradients (Sundararajan et al., ICML 2017) from the reference window to the one in
question; baselines, which have no gradients, by putting the reference readings in place of a sensor's for a while.
Letters: n windows, C signals, L steps of a window, K classes.
"""

import numpy as np
import torch
from torch import Tensor

from exp.evaluation.decision import UNKNOWN
from exp.evaluation.inference import evaluation_mode, outputs
from exp.runs.artifact import Artifact
from models.baselines import Baseline
from utils.written import written

STEPS = 32  # of the path from the reference window; the sum then misses the difference by a few percent
SPANS = 8  # parts of a window that are replaced one by one


def attribution(
    artifact: Artifact, device: torch.device, x: Tensor, missing: Tensor | None, verdict: str
) -> np.ndarray:
    """How much every reading speaks for a verdict, rather than for the fault-free state.

    Args:
        artifact: its model is on the device, in float64.
        device: where to compute.
        x: (n, C, L) what the model saw.
        missing: (n, C) bool, sensors that were not there, so they say nothing; None for none.
        verdict: a class, or "unknown".

    Returns:
        (n, C, L) float64, positive where a reading speaks for the verdict.
    """
    reference = torch.from_numpy(artifact.decision.reference_window).to(device, torch.float64)  # (C, L)
    way = _replaced if isinstance(artifact.model, Baseline) else _integrated
    with evaluation_mode(artifact.model):
        pieces = [way(artifact, window, reference, verdict) for window in x.to(device, torch.float64)]
    found = torch.stack(pieces).cpu().numpy()
    if missing is not None:
        found[missing.numpy()] = 0
    return found


def _integrated(artifact: Artifact, window: Tensor, reference: Tensor, verdict: str) -> Tensor:
    """(C, L) gradients along the straight path from the reference window, times the way.

    Steps crowd at both ends, where a sensor that stands still begins to move and the logarithm of its standard
    deviation changes fast: with an even share u, the path's is u^4 / (u^4 + (1 - u)^4), whose slope weighs the
    gradients.
    """
    even = (torch.arange(STEPS, device=window.device, dtype=window.dtype) + 0.5) / STEPS
    ahead, left = even**4, (1 - even) ** 4
    shares = (ahead / (ahead + left))[:, None, None]
    weights = (4 * (even * (1 - even)) ** 3 / (ahead + left).square() / STEPS)[:, None, None]
    with torch.enable_grad():
        path = (reference + shares * (window - reference)).requires_grad_()  # (STEPS, C, L)
        (slopes,) = torch.autograd.grad(_evidence(artifact, path, verdict).sum(), path)
    return (slopes * weights).sum(0) * (window - reference)


def _replaced(artifact: Artifact, window: Tensor, reference: Tensor, verdict: str) -> Tensor:
    """(C, L) what the verdict loses where the reference readings stand in, shared out over the steps replaced."""
    signals, length = window.shape
    spans = torch.arange(length, device=window.device) * SPANS // length  # (L,) number of each step's span
    places = (spans == torch.arange(SPANS, device=window.device)[:, None]).to(window)  # (SPANS, L)
    masks = torch.eye(signals).to(window)[:, None, :, None] * places[None, :, None]  # (C, SPANS, C, L)
    masks = masks.reshape(-1, signals, length)
    answers = _evidence(artifact, torch.cat([window[None], window + masks * (reference - window)]), verdict)
    lost = (answers[0] - answers[1:]).reshape(signals, SPANS, 1) * places / places.sum(1, keepdim=True).clamp(min=1)
    return lost.sum(1)


def _evidence(artifact: Artifact, x: Tensor, verdict: str) -> Tensor:
    """(n,) what a verdict rests on: a class's logit above the fault-free one's, or the novelty score."""
    info = artifact.info
    if verdict == UNKNOWN and artifact.decision.score == "readings":  # which takes no model
        return artifact.decision.novelty(x=x, logits=None, features=None)
    logits, features = outputs(artifact.model, x)
    if verdict == UNKNOWN:
        return artifact.decision.novelty(x=x, logits=logits, features=features)
    number = info.classes.index(verdict)
    if info.normal is None:
        return logits[:, number] - logits.mean(1)
    return logits[:, number] - logits[:, info.classes.index(info.normal)]


def top_sensors(contributions: np.ndarray, number: int) -> list[int]:
    """Places of the sensors that speak most for the verdict, most first; those of equal written sums in their order.

    Args:
        contributions: (n, C, L).
        number: how many.
    """
    return [int(place) for place in np.argsort(-written(contributions.sum((0, 2))), kind="stable")[:number]]
