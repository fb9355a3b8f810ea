"""What detection found, as its files and its report are written from it.

Letters: C signals, N readings shown, S steps, L steps of a window.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from exp.detection.evidence.physics import Physics
from exp.evaluation.decision import UNKNOWN

FAULT, UNUSUAL = "fault", "unusual"  # kinds of events


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
        file, fault, start, end, hours, windows, sensors, ongoing, confirmed, reason: as in events.csv.
        words: the fault's name in words.
        meaning: the same, of an unknown one with the state nearest to it.
        advice: what to do first, a sentence.
        mean_confidence, peak_confidence: calibrated probability of the fault in the event's windows; None of an
            unknown one, which has no class.
        mean_novelty, peak_novelty: share of known windows with a lower novelty score.
        evidence: None where the report has no room for it.
        rules: what rules say of its days, in words.
        within: when the event began that it lies in, "" where it lies in none.
    """

    file: str
    fault: str
    words: str
    meaning: str
    advice: str
    start: str
    end: str
    hours: float
    windows: int
    mean_confidence: float | None
    peak_confidence: float | None
    mean_novelty: float
    peak_novelty: float
    sensors: tuple[str, ...]
    ongoing: bool
    evidence: Evidence | None
    confirmed: bool = True
    rules: tuple[str, ...] = ()
    within: str = ""
    reason: str = ""

    @property
    def kind(self) -> str:
        """What it is: "fault" has a name, "unusual" has none and is no fault."""
        return UNUSUAL if self.fault == UNKNOWN else FAULT

    @property
    def peak(self) -> float:
        """How sure its surest window is: the peak confidence of a fault, the peak novelty of an unknown event."""
        return self.peak_novelty if self.peak_confidence is None else self.peak_confidence


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
        names: verdict -> its words.
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
    names: Mapping[str, str] = field(default_factory=dict)


def outside_events(unit: Unit) -> str:
    """What single windows say: "1 of 53 windows says cooling valve leaks; 2 are unlike the training data"."""
    words: list[str] = []
    for fault, number in unit.single.items():
        many = number != 1
        is_so = "are" if many else "is"
        says = f"{is_so} unlike the training data" if fault == UNKNOWN else f"say{'s' * (not many)} {unit.names[fault]}"
        words.append(f"{number} {says}" if words else f"{number} of {unit.windows} windows {says}")
    return "; ".join(words)


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Events before windows outside them, faults with a name before unusual operation; otherwise as they were."""
    return sorted(findings, key=lambda finding: (not finding.confirmed, finding.kind == UNUSUAL))


def counted(findings: Sequence[Finding], kind: str) -> list[Finding]:
    """The events of a kind that do not lie in another one."""
    return [finding for finding in findings if finding.kind == kind and not finding.within]
