"""What verdicts rest on, fitted to the training and the validation windows of a trained model.

Letters: n windows, C signals, L steps of a window, K classes, P features.
"""

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from data_provider import Prepared, Scaler, WindowSet
from data_provider.frames import DataInfo
from exp.evaluation import calibration
from exp.evaluation.calibration import Distance
from exp.evaluation.decision import MARGIN, Decision, outside
from exp.evaluation.density import GaussianMixtures, sample_time_steps
from exp.evaluation.inference import answers
from exp.evaluation.limits import Scores, levels_of
from models.baselines import Baseline
from utils.written import written

FEWEST = 20  # windows that a threshold may rest on
CHUNK = 256  # windows whose readings are looked at together
MOST_LACKING = 2000  # windows that scores without sensors are measured on
MOST_COMPARED = 1024  # windows among which the reference window is sought


def fit_decision(
    model: nn.Module,
    data: Prepared,
    logits: Tensor,
    device: torch.device,
    *,
    most_missing: int = 0,
    score: str | None = None,
) -> Decision:
    """The decision settings of a trained model.

    Args:
        model: on the device.
        data: what it was trained on.
        logits: (n, K) of the validation windows, which also set the temperature and the thresholds.
        device: where to compute.
        most_missing: sensors that a window which is evaluated may lack; without one of them the density of the
            readings says nothing, and scores are measured on windows that lack as many.
        score: one of `decision.SCORES`; None takes the best that the model allows.
    """
    score = score or _best_score(model, every_sensor=most_missing == 0)
    lower, upper = _ranges(data.scaler)
    known = _known(data.val, lower, upper)
    mine, target = logits.double()[torch.from_numpy(known)], np.asarray(data.val.targets)[known]
    temperature = calibration.fit_temperature(mine.numpy(), target)
    confidence = written(calibration.temperature_scaled(mine.numpy(), temperature))
    decision = Decision(
        temperature=temperature,
        score=score,
        novelty_quantiles=np.zeros(0),
        false_alarm_quantiles=false_alarm_quantiles(confidence, target, data.info),
        compared={},
        lower=lower,
        upper=upper,
        distance=_distance(model, data, device) if score == "distance" else None,
        reference_window=_reference_window(data),
        mixtures=_mixtures(data) if score == "readings" else None,
    )
    scores = novelty_scores(decision, model, data.val, known, mine, device)
    return dataclasses.replace(
        decision,
        novelty_quantiles=calibration.quantiles(scores, target),
        compared=_compared(decision, data.val, known),
        lacking={n: _scores_without(n, decision, model, data, known, device) for n in levels_of(most_missing)},
    )


def _scores_without(
    level: int, decision: Decision, model: nn.Module, data: Prepared, known: np.ndarray, device: torch.device
) -> Scores:
    """Scores of validation windows from each of which so many sensors, drawn at random, were taken."""
    places = known[_spread(len(known), MOST_LACKING)]
    random = np.random.default_rng(level)
    signals = len(data.info.columns)
    kept = torch.from_numpy(random.permuted(np.tile(np.arange(signals), (len(places), 1)), axis=1) >= level)
    logits, features = answers(model, data.val, places, device, kept=kept)
    target = np.asarray(data.val.targets)[places]
    novelty = written(decision.novelty(x=None, logits=logits, features=features).numpy())
    confidence = written(calibration.temperature_scaled(logits.numpy(), decision.temperature))
    return Scores(
        novelty=calibration.quantiles(novelty, target),
        false_alarm=false_alarm_quantiles(confidence, target, data.info),
    )


def _best_score(model: nn.Module, *, every_sensor: bool) -> str:
    """By what docs/RESULTS.md measured on networks that were trained without a fault."""
    if every_sensor:
        return "readings"
    return "confidence" if isinstance(model, Baseline) else "distance"


def novelty_scores(
    decision: Decision, model: nn.Module, windows: WindowSet, places: np.ndarray, logits: Tensor, device: torch.device
) -> np.ndarray:
    """(n,) novelty scores, as written, of the windows at some places of a part, whose logits (n, K) are known."""
    if decision.score != "readings":
        features = features_of(model, windows, device, places) if decision.score == "distance" else None
        return written(decision.novelty(x=None, logits=logits, features=features).numpy())
    pieces = (windows.gather(piece).x for piece in pieces_of(places))
    return written(torch.cat([decision.novelty(x=x, logits=None, features=None) for x in pieces]).numpy())


def features_of(model: nn.Module, windows: WindowSet, device: torch.device, places: np.ndarray) -> Tensor:
    """(n, P) float64 features of the last layer but one of a network, of the windows at some places."""
    features = answers(model, windows, places, device)[1]
    assert features is not None
    return features


def pieces_of(places: np.ndarray) -> list[np.ndarray]:
    """Places in pieces of windows that are looked at together."""
    return [places[low : low + CHUNK] for low in range(0, len(places), CHUNK)]


def false_alarm_quantiles(confidence: np.ndarray, target: np.ndarray, info: DataInfo) -> np.ndarray:
    """Quantiles of 1 - the confidence (n, K) in the fault-free class, over its windows; empty for too few."""
    normal = info.classes.index(info.normal) if info.normal is not None else -1
    mine = target == normal
    return (
        calibration.quantiles(1 - confidence[mine, normal], np.zeros(mine.sum(), int))
        if mine.sum() >= FEWEST
        else np.zeros(0)
    )


def _distance(model: nn.Module, data: Prepared, device: torch.device) -> Distance:
    chosen = _spread(len(data.train), calibration.MOST_FITTED)
    learned = features_of(model, data.train, device, chosen)
    return Distance.fit(learned.numpy(), data.train.targets[chosen], len(data.info.classes))


def _mixtures(data: Prepared) -> GaussianMixtures:
    chosen = _spread(len(data.train), calibration.MOST_FITTED)
    steps = torch.cat([sample_time_steps(data.train.gather(piece).x) for piece in pieces_of(chosen)])
    return GaussianMixtures.fit(steps.numpy(), data.train.targets[chosen], len(data.info.classes))


def _compared(decision: Decision, windows: WindowSet, places: np.ndarray) -> dict[str, float]:
    if decision.mixtures is None:
        return {}
    likely = torch.cat([decision.mixtures.log_densities(windows.gather(piece).x) for piece in pieces_of(places)])
    found = calibration.held_out_area(likely.numpy(), np.asarray(windows.targets)[places])
    return {} if found is None else {decision.score: found}


def _ranges(scaler: Scaler) -> tuple[np.ndarray, np.ndarray]:
    """(C,) bounds: the training range and a margin."""
    margin = MARGIN * (scaler.maximum.astype(np.float64) - scaler.minimum)
    lower = np.where(scaler.constant, -np.inf, scaler.minimum - margin)
    upper = np.where(scaler.constant, np.inf, scaler.maximum + margin)
    return lower.astype(np.float32), upper.astype(np.float32)


def _known(windows: WindowSet, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Places of the windows within the training ranges; all of them where too few would be left."""
    everything = np.arange(len(windows))
    beyond = np.concatenate([outside(windows.readings(piece), lower, upper).any(1) for piece in pieces_of(everything)])
    return np.flatnonzero(~beyond) if (~beyond).sum() >= FEWEST else everything


def _reference_window(data: Prepared) -> np.ndarray:
    """(C, L) the fault-free training window, of all classes where there is none, nearest to their mean.

    The mean itself is smoother than any window, so the network has seen nothing like it.
    """
    targets = np.asarray(data.train.targets)
    normal = data.info.classes.index(data.info.normal) if data.info.normal else -1
    places = np.flatnonzero(targets == normal) if normal in targets else np.arange(len(targets))
    x = data.train.gather(places[_spread(len(places), MOST_COMPARED)]).x  # (n, C, L)
    return x[(x - x.mean(0)).abs().mean((1, 2)).argmin()].numpy()


def _spread(number: int, most: int) -> np.ndarray:
    """Places from 0 to number - 1, evenly thinned to `most`."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(np.int64))
