"""report.html of a detection: one file that opens offline, for whoever runs the building."""

import datetime
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from exp.detection import plots
from exp.detection.evidence.page import with_evidence
from exp.detection.record import Finding, Unit, outside_events
from exp.reporting.page import Picture, duration, percent, picture, render, save

MARK = "<!-- detection report -->"
_MOST_UNITS = 60  # in the timeline
_MOST_SILENT = 200  # rows of what could not be evaluated
_MOST_WORDS = 20  # units told about in words
_LONG_GAP = 3 * 86400.0  # seconds without data of any unit that the timeline leaves out
_TICK = 16.0  # percent of the timeline that a day's words take


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
        by_days: whether days are decided about.
        simulated: whether the model has seen simulated units only.
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
    by_days: bool = False
    simulated: bool = False


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
    findings = [finding for unit in units for finding in unit.findings]
    silent = [(unit.file, *row) for unit in units for row in unit.silent]
    return {
        "mark": MARK,
        "title": units[0].file if len(units) == 1 else f"{len(units)} units",
        "about": about,
        "span": _span(units),
        "made": f"{datetime.datetime.now():%Y-%m-%d %H:%M}",
        "headline": _headline(units, findings, about.confirm),
        "told": [_told(unit) for unit in units if unit.findings][:_MOST_WORDS],
        "untold": max(0, sum(bool(unit.findings) for unit in units) - _MOST_WORDS),
        "tiles": _tiles(units, findings),
        "timeline": _timeline(units),
        "events": [_event(finding) for finding in findings],
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


def _headline(units: Sequence[Unit], findings: Sequence[Finding], confirm: int) -> str:
    """The page in a sentence."""
    evaluated = [unit for unit in units if unit.windows]
    if not evaluated:
        return "Nothing could be evaluated; the table below says why."
    faulty = [unit for unit in evaluated if unit.findings]
    what = "unit was" if len(evaluated) == 1 else "units were"
    if not faulty:
        single = [unit for unit in evaluated if unit.single]
        if not single:
            return f"No fault was found: {len(evaluated)} {what} evaluated, {_hours(units)} of operation."
        said = f"{outside_events(single[0])}, {_why_none(single[0], confirm)}"
        where = "" if len(evaluated) == 1 else f" In {single[0].file} "
        more = f", and {len(single) - 1} more units have such windows" if len(single) > 1 else ""
        return f"No event, but not all is normal in {_hours(units)} of operation:{where or ' '}{said}{more}."
    if len(evaluated) == 1:
        kinds = len({finding.fault for finding in findings})
        how = "1 event" if len(findings) == 1 else f"{len(findings)} events of {kinds} kind{'s' * (kinds > 1)}"
        return f"Faults were found in this unit: {how} in {_hours(units)} of operation."
    return f"Faults were found in {len(faulty)} of the {len(evaluated)} units that could be evaluated."


def _why_none(unit: Unit, confirm: int) -> str:
    if unit.held:
        return "held back by feedback or too few in a row"
    return "none twice in a row" if confirm == 2 else f"fewer than {confirm} in a row"


def _told(unit: Unit) -> tuple[str, list[str]]:
    """A unit and its faults in words, the longest first."""
    lines = []
    for fault in dict.fromkeys(f.fault for f in sorted(unit.findings, key=lambda f: -f.hours)):
        mine = [finding for finding in unit.findings if finding.fault == fault]
        hours = sum(finding.hours for finding in mine)
        sure = sum(finding.mean_confidence * finding.hours for finding in mine) / max(hours, 1e-9)
        until = "still there when the data ends" if mine[-1].ongoing else f"until {moment(mine[-1].end)}"
        since = "since" if len(mine) == 1 else f"{len(mine)} events, the first since"
        until = f"the last {until}" if len(mine) > 1 else f"and {until}" if mine[-1].ongoing else until
        how_sure = "" if fault == "unknown" else f"; confidence {percent(sure, 0)}"
        meaning = mine[0].meaning.split(";")[0]
        lines.append(
            f"{meaning[:1].upper()}{meaning[1:]}: {since} {moment(mine[0].start)}, {until}; "
            f"{hours:.0f}\u00a0h{how_sure}."
        )
    return unit.file, lines


def _tiles(units: Sequence[Unit], findings: Sequence[Finding]) -> list[tuple[str, str, str]]:
    windows = sum(unit.windows for unit in units)
    silent = sum(unit.verdicts.get("no answer", 0) for unit in units)
    faulty = sum(bool(unit.findings) for unit in units)
    kinds = Counter(finding.fault for finding in findings)
    most = kinds.most_common(1)[0][0] if kinds else "none"
    return [
        ("Units with events", f"{faulty} of {len(units)}", f"{sum(not unit.windows for unit in units)} not evaluated"),
        ("Events", str(len(findings)), f"most often: {most}"),
        ("Hours in events", f"{sum(finding.hours for finding in findings):.0f}", "while the unit worked"),
        ("Windows evaluated", f"{windows:,}", f"{silent:,} without an answer"),
    ]


def _timeline(units: Sequence[Unit]) -> dict[str, Any] | None:
    """Bars as shares of the time for which there is data; long times without any are left out."""
    shown = sorted((unit for unit in units if unit.spans), key=lambda unit: not unit.findings)[:_MOST_UNITS]
    if not shown:
        return None
    pieces = _pieces([(_instant(start), _instant(end)) for unit in shown for start, end in unit.spans])

    def bar(start: str, end: str) -> tuple[float, float]:
        left, right = _place(pieces, _instant(start)), _place(pieces, _instant(end))
        return round(left, 3), round(right - left, 3)

    rows = []
    for unit in shown:
        faults = dict.fromkeys(finding.fault for finding in unit.findings)
        lanes = [(fault, [_bar(f, bar) for f in unit.findings if f.fault == fault]) for fault in faults]
        rows.append({"file": unit.file, "spans": [bar(*span) for span in unit.spans], "lanes": lanes})
    rest = max(0, sum(bool(unit.spans) for unit in units) - _MOST_UNITS)
    return {"rows": rows, "ticks": _ticks(pieces), "rest": rest, "pieces": len(pieces)}


def _pieces(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    """Times with data, (start, end, from percent, to percent); between two of them lies a gap of the page."""
    joined: list[list[float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= _LONG_GAP:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    gap = min(1.2, 30 / len(joined))
    whole = max(sum(end - start for start, end in joined), 1.0)
    scale, left, pieces = (100 - gap * (len(joined) - 1)) / whole, 0.0, []
    for start, end in joined:
        width = (end - start) * scale
        pieces.append((start, end, left, left + width))
        left += width + gap
    return pieces


def _place(pieces: Sequence[tuple[float, float, float, float]], time: float) -> float:
    """Percent of the page at a time."""
    for start, end, left, right in pieces:
        if time <= end:
            return left + (right - left) * max(0.0, time - start) / max(end - start, 1.0)
    return 100.0


def _ticks(pieces: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, str]]:
    """Days under the timeline, as far apart as their words are wide."""
    if len(pieces) == 1:
        start, end = pieces[0][:2]
        return [(33.0 * n, _day(start + n / 3 * (end - start))) for n in range(3)]
    found: list[tuple[float, str]] = []
    for start, _, left, _ in pieces:
        if left <= 84 and (not found or left - found[-1][0] >= _TICK):
            found.append((left, _day(start)))
    return found


def _bar(finding: Finding, bar: Any) -> dict[str, Any]:
    left, width = bar(finding.start, finding.end)
    words = f"{finding.fault}, {moment(finding.start)} to {moment(finding.end)}, {finding.hours:.1f} h"
    return {"left": left, "width": width, "words": words, "faint": finding.fault == "unknown"}


def _event(finding: Finding) -> dict[str, Any]:
    return {
        "finding": finding,
        "start": moment(finding.start),
        "end": moment(finding.end),
        "sure": percent(finding.mean_confidence, 0),
        "peak": percent(finding.peak_confidence, 0),
        "figures": _figures(finding),
    }


@lru_cache(maxsize=64)  # by identity: a file that is followed draws only what is new
def _figures(finding: Finding) -> list[tuple[str, str, Picture]]:
    evidence = finding.evidence
    if evidence is None:
        return []
    unknown = finding.fault == "unknown"
    what = "for being unlike the training data" if unknown else "for the fault"
    drawn = (
        ("Where the network looked", f"How much each reading speaks {what}, in the surest windows.",
         plots.looked),
        ("Gramian images", f"{evidence.columns[0]} in the surest window, as the network sees it: its trend, and its "
         "two images. Time runs to the right and upwards.", plots.images),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return [(title, text, picture(draw(evidence, Path(folder) / "figure.png"))) for title, text, draw in drawn]


def _unit(unit: Unit) -> tuple[str, str, str, int, str]:
    said = ", ".join(f"{name} {number:,}" for name, number in sorted(unit.verdicts.items(), key=lambda v: -v[1]))
    if unit.days:
        days = ", ".join(f"{name} {number}" for name, number in sorted(unit.days.items(), key=lambda v: -v[1]))
        said = f"days: {days}; windows: {said}"
    return unit.file, moment(unit.start), moment(unit.end), unit.windows, said or "none"


def _reasons(silent: Sequence[tuple[str, str, str, str]]) -> int:
    """Number of units with something that could not be evaluated."""
    return len({row[0] for row in silent})


def _span(units: Sequence[Unit]) -> str:
    known = [unit for unit in units if unit.start]
    if not known:
        return ""
    first, last = min(_instant(unit.start) for unit in known), max(_instant(unit.end) for unit in known)
    return f"{_day(first)} to {_day(last)}"


def _hours(units: Sequence[Unit]) -> str:
    windows = sum(unit.windows for unit in units)
    return f"{windows:,} windows"


def moment(time: str) -> str:
    """A time as a person writes it: 2008-05-06T06:48:00 -> 2008-05-06 06:48."""
    return time.replace("T", " ")[:16]


def _instant(time: str) -> float:
    """Seconds of a time on its own clock; the distance from UTC is left out, as bars show the clock."""
    return datetime.datetime.fromisoformat(time[:19]).replace(tzinfo=datetime.UTC).timestamp()


def _day(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC):%Y-%m-%d}"
