"""What measures of an earlier version are held to, and what pages show of the field's own measures."""

import json
from pathlib import Path

import numpy as np
import pytest

from exp.evaluation.measure import known_to, measures_of
from exp.evaluation.predictions import Predictions
from exp.reporting import rates, training_report
from exp.runs.record import read_run
from tests import fake_run
from tests.evaluation.kit import NAMES, hours, numbers
from utils.written import agree


def predictions(truth: str, answer: str) -> Predictions:
    n, start = len(truth), hours(*(6 * i for i in range(len(truth))))
    file = np.array([NAMES[k] for k in numbers(truth)])
    sure = np.eye(3)[numbers(answer)]
    return Predictions("test", NAMES, sure, numbers(truth), file, start, start + 3600, np.arange(n) // 2)


def as_stored_earlier(measures: dict) -> dict:
    """As a version wrote it that knew draws of blocks alone."""
    stored = {name: value for name, value in measures.items() if name not in ("per_day", "time_to_detection")}
    for name in ("correct_of_detected_rate", "misdiagnosis_rate"):
        del stored[name]
    stored["correct_type_rate"] = stored.pop("correct_diagnosis_rate")
    stored["interval"] = {name: value for name, value in stored["interval"].items() if name != "wilson"}
    for name, value in list(stored.items()):
        if isinstance(value, dict) and "value" in value and name in measures["interval"]["wilson"]:
            stored[name] = {**value, "low": value["value"], "high": value["value"]}
    return stored


@pytest.mark.parametrize("answer", ["nnnnssss", "nnsnssns"])
def test_measures_of_an_earlier_version_are_compared_by_what_it_knew(answer):
    now = measures_of(predictions("nnnnssss", answer), "normal")
    stored = json.loads(json.dumps(as_stored_earlier(now)))
    assert agree(known_to(stored, now), stored)
    assert agree(known_to(now, now), now)
    other = measures_of(predictions("nnnnssss", "nnnnsssl"), "normal")
    assert not agree(known_to(stored, other), stored)
    assert not agree(known_to(now, other), now)
    stored["accuracy"]["value"] -= 1e-6
    assert not agree(known_to(stored, now), stored)


def test_measures_hold_days_and_delays():
    found = measures_of(predictions("nnnnnnnnssssssss", "nnsnnnnsnnnnssls"), "normal")
    assert found["per_day"]["days"] == 4
    assert found["per_day"]["false_alarm_rate"]["value"] == 0
    assert found["per_day"]["detection_rate"]["value"] == 0.5
    assert found["time_to_detection"]["median_hours"]["value"] == pytest.approx(24 + 1)
    assert "time_to_detection" not in measures_of(predictions("nn", "nn"), None)


def test_the_report_shows_windows_and_days(tmp_path: Path):
    run = fake_run.make(tmp_path / "run")
    assert rates.rows(read_run(run)) == [], "an earlier version wrote no days"
    assert "operator" not in training_report.write(run).read_text(encoding="utf-8")
    metrics = json.loads((run / "metrics.json").read_text())
    found = measures_of(predictions("nnnnnnnnssssssss", "nnsnnnnsnnnnssls"), "normal")
    metrics["test"] |= {"per_day": found["per_day"]}
    part = {"windows": 16, "unknown": 0, "no answer": 0, "ece": {"value": 0.0, "low": None, "high": None}}
    metrics["answers"] = {
        "temperature": 1.0,
        "score": "readings",
        "threshold": 1.0,
        "unknown_rate": 0.05,
        "left_out": {},
        "val": part,
        "test": {**part, "per_day": found["per_day"], "time_to_detection": found["time_to_detection"]},
    }
    (run / "metrics.json").write_text(json.dumps(metrics))
    shown = {row["title"]: row["cells"] for row in rates.rows(read_run(run))}
    assert shown["Detection rate"][1][0] == "50.0\u00a0%"
    assert shown["Detection rate"][0] == ("-", "")
    html = training_report.write(run).read_text(encoding="utf-8")
    assert "What an operator would see" in html
    assert "Half of them are detected within 1\u00a0d 1\u00a0h; 0.0\u00a0% are never detected" in html


def test_a_run_with_the_former_name_shows_the_present_one(tmp_path: Path):
    run = fake_run.make(tmp_path / "run")
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["test"]["correct_type_rate"] = {"value": 0.25, "low": 0.125, "high": 0.5}
    (run / "metrics.json").write_text(json.dumps(metrics))
    assert read_run(run).metrics["test"]["correct_diagnosis_rate"]["value"] == 0.25
    assert "Correct diagnosis rate" in training_report.write(run).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ({"level": 0.95, "draws": 9, "reason": None}, "over draws of whole blocks."),
        ({"level": 0.95, "draws": 9, "wilson": {"detection_rate": 4}, "reason": None}, "(detection rate)"),
        ({"level": 0.95, "draws": 0, "wilson": {"accuracy": 1}, "reason": "one block"}, "Wilson's 95 % interval"),
        ({"level": 0.95, "draws": 0, "reason": "one block"}, "There are no intervals: one block."),
    ],
)
def test_a_page_says_how_intervals_were_made(interval, words):
    assert words in rates.how_bounded({"interval": interval})
