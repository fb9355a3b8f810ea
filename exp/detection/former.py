"""What was found in readings that a file held before it was begun again, together with what is found now."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from exp.detection.feedback import Feedback
from exp.detection.record import Finding, Unit
from exp.detection.session import Result, with_most_drawn
from exp.evaluation.decision import NO_ANSWER, NORMAL

_GONE = "~"  # after every time


def with_former(former: Result | None, now: Result) -> Result:
    """One result of two looks at the same files.

    Of each file, what the former look found before the first reading that the file has now stays; all of it where the
    file is gone or cannot be read now. Of a file that only grew that is nothing.
    """
    if former is None:
        return now
    first = {unit.file: unit.start or _GONE for unit in now.units}

    def stays(entry: Mapping[str, Any]) -> bool:
        return entry.get("start", _GONE) < first.get(entry["file"], _GONE)

    both = Result(
        rows=_by_file([row for row in former.rows if stays(row)], now.rows),
        days=_by_file(*_days_of(former, now, first)),
        findings=with_most_drawn(_events([f for f in former.findings if stays(vars(f))], now, first)),
        singles=[f for f in former.singles if stays(vars(f))] + now.singles,
        refused=now.refused,
    )
    known = {unit.file: unit for unit in former.units}
    both.units = [_joined(known.pop(unit.file, None), unit, both) for unit in now.units]
    both.units = sorted([*known.values(), *both.units], key=lambda unit: unit.file)
    return both


def _events(former: list[Finding], now: Result, first: Mapping[str, str]) -> list[Finding]:
    """The events of both; one that lasted to the end of the former readings and goes on in the first window is one."""
    opening: dict[str, str] = {}  # the first window of each file that has an answer
    for row in now.rows:
        if row["verdict"] != NO_ANSWER:
            opening.setdefault(row["file"], row["start"])
    found = list(now.findings)
    kept = []
    for event in former:
        if not event.ongoing or first.get(event.file, _GONE) == _GONE:
            kept.append(event)
            continue
        place = next((i for i, f in enumerate(found) if (f.file, f.fault, f.start) == _next(event, opening)), None)
        if place is None:
            kept.append(dataclasses.replace(event, ongoing=False))
        else:
            found[place] = _one(event, found[place])
    return kept + found


def _next(event: Finding, opening: Mapping[str, str]) -> tuple[str, str, str | None]:
    """File, fault and start of the event that goes on with one."""
    return event.file, event.fault, opening.get(event.file)


def _one(event: Finding, later: Finding) -> Finding:
    windows = event.windows + later.windows
    means = {
        name: (getattr(event, name) * event.windows + getattr(later, name) * later.windows) / windows
        for name in ("mean_confidence", "mean_novelty")
        if getattr(later, name) is not None
    }
    peaks = {
        name: max(getattr(event, name), getattr(later, name))
        for name in ("peak_confidence", "peak_novelty")
        if getattr(later, name) is not None
    }
    return dataclasses.replace(
        later, start=event.start, hours=event.hours + later.hours, windows=windows, **means, **peaks
    )


def heeding(result: Result, feedback: Feedback) -> Result:
    """A result without the events that people have marked wrong since they were found."""
    findings: list[Finding] = []
    units = []
    for unit in result.units:
        mine = [finding for finding in result.findings if finding.file == unit.file]
        mine, _ = feedback.sift(
            unit.file, mine, named=lambda f: (f.fault, f.start), peak=lambda f: f.peak, words=unit.names
        )
        findings += mine
        units.append(dataclasses.replace(unit, findings=mine))
    return dataclasses.replace(result, findings=findings, units=units)


def _by_file(former: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows file by file, the former ones first."""
    return sorted([*former, *now], key=lambda row: row["file"])


def _days_of(former: Result, now: Result, first: Mapping[str, str]) -> tuple[list[dict], list[dict]]:
    """The days of both; of a day that both decided about, the decision that says more."""
    mine = {(row["file"], row["day"]): row for row in now.days}
    kept = []
    for row in former.days:
        key = row["file"], row["day"]
        if row["day"] > first.get(row["file"], _GONE)[:10]:
            continue
        if key not in mine or _says(row) > _says(mine[key]):
            mine.pop(key, None)
            kept.append(row)
    return kept, [*mine.values()]


def _says(row: Mapping[str, Any]) -> int:
    """A fault more than nothing unusual, and that more than no answer."""
    return {NO_ANSWER: 0, NORMAL: 1}.get(row["verdict"], 2)


def _joined(former: Unit | None, unit: Unit, both: Result) -> Unit:
    """A file as the report tells of it."""
    if former is None or (unit.start and former.start >= unit.start):
        return unit
    first = unit.start or _GONE
    answered = [row for row in both.rows if row["file"] == unit.file and row["verdict"] != NO_ANSWER]
    silent = [gap for gap in former.silent if gap[0] < first] + unit.silent
    single: Counter[str] = Counter()
    for finding in both.singles:
        single[finding.fault] += finding.windows * (finding.file == unit.file)
    return dataclasses.replace(
        unit,
        start=former.start,
        end=unit.end or former.end,
        spans=[span for span in former.spans if span[0] < first] + unit.spans,
        windows=len(answered),
        verdicts=dict(Counter(row["verdict"] for row in answered)) | ({NO_ANSWER: len(silent)} if silent else {}),
        silent=silent,
        findings=_of(unit.file, both.findings),
        single={fault: number for fault, number in single.items() if number},
        days=dict(Counter(row["verdict"] for row in both.days if row["file"] == unit.file)),
    )


def _of(file: str, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.file == file]
