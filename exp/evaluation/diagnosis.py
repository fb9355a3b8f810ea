"""The field's own measures: how often faults are found, named rightly or wrongly, and how often alarms are false.

They count windows or days. The answers are classes; verdicts of `detect` may also be "unknown" or "no answer", which
are neither a fault nor normal, and stay in every denominator: a rate cannot be bettered by answering less. The rates,
with formulas and sources in docs/METRICS.md:

false_alarm_rate, of the fault-free, the share that is called faulty; of the faulty: detection_rate, the share that is
called faulty, correct_diagnosis_rate, by its own name, misdiagnosis_rate, by another fault's; correct_of_detected_rate,
of the faulty that are called faulty, the share with its own name; unknown_rate and no_answer_rate, of all.

Letters: n windows or days, K classes, A answers (K, or K + 2 with unknown and no answer), G blocks, R draws of blocks.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from exp.evaluation.intervals import ONE_BLOCK, block_draws, bounded

FORMER = {"correct_type_rate": "correct_diagnosis_rate"}  # name that an earlier version wrote -> its present name


class Cases(NamedTuple):
    """Truth and answer of windows or days.

    Attributes:
        truth: (n,) int64 class numbers.
        answer: (n,) int64, a class number, K for unknown, K + 1 for no answer.
        block: (n,) int64, cases of one block depend on each other.
    """

    truth: np.ndarray
    answer: np.ndarray
    block: np.ndarray


class Fraction(NamedTuple):
    """A rate as whole numbers: (R,) cases that count, of (R,) cases."""

    part: np.ndarray
    whole: np.ndarray

    @property
    def rate(self) -> np.ndarray:
        """(R,) the quotient, NaN where there is no case."""
        empty = np.full(np.shape(self.whole), np.nan)
        return np.divide(self.part, self.whole, out=empty, where=self.whole > 0)


def fractions(counts: np.ndarray, normal: int | None) -> dict[str, Fraction]:
    """(R, K, A) counts, rows the truth -> the rates that can be told of them; without a normal class few."""
    classes, answers = counts.shape[1:]
    everything = counts.sum((1, 2))
    found: dict[str, Fraction] = {}
    if normal is not None:
        healthy, faulty = counts[:, normal], np.delete(counts, normal, 1)
        of_fault = faulty.sum((1, 2))
        called = np.delete(faulty[:, :, :classes], normal, 2)  # (R, K - 1, K - 1) faulty and called so
        detected, right = called.sum((1, 2)), np.trace(called, axis1=1, axis2=2)
        found = {
            "false_alarm_rate": Fraction(healthy[:, :classes].sum(1) - healthy[:, normal], healthy.sum(1)),
            "detection_rate": Fraction(detected, of_fault),
            "correct_diagnosis_rate": Fraction(right, of_fault),
            "correct_of_detected_rate": Fraction(right, detected),
            "misdiagnosis_rate": Fraction(detected - right, of_fault),
        }
    if answers > classes:
        found["unknown_rate"] = Fraction(counts[:, :, classes].sum(1), everything)
        found["no_answer_rate"] = Fraction(counts[:, :, classes + 1].sum(1), everything)
    return found


def rates(
    cases: Cases, classes: int, normal: int | None, *, verdicts: bool = False, bootstrap: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Accuracy and the field's measures of windows or days, as plain values.

    Args:
        cases: n of them; none gives undefined measures.
        classes: K.
        normal: number of the class that means no fault, None if there is none.
        verdicts: the answers may be unknown or no answer.
        bootstrap: draws of blocks for the intervals, 0 for none.
        seed: of the draws.

    Returns:
        measure -> {"value", "low", "high"}; "interval" as of `bounded`, with "blocks".
    """
    counts = block_counts(cases, classes, classes + 2 * verdicts)
    blocks = len(counts)
    drawn: dict[str, np.ndarray] = {}
    if bootstrap and blocks > 1:
        drawn = _values(np.tensordot(block_draws(blocks, bootstrap, seed), counts, 1), normal)
    values = {name: float(value[0]) for name, value in _values(counts.sum(0)[None], normal).items()}
    wholes = {name: fraction.whole for name, fraction in _with_accuracy(counts, normal).items()}
    measures, interval = bounded(values, drawn, wholes, draws=bootstrap)
    reason = ONE_BLOCK if bootstrap and blocks == 1 else None
    return {**measures, "interval": {**interval, "blocks": blocks, "reason": reason}}


def block_counts(cases: Cases, classes: int, answers: int) -> np.ndarray:
    """(G, K, A) float64 counts of cases, block by block; rows are the truth."""
    names, block = np.unique(cases.block, return_inverse=True)
    cells = (block * classes + cases.truth) * answers + cases.answer
    counts = np.bincount(cells, minlength=len(names) * classes * answers)
    return counts.reshape(len(names), classes, answers).astype(np.float64)


def _with_accuracy(counts: np.ndarray, normal: int | None) -> dict[str, Fraction]:
    right = Fraction(np.trace(counts, axis1=1, axis2=2), counts.sum((1, 2)))
    return {"accuracy": right, **fractions(counts, normal)}


def _values(counts: np.ndarray, normal: int | None) -> dict[str, np.ndarray]:
    return {name: fraction.rate for name, fraction in _with_accuracy(counts, normal).items()}


def renamed(measures: Mapping[str, Any]) -> dict[str, Any]:
    """Measures of a part of metrics.json under their present names, whatever version wrote them."""
    return {FORMER.get(name, name): value for name, value in measures.items()}
