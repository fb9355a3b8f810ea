"""One pass over trend files: every file evaluated once, and what is written of it."""

import dataclasses
import heapq
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_provider.datasets import DATASETS
from data_provider.trends.files import TrendFile
from exp.detection import report, tables
from exp.detection.days import DAY_FIELDS, day_rows
from exp.detection.detector import Detector
from exp.detection.evaluated import EvaluatedFile
from exp.detection.findings import Finder
from exp.detection.record import FAULT, Finding, Unit, in_order
from exp.detection.summary import summary
from exp.detection.tables import Output
from exp.evaluation.decision import NO_ANSWER, NORMAL
from utils.files import csv_text

logger = logging.getLogger(__name__)

MOST_DRAWN = 24  # events that the report draws, those of the most hours
TOLD = ("layout", "style", "quality", "cell", "code")  # kinds of problems that the console tells too
MOST_TOLD = 6  # lines of a file on the console
MOST_NOTES = 12  # lines of a file that could be many


@dataclass
class Result:
    """What one pass over the files found."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    singles: list[Finding] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[Finding]:
        """The rows of events.csv, file by file: faults with a name, unusual operation, then windows outside events."""
        order = {unit.file: place for place, unit in enumerate(self.units)}
        return sorted(in_order([*self.findings, *self.singles]), key=lambda finding: order[finding.file])


def evaluate_files(detector: Detector, finder: Finder, files: Iterable[TrendFile]) -> Result:
    """Evaluates every file once; of one only what is written or drawn is kept."""
    result = Result()
    classes = detector.artifact.info.classes
    for found in files:
        evaluated = detector.read(found)
        findings, singles, held = finder.find(evaluated)
        result.rows += tables.window_rows(evaluated, classes)
        result.days += day_rows(evaluated, detector.artifact.info)
        unit = _unit(evaluated, findings, singles)
        result.units.append(dataclasses.replace(unit, held=held, names=detector.words))
        result.findings += findings
        result.singles += singles
        if evaluated.trend.fatal:
            result.refused.append(f"{evaluated.file}: {evaluated.refused}")
        if evaluated.refused:
            logger.warning("%s: %s", evaluated.file, evaluated.refused)
        said = [problem.reason for problem in evaluated.trend.problems if problem.kind in TOLD and not problem.fatal]
        for line in [] if detector.request.growing else [*evaluated.cautions, *said][:MOST_TOLD]:
            logger.info("%s: %s", evaluated.file, line)
        result.findings = with_most_drawn(result.findings)
    return result


def with_most_drawn(findings: list[Finding]) -> list[Finding]:
    """The same, with what is drawn of those that the report has room for."""
    drawn = heapq.nlargest(MOST_DRAWN, findings, key=lambda f: (f.evidence is not None, f.kind == FAULT, f.hours))
    kept = {id(finding) for finding in drawn}
    return [f if id(f) in kept else dataclasses.replace(f, evidence=None) for f in findings]


def _unit(evaluated: EvaluatedFile, findings: list[Finding], singles: list[Finding]) -> Unit:
    """A file as the report tells of it."""
    times = evaluated.trend.times
    span = (evaluated.clock(times[0]), evaluated.clock(times[-1])) if len(times) else ("", "")
    silent = [(evaluated.clock(gap.start), evaluated.clock(gap.end), gap.reason) for gap in evaluated.gaps]
    silent += [
        (evaluated.clock(evaluated.start[place]), evaluated.clock(evaluated.end[place]), str(evaluated.reason[place]))
        for place in np.flatnonzero(evaluated.verdict == NO_ANSWER)
    ]
    if evaluated.refused:
        silent.append((*span, evaluated.refused))
    notes = evaluated.notes
    said = [f"{day.day}: {day.reason}" for day in evaluated.days if day.verdict == NORMAL and day.reason]
    cautions = [*evaluated.cautions, *said[:MOST_NOTES], *notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        cautions.append(f"and {len(notes) - MOST_NOTES} more; python run.py doctor lists them")
    return Unit(
        file=evaluated.file,
        start=span[0],
        end=span[1],
        spans=_spans(evaluated),
        windows=int((evaluated.verdict != NO_ANSWER).sum()),
        verdicts=dict(Counter(str(verdict) for verdict in evaluated.verdict)),
        silent=sorted(silent),
        cautions=cautions,
        findings=findings,
        single={finding.fault: finding.windows for finding in singles},
        days=dict(Counter(day.verdict for day in evaluated.days)),
    )


def _spans(evaluated: EvaluatedFile) -> list[tuple[str, str]]:
    """Spans of a file with at most a day between readings."""
    times = evaluated.trend.times
    if not len(times):
        return []
    breaks = np.flatnonzero(np.diff(times) > np.timedelta64(1, "D"))
    begins, ends = np.append(0, breaks + 1), np.append(breaks, len(times) - 1)
    return [(evaluated.clock(times[a]), evaluated.clock(times[b])) for a, b in zip(begins, ends, strict=True)]


def write(detector: Detector, finder: Finder, result: Result, output: Output) -> None:
    """Writes windows.csv, events.csv, summary.json, report.html and, where days are decided about, days.csv.

    Raises:
        UserError: a file cannot be written.
    """
    artifact = detector.artifact
    tables.grow(output.path("windows"), csv_text(tables.window_fields(artifact.info.classes), result.rows))
    tables.grow(output.path("events"), csv_text(tables.EVENT_FIELDS, map(tables.event_row, result.events)))
    if artifact.days is not None:
        tables.grow(output.path("days"), csv_text(DAY_FIELDS, result.days))
    drawn = {(f.file, f.fault, f.start): f for f in result.findings}
    units = [
        dataclasses.replace(unit, findings=[drawn[f.file, f.fault, f.start] for f in unit.findings])
        for unit in result.units
    ]
    about = about_of(detector, finder)
    tables.grow(output.path("summary"), summary(units, about))
    report.write(output.path("report"), units, about)


def about_of(detector: Detector, finder: Finder) -> report.About:
    """What the report says of the model."""
    artifact = detector.artifact
    info = artifact.info
    origin = DATASETS[info.data].origin if info.data in DATASETS else info.data
    if info.report.get("simulated") and info.data != "fleet":
        origin = "a unit that this program simulated"
    return report.About(
        model=artifact.options.model,
        data=info.data,
        classes=len(info.classes),
        has_normal=info.normal is not None,
        window_seconds=info.seq_len * info.period_seconds,
        stride_seconds=detector.stride * info.period_seconds,
        unknown_rate=detector.unknown_rate,
        false_alarm_rate=detector.false_alarm_rate,
        confirm=finder.confirm,
        hold_hours=finder.hold_hours,
        by_days=artifact.days is not None,
        trained_on=origin,
        simulated="simulated" in origin,
    )
