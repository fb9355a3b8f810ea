"""The field's own measures for pages: what an operator would see, by window and by day."""

from collections.abc import Callable, Mapping
from typing import Any

from exp.reporting.page import duration, missing, percent
from exp.reporting.sentences import NO_INTERVAL, interval
from exp.runs.record import RunRecord

TITLES = {
    "accuracy": ("Accuracy", "of all, the share named right"),
    "false_alarm_rate": ("False alarm rate", "of the fault-free, called faulty; lower is better"),
    "detection_rate": ("Detection rate", "of the faulty, called faulty"),
    "correct_diagnosis_rate": ("Correct diagnosis rate", "of the faulty, called by their own name"),
    "correct_of_detected_rate": ("Correct diagnosis of detected", "of the faulty called faulty, by their own name"),
    "misdiagnosis_rate": ("Misdiagnosis rate", "of the faulty, called by another fault's name; lower is better"),
    "unknown_rate": ("Unknown rate", "of all, called unknown"),
    "no_answer_rate": ("No-answer rate", "of all, without an answer"),
}
HEADER = ("windows", "days", "windows, as detect says", "days, as detect says")


def rows(run: RunRecord, write: Callable[[Any], str] = percent) -> list[dict[str, Any]]:
    """A row a measure of the evaluated part: "title", "meaning" and "cells", one of `HEADER` each.

    A cell is (value, interval) as text. None at all where an earlier version evaluated the run.
    """
    part, answers = run.metrics[run.evaluated], run.metrics.get("answers", {}).get(run.evaluated, {})
    if "per_day" not in part:
        return []
    found = []
    for name, (title, meaning) in TITLES.items():
        measures = [
            of.get(name) for of in (part, part["per_day"], answers.get("per_window", {}), answers.get("per_day", {}))
        ]
        if any(measures):
            found.append({"title": title, "meaning": meaning, "cells": [_cell(measure, write) for measure in measures]})
    return found


def _cell(measure: Mapping[str, Any] | None, write: Callable[[Any], str]) -> tuple[str, str]:
    if measure is None:
        return "-", ""
    if missing(measure["value"]):
        return "not defined", ""
    within = interval(dict(measure), write)
    return write(measure["value"]), "" if within == NO_INTERVAL else within


def delay(run: RunRecord) -> str:
    """How long faults stay undetected by what `detect` says, as a sentence; "" where nothing is known of it."""
    found = run.metrics.get("answers", {}).get(run.evaluated, {}).get("time_to_detection")
    if not found or not found["episodes"]:
        return ""
    count, never, median = found["episodes"], found["never_detected"], found["median_hours"]
    words = f"The part holds {count:,} episode{'' if count == 1 else 's'} of a fault. "
    if missing(median["value"]):
        words += "At least half of them are never detected"
    else:
        bounds = [median["low"], median["high"]]
        known = not any(map(missing, bounds))
        within = f" (95 % interval {bounds[0]:g} to {bounds[1]:g} hours)" if known else ""
        words += f"Half of them are detected within {duration(3600 * median['value'])}{within}"
    return words + f"; {percent(never['value'])} are never detected ({interval(never)})."


def how_bounded(part: Mapping[str, Any]) -> str:
    """How the intervals of a part's measures were made, in a sentence."""
    kind = part.get("interval")
    if kind is None:
        return ""
    level, wilson = f"{100 * kind['level']:g} %", kind.get("wilson", {})
    if kind["draws"]:
        words = f"In brackets the {level} interval over draws of whole blocks."
        if wilson:
            words += " Where all draws agree, a rate has Wilson's interval with its blocks as trials"
            words += f" ({', '.join(name.replace('_', ' ') for name in wilson)}), and other measures have none."
        return words
    if not wilson:
        return f"There are no intervals: {kind['reason']}."
    words = f"In brackets Wilson's {level} interval of rates, of as many trials as blocks."
    return words + f" No other measure has an interval: {kind['reason']}."
