"""report.html of a detection: one file that opens offline, for whoever runs the building."""

import datetime
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from exp.detection import plots
from exp.detection.evidence.page import with_evidence
from exp.detection.headline import headline
from exp.detection.record import FAULT, UNUSUAL, Finding, Unit, counted, in_order, outside_events
from exp.detection.status import Status, misfit_words, remedies, status_of, with_status
from exp.detection.timeline import day, instant, moment, timeline
from exp.evaluation.decision import NO_ANSWER
from exp.reporting.page import Picture, duration, percent, picture, render, save

MARK = "<!-- detection report -->"
_MOST_SILENT = 200  # rows of what could not be evaluated
_MOST_ROWS = 100  # in the table of events


@dataclass(frozen=True, kw_only=True)
class About:
    """What evaluated.

    Attributes:
        model, data: names.
        classes: number of states that the model tells apart.
        has_normal: whether one of them is fault-free.
        window_seconds, stride_seconds: of the windows.
        unknown_rate: share of known windows that may be called unknown.
        false_alarm_rate: share of fault-free windows that may be called a fault.
        confirm: windows that open and close an event.
        hold_hours: of operation that may speak against a fault within one event.
        trained_on: whose readings it was trained on, in words.
        simulated: whether it has seen simulated units only.
        by_days: whether days are decided about.
    """

    model: str
    data: str
    classes: int
    has_normal: bool
    window_seconds: int
    stride_seconds: int
    unknown_rate: float
    false_alarm_rate: float
    confirm: int
    hold_hours: float
    trained_on: str
    simulated: bool
    by_days: bool


def write(path: Path, units: Sequence[Unit], about: About) -> Path:
    """Writes the page.

    Args:
        path: where to.
        units: the files that were evaluated.
        about: what evaluated them.

    Returns:
        The path.

    Raises:
        UserError: it cannot be written.
    """
    save(path, render("detection.html.j2", **with_evidence(_context(units, about))))
    return path


def _context(units: Sequence[Unit], about: About) -> dict[str, Any]:
    findings = in_order([finding for unit in units for finding in unit.findings])
    silent = [(unit.file, *row) for unit in units for row in unit.silent]
    found = with_status(units)
    return {
        "mark": MARK,
        "title": units[0].file if len(units) == 1 else f"{len(units)} units",
        "about": about,
        "span": _span(units),
        "made": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "headline": headline(units, about.confirm),
        "misfits": [(unit.file, misfit_words(unit)) for unit in found[Status.MISFIT]],
        "remedies": remedies(base=about.by_days) if found[Status.MISFIT] or found[Status.SILENT] else [],
        "doubtful": {unit.file for unit in found[Status.MISFIT]},
        "tiles": _tiles(units, findings),
        "timeline": timeline(units),
        "events": [_event(finding, place) for place, finding in enumerate(findings, 1)],
        "most_rows": _MOST_ROWS,
        "silent": [(file, moment(start), moment(end), reason) for file, start, end, reason in silent[:_MOST_SILENT]],
        "silent_rest": max(0, len(silent) - _MOST_SILENT),
        "reasons": _reasons(silent),
        "single": [(unit.file, outside_events(unit)) for unit in units if unit.single],
        "cautions": [(unit.file, line) for unit in units for line in [*unit.held, *unit.cautions]],
        "held": any(unit.held for unit in units),
        "units": [_unit(unit) for unit in units],
        "window": duration(about.window_seconds),
        "stride": duration(about.stride_seconds),
    }


def _tiles(units: Sequence[Unit], findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    windows = sum(unit.windows for unit in units)
    silent = sum(unit.verdicts.get(NO_ANSWER, 0) for unit in units)
    found = {status: len(mine) for status, mine in with_status(units).items()}
    fits = len(units) - found[Status.MISFIT] - found[Status.SILENT]
    faults, unusual = counted(findings, FAULT), counted(findings, UNUSUAL)
    hours = sum(finding.hours for finding in unusual)
    return [
        ("Units with faults", f"{found[Status.FAULTY]} of {len(units)}", f"the model fits {fits}"),
        ("Faults", _many(len(faults), "event"), f"{sum(finding.hours for finding in faults):.0f} h of operation"),
        ("Unusual, no fault", _many(len(unusual), "event"), f"{hours:.0f} h of operation"),
        ("Windows evaluated", f"{windows:,}", f"{silent:,} without an answer"),
    ]


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _event(finding: Finding, place: int) -> dict[str, Any]:
    named = finding.kind == FAULT
    sure = finding.mean_confidence if finding.mean_confidence is not None else finding.mean_novelty
    return {
        "finding": finding,
        "place": place,
        "named": named,
        "start": moment(finding.start),
        "end": moment(finding.end),
        "within": moment(finding.within),
        "sure": percent(sure, 0),
        "peak": percent(finding.peak, 0),
        "figures": _figures(finding),
    }


@lru_cache(maxsize=64)  # by identity: a file that is followed draws only what is new
def _figures(finding: Finding) -> list[tuple[str, str, Picture]]:
    evidence = finding.evidence
    if evidence is None:
        return []
    what = "for the fault" if finding.kind == FAULT else "for being unlike the training data"
    drawn = (
        ("Where the network looked", f"How much each reading speaks {what}, in the surest windows.",
         plots.looked),
        ("Gramian images", f"{evidence.columns[0]} in the surest window, as the network sees it: its trend, and its "
         "two images. Time runs to the right and upwards.", plots.images),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return [(title, text, picture(draw(evidence, Path(folder) / "figure.png"))) for title, text, draw in drawn]


def _unit(unit: Unit) -> tuple[str, str, str, str, int, str]:
    said = _counts(unit.names, unit.verdicts)
    if unit.days:
        said = f"days: {_counts(unit.names, unit.days)}; windows: {said}"
    return unit.file, str(status_of(unit)), moment(unit.start), moment(unit.end), unit.windows, said or "none"


def _counts(names: Mapping[str, str], verdicts: Mapping[str, int]) -> str:
    """Verdicts in words, the most frequent first."""
    return "; ".join(f"{names[name]}: {number:,}" for name, number in sorted(verdicts.items(), key=lambda v: -v[1]))


def _reasons(silent: Sequence[tuple[str, str, str, str]]) -> int:
    """Number of units with something that could not be evaluated."""
    return len({row[0] for row in silent})


def _span(units: Sequence[Unit]) -> str:
    known = [unit for unit in units if unit.start]
    if not known:
        return ""
    first, last = min(instant(unit.start) for unit in known), max(instant(unit.end) for unit in known)
    return f"{day(first)} to {day(last)}"
