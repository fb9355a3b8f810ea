"""Checking an exported file against the model that it was made from, and measuring what fewer bits cost.

Letters: n windows, B batch, C signals, L steps of a window, K classes.
"""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import numpy as np
import torch

from data_provider import Prepared, Scaler, WindowSet
from exp.evaluation.calibration import temperature_scaled
from exp.evaluation.inference import answer as answer_by
from exp.evaluation.inference import predictions_of
from exp.evaluation.metrics import headline
from exp.exporting.formats import Answer
from exp.runs.artifact import Artifact

TOLERANCE = 1e-5  # of a probability
FIRST_BATCHES = (1, 2, 3)  # sizes; the rest comes in batches of BATCH
BATCH = 32
MOST_REAL = 128  # windows of a part
DRAWN = 32
CALIBRATION = 256  # training windows that the ranges of int8 are found by
BEYOND = 1.2  # how far drawn windows leave the training range, which reaches from -1 to 1


def check_windows(artifact: Artifact, data: Prepared | None) -> np.ndarray:
    """(n, L, C) readings to compare answers for: real ones of validation and test, and drawn ones."""
    real = [_spread(windows, MOST_REAL) for windows in (data.val, data.test)] if data else []
    return np.concatenate([*real, drawn(artifact.scaler, artifact.info.seq_len)])


def drawn(scaler: Scaler, length: int) -> np.ndarray:
    """(DRAWN, L, C) readings around the training ranges; the first two stand still, at their lower and upper ends."""
    random = np.random.default_rng(0)
    level = random.uniform(-1, 1, (DRAWN, 1, len(scaler.minimum)))
    walk = random.normal(0, 0.1, (DRAWN, length, len(scaler.minimum))).cumsum(1)
    scaled = (level + walk).clip(-BEYOND, BEYOND)
    scaled[0], scaled[1] = -1, 1
    half = (scaler.maximum.astype(np.float64) - scaler.minimum) / 2
    return (scaler.minimum + (scaled + 1) * half).astype(np.float32)


def calibration(data: Prepared) -> list[np.ndarray]:
    """Batches (B, L, C) of readings that the model was trained on."""
    return list(_batches(_spread(data.train, CALIBRATION), first=()))


def logits_by(artifact: Artifact, readings: np.ndarray) -> np.ndarray:
    """(n, K) float64 logits of the model itself for readings (n, L, C)."""
    scaled = artifact.scaler.transform(readings).clip(-1, 1).astype(np.float32)
    x = torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 2, 1)))  # (n, C, L)
    device = torch.device("cpu")
    return torch.cat([answer_by(artifact.model, batch, device)[0] for batch in x.split(BATCH)]).numpy()


def parity(answer: Answer, artifact: Artifact, readings: np.ndarray) -> float:
    """The largest difference of a probability between file and model, for readings (n, L, C) in batches of 1, 2, 3
    and more; infinite where the file gives no number or not the right number of them."""
    expected = temperature_scaled(logits_by(artifact, readings), artifact.decision.temperature)
    given = np.concatenate([answer(batch)[0] for batch in _batches(readings, first=FIRST_BATCHES)])
    if given.shape != expected.shape:
        return np.inf
    return float(np.nan_to_num(np.abs(given - expected), nan=np.inf).max())


def cost(answer: Answer, artifact: Artifact, data: Prepared) -> dict[str, Any]:
    """What the answers of a file are worth on the test part, beside the model's own."""
    test, temperature = data.test, artifact.decision.temperature
    before, after, largest = [], [], 0.0
    for low in range(0, len(test), BATCH):
        readings = _at(test, np.arange(low, min(low + BATCH, len(test))))
        probabilities, logits = answer(readings)
        before.append(logits_by(artifact, readings))
        after.append(logits)
        largest = max(largest, float(np.abs(probabilities - temperature_scaled(before[-1], temperature)).max()))
    answers = [np.concatenate(before), np.concatenate(after)]
    said = [predictions_of("test", test, torch.from_numpy(logits), artifact.info.classes) for logits in answers]
    scores = [headline(predictions) for predictions in said]
    return {
        "part": "test",
        "windows": len(test),
        **{name: {"before": scores[0][name], "after": scores[1][name]} for name in scores[0]},
        "changed_answers": int((said[0].top != said[1].top).sum()),
        "largest_difference": largest,
    }


def _spread(windows: WindowSet, most: int) -> np.ndarray:
    """(n, L, C) readings of a part, evenly thinned to `most` windows."""
    return _at(windows, np.unique(np.linspace(0, len(windows) - 1, min(most, len(windows))).astype(np.int64)))


def _at(windows: WindowSet, places: np.ndarray) -> np.ndarray:
    """(n, L, C) readings of the windows at some places of a part, as measured."""
    return np.ascontiguousarray(windows.readings(places).transpose(0, 2, 1))


def _batches(readings: np.ndarray, first: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Consecutive batches, the first of the sizes given."""
    low = 0
    for size in chain(first, repeat(BATCH)):
        if low >= len(readings):
            return
        yield np.ascontiguousarray(readings[low : low + size])
        low += size
