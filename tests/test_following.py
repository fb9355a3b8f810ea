"""`detect --follow`: a file that grows, is begun again, or is gone for a while; and two detections into one folder."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import run
from data_provider.trends.files import trend_files
from exp.detection import following, session
from exp.detection.feedback import Feedback, Mark, write_feedback
from exp.detection.findings import Finder
from exp.detection.load import detector_of
from exp.detection.tables import Output
from exp.runs.artifact import load_artifact
from tests.conftest import REPOSITORY
from tests.kit import train, write_folder
from utils.command_line import parse
from utils.errors import UserError

QUICK = ("--train_epochs", "4", "--batch_size", "8", "--seed", "3")


@pytest.fixture(autouse=True)
def _few_figures(monkeypatch) -> None:
    monkeypatch.setattr(session, "MOST_DRAWN", 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("following")
    write_folder(folder / "data")
    return folder


@pytest.fixture(scope="module")
def plain(base) -> Path:
    status, folder = train(base / "data", base / "plain", *QUICK)
    assert status == 0
    return folder


@pytest.fixture
def lines(base) -> list[str]:
    return (base / "data" / "stuck.csv").read_text().splitlines(keepends=True)


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def follow(plain: Path, source: Path, output: Path, steps: list[Callable[[], object]], *flags: str) -> None:
    """Follows; what happens between two looks is a step."""
    words = ["detect", "--run", str(plain), "--input", str(source), "--output", str(output), "--follow", *flags]
    options = parse(words)
    rest = iter(steps)

    def pause() -> None:
        step = next(rest, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    detector = detector_of(options, load_artifact(plain / "model"))
    place = Output(folder=output)
    place.prepare()
    finder = Finder(detector=detector, confirm=options.confirm, hold_hours=options.hold_hours)
    following.follow(detector, finder, lambda: trend_files(source), place, pause=pause)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def once(plain: Path, source: Path, output: Path, *flags: str) -> None:
    words = ["detect", "--run", str(plain), "--input", str(source), "--output", str(output), "--disable_parallel"]
    assert run.main([*words, *flags]) == 0


@pytest.mark.parametrize("flags", [(), ("--stride", "3", "--confirm", "3")])
def test_a_growing_file_ends_as_one_pass(plain, lines, source, tmp_path, flags):
    text = "".join(lines)
    cuts = [len(text) // 7, len(text) // 7 + 9, len(text) // 2, int(len(text) * 0.8), len(text)]  # often within a line
    (source / "stuck.csv").write_text("".join(lines[:40]))
    steps = [lambda cut=cut: (source / "stuck.csv").write_text(text[:cut]) for cut in cuts]
    follow(plain, source, tmp_path / "out", steps, *flags)
    once(plain, source, tmp_path / "whole", *flags)
    for name in ("windows.csv", "events.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def rotations(path: Path, head: str, rest: str) -> dict[str, list[Callable[[], object]]]:
    """Ways in which a file is begun again, look by look."""
    begun = head.splitlines(keepends=True)[0] + rest
    return {
        "renamed": [lambda: path.rename(path.with_suffix(".csv.1")), lambda: path.write_text(begun)],
        "gone for a while": [path.unlink, lambda: None, lambda: path.write_text(begun)],
        "cut to nothing": [lambda: path.write_text(""), lambda: path.write_text(begun)],
        "names of columns alone": [lambda: path.write_text(head.splitlines()[0]), lambda: path.write_text(begun)],
        "half a line": [lambda: path.write_text(head[:9]), lambda: path.write_text(begun)],
        "at once": [lambda: path.write_text(begun)],
        "a folder for a while": [lambda: (path.unlink(), path.mkdir()), lambda: (path.rmdir(), path.write_text(begun))],
    }


@pytest.mark.parametrize("way", [*rotations(Path(), "x", "")])
def test_what_was_found_stays_when_a_file_is_begun_again(plain, lines, source, tmp_path, way):
    path, half = source / "stuck.csv", len(lines) // 2
    head, rest = "".join(lines[:half]), "".join(lines[half:])
    path.write_text(head)
    once(plain, source, tmp_path / "first")
    seen: list[tuple[list, list]] = []
    look = lambda: seen.append((rows(tmp_path / "out" / "windows.csv"), rows(tmp_path / "out" / "events.csv")))  # noqa: E731
    follow(plain, source, tmp_path / "out", [look, *rotations(path, head, rest)[way], look, look])
    once(plain, source, tmp_path / "second")
    windows, events = seen[-1]
    for folder in ("first", "second"):
        for row in rows(tmp_path / folder / "windows.csv"):
            assert row in windows
    answered = [row["start"] for row in windows if row["class"]]
    assert len(answered) == len({*answered})
    assert answered == sorted(answered)
    before, after = (rows(tmp_path / folder / "events.csv") for folder in ("first", "second"))
    assert [(row["fault"], row["start"], row["end"], row["ongoing"]) for row in events] == [
        ("stuck", before[0]["start"], after[-1]["end"], "yes")
    ]
    for name in ("hours", "windows"):
        assert float(events[0][name]) == sum(float(row[name]) for row in (*before, *after))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"in {len(answered)} windows" in page
    assert "1 event" in page
    assert "2 events" not in page


def test_a_place_that_cannot_be_written_to_is_tried_again(plain, lines, source, tmp_path, capsys, monkeypatch):
    (source / "stuck.csv").write_text("".join(lines[:200]))
    real, full = following.write, []

    def write(*arguments: object) -> None:
        if full:
            raise UserError("cannot write windows.csv (No space left on device); choose another --output")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(following, "write", write)
    more = "".join(lines)
    steps = [lambda: (full.append(1), (source / "stuck.csv").write_text(more)), lambda: None, full.clear, lambda: None]
    follow(plain, source, tmp_path / "out", steps)
    once(plain, source, tmp_path / "whole")
    assert rows(tmp_path / "out" / "windows.csv") == rows(tmp_path / "whole" / "windows.csv")


def test_a_former_event_that_is_marked_wrong_goes(base, plain, lines, source, tmp_path):
    path, half, output = source / "stuck.csv", len(lines) // 2, tmp_path / "out"
    path.write_text("".join(lines[:half]))

    def mark() -> None:
        row = rows(output / "events.csv")[0]
        said = Mark(file=row["file"], fault=row["fault"], start=row["start"], peak_confidence=0.5, right=False)
        write_feedback(output, Feedback((said,)))
        marked.append(row)

    marked: list[dict[str, str]] = []
    other = (base / "data" / "normal.csv").read_text().splitlines(keepends=True)
    other = [other[0], *other[half:]]
    follow(plain, source, output, [lambda: path.write_text("".join(other)), mark, lambda: None])
    assert marked[0]["fault"] == "stuck"
    assert marked[0] not in rows(output / "events.csv")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_a_second_detection_into_the_same_folder_is_refused(plain, lines, source, tmp_path, capsys):
    (source / "stuck.csv").write_text("".join(lines[:200]))
    output = tmp_path / "out"
    words = ["detect", "--run", str(plain), "--input", str(source), "--output", str(output), "--disable_parallel"]
    process = subprocess.Popen(
        [sys.executable, "run.py", *words, "--follow"], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        while not (output / "report.html").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        before = (output / "windows.csv").read_bytes()
        capsys.readouterr()
        assert run.main(words) == 2
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1
        assert f"another detection writes to {output}; wait until it has ended, or name another --output" in said[0]
        assert (output / "windows.csv").read_bytes() == before
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    assert run.main(words) == 0
    assert [path.name for path in output.iterdir() if "lock" in path.name] == []
