"""What detection found, as its files and its report are written from it.

Letters: C signals, N readings shown, S steps, L steps of a window.
"""

from dataclasses import dataclass, field

import numpy as np

from exp.detection.evidence.physics import Physics
from exp.evaluation.decision import UNKNOWN


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What is drawn of an event; times are the file's clock.

    Attributes:
        columns: the model's signals that speak for it, most first.
        physics: its points, a fault-free day beside it, rules and cost.
        looked_times: (S,) datetime64[s] of the picture of where the network looked.
        looked: (signals, S) how much each reading speaks for the fault, at least 0.
        window: (L,) the first signal's window that was surest, in [-1, 1].
        period_seconds: between two steps of the window.
    """

    columns: tuple[str, ...]
    physics: Physics
    looked_times: np.ndarray
    looked: np.ndarray
    window: np.ndarray
    period_seconds: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """A row of events.csv, and what the report shows of it.

    Attributes:
        file, fault, start, end, hours, windows, sensors, ongoing, confirmed: as in events.csv.
        meaning: the fault in words.
        advice: what to do first, a sentence.
        mean_confidence, peak_confidence: of the fault in the event's windows, calibrated; of an unknown one, the share
            of known windows that look less strange.
        evidence: None where the report has no room for it.
        rules: what rules say of its days, in words.
    """

    file: str
    fault: str
    meaning: str
    advice: str
    start: str
    end: str
    hours: float
    windows: int
    mean_confidence: float
    peak_confidence: float
    sensors: tuple[str, ...]
    ongoing: bool
    evidence: Evidence | None
    confirmed: bool = True
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A file, as the report tells of it.

    Attributes:
        file: its name.
        start, end: of its readings, as the file's clock showed them; "" where it could not be read.
        spans: (start, end) of its times with data, longer silences between them.
        windows: number of windows with an answer.
        verdicts: verdict -> number of windows.
        silent: (start, end, reason) of what could not be evaluated.
        cautions: lines that a person should read.
        days: verdict -> number of days, where days are decided about.
        findings: its events.
        single: a fault, or "unknown" -> number of windows that say so outside every event of it.
        held: lines about events that feedback takes for none.
    """

    file: str
    start: str
    end: str
    spans: list[tuple[str, str]]
    windows: int
    verdicts: dict[str, int]
    silent: list[tuple[str, str, str]]
    cautions: list[str]
    findings: list[Finding]
    single: dict[str, int]
    days: dict[str, int] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)


def outside_events(unit: Unit) -> str:
    """What single windows say: "1 of 53 windows names leaking_valve, 2 are unknown"."""
    words: list[str] = []
    for fault, number in unit.single.items():
        many = number != 1
        says = ("are" if many else "is") if fault == UNKNOWN else ("name" if many else "names")
        words.append(f"{number} of {unit.windows} windows {says} {fault}" if not words else f"{number} {says} {fault}")
    return ", ".join(words)
