"""What marks come to, and the file that keeps them."""

import dataclasses
import json

import pytest

from exp.detection.feedback import MOST_MARKS, Feedback, read_feedback, write_feedback
from exp.detection.marks import read_marks
from tests.feedback.kit import give, mark, row, save
from utils.errors import UserError

WORDS = {"stuck": "an actuator is stuck"}


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
    kept, lines = Feedback(tuple(marks)).sift(
        "a.csv", peaks, lambda _: ("stuck", "2009-01-01T00:00:00"), lambda p: p, WORDS
    )
    assert kept == stay
    gone = len(peaks) - len(stay)
    verb = "event lies" if gone == 1 else "events lie"
    assert lines == (
        [f"a.csv: an actuator is stuck: {gone} {verb} below the threshold that feedback set"] if gone else []
    )


def test_the_event_marked_counts_whatever_its_peak_is_now():
    marks = (mark(0.83, start="2008-05-06T06:48:00"), mark(0.9, start="2008-05-07T06:48:00", right=True))
    starts = ["2008-05-06T06:48:00", "2008-05-07T06:48:00", "2008-05-08T06:48:00"]

    def sifted(peak: float) -> tuple[list[str], list[str]]:
        return Feedback(marks).sift("a.csv", starts, lambda start: ("stuck", start), lambda _: peak, WORDS)

    assert sifted(0.95) == ([starts[1], starts[2]], ["a.csv: an actuator is stuck: 1 event was marked wrong"])
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
        assert Feedback(marks).sift(name, [0.5], lambda _: ("stuck", "2009"), lambda p: p, WORDS)[0] == []


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
