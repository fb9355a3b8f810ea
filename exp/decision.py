"""From a network's answers to decisions: how sure, known or unknown, and what it may be asked about at all.

Everything is fitted once, when a training is judged, and kept with the model.
Letters: n windows, B batch, C signals, L steps of a window, K classes, P features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data_provider import Prepared, WindowSet
from exp.evaluate import EVALUATION_BATCH, answering
from exp.loaders import batches_in_order
from models.rivals import Rival
from utils import calibration
from utils.calibration import Distance

MARGIN = 0.1  # of a signal's training range, by which readings may leave it on either side
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
        usual: (C, L) float32 scaled, the mean training window of the sound class, of all where there is none.
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
    answers, target = logits.double().numpy(), np.asarray(data.val.targets)
    distance = features = None
    if not isinstance(model, Rival):
        features = features_of(model, data.val, device)
        chosen = _spread(len(data.train), calibration.MOST_FITTED)
        distance = Distance.fit(
            features_of(model, data.train, device, chosen), data.train.targets[chosen], len(data.info.classes)
        )
    squares = distance.to_classes(features) if distance is not None and features is not None else None
    compared = calibration.left_out(answers, squares, target)
    score = _chosen(compared, features is not None)
    lower, upper = _ranges(data)
    decision = Decision(
        temperature=calibration.fit_temperature(answers, target),
        score=score,
        table=np.zeros(0),
        compared=compared,
        lower=lower,
        upper=upper,
        distance=distance if score == "distance" else None,
        usual=_usual(data),
    )
    table = calibration.quantiles(decision.scores(answers, features))
    return Decision(**{**vars(decision), "table": table})


def features_of(
    model: nn.Module, windows: WindowSet, device: torch.device, chosen: np.ndarray | None = None
) -> np.ndarray:
    """(n, P) float32 features of the last layer but one, of all windows or of those at some places."""
    if chosen is None:
        batches = (batch.x for batch in batches_in_order(windows, size=EVALUATION_BATCH))
    else:
        places = range(0, len(chosen), EVALUATION_BATCH)
        batches = (windows.gather(chosen[low : low + EVALUATION_BATCH]).x for low in places)
    with answering(model, device):
        return torch.cat([model.features(x.to(device)).float().cpu() for x in batches]).numpy()  # type: ignore[operator]


def _chosen(compared: Mapping[str, float], has_features: bool) -> str:
    """The score that tells left-out classes apart best; of those alike, the first of `SCORES`."""
    if not has_features:  # a rival's logits are log-probabilities, whose energy is always 0
        return "confidence"
    return max(SCORES, key=lambda name: compared.get(name, -1.0))


def _ranges(data: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """(C,) bounds: what training and validation read, and a margin of the training range."""
    lowest, highest = data.scaler.minimum.astype(np.float64), data.scaler.maximum.astype(np.float64)
    margin = MARGIN * (highest - lowest)
    for low in range(0, len(data.val), CHUNK):
        readings = data.val.readings(np.arange(low, min(low + CHUNK, len(data.val))))  # (n, C, L)
        lowest = np.minimum(lowest, readings.min((0, 2)))
        highest = np.maximum(highest, readings.max((0, 2)))
    silent = data.scaler.constant
    lower, upper = np.where(silent, -np.inf, lowest - margin), np.where(silent, np.inf, highest + margin)
    return lower.astype(np.float32), upper.astype(np.float32)


def _usual(data: Prepared) -> np.ndarray:
    """(C, L) the mean window of the sound class, of all classes where there is none."""
    targets = np.asarray(data.train.targets)
    normal = data.info.classes.index(data.info.normal) if data.info.normal else -1
    places = np.flatnonzero(targets == normal) if normal in targets else np.arange(len(targets))
    total = sum(data.train.gather(places[low : low + CHUNK]).x.double().sum(0) for low in range(0, len(places), CHUNK))
    return (total / len(places)).float().numpy()  # type: ignore[union-attr]


def _spread(number: int, most: int) -> np.ndarray:
    """Places from 0 to number - 1, evenly thinned to `most`."""
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(np.int64))


def _listed(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON, which knows no infinity."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _bounds(stored: list[float | None], endless: float) -> np.ndarray:
    return np.array([endless if value is None else value for value in stored], np.float32)
