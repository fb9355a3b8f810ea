"""summary.json of a detection: its headline and counts, for programs."""

import json
from collections.abc import Sequence
from typing import Any

from exp.detection.headline import headline
from exp.detection.record import FAULT, UNUSUAL, Finding, Unit, counted
from exp.detection.report import About
from exp.detection.status import Status, misfit_words, remedies, status_of, with_status
from exp.evaluation.decision import NO_ANSWER, UNKNOWN

MARK = '"written_by": "run.py detect"'
FORMAT = 1


def summary(units: Sequence[Unit], about: About) -> str:
    """The text of summary.json; `units` and `events` count faults, unusual operation and misfits apart."""
    findings = [finding for unit in units for finding in unit.findings]
    content = {
        "written_by": "run.py detect",
        "format": FORMAT,
        "headline": headline(units, about.confirm),
        "model": {"name": about.model, "trained_on": about.trained_on, "simulated": about.simulated},
        "units": {str(status): len(mine) for status, mine in with_status(units).items()},
        "events": {kind: len(counted(findings, kind)) for kind in (FAULT, UNUSUAL)},
        "files": [_file(unit, about) for unit in units],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _file(unit: Unit, about: About) -> dict[str, Any]:
    status = status_of(unit)
    row = {
        "file": unit.file,
        "status": str(status),
        "start": unit.start,
        "end": unit.end,
        "windows": sum(unit.verdicts.values()),
        UNKNOWN: unit.verdicts.get(UNKNOWN, 0),
        NO_ANSWER: unit.verdicts.get(NO_ANSWER, 0),
        "faults": [_event(finding) for finding in counted(unit.findings, FAULT)],
        "unusual": [_event(finding) for finding in counted(unit.findings, UNUSUAL)],
        "windows_outside_events": dict(unit.single),
    }
    if status is Status.MISFIT:
        row["reason"] = misfit_words(unit)
    elif status is Status.SILENT and unit.silent:
        row["reason"] = unit.silent[0][2]
    return {**row, "remedies": remedies(base=about.by_days)} if status in (Status.MISFIT, Status.SILENT) else row


def _event(finding: Finding) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in ("fault", "words", "start", "end", "hours", "ongoing")}
