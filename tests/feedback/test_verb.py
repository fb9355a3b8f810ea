"""`feedback`: what people mark in events.csv is kept, and heeded by the next `detect`."""

import csv
import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_provider.trends.files import trend_files
from exp import detect
from exp.detection import session
from exp.detection.findings import Finder
from exp.detection.load import detector_of
from exp.detection.tables import Output
from exp.runs.artifact import load_artifact
from tests.feedback.kit import events, found, give, rows, save
from tests.kit import train, write_folder
from utils.command_line import parse

FORMER = [
    *("file", "fault", "meaning", "start", "end", "hours", "windows", "mean_confidence", "peak_confidence"),
    *("sensors", "ongoing", "advice", "confirmed", "rules", "right"),
]
QUICK = ("--train_epochs", "4", "--batch_size", "8", "--seed", "3")


@pytest.fixture(autouse=True)
def _few_figures(monkeypatch) -> None:
    monkeypatch.setattr(session, "MOST_DRAWN", 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """Data to train on, and exports: a fault that comes and goes, one that stays, and a unit unlike all others."""
    folder = tmp_path_factory.mktemp("feedback")
    write_folder(folder / "data")
    table = {name: pd.read_csv(folder / "data" / f"{name}.csv") for name in ("normal", "biased", "stuck")}
    away = np.isin(np.arange(12), (2, 3, 6, 7, 8))[np.arange(12 * 96) // 96]  # whole days
    strange = table["normal"].assign(COMMAND=table["normal"]["COMMAND"].to_numpy()[::-1], OUTDOOR=60.0)
    exports = {
        **table,
        "biased": pd.concat([table["biased"][~away], table["normal"][away]]).sort_index(),
        "strange": strange,
    }
    (folder / "exports").mkdir()
    for name, rows_of in exports.items():
        rows_of.to_csv(folder / "exports" / f"{name}.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def plain(base) -> Path:
    status, folder = train(base / "data", base / "runs", *QUICK)
    assert status == 0
    return folder


@pytest.fixture(scope="module")
def first(base, plain) -> bytes:
    """The events.csv that a detection writes of all units."""
    assert found(plain, base / "exports", base / "first") == 0
    return (base / "first" / "events.csv").read_bytes()


def test_there_is_an_empty_column_to_fill_and_it_stays_where_it_was(first, base):
    table = rows(base / "first" / "events.csv")
    assert list(table[0])[: len(FORMER)] == FORMER  # what a person fills stays where it was
    assert {line["right"] for line in table} == {""}
    assert len([line for line in table if line["fault"] == "biased" and line["confirmed"] == "yes"]) > 2


def test_events_below_the_threshold_are_told_and_counted(first, base, plain, tmp_path, capsys):
    copy = tmp_path / "events.csv"
    copy.write_bytes(first)
    table = rows(copy)
    mine = [line for line in table if line["fault"] == "biased" and line["confirmed"] == "yes"]
    assert {line["file"] for line in mine} == {"biased.csv"}
    surest = max(mine, key=lambda line: float(line["peak_confidence"]))
    surest["right"] = "No "
    output = tmp_path / "found"
    assert give(save(copy, table), "--output", str(output)) == 0
    said = capsys.readouterr().out
    least = round(float(surest["peak_confidence"]) + 1e-6, 6)
    words = "threshold raised above 1" if least > 1 else f"threshold raised to {least:g}"
    assert f"biased.csv: biased: 1 wrong; {words}" in said
    assert found(plain, base / "exports", output) == 0
    after = rows(output / "events.csv")
    rest = [line for line in after if line["fault"] == "biased"]
    assert [line["confirmed"] for line in rest] == ["no"]
    before = sum(int(line["windows"]) for line in table if line["fault"] == "biased")
    assert int(rest[0]["windows"]) == before
    others = [line for line in table if line["file"] != "biased.csv"]
    assert [line for line in after if line["file"] != "biased.csv"] == others
    printed = capsys.readouterr().out
    page = html.unescape((output / "report.html").read_text(encoding="utf-8"))
    lower = len(mine) - 1
    for text in (
        "biased.csv: a sensor reads wrong: 1 event was marked wrong",
        f"biased.csv: a sensor reads wrong: {lower} events lie below the threshold that feedback set",
    ):
        assert text in printed
        assert text in page
    assert "or held back by feedback" in page
    assert "twice in a row" not in page


def test_a_page_without_an_event_says_why(first, base, plain, tmp_path, capsys):
    table = [
        line | {"right": "wrong" if line["confirmed"] == "yes" else ""} for line in rows(base / "first/events.csv")
    ]
    assert give(save(tmp_path / "events.csv", table)) == 0
    assert found(plain, base / "exports" / "stuck.csv", tmp_path / "x") == 0  # another folder knows nothing of it
    assert events(tmp_path / "x" / "events.csv")
    (tmp_path / "x" / "feedback.json").write_bytes((tmp_path / "feedback.json").read_bytes())
    assert found(plain, base / "exports" / "stuck.csv", tmp_path / "x") == 0
    assert events(tmp_path / "x" / "events.csv") == []
    page = (tmp_path / "x" / "report.html").read_text(encoding="utf-8")
    assert re.search(
        r"No event, but not all is normal.*say an actuator is stuck.*held back by feedback or too few in a row", page
    )
    (tmp_path / "x" / "feedback.json").unlink()  # which undoes it
    assert found(plain, base / "exports" / "stuck.csv", tmp_path / "x") == 0
    assert events(tmp_path / "x" / "events.csv")


def test_an_event_marked_right_stays_and_an_unknown_one_can_be_marked(first, base, plain, tmp_path, capsys):
    table = rows(base / "first" / "events.csv")
    mine = [line for line in table if line["fault"] == "biased" and line["confirmed"] == "yes"]
    mine.sort(key=lambda line: float(line["peak_confidence"]))
    mine[0]["right"], mine[-1]["right"] = "yes", "no"
    strange = [line for line in table if line["fault"] == "unknown" and line["confirmed"] == "yes"]
    assert strange
    for line in strange:
        line["right"] = "no"
    output = tmp_path / "found"
    assert give(save(output / "events.csv", table)) == 0
    lowest = f"{float(mine[0]['peak_confidence']):g}"
    said = capsys.readouterr().out
    assert f"biased.csv: biased: 1 wrong, 1 right; threshold at {lowest}, the lowest that was marked right" in said
    assert all(f"{line['file']}: unknown: " in said for line in strange)
    assert found(plain, base / "exports", output) == 0
    left = [(line["fault"], line["start"]) for line in events(output / "events.csv")]
    assert [start for fault, start in left if fault == "biased"] == sorted(line["start"] for line in mine[:-1])
    assert "unknown" not in {fault for fault, _ in left}
    assert {line["right"] for line in rows(output / "events.csv")} == {""}  # as on each run; the marks are kept
    assert found(plain, base / "exports", output) == 0
    assert [(line["fault"], line["start"]) for line in events(output / "events.csv")] == left


def test_marks_that_feedback_has_not_read_are_not_overwritten(first, base, plain, tmp_path, capsys):
    table = rows(base / "first" / "events.csv")
    table[0]["right"] = "yes"
    path = save(tmp_path / "events.csv", table, delimiter=";", quoting=csv.QUOTE_ALL)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets do
    kept = path.read_bytes()
    assert found(plain, base / "exports", tmp_path) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "holds 1 mark that feedback has not read; run python run.py feedback --events" in error
    assert path.read_bytes() == kept
    assert give(path) == 0
    assert found(plain, base / "exports", tmp_path) == 0
    assert path.read_bytes() == first


def test_shards_read_the_same_feedback(first, base, plain, tmp_path):
    table = [line | {"right": "no"} for line in rows(base / "first" / "events.csv")]
    assert give(save(tmp_path / "marked.csv", table), "--output", str(tmp_path / "parts")) == 0
    for number in (1, 2):
        assert found(plain, base / "exports", tmp_path / "parts", "--shard", f"{number}/2") == 0
    assert found(plain, base / "exports", tmp_path / "whole") == 0
    parts = sorted((tmp_path / "parts").glob("events*.csv"))
    assert len(parts) == 2
    assert [line for path in parts for line in events(path)] == []
    assert events(tmp_path / "whole" / "events.csv")
    assert sum(len(rows(path)) for path in parts) > 0


def test_a_followed_folder_heeds_marks_as_they_come(base, plain, tmp_path, caplog):
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    text = (base / "exports" / "stuck.csv").read_text()
    (source / "stuck.csv").write_text(text[: len(text) // 2])
    path = output / "events.csv"
    seen = []

    def mark_them() -> None:
        save(path, [line | {"right": "no" if line["confirmed"] == "yes" else ""} for line in rows(path)])
        (source / "stuck.csv").write_text(text)

    steps = [
        lambda: seen.append(len(events(path))),
        mark_them,
        lambda: seen.append([line["right"] for line in events(path)]),  # grown, but what was marked still lies there
        lambda: give(path),
        lambda: seen.append(events(path)),
        lambda: (output / "feedback.json").write_text("{"),
        lambda: seen.append(events(path)),
        lambda: (output / "feedback.json").unlink(),
        lambda: seen.append(len(events(path))),
    ]
    calls = iter(steps)

    def pause() -> None:
        step = next(calls, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    words = ["detect", "--run", str(plain), "--input", str(source), "--output", str(output), "--follow"]
    options = parse(words)
    detector = detector_of(options, load_artifact(plain / "model"))
    place = Output(folder=output)
    place.prepare()
    with caplog.at_level("INFO"):
        detect.follow(
            detector,
            Finder(detector=detector, confirm=options.confirm, hold_hours=options.hold_hours),
            lambda: trend_files(source),
            place,
            pause=pause,
        )
    assert seen == [1, ["no"], [], [], 1]
    assert caplog.text.count("holds 1 mark that feedback has not read") == 1
    assert caplog.text.count("stuck.csv: an actuator is stuck: 1 event was marked wrong") == 1
    assert "feedback.json is damaged" in caplog.text


def test_a_database_has_no_feedback_and_no_column_for_it(base, plain, tmp_path, capsys):
    import sqlite3

    assert found(plain, base / "exports" / "stuck.csv", f"sqlite:///{tmp_path}/found.db") == 0
    with sqlite3.connect(tmp_path / "found.db") as link:
        names = [name for _, name, *_ in link.execute("PRAGMA table_info(events)")]
        assert link.execute("SELECT count(*) FROM events WHERE confirmed = 'yes'").fetchone()[0] > 0
    assert "confirmed" in names
    assert "right" not in names
    assert give(tmp_path / "x.csv", "--output", "sqlite:///found.db") == 2
    assert "name the folder of a detect with --output" in capsys.readouterr().err


def test_detect_refuses_a_damaged_file_before_it_begins(base, plain, tmp_path, capsys):
    (tmp_path / "feedback.json").write_text("{")
    assert found(plain, base / "exports" / "stuck.csv", tmp_path) == 2
    assert "feedback.json is damaged" in capsys.readouterr().err
    (tmp_path / "feedback.json").unlink()
    (tmp_path / "feedback.json").mkdir()
    assert found(plain, base / "exports" / "stuck.csv", tmp_path) == 2
    assert "feedback.json is not a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["feedback.json"]
