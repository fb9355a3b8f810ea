"""How a table of marked events comes back from people and spreadsheets."""

import csv
import io
from pathlib import Path

import pytest

import run
from exp.detection.feedback import read_feedback
from exp.detection.marks import read_marks
from exp.detection.tables import EVENT_FIELDS, Output
from tests.feedback.kit import give, marked, row, save
from utils.errors import UserError


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


@pytest.mark.parametrize("style", ["plain", "semicolons", "quoted", "a mark of UTF-8", "a line for Excel", "UTF-16"])
def test_a_table_that_a_spreadsheet_saved_is_still_its_own(style, tmp_path):
    text = save(tmp_path / "events.csv", [row()]).read_text()
    changed = STYLES.get(style, str)(text)
    (tmp_path / "events.csv").write_bytes(changed.encode("utf-16" if style == "UTF-16" else "utf-8"))
    Output(folder=tmp_path).prepare()
    (tmp_path / "events.csv").write_text("file;other\n")
    with pytest.raises(UserError, match="was not written by detect"):
        Output(folder=tmp_path).prepare()
