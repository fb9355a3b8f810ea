"""From a network's answers to decisions: how sure, known or unknown, and what it may be asked about at all.

Everything is fitted once, when a training is judged, and kept with the model.
Letters: n windows, B batch, C signals, L steps of a window, K classes, P features.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data_provider import Prepared, Scaler, WindowSet
from data_provider.frames import DataInfo
from exp.evaluation import calibration
from exp.evaluation.calibration import Distance
from exp.evaluation.density import Mixture, moments
from exp.evaluation.inference import answers
from models.baselines import Rival
from utils.written import written

MARGIN = 0.1  # of a signal's training range, by which readings may leave it on either side
MOST_OUTSIDE = 3  # readings of a signal in a window; as many missing ones would be held over as well
FEWEST = 20  # windows that a threshold may rest on
CHUNK = 256  # windows whose readings are looked at together
MOST_COMPARED = 1024  # windows among which the usual one is sought
SCORES = ("readings", "distance", "energy", "confidence")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Settings by which answers become decisions.

    Attributes:
        temperature: logits are divided by it before they become a confidence.
        score: what strangeness is measured by, one of `SCORES`.
        table: quantiles of that score over the validation windows, see `calibration.quantiles`.
        alarm: quantiles of how little sound the sound validation windows look, which bound false alarms; empty where
            they are too few.
        compared: score -> area under the ROC curve when classes are left out of it, where that can be measured.
        lower, upper: (C,) float32, readings beyond are none that the model may be asked about; infinite for a signal
            that never changed in training.
        distance: of features to the classes, None where `score` is another.
        usual: (C, L) float32 scaled, a typical training window of the sound class, of any where there is none.
        mixture: densities of the readings, None where `score` is another.
    """

    temperature: float
    score: str
    table: np.ndarray
    alarm: np.ndarray
    compared: dict[str, float]
    lower: np.ndarray
    upper: np.ndarray
    distance: Distance | None
    usual: np.ndarray
    mixture: Mixture | None = None

    def scores(self, logits: np.ndarray, features: np.ndarray | None, x: Tensor | None = None) -> np.ndarray:
        """(n,) novelty scores of windows as written, by their logits (n, K), by features (n, P) for the distance, or by
        what the model sees (n, C, L) for the readings."""
        if self.score == "readings":
            assert self.mixture is not None
            assert x is not None
            return written(self.mixture.score(x).numpy())
        if self.score == "distance":
            assert self.distance is not None
            assert features is not None
            return written(self.distance.score(features))
        scores = {"energy": calibration.energy_score, "confidence": calibration.confidence_score}
        return written(scores[self.score](logits))

    def confidence(self, logits: np.ndarray) -> np.ndarray:
        """(n, K) logits to (n, K) calibrated probabilities as written."""
        return written(calibration.tempered(logits, self.temperature))

    def doubtful(self, named: np.ndarray, confidence: np.ndarray, info: DataInfo, rate: float) -> np.ndarray:
        """(n,) bool: windows that would be called a fault and might as well be fault-free.

        A fault is named only where the fault-free state is less likely than it is for all but a share `rate` of the
        windows that are fault-free.

        Args:
            named: (n,) numbers of the classes that would be named.
            confidence: (n, K) calibrated probabilities as written.
            info: the classes, and which of them is the fault-free one.
            rate: share of fault-free windows that may be called a fault; 1 for no limit.
        """
        if info.normal is None or not len(self.alarm) or rate >= 1:
            return np.zeros(len(confidence), bool)
        normal = info.classes.index(info.normal)
        unlike = written(1 - confidence[:, normal])
        return (named != normal) & (unlike <= calibration.threshold(self.alarm, rate))

    def plain(self) -> dict[str, Any]:
        """What model.json holds."""
        return {
            "temperature": self.temperature,
            "unknown": {"score": self.score, "quantiles": self.table.tolist(), "compared": self.compared},
            "alarm": {"quantiles": self.alarm.tolist()},
            "ranges": {"lower": _listed(self.lower), "upper": _listed(self.upper), "margin": MARGIN},
        }

    def tensors(self) -> dict[str, Tensor]:
        """What decision.safetensors holds."""
        found = {"usual": self.usual}
        if self.distance is not None:
            found |= {"means": self.distance.means, "whitener": self.distance.whitener}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}
        return tensors | (self.mixture.tensors() if self.mixture else {})

    @classmethod
    def of(cls, plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Decision":
        """What `plain` and `tensors` gave."""
        score = plain["unknown"]["score"]
        near = score == "distance"
        return cls(
            temperature=plain["temperature"],
            score=score,
            table=written(plain["unknown"]["quantiles"]),  # earlier programs kept more digits than are compared
            alarm=written(plain["alarm"]["quantiles"]),
            compared=dict(plain["unknown"]["compared"]),
            lower=_bounds(plain["ranges"]["lower"], -np.inf),
            upper=_bounds(plain["ranges"]["upper"], np.inf),
            distance=Distance(means=tensors["means"].numpy(), whitener=tensors["whitener"].numpy()) if near else None,
            usual=tensors["usual"].numpy(),
            mixture=Mixture.of(tensors) if score == "readings" else None,
        )


def fit_decision(
    model: nn.Module,
    data: Prepared,
    logits: Tensor,
    device: torch.device,
    *,
    every_sensor: bool = True,
    score: str | None = None,
) -> Decision:
    """The decision settings of a trained model.

    Args:
        model: on the device.
        data: what it was trained on.
        logits: (n, K) of the validation windows, which also set the temperature and the threshold of the unknown.
        device: where to compute.
        every_sensor: whether every window that will be judged has readings of all sensors; without one of them the
            density of the readings says nothing.
        score: one of `SCORES`. None takes the best that there can be, by what docs/RESULTS.md measured on networks that
            were trained without a fault: the readings, else the distance, and of a rival the confidence.
    """
    network = not isinstance(model, Rival)
    score = score or ("readings" if every_sensor else "distance" if network else "confidence")
    lower, upper = _ranges(data.scaler)
    known = _known(data.val, lower, upper)
    said, target = logits.double().numpy()[known], np.asarray(data.val.targets)[known]
    temperature = calibration.fit_temperature(said, target)
    decision = Decision(
        temperature=temperature,
        score=score,
        table=np.zeros(0),
        alarm=alarm_table(written(calibration.tempered(said, temperature)), target, data.info),
        compared={},
        lower=lower,
        upper=upper,
        distance=_distance(model, data, device) if score == "distance" else None,
        usual=_usual(data),
        mixture=_mixture(data) if score == "readings" else None,
    )
    table = calibration.quantiles(scores_of(decision, model, data.val, known, said, device), target)
    return dataclasses.replace(decision, table=table, compared=_compared(decision, data.val, known))


def scores_of(
    decision: Decision,
    model: nn.Module,
    windows: WindowSet,
    places: np.ndarray,
    logits: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """(n,) novelty scores, as written, of the windows at some places of a part, whose logits (n, K) are known."""
    if decision.score != "readings":
        features = features_of(model, windows, device, places) if decision.score == "distance" else None
        return decision.scores(logits, features)
    pieces = _pieces(places)
    return np.concatenate([decision.scores(logits, None, windows.gather(piece).x) for piece in pieces])


def features_of(model: nn.Module, windows: WindowSet, device: torch.device, places: np.ndarray) -> np.ndarray:
    """(n, P) float64 features of the last layer but one of a network, of the windows at some places."""
    features = answers(model, windows, places, device)[1]
    assert features is not None
    return features.numpy()


def outside(readings: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(n, C) bool: windows (n, C, L) with more than a few readings of a signal beyond the (C,) bounds."""
    beyond = (readings < lower[:, None]) | (readings > upper[:, None])
    return beyond.sum(2) > MOST_OUTSIDE


def alarm_table(confidence: np.ndarray, target: np.ndarray, info: DataInfo) -> np.ndarray:
    """Quantiles of 1 - the confidence (n, K) in the fault-free state, over fault-free windows; empty for too few."""
    sound = info.classes.index(info.normal) if info.normal is not None else -1
    mine = target == sound
    return (
        calibration.quantiles(1 - confidence[mine, sound], np.zeros(mine.sum(), int))
        if mine.sum() >= FEWEST
        else np.zeros(0)
    )


def _distance(model: nn.Module, data: Prepared, device: torch.device) -> Distance:
    chosen = _spread(len(data.train), calibration.MOST_FITTED)
    learned = features_of(model, data.train, device, chosen)
    return Distance.fit(learned, data.train.targets[chosen], len(data.info.classes))


def _mixture(data: Prepared) -> Mixture:
    chosen = _spread(len(data.train), calibration.MOST_FITTED)
    seen = torch.cat([moments(data.train.gather(piece).x) for piece in _pieces(chosen)])
    return Mixture.fit(seen.numpy(), data.train.targets[chosen], len(data.info.classes))


def _compared(decision: Decision, windows: WindowSet, places: np.ndarray) -> dict[str, float]:
    if decision.mixture is None:
        return {}
    likely = torch.cat([decision.mixture.of_classes(windows.gather(piece).x) for piece in _pieces(places)])
    found = calibration.left_out(likely.numpy(), np.asarray(windows.targets)[places])
    return {} if found is None else {decision.score: found}


def _pieces(places: np.ndarray) -> list[np.ndarray]:
    return [places[low : low + CHUNK] for low in range(0, len(places), CHUNK)]


def _ranges(scaler: Scaler) -> tuple[np.ndarray, np.ndarray]:
    """(C,) bounds: the training range and a margin."""
    margin = MARGIN * (scaler.maximum.astype(np.float64) - scaler.minimum)
    lower = np.where(scaler.constant, -np.inf, scaler.minimum - margin)
    upper = np.where(scaler.constant, np.inf, scaler.maximum + margin)
    return lower.astype(np.float32), upper.astype(np.float32)


def _known(windows: WindowSet, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Places of the windows that may be asked about; all of them where too few would be left."""
    pieces = _pieces(np.arange(len(windows)))
    beyond = np.concatenate([outside(windows.readings(piece), lower, upper).any(1) for piece in pieces])
    return np.flatnonzero(~beyond) if (~beyond).sum() >= FEWEST else np.arange(len(windows))


def _usual(data: Prepared) -> np.ndarray:
    """(C, L) the training window of the sound class, of all classes where there is none, nearest to their mean.

    The mean itself is smoother than any window, and so is none that the network has seen.
    """
    targets = np.asarray(data.train.targets)
    normal = data.info.classes.index(data.info.normal) if data.info.normal else -1
    places = np.flatnonzero(targets == normal) if normal in targets else np.arange(len(targets))
    x = data.train.gather(places[_spread(len(places), MOST_COMPARED)]).x  # (n, C, L)
    return x[(x - x.mean(0)).abs().mean((1, 2)).argmin()].numpy()


def _spread(number: int, most: int) -> np.ndarray:
    """Places from 0 to number - 1, evenly thinned to `most`."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(np.int64))


def _listed(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, which knows no infinity."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _bounds(stored: list[float | None], endless: float) -> np.ndarray:
    return np.array([endless if value is None else value for value in stored], np.float32)
