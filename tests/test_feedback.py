"""`feedback`: what people mark in events.csv is read however it was saved, kept, and heeded by the next `detect`."""

import csv
import dataclasses
import html
import io
import json
import re
from pathlib import Path

import pytest

import run
from data_provider.trends.files import trend_files
from exp import detect
from exp.detection import session
from exp.detection.feedback import MOST_MARKS, Feedback, Mark, read_feedback, write_feedback
from exp.detection.findings import Finder
from exp.detection.load import detector_of
from exp.detection.marks import read_marks
from exp.detection.tables import EVENT_FIELDS, Output
from exp.runs.artifact import load_artifact
from tests.kit import train, write_folder
from utils.command_line import parse
from utils.errors import UserError

QUICK = ("--train_epochs", "4", "--batch_size", "8", "--seed", "3")


@pytest.fixture(autouse=True)
def _few_figures(monkeypatch) -> None:
    monkeypatch.setattr(session, "MOST_DRAWN", 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("feedback")
    write_folder(folder / "data")
    return folder


@pytest.fixture(scope="module")
def plain(base) -> Path:
    status, folder = train(base / "data", base / "runs", *QUICK)
    assert status == 0
    return folder


@pytest.fixture(scope="module")
def first(base, plain) -> bytes:
    """The events.csv that a detection writes of all units."""
    assert found(plain, base / "data", base / "first") == 0
    return (base / "first" / "events.csv").read_bytes()


def found(model: Path, source: Path, output: object, *flags: str) -> int:
    words = ["detect", "--run", str(model), "--input", str(source), "--output", str(output), "--disable_parallel"]
    return run.main([*words, *flags])


def rows(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def events(path: Path) -> list[dict]:
    return [row for row in rows(path) if row["confirmed"] == "yes"]


def save(path: Path, table: list[dict], **style: str) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), **{"lineterminator": "\n", **style})
    writer.writeheader()
    writer.writerows(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode())
    return path


def row(**cells: str) -> dict:
    """A row of events.csv."""
    usual = {"file": "a.csv", "fault": "stuck", "start": "2008-05-06T06:48:00", "end": "2008-05-06T18:00:00"}
    usual |= {"hours": "11", "windows": "4", "mean_confidence": "0.7", "peak_confidence": "0.83", "confirmed": "yes"}
    return {name: {**usual, **cells}.get(name, "") for name in EVENT_FIELDS}


def mark(peak: float, *, right: bool = False, **changes) -> Mark:
    usual = {"file": "a.csv", "fault": "stuck", "start": f"2008-05-06T06:48:{round(peak * 100) % 60:02}"}
    return Mark(**{**usual, "peak_confidence": peak, "right": right, **changes})


def give(path: Path, *flags: str) -> int:
    return run.main(["feedback", "--events", str(path), *flags])


def marked(path: Path, *said: str) -> list[Mark]:
    """The marks that a file of some rows holds."""
    save(path, [row(right=word, start=f"2008-05-{day:02}T06:48:00") for day, word in enumerate(said, 6)])
    return read_marks(path).marks


# What a detection writes, and what it makes of marks.


def test_there_is_an_empty_column_to_fill_and_it_is_the_last(first, base):
    table = rows(base / "first" / "events.csv")
    assert list(table[0])[-1] == "right"
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
    assert found(plain, base / "data", output) == 0
    after = rows(output / "events.csv")
    rest = [line for line in after if line["fault"] == "biased"]
    assert [line["confirmed"] for line in rest] == ["no"]
    before = sum(int(line["windows"]) for line in table if line["fault"] == "biased")
    assert int(rest[0]["windows"]) == before
    others = [line for line in table if line["fault"] != "biased"]
    assert [line for line in after if line["fault"] != "biased"] == others
    printed = capsys.readouterr().out
    page = html.unescape((output / "report.html").read_text(encoding="utf-8"))
    lower = len(mine) - 1
    for text in (
        "1 event of biased in biased.csv was marked wrong",
        f"{lower} events of biased in biased.csv lie below the threshold that feedback set",
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
    assert found(plain, base / "data" / "stuck.csv", tmp_path / "x") == 0  # another folder knows nothing of it
    assert events(tmp_path / "x" / "events.csv")
    (tmp_path / "x" / "feedback.json").write_bytes((tmp_path / "feedback.json").read_bytes())
    assert found(plain, base / "data" / "stuck.csv", tmp_path / "x") == 0
    assert events(tmp_path / "x" / "events.csv") == []
    page = (tmp_path / "x" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"No event, but not all is normal.*name stuck.*held back by feedback or too few in a row", page)
    (tmp_path / "x" / "feedback.json").unlink()  # which undoes it
    assert found(plain, base / "data" / "stuck.csv", tmp_path / "x") == 0
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
    assert f"unknown: {len(strange)} wrong" in said
    assert found(plain, base / "data", output) == 0
    left = [(line["fault"], line["start"]) for line in events(output / "events.csv")]
    assert [start for fault, start in left if fault == "biased"] == sorted(line["start"] for line in mine[:-1])
    assert "unknown" not in {fault for fault, _ in left}
    assert {line["right"] for line in rows(output / "events.csv")} == {""}  # as on each run; the marks are kept
    assert found(plain, base / "data", output) == 0
    assert [(line["fault"], line["start"]) for line in events(output / "events.csv")] == left


def test_marks_that_feedback_has_not_read_are_not_overwritten(first, base, plain, tmp_path, capsys):
    table = rows(base / "first" / "events.csv")
    table[0]["right"] = "yes"
    path = save(tmp_path / "events.csv", table, delimiter=";", quoting=csv.QUOTE_ALL)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets do
    kept = path.read_bytes()
    assert found(plain, base / "data", tmp_path) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "holds 1 mark that feedback has not read; run python run.py feedback --events" in error
    assert path.read_bytes() == kept
    assert give(path) == 0
    assert found(plain, base / "data", tmp_path) == 0
    assert path.read_bytes() == first


def test_shards_read_the_same_feedback(first, base, plain, tmp_path):
    table = [line | {"right": "no"} for line in rows(base / "first" / "events.csv")]
    assert give(save(tmp_path / "marked.csv", table), "--output", str(tmp_path / "parts")) == 0
    for number in (1, 2):
        assert found(plain, base / "data", tmp_path / "parts", "--shard", f"{number}/2") == 0
    assert found(plain, base / "data", tmp_path / "whole") == 0
    parts = sorted((tmp_path / "parts").glob("events*.csv"))
    assert len(parts) == 2
    assert [line for path in parts for line in events(path)] == []
    assert events(tmp_path / "whole" / "events.csv")
    assert sum(len(rows(path)) for path in parts) > 0


def test_a_followed_folder_heeds_marks_as_they_come(base, plain, tmp_path, caplog):
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    text = (base / "data" / "stuck.csv").read_text()
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
            Finder(detector=detector, confirm=options.confirm),
            lambda: trend_files(source),
            place,
            pause=pause,
        )
    assert seen == [1, ["no"], [], [], 1]
    assert caplog.text.count("holds 1 mark that feedback has not read") == 1
    assert caplog.text.count("1 event of stuck in stuck.csv was marked wrong") == 1
    assert "feedback.json is damaged" in caplog.text


def test_a_database_has_no_feedback_and_no_column_for_it(base, plain, tmp_path, capsys):
    import sqlite3

    assert found(plain, base / "data" / "stuck.csv", f"sqlite:///{tmp_path}/found.db") == 0
    with sqlite3.connect(tmp_path / "found.db") as link:
        names = [name for _, name, *_ in link.execute("PRAGMA table_info(events)")]
        assert link.execute("SELECT count(*) FROM events WHERE confirmed = 'yes'").fetchone()[0] > 0
    assert "confirmed" in names
    assert "right" not in names
    assert give(tmp_path / "x.csv", "--output", "sqlite:///found.db") == 2
    assert "name the folder of a detect with --output" in capsys.readouterr().err


# What marks come to.


@pytest.mark.parametrize(
    ("marks", "peaks", "stay"),
    [
        ([], [0.1, 0.9], [0.1, 0.9]),
        ([mark(0.83)], [0.82, 0.83, 0.830001, 0.9], [0.830001, 0.9]),
        ([mark(0.7), mark(0.83)], [0.75, 0.84], [0.84]),
        ([mark(0.83), mark(0.8, right=True)], [0.79, 0.8, 0.82], [0.8, 0.82]),
        ([mark(0.83), mark(0.9, right=True)], [0.83, 0.85], [0.85]),
        ([mark(0.8, right=True)], [0.1], [0.1]),
        ([mark(1.0)], [1.0], []),
        ([mark(0.83, file="b.csv"), mark(0.83, fault="leak")], [0.1], [0.1]),
    ],
)
def test_the_least_peak_follows_from_the_marks(marks, peaks, stay):
    kept, lines = Feedback(tuple(marks)).sift("a.csv", peaks, lambda _: ("stuck", "2009-01-01T00:00:00"), lambda p: p)
    assert kept == stay
    gone = len(peaks) - len(stay)
    verb = "event of stuck in a.csv lies" if gone == 1 else "events of stuck in a.csv lie"
    assert lines == ([f"{gone} {verb} below the threshold that feedback set"] if gone else [])


def test_the_event_marked_counts_whatever_its_peak_is_now():
    marks = (mark(0.83, start="2008-05-06T06:48:00"), mark(0.9, start="2008-05-07T06:48:00", right=True))
    starts = ["2008-05-06T06:48:00", "2008-05-07T06:48:00", "2008-05-08T06:48:00"]

    def sifted(peak: float) -> tuple[list[str], list[str]]:
        return Feedback(marks).sift("a.csv", starts, lambda start: ("stuck", start), lambda _: peak)

    assert sifted(0.95) == ([starts[1], starts[2]], ["1 event of stuck in a.csv was marked wrong"])
    assert sifted(0.5)[0] == [starts[1]]
    assert len(sifted(0.5)[1]) == 2


@pytest.mark.parametrize(
    ("known", "start", "same"),
    [
        ("2008-05-06T06:48:00", "2008-05-06T06:48:00", True),
        ("2008-05-06T06:48", "2008-05-06T06:48:30", True),
        ("2008-05-06T06:48", "2008-05-06T06:48:30+02:00", True),
        ("2008-05-06T06:48:00+02:00", "2008-05-06T06:48:00+02:00", True),
        ("2008-05-06T06:48:00", "2008-05-06T06:48:30", False),
        ("2008-05-06T06:48", "2008-05-06T06:49:00", False),
        ("2008-10-26T02:30:00+02:00", "2008-10-26T02:30:00+01:00", False),  # the hour that comes twice
    ],
)
def test_a_time_that_lost_a_part_is_the_same_time(known, start, same):
    assert mark(0.5, start=known).of(start) is same
    assert mark(0.5, start=start).of(known) is same


def test_a_formula_sign_before_a_name_does_not_hide_it():
    """events.csv has an apostrophe before it, and a spreadsheet may take it away."""
    marks = (mark(0.9, file="'=x.csv"), mark(0.9, file="=y.csv"))
    for name in ("=x.csv", "=y.csv"):
        assert Feedback(marks).sift(name, [0.5], lambda _: ("stuck", "2009"), lambda p: p)[0] == []


def test_marks_of_several_calls_add_up_and_a_later_one_replaces(tmp_path, capsys):
    save(tmp_path / "a.csv", [row(right="no"), row(right="no", start="2008-05-07T06:48:00", peak_confidence="0.9")])
    assert give(tmp_path / "a.csv") == 0
    assert "a.csv: stuck: 2 wrong; threshold raised to 0.900001\n" in capsys.readouterr().out
    save(tmp_path / "b.csv", [row(right="yes"), row(right="yes", fault="leak"), row(right="no", file="b.csv")])
    assert give(tmp_path / "b.csv") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "a.csv: stuck: 1 right (1 changed), 1 marked earlier; "
        "threshold at 0.83, the lowest that was marked right, below one marked wrong"
    )
    assert lines[1:3] == ["a.csv: leak: 1 right; no threshold", "b.csv: stuck: 1 wrong; threshold raised to 0.830001"]
    assert lines[3] == f"kept: {tmp_path / 'feedback.json'}"
    assert [m.right for m in read_feedback(tmp_path).of("a.csv", "stuck")] == [False, True]
    save(
        tmp_path / "c.csv", [row(right="no", peak_confidence="1"), row(right="yes", peak_confidence="1", fault="leak")]
    )
    assert give(tmp_path / "c.csv") == 0
    assert "threshold raised above 1, so only events marked right stay" in capsys.readouterr().out


# How a table comes back from people and spreadsheets.


@pytest.mark.parametrize("word", ["yes", "Y", " true ", "TRUE", "right", "1"])
def test_ways_to_say_right(word, tmp_path):
    assert [m.right for m in marked(tmp_path / "events.csv", word, "", "no")] == [True, False]


@pytest.mark.parametrize("word", ["no", "N", "False", "wrong", " 0"])
def test_ways_to_say_wrong(word, tmp_path):
    assert [m.right for m in marked(tmp_path / "events.csv", "", word, "  ", "yes")] == [False, True]


def test_a_mark_beside_windows_outside_events_is_ignored_and_told(tmp_path, capsys):
    table = [row(right="no"), row(right="no", confirmed="no", fault="leak")]
    assert give(save(tmp_path / "events.csv", table)) == 0
    assert "line 3: ignored, for it counts windows outside events" in capsys.readouterr().out
    assert {m.fault for m in read_feedback(tmp_path).marks} == {"stuck"}
    assert give(save(tmp_path / "events.csv", table[1:])) == 2
    assert "no event is marked" in capsys.readouterr().err


STYLES = {
    "semicolons": lambda text: text.replace(",", ";"),
    "tabs": lambda text: text.replace(",", "\t"),
    "quoted": lambda text: "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in text.splitlines()
    ),
    "a mark of UTF-8": lambda text: "\ufeff" + text,
    "lines of Windows": lambda text: text.replace("\n", "\r\n"),
    "lines of an old Mac": lambda text: text.replace("\n", "\r"),
    "a line for Excel": lambda text: "sep=;\n" + text.replace(",", ";"),
    "decimal commas": lambda text: text.replace(",", ";").replace("0.83", "0,83"),
    "empty lines": lambda text: text + "," * 12 + "\n\n",
    "large names": lambda text: text.replace("file,fault", "File, FAULT").replace("right", "Right "),
    "other columns": lambda text: "".join(f"x,{line}\n" for line in text.splitlines()),
    "no confirmed": lambda text: text.replace("confirmed", "other"),
    "seconds are gone": lambda text: text.replace("T06:48:00", " 06:48"),
    "times of Excel": lambda text: text.replace("2008-05-16T06:48:00", "5/16/2008 6:48"),
    "times of Excel with halves": lambda text: text.replace("2008-05-16T06:48:00", "5/16/2008 6:48:00 AM"),
    "times of Germany": lambda text: text.replace("2008-05-16T06:48:00", "16.05.2008 06:48"),
    "times of Britain": lambda text: text.replace("2008-05-16T06:48:00", "16/05/2008 06:48"),
    "times with dashes": lambda text: text.replace("2008-05-16T06:48:00", "16-05-08 06:48"),
}


@pytest.mark.parametrize("name", [*STYLES, "UTF-16"])
def test_a_table_that_a_spreadsheet_saved_is_read(name, tmp_path):
    cells = row(right="no", start="2008-05-16T06:48:00", end="2008-05-16T18:00:00", file="L\u00fcftung.csv")
    text = save(tmp_path / "plain.csv", [cells]).read_text(encoding="utf-8")
    path = tmp_path / "events.csv"
    path.write_bytes(text.encode("utf-16") if name == "UTF-16" else STYLES[name](text).encode())
    (found_mark,) = read_marks(path).marks
    assert found_mark.of("2008-05-16T06:48:00")
    assert not found_mark.of("2008-05-16T18:48:00")
    known = (found_mark.file, found_mark.fault, found_mark.peak_confidence, found_mark.right)
    assert known == ("L\u00fcftung.csv", "stuck", 0.83, False)


def test_letters_of_western_europe_are_read(tmp_path):
    path = save(tmp_path / "events.csv", [row(right="no", file="L\u00fcftung.csv")])
    path.write_bytes(path.read_bytes().decode().encode("cp1252"))
    assert read_marks(path).marks[0].file == "L\u00fcftung.csv"


def test_other_rows_tell_whether_the_day_stands_first(tmp_path):
    table = [
        row(right="no", start="5/6/2008 6:48", end="5/6/2008 18:00"),
        row(start="5/7/2008 6:48", end="5/28/2008 6:48"),
    ]
    assert read_marks(save(tmp_path / "us.csv", table)).marks[0].start == "2008-05-06T06:48"
    table[1] |= {"end": "28/7/2008 6:48"}
    assert read_marks(save(tmp_path / "gb.csv", table)).marks[0].start == "2008-06-05T06:48"
    table[1] |= {"start": "1/12/2008 6:48", "end": "2/1/2008 6:48"}  # 12 Jan to 1 Feb, for not 1 Dec to 2 Jan before
    assert read_marks(save(tmp_path / "back.csv", table)).marks[0].start == "2008-05-06T06:48"


def test_between_dots_the_day_stands_first(tmp_path):
    path = save(tmp_path / "events.csv", [row(right="no", start="06.05.2008 06:48", end="06.05.2008 18:00")])
    assert read_marks(path).marks[0].start == "2008-05-06T06:48"


def test_windows_beside_it_tell_what_time_was_meant(tmp_path, capsys):
    path = save(tmp_path / "copy" / "events.csv", [row(right="no", start="5/6/2008 6:48", end="5/6/2008 18:00")])
    assert give(path) == 2
    error = capsys.readouterr().err
    assert "line 2: the start '5/6/2008 6:48' cannot be matched: it is 2008-05-06T06:48 or 2008-06-05T06:48" in error
    windows = [
        {"file": "a.csv", "start": "2008-06-05T06:48:30+02:00", "verdict": "stuck"},
        {"file": "a.csv", "start": "2008-05-06T06:48:00+02:00", "verdict": "normal"},
        {"file": "b.csv", "start": "2008-05-06T06:48:00+02:00", "verdict": "stuck"},
    ]
    save(tmp_path / "found" / "windows.csv", windows)
    assert give(path, "--output", str(tmp_path / "found")) == 0
    assert [m.start for m in read_feedback(tmp_path / "found").marks] == ["2008-06-05T06:48:30+02:00"]
    assert not (path.parent / "feedback.json").exists()


def table_with(**cells: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, EVENT_FIELDS)
    writer.writeheader()
    writer.writerows([row(), row(**{"right": "no", **cells})])
    return text.getvalue().encode()


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b" \n \n", "is empty"),
    "another table": (b"time,value\n1,2\n", "is not an events.csv"),
    "one long line": (b"file" * 100_000, "is not an events.csv"),
    "no text": (bytes(range(256)) * 4, "is not an events.csv"),
    "a workbook": (b"PK\x03\x04" + bytes(50), "is a workbook; save its sheet as CSV"),
    "no column": (b"file,fault,start,peak_confidence\na,b,2008-05-06T06:48:00,1\n", "has no column 'right'"),
    "no mark": (table_with(right=" "), "no event is marked"),
    "header only": (table_with().splitlines(keepends=True)[0], "no event is marked"),
    "a word": (table_with(right="maybe"), "line 3: 'maybe' is neither yes nor no"),
    "no time": (table_with(start="May"), "line 3: the start 'May' cannot be read as a time"),
    "no such day": (table_with(start="2008-02-31T06:48:00"), "line 3: the start '2008-02-31T06:48:00' cannot be read"),
    "no such half": (table_with(start="5/16/2008 13:48 AM"), "line 3: the start '5/16/2008 13:48 AM' cannot be read"),
    "cut off": (table_with(start="########"), "line 3: the start '########' cannot be read as a time"),
    "no peak": (table_with(peak_confidence=""), "line 3: peak_confidence '' is no number from 0 to 1"),
    "peak not a number": (table_with(peak_confidence="nan"), "line 3: peak_confidence 'nan'"),
    "peak too high": (table_with(peak_confidence="83"), "line 3: peak_confidence '83'"),
    "no file": (table_with(file=""), "line 3: the column file is empty"),
    "a huge name": (table_with(fault="x" * 5000), "line 3: the column fault is too long"),
    "a huge cell": (table_with(fault="x" * 200_000), "line 3: field larger than"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_what_cannot_be_read_is_one_line(name, tmp_path, capsys):
    content, words = BAD[name]
    path = tmp_path / "events.csv"
    path.write_bytes(content)
    assert give(path) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"run.py: {path}")
    assert words in lines[0]
    assert not (tmp_path / "feedback.json").exists()


def test_a_line_number_is_that_of_the_file(tmp_path, capsys):
    """Cells may hold line ends, and a first line may tell Excel of separators."""
    table = [row(advice="one\ntwo"), row(right="perhaps")]
    path = save(tmp_path / "events.csv", table)
    assert give(path) == 2
    assert "line 4: 'perhaps'" in capsys.readouterr().err
    path.write_bytes(b"sep=,\n" + path.read_bytes())
    assert give(path) == 2
    assert "line 5: 'perhaps'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "feedback needs --events"),
        (["--events", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--events", "x" * 300], "cannot read xxx"),
        (["--events", "."], "is a folder; name the events.csv in it"),
        (["--events", "good.csv", "--output", "good.csv/x"], "cannot write good.csv/x/feedback.json"),
    ],
)
def test_mistakes_are_answered_in_one_line(words, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(Path("good.csv"), [row(right="no")])
    assert run.main(["feedback", *words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]


# The file.


def test_what_is_kept_comes_back(tmp_path):
    marks = (mark(0.5, file='a"\n\u00fc.csv'), mark(1.0, right=True), mark(0, start="2008-05-06T06:48"))
    assert write_feedback(tmp_path, Feedback(marks)) == tmp_path / "feedback.json"
    assert read_feedback(tmp_path).marks == marks
    assert json.loads((tmp_path / "feedback.json").read_text(encoding="utf-8"))["format"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["feedback.json"]
    assert read_feedback(tmp_path / "none") == Feedback()


def altered(**changes) -> dict:
    entry = {**dataclasses.asdict(mark(0.5)), **changes}
    kept = {name: value for name, value in entry.items() if value != "gone"}
    return {"written_by": "run.py feedback", "format": 1, "marks": [kept]}


DAMAGED = {
    "empty": ("", "is damaged: it is no JSON"),
    "cut off": (json.dumps(altered())[:-5], "is damaged: it is no JSON"),
    "nested": ("[" * 200_000, "is damaged: it is no JSON"),
    "no text": (b"\xff\xfe\x00", "is damaged: it is no text"),
    "a list": ([], "was not written by run.py feedback"),
    "another program's": ({"feedback": "great"}, "was not written by run.py feedback"),
    "later": ({**altered(), "format": 2, "more": 1}, "is of format 2, and this program knows 1"),
    "no format": ({"written_by": "run.py feedback", "marks": []}, "is damaged: its format"),
    "a strange format": ({**altered(), "format": True}, "is damaged: its format"),
    "no list": ({**altered(), "marks": {}}, "is damaged: its format or its list"),
    "too many": ({**altered(), "marks": [0] * (MOST_MARKS + 1)}, "is damaged: its format or its list"),
    "a mark of words": ({**altered(), "marks": ["x"]}, "is damaged: mark 1"),
    **{
        f"{name} {value!r:.20}": (altered(**{name: value}), "is damaged: mark 1 is not as it was written")
        for name, value in (
            ("file", 1), ("file", ""), ("fault", "x" * 5000), ("start", "today"), ("start", None), ("right", 1),
            ("right", "gone"), ("peak_confidence", "0.5"), ("peak_confidence", 1.5), ("peak_confidence", float("nan")),
            ("peak_confidence", True), ("more", 1),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("name", list(DAMAGED))
def test_a_damaged_file_is_refused_and_left_alone(name, tmp_path, capsys):
    content, words = DAMAGED[name]
    path = tmp_path / "feedback.json"
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    before = path.read_bytes()
    with pytest.raises(UserError) as caught:
        read_feedback(tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert give(save(tmp_path / "events.csv", [row(right="no")])) == 2
    assert words in capsys.readouterr().err
    assert path.read_bytes() == before


def test_detect_refuses_a_damaged_file_before_it_begins(base, plain, tmp_path, capsys):
    (tmp_path / "feedback.json").write_text("{")
    assert found(plain, base / "data" / "stuck.csv", tmp_path) == 2
    assert "feedback.json is damaged" in capsys.readouterr().err
    (tmp_path / "feedback.json").unlink()
    (tmp_path / "feedback.json").mkdir()
    assert found(plain, base / "data" / "stuck.csv", tmp_path) == 2
    assert "feedback.json is not a file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["feedback.json"]


def test_sizes_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("exp.detection.feedback.MOST_MARKS", 2)
    marks = [mark(0.5, start=f"2008-05-{day:02}T06:48:00") for day in range(1, 5)]
    with pytest.raises(UserError, match="cannot hold more than 2 marks"):
        write_feedback(tmp_path, Feedback(tuple(marks)))
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("exp.detection.feedback.LARGEST_FILE", 10)
    (tmp_path / "feedback.json").write_text(json.dumps(altered()))
    with pytest.raises(UserError, match="more than 10 bytes"):
        read_feedback(tmp_path)
    monkeypatch.setattr("exp.detection.marks.LARGEST_FILE", 10)
    with pytest.raises(UserError, match="more than 10 bytes; keep the rows that are marked"):
        read_marks(save(tmp_path / "events.csv", [row(right="no")]))


@pytest.mark.parametrize("style", ["plain", "semicolons", "quoted", "a mark of UTF-8", "a line for Excel", "UTF-16"])
def test_a_table_that_a_spreadsheet_saved_is_still_its_own(style, tmp_path):
    text = save(tmp_path / "events.csv", [row()]).read_text()
    changed = STYLES.get(style, str)(text)
    (tmp_path / "events.csv").write_bytes(changed.encode("utf-16" if style == "UTF-16" else "utf-8"))
    Output(folder=tmp_path).prepare()
    (tmp_path / "events.csv").write_text("file;other\n")
    with pytest.raises(UserError, match="was not written by detect"):
        Output(folder=tmp_path).prepare()
