"""From an evaluated file to findings: its events, with what a person needs to follow them.

Letters: n windows, C signals, L steps of a window, m windows of a picture, S steps shown.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from exp.detection.advice import advice
from exp.detection.attribution import attribution, top_sensors
from exp.detection.days import rules_between
from exp.detection.detector import Detector
from exp.detection.evaluated import EvaluatedFile
from exp.detection.events import Event, events_of, singles_of, surrounding
from exp.detection.evidence.physics import Physics, physics_of
from exp.detection.evidence.points import UnitReadings, readings_of_unit
from exp.detection.feedback import Feedback
from exp.detection.record import Evidence, Finding, in_order
from exp.evaluation.decision import UNKNOWN
from utils.written import mean_written, units

ATTRIBUTED = 4  # windows of an event whose attribution is computed
SENSORS = 3  # named in events.csv
SHOWN_SENSORS = 8  # in the picture of sensors against time


@dataclass(frozen=True)
class _Key:
    """What an event's evidence depends on."""

    file: str
    fault: str
    start: str
    windows: tuple[int, ...]
    within: str


class Finder:
    """Findings of files; those of an event that has not changed since are not computed again.

    Args:
        detector: what evaluated the files.
        confirm: windows that open and close an event.
        hold_hours: of operation that may speak against a fault within one event.
        feedback: what people said of earlier events.
    """

    def __init__(
        self, *, detector: Detector, confirm: int, hold_hours: float, feedback: Feedback | None = None
    ) -> None:
        self.detector, self.confirm, self.hold_hours = detector, confirm, hold_hours
        self.feedback = feedback or Feedback()
        self._known: dict[_Key, Finding] = {}

    def find(self, evaluated: EvaluatedFile) -> tuple[list[Finding], list[Finding], list[str]]:
        """The events of a file, in the order of their starts; a finding a fault of the windows outside them; and a
        line for a person about events that feedback takes for none."""
        if evaluated.windows is None or not len(evaluated.start):
            return [], [], []
        period = self.detector.artifact.info.period_seconds
        events = events_of(
            evaluated.verdict,
            evaluated.start,
            evaluated.end,
            confirm=self.confirm,
            period=period,
            least=self._least(),
            hold=self.hold_hours,
        )
        events, held = self.feedback.sift(
            evaluated.file,
            events,
            named=lambda event: (event.fault, evaluated.clock(event.start)),
            peak=lambda event: float(self._sure(evaluated, event).max()),
            words=self.detector.words,
        )
        within = [evaluated.clock(around.start) if around else "" for around in surrounding(events)]
        fresh = {_key(evaluated, event, when): event for event, when in zip(events, within, strict=True)}
        readings = cache(lambda: self._readings(evaluated))  # of all events, and of none where none is new
        found = {
            key: self._known.get(key) or replace(self._finding(readings(), event), within=key.within)
            for key, event in fresh.items()
        }
        self._known = {key: known for key, known in self._known.items() if key.file != evaluated.file}
        if self.detector.request.growing:
            self._known |= found
        singles = singles_of(evaluated.verdict, evaluated.start, evaluated.end, events, period=period)
        return in_order([*found.values()]), [self._single(evaluated, event) for event in singles], held

    def _least(self) -> int:
        """Seconds that `confirm` windows in a row cover at the model's own stride: a finer one confirms no sooner."""
        info = self.detector.artifact.info
        return (info.seq_len + (self.confirm - 1) * min(info.step, info.seq_len)) * info.period_seconds

    def _single(self, evaluated: EvaluatedFile, event: Event) -> Finding:
        """Windows outside events; nothing is drawn of them."""
        return self._plain(evaluated, event, sensors=(), evidence=None, confirmed=False)

    def _sure(self, evaluated: EvaluatedFile, event: Event) -> np.ndarray:
        """How sure each of an event's windows is: the confidence of a fault, the novelty rank of an unknown one."""
        if event.fault == UNKNOWN:
            return evaluated.novelty_rank[event.windows]
        return evaluated.confidence[event.windows, self.detector.artifact.info.classes.index(event.fault)]

    def _meaning(self, evaluated: EvaluatedFile, event: Event) -> str:
        words = self.detector.words
        if event.fault != UNKNOWN:
            return words[event.fault]
        near = units(evaluated.confidence[event.windows]).sum(0)  # exact, so that a tie is one everywhere
        nearest = words[self.detector.artifact.info.classes[int(near.argmax())]]
        return f"{words[UNKNOWN]}; the nearest known state: {nearest}"

    def _readings(self, evaluated: EvaluatedFile) -> UnitReadings:
        columns = range(len(self.detector.inputs.columns))
        return readings_of_unit(evaluated, self.detector.request.signals, columns)

    def _finding(self, readings: UnitReadings, event: Event) -> Finding:
        info, evaluated = self.detector.artifact.info, readings.evaluated
        peak = int(self._sure(evaluated, event).argmax())
        places = event.windows[_around(peak, len(event.windows))]
        assert evaluated.windows is not None
        batch = evaluated.windows.gather(places)
        spoken = attribution(self.detector.artifact, self.detector.device, batch.x, batch.missing, event.fault)
        order = top_sensors(spoken, min(SHOWN_SENSORS, len(info.columns)))
        best = int(np.flatnonzero(places == event.windows[peak])[0])
        drawn = self.detector.inputs.drawn(evaluated.trend, order, SENSORS)
        physics = physics_of(readings, event.fault, event.windows, int(event.windows[peak]), drawn.names)
        evidence = self._evidence(evaluated, event, places, spoken, order, physics, batch.x[best].numpy())
        return self._plain(evaluated, event, sensors=drawn.names, evidence=evidence, confirmed=True)

    def _plain(
        self,
        evaluated: EvaluatedFile,
        event: Event,
        *,
        sensors: tuple[str, ...],
        evidence: Evidence | None,
        confirmed: bool,
    ) -> Finding:
        sure, novelty = self._sure(evaluated, event), evaluated.novelty_rank[event.windows]
        named = event.fault != UNKNOWN
        return Finding(
            file=evaluated.file,
            fault=event.fault,
            words=self.detector.words[event.fault],
            meaning=self._meaning(evaluated, event),
            advice=advice(event.fault),
            start=evaluated.clock(event.start),
            end=evaluated.clock(event.end),
            hours=event.hours,
            windows=len(event.windows),
            mean_confidence=mean_written(sure) if named else None,
            peak_confidence=float(sure.max()) if named else None,
            mean_novelty=mean_written(novelty),
            peak_novelty=float(novelty.max()),
            sensors=sensors,
            ongoing=event.ongoing,
            evidence=evidence,
            confirmed=confirmed,
            rules=rules_between(evaluated.days, evaluated.clock_time(event.start), evaluated.clock_time(event.end)),
            reason="; ".join(self._reasons(named=named, confirmed=confirmed)),
        )

    def _reasons(self, *, named: bool, confirmed: bool) -> list[str]:
        """Why a row of events.csv is not a fault's event."""
        lines = [] if named else ["no fault: its windows look like no state that the model was trained on"]
        if not confirmed:
            lines.append(f"no event: fewer than {self.confirm} windows in a row, or taken for none by feedback")
        return lines

    def _evidence(
        self,
        evaluated: EvaluatedFile,
        event: Event,
        places: np.ndarray,
        spoken: np.ndarray,
        order: list[int],
        physics: Physics,
        peak: np.ndarray,
    ) -> Evidence:
        """What the report draws of an event."""
        info = self.detector.artifact.info
        times, image = _on_clock(spoken[:, order], evaluated.start[places], info.period_seconds)
        return Evidence(
            columns=tuple(info.columns[place] for place in order),
            physics=physics,
            looked_times=_clocks(evaluated, times),
            looked=np.maximum(image, 0),
            window=peak[order[0]],
            period_seconds=info.period_seconds,
        )


def _key(evaluated: EvaluatedFile, event: Event, within: str) -> _Key:
    return _Key(evaluated.file, event.fault, str(event.start), tuple(event.windows.tolist()), within)


def _around(peak: int, number: int) -> slice:
    """Up to `ATTRIBUTED` neighbours, the peak among them."""
    low = int(np.clip(peak - ATTRIBUTED // 2, 0, max(0, number - ATTRIBUTED)))
    return slice(low, min(low + ATTRIBUTED, number))


def _on_clock(spoken: np.ndarray, start: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Contributions of windows, which may overlap, on one line of time.

    Args:
        spoken: (m, C, L).
        start: (m,) datetime64[s].
        period: seconds of a step.

    Returns:
        (S,) datetime64[s] and (C, S), the mean where windows overlap, NaN where there is none.
    """
    first = (start - start[0]).astype(np.int64) // period  # (m,)
    steps = int(first.max()) + spoken.shape[2]
    total, number = np.zeros((spoken.shape[1], steps)), np.zeros(steps)
    for place, window in zip(first, spoken, strict=True):
        total[:, place : place + spoken.shape[2]] += window
        number[place : place + spoken.shape[2]] += 1
    with np.errstate(invalid="ignore"):
        return start[0] + np.arange(steps) * np.timedelta64(period, "s"), total / number


def _clocks(evaluated: EvaluatedFile, times: np.ndarray) -> np.ndarray:
    """Times as the file's clock showed them, without their distance from UTC."""
    trend = evaluated.trend
    place = np.clip(np.searchsorted(trend.times, times, side="right") - 1, 0, len(trend.times) - 1)
    return times + (trend.clock[place] - trend.times[place])
