"""Checking an exported file against the program, and measuring what fewer bits cost.

Letters: n windows, B batch, C signals, L steps of a window, K classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
import torch

from data_provider import Prepared, Scaler, WindowSet
from exp.evaluation.decision import DecisionRule, Verdicts
from exp.evaluation.inference import answer as answer_by
from exp.evaluation.inference import predictions_of
from exp.evaluation.metrics import headline
from exp.exporting.formats import Answer, Outputs
from exp.runs.artifact import Artifact

TOLERANCE = 1e-5  # of a probability, and of a score as a share of its threshold
FIRST_BATCHES = (1, 2, 3)  # sizes; the rest comes in batches of BATCH
BATCH = 32
COMPARED = 1000  # windows that a file is compared by
MOST_REAL = 0.4  # of them of a part
ODD = 0.06  # of them of each kind that no unit in order gives
DRAWN = 32
CALIBRATION = 256  # training windows that the ranges of int8 are found by
BEYOND = 1.2  # how far drawn windows leave the training range, which reaches from -1 to 1


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A file beside the program, over the same windows.

    Attributes:
        windows: how many.
        largest: difference of a probability; infinite where the file gives no number or not the right number of them.
        changed: windows with another verdict.
        at_a_limit: those of them whose score lies so near to a threshold that float32 cannot tell the sides apart.
    """

    windows: int
    largest: float
    changed: int
    at_a_limit: int


def check_windows(artifact: Artifact, data: Prepared | None) -> np.ndarray:
    """(COMPARED, L, C) readings: real ones of validation and test, drawn ones, and strange ones made from both."""
    scaler, length = artifact.scaler, artifact.info.seq_len
    most_real, odd = int(MOST_REAL * COMPARED), int(ODD * COMPARED)
    real = [_spread(windows, most_real) for windows in (data.val, data.test)] if data else []
    number = COMPARED - 3 * odd - sum(map(len, real))
    plain = np.concatenate([*real, drawn(scaler, length, number)])
    random = np.random.default_rng(1)
    chosen = plain[random.choice(len(plain), (2, odd))]
    noise = random.uniform(-1, 1, (odd, length, len(scaler.minimum)))
    return np.concatenate([plain, _beyond(chosen[0], scaler), _broken(chosen[1]), _measured(noise, scaler)])


def drawn(scaler: Scaler, length: int, number: int = DRAWN) -> np.ndarray:
    """(n, L, C) readings around the training ranges; the first two stand still, at their lower and upper ends."""
    random = np.random.default_rng(0)
    level = random.uniform(-1, 1, (number, 1, len(scaler.minimum)))
    walk = random.normal(0, 0.1, (number, length, len(scaler.minimum))).cumsum(1)
    scaled = (level + walk).clip(-BEYOND, BEYOND)
    scaled[0], scaled[1] = -1, 1
    return _measured(scaled, scaler)


def calibration(data: Prepared) -> list[np.ndarray]:
    """Batches (B, L, C) of readings that the model was trained on."""
    return list(_batches(_spread(data.train, CALIBRATION), first=()))


def program_by(artifact: Artifact, rule: DecisionRule, readings: np.ndarray) -> tuple[np.ndarray, Verdicts]:
    """(n, K) float64 logits of the program for readings (n, L, C), and its verdicts."""
    device, found, verdicts = torch.device("cpu"), [], []
    for batch in _batches(readings, first=()):
        missing = torch.from_numpy(~np.isfinite(batch).all(1))  # (B, C)
        scaled = artifact.scaler.bound(artifact.scaler.transform(batch).astype(np.float32))
        x = torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 2, 1)))  # (B, C, L)
        x[missing] = 0
        logits, features = answer_by(artifact.model, x, device)
        measured = torch.from_numpy(batch).transpose(1, 2)
        verdicts.append(rule(readings=measured, missing=missing, x=x, logits=logits, features=features))
        found.append(logits)
    return torch.cat(found).numpy(), Verdicts.joined(verdicts)


def compare(answer: Answer, artifact: Artifact, rule: DecisionRule, readings: np.ndarray) -> Comparison:
    """Compares a file with the program, for readings (n, L, C) in batches of 1, 2, 3 and more."""
    _, verdicts = program_by(artifact, rule, readings)
    missing = torch.from_numpy(~np.isfinite(readings).all(1))
    silent = rule.lacks(missing).numpy()  # no answer is NaN
    given = answers_of(answer, readings, first=FIRST_BATCHES)
    if given.probabilities.shape != verdicts.confidence.shape or given.verdict.shape != silent.shape:
        return Comparison(windows=len(readings), largest=np.inf, changed=len(readings), at_a_limit=0)
    off = np.nan_to_num(np.abs(given.probabilities - verdicts.confidence.numpy()), nan=np.inf)[~silent]
    spoken = ~np.isnan(given.probabilities[silent])
    changed = given.verdict != verdicts.number.numpy()
    return Comparison(
        windows=len(readings),
        largest=np.inf if spoken.any() else float(off.max(initial=0)),
        changed=int(changed.sum()),
        at_a_limit=int((changed & _at_a_limit(rule, verdicts, missing)).sum()),
    )


def answers_of(answer: Answer, readings: np.ndarray, *, first: tuple[int, ...] = ()) -> Outputs:
    """What a file answers about readings (n, L, C), batch by batch."""
    parts = [answer(batch) for batch in _batches(readings, first=first)]
    return Outputs(*(np.concatenate(entries) for entries in zip(*parts, strict=True)))


def cost(answer: Answer, artifact: Artifact, rule: DecisionRule, data: Prepared) -> dict[str, Any]:
    """What the answers of a file are worth on the test part, beside the program's own."""
    test = data.test
    readings = _at(test, np.arange(len(test)))
    logits, verdicts = program_by(artifact, rule, readings)
    given = answers_of(answer, readings)
    pair = [
        predictions_of("test", test, torch.from_numpy(entry), artifact.info.classes) for entry in (logits, given.logits)
    ]
    scores = [headline(predictions) for predictions in pair]
    return {
        "part": "test",
        "windows": len(test),
        **{name: {"before": scores[0][name], "after": scores[1][name]} for name in scores[0]},
        "changed_answers": int((pair[0].top != pair[1].top).sum()),
        "changed_verdicts": int((given.verdict != verdicts.number.numpy()).sum()),
        "largest_difference": float(np.abs(given.probabilities - verdicts.confidence.numpy()).max()),
    }


def _at_a_limit(rule: DecisionRule, verdicts: Verdicts, missing: torch.Tensor) -> np.ndarray:
    """(n,) bool: windows whose verdict hangs on less than what float32 determines."""
    limits = rule.limits(missing)
    near = (verdicts.novelty - limits.novelty).abs() <= TOLERANCE * limits.novelty.abs().clamp(min=1)
    if rule.normal is not None:
        unlike = 1 - verdicts.confidence[:, rule.normal]
        near |= (unlike - limits.false_alarm).abs() <= TOLERANCE
    best = verdicts.probabilities.topk(2, 1).values
    return (near | (best[:, 0] - best[:, 1] <= 2 * TOLERANCE)).numpy()


def _beyond(readings: np.ndarray, scaler: Scaler) -> np.ndarray:
    """Windows (n, L, C) with a signal that leaves its range, some for few readings and some for many."""
    readings = readings.copy()
    span = (scaler.maximum - scaler.minimum).clip(1)
    for number, window in enumerate(readings):
        signal, steps = number % readings.shape[2], 1 + number % min(8, readings.shape[1])
        window[:steps, signal] = scaler.maximum[signal] + span[signal] * (1 + number)
    return readings


def _broken(readings: np.ndarray) -> np.ndarray:
    """Windows (n, L, C) that lack one, two or more sensors, for a reading each."""
    readings = readings.copy()
    for number, window in enumerate(readings):
        for signal in range(1 + number % readings.shape[2]):
            window[(number + signal) % readings.shape[1], signal] = (np.nan, np.inf, -np.inf)[number % 3]
    return readings


def _measured(scaled: np.ndarray, scaler: Scaler) -> np.ndarray:
    """(n, L, C) windows in [-1, 1], as they would be measured."""
    half = (scaler.maximum.astype(np.float64) - scaler.minimum) / 2
    return (scaler.minimum + (scaled + 1) * half).astype(np.float32)


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
