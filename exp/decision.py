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
from exp.evaluate import answers
from models.rivals import Rival
from utils import calibration
from utils.calibration import Distance

MARGIN = 0.1  # of a signal's training range, by which readings may leave it on either side
MOST_OUTSIDE = 3  # readings of a signal in a window; as many missing ones would be held over as well
FEWEST = 20  # windows that a threshold may rest on
CHUNK = 1024  # windows whose readings are looked at together
SCORES = ("distance", "energy", "confidence")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Settings by which answers become decisions.

    Attributes:
        temperature: logits are divided by it before they become a confidence.
        score: what strangeness is measured by, one of `SCORES`.
        table: quantiles of that score over the validation windows, see `calibration.quantiles`.
        compared: score -> area under the ROC curve when classes are left out; why `score` was chosen.
        lower, upper: (C,) float32, readings beyond are none that the model may be asked about; infinite for a signal
            that never changed in training.
        distance: of features to the classes, None where `score` is another.
        usual: (C, L) float32 scaled, a typical training window of the sound class, of any where there is none.
    """

    temperature: float
    score: str
    table: np.ndarray
    compared: dict[str, float]
    lower: np.ndarray
    upper: np.ndarray
    distance: Distance | None
    usual: np.ndarray

    def scores(self, logits: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """(n,) strangeness of windows, by their logits (n, K) and, for the distance, features (n, P)."""
        if self.score == "distance":
            assert self.distance is not None
            assert features is not None
            return self.distance.score(features)
        return {"energy": calibration.energy_score, "confidence": calibration.confidence_score}[self.score](logits)

    def plain(self) -> dict[str, Any]:
        """What model.json holds."""
        return {
            "temperature": self.temperature,
            "unknown": {"score": self.score, "quantiles": self.table.tolist(), "compared": self.compared},
            "ranges": {"lower": _listed(self.lower), "upper": _listed(self.upper), "margin": MARGIN},
        }

    def tensors(self) -> dict[str, Tensor]:
        """What decision.safetensors holds."""
        found = {"usual": self.usual}
        if self.distance is not None:
            found |= {"means": self.distance.means, "whitener": self.distance.whitener}
        return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in found.items()}

    @classmethod
    def of(cls, plain: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Decision":
        """What `plain` and `tensors` gave."""
        near = plain["unknown"]["score"] == "distance"
        return cls(
            temperature=plain["temperature"],
            score=plain["unknown"]["score"],
            table=np.asarray(plain["unknown"]["quantiles"], np.float64),
            compared=dict(plain["unknown"]["compared"]),
            lower=_bounds(plain["ranges"]["lower"], -np.inf),
            upper=_bounds(plain["ranges"]["upper"], np.inf),
            distance=Distance(means=tensors["means"].numpy(), whitener=tensors["whitener"].numpy()) if near else None,
            usual=tensors["usual"].numpy(),
        )


def fit_decision(model: nn.Module, data: Prepared, logits: Tensor, device: torch.device) -> Decision:
    """The decision settings of a trained model.

    Args:
        model: on the device.
        data: what it was trained on.
        logits: (n, K) of the validation windows, which also set the temperature and the threshold of the unknown.
        device: where to compute.
    """
    lower, upper = _ranges(data.scaler)
    known = _known(data.val, lower, upper)
    said, target = logits.double().numpy()[known], np.asarray(data.val.targets)[known]
    distance = features = squares = None
    if not isinstance(model, Rival):
        chosen = _spread(len(data.train), calibration.MOST_FITTED)
        learned = features_of(model, data.train, device, chosen)
        distance = Distance.fit(learned, data.train.targets[chosen], len(data.info.classes))
        features = features_of(model, data.val, device, known)
        squares = distance.to_classes(features)
    compared = calibration.left_out(said, squares, target)
    decision = Decision(
        temperature=calibration.fit_temperature(said, target),
        score=_chosen(compared, features is not None),
        table=np.zeros(0),
        compared=compared,
        lower=lower,
        upper=upper,
        distance=distance,
        usual=_usual(data),
    )
    table = calibration.quantiles(decision.scores(said, features), target)
    kept = distance if decision.score == "distance" else None
    return dataclasses.replace(decision, table=table, distance=kept)


def features_of(model: nn.Module, windows: WindowSet, device: torch.device, places: np.ndarray) -> np.ndarray:
    """(n, P) float32 features of the last layer but one of a network, of the windows at some places."""
    features = answers(model, windows, places, device)[1]
    assert features is not None
    return features.numpy()


def outside(readings: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(n, C) bool: windows (n, C, L) with more than a few readings of a signal beyond the (C,) bounds."""
    beyond = (readings < lower[:, None]) | (readings > upper[:, None])
    return beyond.sum(2) > MOST_OUTSIDE


def _chosen(compared: Mapping[str, float], has_features: bool) -> str:
    """The score that tells left-out classes apart best; of those alike, the first of `SCORES`."""
    if not has_features:  # a rival's logits are log-probabilities, whose energy is always 0
        return "confidence"
    return max(SCORES, key=lambda name: compared.get(name, -1.0))


def _ranges(scaler: Scaler) -> tuple[np.ndarray, np.ndarray]:
    """(C,) bounds: the training range and a margin."""
    margin = MARGIN * (scaler.maximum.astype(np.float64) - scaler.minimum)
    lower = np.where(scaler.constant, -np.inf, scaler.minimum - margin)
    upper = np.where(scaler.constant, np.inf, scaler.maximum + margin)
    return lower.astype(np.float32), upper.astype(np.float32)


def _known(windows: WindowSet, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Places of the windows that may be asked about; all of them where too few would be left."""
    parts = [np.arange(low, min(low + CHUNK, len(windows))) for low in range(0, len(windows), CHUNK)]
    beyond = np.concatenate([outside(windows.readings(part), lower, upper).any(1) for part in parts])
    return np.flatnonzero(~beyond) if (~beyond).sum() >= FEWEST else np.arange(len(windows))


def _usual(data: Prepared) -> np.ndarray:
    """(C, L) the training window of the sound class, of all classes where there is none, nearest to their mean.

    The mean itself is smoother than any window, and so is none that the network has seen.
    """
    targets = np.asarray(data.train.targets)
    normal = data.info.classes.index(data.info.normal) if data.info.normal else -1
    places = np.flatnonzero(targets == normal) if normal in targets else np.arange(len(targets))
    x = data.train.gather(places[_spread(len(places), CHUNK)]).x  # (n, C, L)
    return x[(x - x.mean(0)).abs().mean((1, 2)).argmin()].numpy()


def _spread(number: int, most: int) -> np.ndarray:
    """Places from 0 to number - 1, evenly thinned to `most`."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(np.int64))


def _listed(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, which knows no infinity."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _bounds(stored: list[float | None], endless: float) -> np.ndarray:
    return np.array([endless if value is None else value for value in stored], np.float32)
