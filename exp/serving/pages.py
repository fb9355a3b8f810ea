"""What the pages of the web app show."""

import shlex
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exp.serving.marking import Events, events_of
from exp.serving.role_form import forms_of
from exp.serving.service import Service
from exp.serving.upload import RESULTS, Upload
from utils.errors import UserError

_TEMPLATES = Path(__file__).resolve().parent / "templates"
STYLE = _TEMPLATES.parents[1] / "reporting" / "templates" / "style.css"  # the reports' own, so that both look alike
_WORK = {"doctor": "Reading the files", "detect": "Looking for faults", "feedback": "Taking the marks"}


def page(template: str, **context: Any) -> str:
    """A page; everything put into it is escaped.

    Raises:
        jinja2.UndefinedError: the template uses a name that the context lacks.
    """
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"reading": _reading, "moment": lambda time: time.replace("T", " ")[:16]}
    environment.filters["first_up"] = lambda words: words[:1].upper() + words[1:]
    return environment


def upload_page(service: Service, upload: Upload, view: str) -> tuple[str, dict[str, Any]]:
    """The template and what to show of an upload.

    Args:
        service: whose upload.
        upload: which one.
        view: "points" or "result" to look at something that is not the last step.

    Raises:
        UserError: what is known of the upload cannot be read.
    """
    notes = upload.notes()
    context: dict[str, Any] = {"upload": upload, "notes": notes, "found": upload.result("report.html") is not None}
    job = service.jobs.active(upload.id)
    if job is not None:
        return "running.html.j2", {**context, "job": job, "work": _WORK[job.verb]}
    done = notes["last"] == "detect" and notes["detect"].get("status") == 0
    if context["found"] and (view == "result" or (done and view != "points")):
        return "result.html.j2", {**context, **_result(service, upload, notes)}
    return "points.html.j2", {**context, **_points(service, upload, notes)}


def _result(service: Service, upload: Upload, notes: dict[str, Any]) -> dict[str, Any]:
    try:
        events, error = events_of(upload.found), str(notes.get("detect", {}).get("error", ""))
    except UserError as wrong:
        events, error = Events("", [], 0), str(wrong)
    return {
        "events": events,
        "error": error,
        "told": notes.get("feedback", {}).get("lines", []),
        "files": [name for name in RESULTS if upload.result(name)],
        "command": shlex.join(["python", "run.py"] + service.detection(upload)),
    }


def _points(service: Service, upload: Upload, notes: dict[str, Any]) -> dict[str, Any]:
    lines, content = service.lines(upload)
    forms = forms_of([point["name"] for point in content["points"]], lines)
    points = {forms[point["name"]]: point for point in content["points"]}
    used = {line.column for line in lines}
    return {
        "lines": lines,
        "points": points,
        "others": [point for form, point in points.items() if form not in used],
        "first": content["file"],
        "said": _paragraphs(notes.get("doctor", {}).get("lines", [])),
        "error": notes.get(notes["last"], {}).get("error", ""),
        "model": service.model_of(upload),
    }


def _paragraphs(lines: list[str]) -> list[tuple[str, list[str]]]:
    """What doctor said, file by file: a line, and those that are set in below it."""
    paragraphs: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith(" ") and paragraphs:
            paragraphs[-1][1].append(line.strip())
        elif not line.startswith("role map:"):  # the app shows it
            paragraphs.append((line, []))
    return paragraphs


def _reading(point: dict[str, Any]) -> str:
    """What a point reads: "55.3 (40.1 to 72.9) F"."""
    if "usual" not in point:
        return "no number"
    low, usual, high = (f"{point[name]:g}" for name in ("low", "usual", "high"))
    span = f"always {usual}" if low == high else f"{usual} ({low} to {high})"
    return f"{span} {point['unit']}".rstrip()
