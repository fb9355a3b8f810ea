"""The days of a file: what is decided about each, and its windows by that.

Letters: n windows, D days, K classes, J rules.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from data_provider.frames import DataInfo
from exp.detection.advice import meaning
from exp.detection.day_rules import DayRules, aligned
from exp.detection.evaluated import EvaluatedFile
from exp.evaluation.days import DayDecision, mean_log_probabilities
from exp.evaluation.decision import NO_ANSWER, NORMAL, UNKNOWN
from exp.evaluation.over_time import MOST_UNKNOWN
from models.rules import RULES

MOST_RULES = 5  # told of an event
_STRANGE = "unlike anything in training; the other windows of the day decide"
_HARMLESS_FROM = 0.5  # probability of a class that is no fault of the unit, from which it is said


class DayVerdict(NamedTuple):
    """What is decided about a day.

    Attributes:
        day: datetime64[D] on the file's clock.
        verdict: a class, "normal", "unknown" or "no answer".
        fault: probability that the unit has a fault; NaN without an answer.
        probabilities: (K,) of the classes; empty without an answer.
        windows: that the day has.
        held: rule -> hours in which it held, and by how much it was exceeded then.
        reason: why there is no answer, or what must be said beside it.
    """

    day: np.datetime64
    verdict: str
    fault: float
    probabilities: np.ndarray
    windows: int
    held: Mapping[str, tuple[float, float]]
    reason: str


def decide_days(
    evaluated: EvaluatedFile, decision: DayDecision, info: DataInfo, rules: DayRules, *, false_alarm_rate: float
) -> EvaluatedFile:
    """The file with verdicts about its days; its windows say what their day says."""
    clock = np.array([evaluated.clock_time(time) for time in evaluated.start], "datetime64[s]").astype("datetime64[D]")
    days, number = np.unique(clock, return_inverse=True)
    held = aligned(days, rules, len(decision.rules))
    spoken = ~np.isin(evaluated.verdict.astype(str), (UNKNOWN, NO_ANSWER))
    log_p = mean_log_probabilities(evaluated.probabilities[spoken], number[spoken], len(days))
    likely = decision.probabilities(log_p, held.shares)
    faults, kinds, threshold = decision.fault(likely), decision.kinds(likely), decision.threshold(false_alarm_rate)
    verdict, named, confidence = evaluated.verdict.copy(), evaluated.named.copy(), evaluated.confidence.copy()
    reason, found = evaluated.reason.copy(), []
    for place, day in enumerate(days):
        mine = number == place
        here = mine & spoken
        told = zip(decision.rules, held.hours[place], held.most[place], strict=True)
        hours = {name: (float(h), float(most)) for name, h, most in told if h > 0}
        said, why = _said(evaluated.verdict[mine], info, likely[place], faults[place] > threshold, int(kinds[place]))
        known = said not in (UNKNOWN, NO_ANSWER)
        if known:
            verdict[here], confidence[here] = said, likely[place]
            named[here] = kinds[place] if said != NORMAL else _normal(info)
            reason[here] = why
            strange = mine & (verdict == UNKNOWN)
            verdict[strange], reason[strange] = NO_ANSWER, _STRANGE
        else:
            verdict[here], reason[here] = said, why
        found.append(
            DayVerdict(day, said, float(faults[place]) if known else np.nan, likely[place] if known else np.zeros(0),
                       int(mine.sum()), hours, why)
        )  # fmt: skip
    return dataclasses.replace(
        evaluated, verdict=verdict, named=named, confidence=confidence, reason=reason, days=tuple(found)
    )


def _said(verdicts: np.ndarray, info: DataInfo, likely: np.ndarray, faulty: bool, kind: int) -> tuple[str, str]:
    """Verdict about a day and what must be said beside it."""
    unknown, silent = (verdicts == UNKNOWN).mean(), (verdicts == NO_ANSWER).mean()
    if silent == 1:
        return NO_ANSWER, "none of its windows has an answer"
    if unknown > MOST_UNKNOWN:
        return UNKNOWN, "most of its windows look like nothing that the model was trained on"
    if unknown + silent == 1:
        return NO_ANSWER, "its windows are unknown or have no answer"
    if not np.isfinite(likely).all():
        return NO_ANSWER, "what the model says about this day is not a number"
    if faulty:
        return info.classes[kind], ""
    normal = _normal(info)
    other = int(np.delete(likely, normal).argmax())
    other += other >= normal
    if likely[other] > max(_HARMLESS_FROM, likely[normal]):
        return NORMAL, f"no fault of the unit, but {meaning(info.classes[other])}: {likely[other]:.2f}"
    return NORMAL, ""


def _normal(info: DataInfo) -> int:
    return info.classes.index(str(info.normal))


def rules_between(days: Sequence[DayVerdict], start: np.datetime64, end: np.datetime64) -> tuple[str, ...]:
    """What the rules say of the days from one to another, in words, those that held longest first."""
    mine = [day for day in days if start.astype("datetime64[D]") <= day.day <= end.astype("datetime64[D]")]
    lines = []
    for name in {name for day in mine for name in day.held}:
        held = [day.held[name] for day in mine if name in day.held]
        hours, rule = sum(hours for hours, _ in held), RULES[name]
        by = sum(hours * most for hours, most in held) / hours
        unit = {"0-1": "", "changes": " changes an hour"}.get(rule.unit, f" {rule.unit}")
        lines.append((hours, f"{name} held for {hours:.1f} h, exceeded by {by:.2g}{unit}: {rule.text}"))
    return tuple(line for _, line in sorted(lines, key=lambda entry: (-entry[0], entry[1]))[:MOST_RULES])


DAY_FIELDS = ("file", "day", "verdict", "fault", "kind", "confidence", "windows", "rules", "reason")


def day_rows(evaluated: EvaluatedFile, info: DataInfo) -> list[dict[str, Any]]:
    """Rows of days.csv."""
    rows = []
    for day in evaluated.days:
        row: dict[str, Any] = {"file": evaluated.file, "day": str(day.day), "verdict": day.verdict}
        if len(day.probabilities):
            likely = np.where([name == info.normal for name in info.classes], -1.0, day.probabilities)
            row |= {"fault": day.fault, "kind": info.classes[int(likely.argmax())], "confidence": float(likely.max())}
        order = sorted(day.held.items(), key=lambda entry: -entry[1][0])
        said = "; ".join(f"{name} {hours:.1f} h by {most:.2g}" for name, (hours, most) in order)
        rows.append({**row, "windows": day.windows, "rules": said, "reason": day.reason})
    return rows
