"""Which sensors, and when, speak for a verdict.

Networks are asked by integrated gradients (Sundararajan et al., ICML 2017) from a usual sound window to the one judged;
rivals, which have no gradients, by putting the usual readings in place of a sensor's for a while.
Letters: n windows, C signals, L steps of a window, K classes.
"""

import numpy as np
import torch
from torch import Tensor

from exp.detection.detector import UNKNOWN
from exp.evaluation.inference import evaluation_mode
from exp.runs.artifact import Artifact
from models.baselines import Rival
from utils.written import written

STEPS = 32  # of the path from the usual window; the sum then misses the difference by a few percent
SPANS = 8  # parts of a window that are replaced one by one


def attribution(artifact: Artifact, device: torch.device, x: Tensor, absent: np.ndarray, verdict: str) -> np.ndarray:
    """How much every reading speaks for a verdict, rather than for the sound state.

    Args:
        artifact: its model is on the device, in float64.
        device: where to compute.
        x: (n, C, L) what the model saw.
        absent: (n, C) bool, sensors that were not there; they say nothing.
        verdict: a class, or "unknown".

    Returns:
        (n, C, L) float64, positive where a reading speaks for the verdict.
    """
    usual = torch.from_numpy(artifact.decision.usual).to(device, torch.float64)  # (C, L)
    way = _replaced if isinstance(artifact.model, Rival) else _integrated
    with evaluation_mode(artifact.model):
        pieces = [way(artifact, window, usual, verdict) for window in x.to(device, torch.float64)]
    found = torch.stack(pieces).cpu().numpy()
    found[absent] = 0
    return found


def _integrated(artifact: Artifact, window: Tensor, usual: Tensor, verdict: str) -> Tensor:
    """(C, L) gradients along the straight path from the usual window, times the way.

    Steps crowd at both ends, where a sensor that stands still begins to move and the logarithm of its deviation
    changes fast: with an even share u, the path's is u^4 / (u^4 + (1 - u)^4), whose slope weighs the gradients.
    """
    even = (torch.arange(STEPS, device=window.device, dtype=window.dtype) + 0.5) / STEPS
    ahead, left = even**4, (1 - even) ** 4
    shares = (ahead / (ahead + left))[:, None, None]
    weights = (4 * (even * (1 - even)) ** 3 / (ahead + left).square() / STEPS)[:, None, None]
    with torch.enable_grad():
        path = (usual + shares * (window - usual)).requires_grad_()  # (STEPS, C, L)
        (slopes,) = torch.autograd.grad(_evidence(artifact, path, verdict).sum(), path)
    return (slopes * weights).sum(0) * (window - usual)


def _replaced(artifact: Artifact, window: Tensor, usual: Tensor, verdict: str) -> Tensor:
    """(C, L) what the verdict loses where the usual readings stand in, shared out over the steps replaced."""
    signals, length = window.shape
    spans = torch.arange(length, device=window.device) * SPANS // length  # (L,) number of each step's span
    places = (spans == torch.arange(SPANS, device=window.device)[:, None]).to(window)  # (SPANS, L)
    masks = torch.eye(signals).to(window)[:, None, :, None] * places[None, :, None]  # (C, SPANS, C, L)
    masks = masks.reshape(-1, signals, length)
    answers = _evidence(artifact, torch.cat([window[None], window + masks * (usual - window)]), verdict)
    lost = (answers[0] - answers[1:]).reshape(signals, SPANS, 1) * places / places.sum(1, keepdim=True).clamp(min=1)
    return lost.sum(1)


def _evidence(artifact: Artifact, x: Tensor, verdict: str) -> Tensor:
    """(n,) what a verdict rests on: a class's logit above the fault-free one's, or the novelty score."""
    model, info = artifact.model, artifact.info
    if verdict == UNKNOWN:
        return _novelty(artifact, x)
    logits = model(x)
    number = info.classes.index(verdict)
    if info.normal is None:
        return logits[:, number] - logits.mean(1)
    return logits[:, number] - logits[:, info.classes.index(info.normal)]


def _novelty(artifact: Artifact, x: Tensor) -> Tensor:
    """(n,) the score of the decision settings, as tensors and before it is rounded."""
    decision = artifact.decision
    if decision.mixture is not None:
        return decision.mixture.score(x)
    if decision.score == "energy":
        return -artifact.model(x).logsumexp(1)
    if decision.score == "confidence":
        return 1 - artifact.model(x).softmax(1).amax(1)
    assert decision.distance is not None
    whitener = torch.from_numpy(decision.distance.whitener).to(x)
    means = torch.from_numpy(decision.distance.means).to(x)
    points = artifact.model.features(x) @ whitener  # type: ignore[operator]
    squares = (points[:, None] - (means[~means.isnan().any(1)] @ whitener)[None]).square().sum(2)
    return squares.amin(1).sqrt()


def top_sensors(contributions: np.ndarray, number: int) -> list[int]:
    """Places of the sensors that speak most for the verdict, most first; those of equal written sums in their order.

    Args:
        contributions: (n, C, L).
        number: how many.
    """
    return [int(place) for place in np.argsort(-written(contributions.sum((0, 2))), kind="stable")[:number]]
