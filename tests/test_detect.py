"""`detect` from end to end: the answers of `test`, honest silence, and the same result however files come in."""

import csv
import dataclasses
import html.parser
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import run
from data_provider.trends.files import trend_files
from exp.detection import session, tables
from exp.detection.attribution import STEPS, attribution
from exp.detection.load import detector_of
from exp.evaluation import calibration
from exp.runs.artifact import load_artifact, save_artifact
from tests.kit import train, write_folder
from utils.command_line import parse
from utils.errors import UserError

QUICK = ("--train_epochs", "4", "--batch_size", "8", "--seed", "3")


@pytest.fixture(autouse=True)
def _few_figures(monkeypatch) -> None:
    """One event drawn shows as much as two dozen."""
    monkeypatch.setattr(session, "MOST_DRAWN", 1)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("detect")
    write_folder(folder / "data")
    return folder


@pytest.fixture(scope="module")
def plain(base) -> Path:
    """A run that knows all its sensors."""
    status, folder = train(base / "data", base / "plain", *QUICK)
    assert status == 0
    return folder


@pytest.fixture
def doubting(plain, tmp_path) -> Path:
    """The same model, but as if all fault-free windows of its validation had looked like a fault."""
    own = load_artifact(plain / "model")
    kept = ("model", "info", "scaler", "recipe", "options")
    decision = dataclasses.replace(own.decision, false_alarm_quantiles=np.ones(calibration.RATES))
    save_artifact(tmp_path / "doubting", **{name: getattr(own, name) for name in kept}, decision=decision)
    return tmp_path / "doubting"


@pytest.fixture(scope="module")
def dropping(base) -> Path:
    """A run that learned to do without a sensor."""
    status, folder = train(base / "data", base / "dropping", *QUICK, "--augment", "drop_sensor:0.2")
    assert status == 0
    return folder


@pytest.fixture(scope="module")
def forest(base) -> Path:
    """A baseline."""
    status, folder = train(base / "data", base / "forest", "--model", "RandomForest")
    assert status == 0
    return folder


def evaluate(folder: Path, source: Path, output: Path, *flags: str, status: int = 0) -> tuple[list[dict], list[dict]]:
    """The rows of windows.csv and events.csv."""
    words = ["detect", "--run", str(folder), "--input", str(source), "--output", str(output), "--disable_parallel"]
    assert run.main([*words, *flags]) == status
    return rows(output / "windows.csv"), rows(output / "events.csv")


def rows(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_fault_that_may_be_nothing_gets_no_answer(plain, doubting, base, tmp_path):
    source = base / "data" / "stuck.csv"
    sure, events = evaluate(plain, source, tmp_path / "sure", "--unknown_rate", "0")
    unsure, none = evaluate(doubting, source, tmp_path / "unsure", "--unknown_rate", "0", status=2)
    assert "stuck" in [event["fault"] for event in events]
    assert none == []
    called = [row for row in sure if row["verdict"] == "stuck"]
    silent = [row for row in unsure if row["reason"].startswith("not sure: an actuator is stuck, or fault-free")]
    assert len(called) == len(silent) > 10
    assert {row["verdict"] for row in silent} == {"no answer"}
    again, _ = evaluate(doubting, source, tmp_path / "again", "--unknown_rate", "0", "--false_alarm_rate", "1")
    assert again == sure


def changed(base: Path, target: Path, name: str = "biased", **columns) -> Path:
    """One of the files with some columns replaced; None takes a column away."""
    table = pd.read_csv(base / "data" / f"{name}.csv")
    for column, value in columns.items():
        table = table.drop(columns=column) if value is None else table.assign(**{column: value})
    target.mkdir(parents=True, exist_ok=True)
    table.to_csv(target / f"{name}.csv", index=False)
    return target


@pytest.mark.parametrize("kind", ["plain", "forest"])
def test_the_probabilities_are_those_of_test(kind, base, tmp_path, request):
    folder = request.getfixturevalue(kind)
    windows, _ = evaluate(folder, base / "data" / "stuck.csv", tmp_path / "out", "--stride", "1")
    answered = {(row["file"].removesuffix(".csv"), row["start"]): row for row in windows if row["class"]}
    tested = [row for row in rows(folder / "predictions_test.csv") if row["file"] == "stuck"]
    compared = 0
    for row in tested:
        mine = answered.get((row["file"], row["start"]))
        if mine is not None:
            assert mine["end"] == row["end"]
            assert mine["class"] == row["predicted"]
            for name in ("p_normal", "p_stuck", "p_biased"):
                assert mine[name] == row[name]
            compared += 1
    assert compared > 0.9 * len(tested)


def test_faults_are_found_and_sound_units_left_alone(plain, base, tmp_path):
    _, events = evaluate(plain, base / "data", tmp_path / "out", "--unknown_rate", "0.01")
    named = {(row["file"], row["fault"]) for row in events if row["fault"] != "unknown"}
    assert named == {("biased.csv", "biased"), ("stuck.csv", "stuck")}
    stuck = max((row for row in events if row["fault"] == "stuck"), key=lambda row: float(row["hours"]))
    assert "POSITION" in stuck["sensors"].split("; ")[:2]
    assert 0 < float(stuck["mean_confidence"]) <= float(stuck["peak_confidence"]) <= 1
    assert stuck["advice"].endswith(".")


def test_what_is_known_is_appended_not_written_anew(tmp_path):
    path = tmp_path / "windows.csv"
    tables.grow(path, "a\nb\n")
    first = path.stat().st_ino
    tables.grow(path, "a\nb\nc\n")
    assert (path.read_text(), path.stat().st_ino) == ("a\nb\nc\n", first)
    tables.grow(path, "a\nx\n")
    assert path.read_text() == "a\nx\n"


def test_shards_together_are_the_whole(plain, base, tmp_path):
    windows, events = evaluate(plain, base / "data", tmp_path / "whole")
    words = ["detect", "--run", str(plain), "--input", str(base / "data"), "--output", str(tmp_path / "parts")]
    for number in (1, 2):
        assert run.main([*words, "--shard", f"{number}/2", "--disable_parallel"]) == 0
    for name, whole in (("windows", windows), ("events", events)):
        parts = [row for path in sorted((tmp_path / "parts").glob(f"{name}*.csv")) for row in rows(path)]
        assert sorted(map(str, parts)) == sorted(map(str, whole))


def test_readings_that_training_never_saw_get_no_answer(plain, base, tmp_path):
    source = changed(base, tmp_path / "in", "normal", OUTDOOR=140.0 + np.arange(12 * 96) % 7)
    windows, events = evaluate(plain, source, tmp_path / "out", status=2)
    assert {row["verdict"] for row in windows} == {"no answer"}
    assert all("OUTDOOR reads 146" in row["reason"] and "that training covers" in row["reason"] for row in windows)
    assert all(row["class"] == row["p_stuck"] == "" for row in windows)
    assert events == []
    assert "OUTDOOR reads 146" in (tmp_path / "out" / "report.html").read_text()


def test_a_missing_sensor_is_named_or_done_without(plain, dropping, base, tmp_path):
    source = changed(base, tmp_path / "in", "stuck", FAN=None)
    windows, events = evaluate(plain, source, tmp_path / "plain", status=2)
    assert [row["verdict"] for row in windows] == ["no answer"]
    assert "needs FAN" in windows[0]["reason"]
    assert events == []
    windows, _ = evaluate(dropping, source, tmp_path / "dropping")
    assert all(row["reason"].endswith("answered without FAN") for row in windows if row["verdict"] != "no answer")
    assert sum(row["class"] == "stuck" for row in windows) > 0.8 * len(windows)
    assert all(row["reason"].startswith("unlike the training data: ") for row in windows if row["verdict"] == "unknown")
    without = changed(base, tmp_path / "none", "normal", FAN=None, SUPPLY=None, OUTDOOR=None, COMMAND=None)
    windows, _ = evaluate(dropping, without, tmp_path / "few", status=2)
    assert [row["verdict"] for row in windows] == ["no answer"]


def test_a_dropped_sensor_is_what_training_made_of_it(dropping, base, tmp_path):
    """Absent and 0 in the scaled window are the same to the model."""
    source = changed(base, tmp_path / "in", "stuck", FAN=None)
    detector = detector_of(
        parse(["detect", "--run", str(dropping), "--input", str(source), "--output", "x"]),
        load_artifact(dropping / "model"),
    )
    evaluated = detector.read(trend_files(source)[0])
    batch = evaluated.windows.gather(np.arange(3))
    assert batch.missing.tolist() == [[False, False, False, False, True]] * 3
    assert (batch.x[:, 4] == 0).all()
    assert (batch.x[:, :4] != 0).any()


def test_a_silence_is_told_with_its_sensor(plain, base, tmp_path):
    table = pd.read_csv(base / "data" / "normal.csv")
    values = table["SUPPLY"].where((table.index < 300) | (table.index >= 420))
    windows, _ = evaluate(plain, changed(base, tmp_path / "in", "normal", SUPPLY=values), tmp_path / "out")
    silent = [row for row in windows if row["verdict"] == "no answer"]
    assert any(row["reason"] == "no reading of SUPPLY" for row in silent)
    gap = next(row for row in silent if row["reason"] == "no reading of SUPPLY")
    assert table["Datetime"][300][:13].replace(" ", "T") <= gap["start"][:13] <= gap["end"]
    inside = [row for row in windows if row["class"] and gap["start"] < row["end"] and row["start"] < gap["end"]]
    assert inside == []


def test_what_windows_say_the_page_the_console_and_the_events_say_too(plain, base, tmp_path, capsys):
    """So many windows must agree that none is an event."""
    windows, events = evaluate(plain, base / "data" / "stuck.csv", tmp_path, "--confirm", "1000")
    said = [row["verdict"] for row in windows if row["verdict"] not in ("normal", "no answer")]
    assert said.count("stuck") > 10
    assert {row["confirmed"] for row in events} == {"no"}
    assert {row["fault"]: int(row["windows"]) for row in events} == {name: said.count(name) for name in said}
    words = f"{said.count('stuck')} of {sum(bool(row['class']) for row in windows)} windows say an actuator is stuck"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert words in page
    assert "No event, but not all is normal" in page
    assert "No fault was found" not in page
    assert f"stuck.csv: {words}" in capsys.readouterr().out


def test_a_unit_that_never_works_is_not_called_sound(plain, base, tmp_path, capsys):
    """As where the words of its states are read the wrong way round."""
    own = load_artifact(plain / "model")
    kept = ("model", "info", "scaler", "options", "decision")
    recipe = dataclasses.replace(own.recipe, working_column="MODE")
    folder = tmp_path / "with_mode"
    save_artifact(folder, **{name: getattr(own, name) for name in kept}, recipe=recipe)
    source = changed(base, tmp_path / "in", "normal", MODE=0)
    windows, events = evaluate(folder, source, tmp_path / "out", status=2)
    assert [(row["verdict"], row["reason"]) for row in windows] == [
        ("no answer", "the unit never works here, as MODE says")
    ]
    assert events == []
    assert "nothing could be evaluated: the unit never works here, as MODE says" in capsys.readouterr().err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Nothing could be evaluated" in page
    assert "Everything that was there could be evaluated" not in page


HOSTILE = {
    "empty": b"",
    "header only": b"Datetime,SUPPLY,OUTDOOR,COMMAND,POSITION,FAN\n",
    "other columns": b"Datetime,A,B\n2021-03-01 00:00:00,1,2\n2021-03-01 00:15:00,1,3\n",
    "no text": bytes(range(256)) * 4,
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "semicolons": b"Datetime;SUPPLY;OUTDOOR;COMMAND;POSITION;FAN\n01.03.2021 00:00:00;1;2;3;4;5\n",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_a_file_that_cannot_be_evaluated_gets_its_line(name, plain, base, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.csv").write_bytes(HOSTILE[name])
    words = ["detect", "--run", str(plain), "--output", str(tmp_path / "out"), "--disable_parallel"]
    assert run.main([*words, "--input", str(tmp_path / "in")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("run.py: ")
    assert "bad.csv" in error
    changed(base, tmp_path / "in", "stuck")  # beside a fault-free file it is a row
    windows, _ = evaluate(plain, tmp_path / "in", tmp_path / "out")
    assert [row["verdict"] for row in windows if row["file"] == "bad.csv"] == ["no answer"]
    assert any(row["file"] == "stuck.csv" and row["verdict"] == "stuck" for row in windows)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--output", "out"], ["--input"]),
        (["--input", "nowhere", "--output", "out"], ["nowhere", "--input"]),
        (["--input", "data", "--output", "data/out"], ["--output", "would be read as trends"]),
        (["--input", "data", "--output", "out", "--shard", "0/3"], ["--shard", "0/3"]),
        (["--input", "data", "--output", "out", "--shard", "4/4"], ["only 3 files"]),
        (["--input", "data", "--output", "out", "--vendor", "acme"], ["acme"]),
        (["--input", "data", "--output", "out", "--roles", "nowhere.yaml"], ["nowhere.yaml"]),
        (["--input", "data", "--output", "file.txt"], ["file.txt", "--output"]),
        (["--input", "data", "--output", "out", "--confirm", "0"], ["--confirm", "at least 1"]),
    ],
)
def test_mistakes_are_answered_in_one_line(flags, words, plain, base, capsys, monkeypatch):
    monkeypatch.chdir(base)
    Path("file.txt").write_text("something else")
    assert run.main(["detect", "--run", str(plain), *flags]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert all(word in error for word in words)
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["windows.csv", "events.csv", "report.html"])
def test_somebody_elses_file_is_not_overwritten(name, plain, base, tmp_path, capsys):
    (tmp_path / name).write_text("time,value\n1,2\n")
    words = ["detect", "--run", str(plain), "--input", str(base / "data"), "--output", str(tmp_path)]
    assert run.main(words) == 2
    assert name in capsys.readouterr().err
    assert (tmp_path / name).read_text() == "time,value\n1,2\n"


def test_its_own_files_are_written_anew(plain, base, tmp_path):
    (tmp_path / "keep.txt").write_text("mine")
    first = evaluate(plain, base / "data" / "stuck.csv", tmp_path)
    assert evaluate(plain, base / "data" / "stuck.csv", tmp_path) == first
    assert (tmp_path / "keep.txt").read_text() == "mine"


def test_nothing_that_is_written_runs_as_a_formula(plain, base, tmp_path):
    source = changed(base, tmp_path / "in", "stuck")
    (source / "stuck.csv").rename(source / "=cmd<script>alert(1)<script>.csv")
    windows, events = evaluate(plain, source, tmp_path / "out")
    assert {row["file"][:5] for row in windows + events} == {"'=cmd"}
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text()


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag, attrs) -> None:
        found = dict(attrs)
        self.addresses += [found[key] for key in ("src", "href") if found.get(key)]
        self.names |= {found["id"]} if "id" in found else set()


def test_the_report_opens_offline(plain, base, tmp_path):
    evaluate(plain, base / "data", tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    page = _Page()
    page.feed(text)
    assert all(address.startswith(("#", "data:image/png")) for address in page.addresses)
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= page.names
    assert "url(" not in text
    assert "@import" not in text
    assert "stuck.csv" in re.sub(r"data:[^\"]*", "", text)


def test_gradients_account_for_the_verdict(plain, base):
    """Integrated gradients add up to what the verdict gains on the way from the reference window."""
    artifact = load_artifact(plain / "model")
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(3, 5, 16, generator=generator) * 1.6 - 0.8
    x[1, 3] = -0.4  # a position that is stuck
    found = attribution(artifact, torch.device("cpu"), x, None, "stuck")
    reference = torch.from_numpy(artifact.decision.reference_window)[None]
    with torch.no_grad():
        logits = [artifact.model(window.double()) for window in (x, reference)]
    stuck, fault_free = (artifact.info.classes.index(name) for name in ("stuck", "normal"))
    gained = [answers[:, stuck] - answers[:, fault_free] for answers in logits]
    np.testing.assert_allclose(found.sum((1, 2)), (gained[0] - gained[1]).numpy(), rtol=0.1, atol=0.1)
    assert STEPS >= 8
    missing = torch.zeros(3, 5, dtype=torch.bool)
    missing[:, 2] = True
    assert (attribution(artifact, torch.device("cpu"), x, missing, "stuck")[:, 2] == 0).all()


def test_an_artifact_that_was_altered_is_refused(plain, base, tmp_path, capsys):
    model = tmp_path / "model"
    model.mkdir()
    for path in (plain / "model").iterdir():
        (model / path.name).write_bytes(path.read_bytes())
    words = ["detect", "--run", str(model), "--input", str(base / "data"), "--output", str(tmp_path / "out")]
    assert run.main(words) == 0  # a model folder alone is enough
    content = bytearray((model / "decision.safetensors").read_bytes())
    content[-1] ^= 1
    (model / "decision.safetensors").write_bytes(content)
    assert run.main(words) == 2
    assert "SHA-256" in capsys.readouterr().err
    description = json.loads((model / "model.json").read_text())
    del description["decision"]
    (model / "model.json").write_text(json.dumps(description))
    assert run.main(words) == 2
    assert "train again" in capsys.readouterr().err


def _changes(description: dict, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in description.items():
        yield (*place, key)
        if isinstance(value, dict):
            yield from _changes(value, (*place, key))


def test_whatever_is_altered_in_the_description_is_noticed(plain, tmp_path):
    for path in (plain / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (plain / "model" / "model.json").read_text()
    for place in _changes(json.loads(text)):
        for value in ("../../etc/passwd", None, -1.5, [], {}, "gone"):
            description = json.loads(text)
            inner = description
            for key in place[:-1]:
                inner = inner[key]
            if value == "gone":
                del inner[place[-1]]
            elif inner[place[-1]] != value:
                inner[place[-1]] = value
            else:
                continue
            (tmp_path / "model.json").write_text(json.dumps(description))
            with pytest.raises(UserError):
                load_artifact(tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(json.loads(text)))  # written in another way, it says the same
    load_artifact(tmp_path)


@pytest.mark.parametrize("name", ["weights.safetensors", "decision.safetensors", "model.json"])
def test_a_model_that_was_cut_off_is_refused(name, plain, tmp_path):
    for path in (plain / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    whole = (tmp_path / name).read_bytes()
    for kept in (0, 1, 8, len(whole) // 2, len(whole) - 2):
        (tmp_path / name).write_bytes(whole[:kept])
        with pytest.raises(UserError, match=name):
            load_artifact(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=name):
        load_artifact(tmp_path)


def test_faulty_days_of_a_measured_unit_are_named(lbnl_2020, tmp_path):
    """Issue 5's own test: train on part of MZVAV-2-2, detect on the rest as if nobody had labelled it."""
    words = ["--data", "LBNL_MZVAV_2_2", "--root_path", str(lbnl_2020), "--cache_path", str(tmp_path / "cache")]
    words += ["--result_path", str(tmp_path / "runs"), "--disable_parallel", "--model", "OneDCNN", "--batch_size", "16"]
    assert run.main([*words, "--train_epochs", "3", "--step", "24"]) == 0
    folder = next((tmp_path / "runs").rglob("metrics.json")).parent
    days = {row["file"].split()[-1]: row["target"] for row in rows(folder / "predictions_test.csv")}
    faulty = {day: fault for day, fault in days.items() if fault != "normal"}
    assert len(faulty) >= 3
    table = pd.read_csv(lbnl_2020 / "MZVAV-2-2.csv")
    times = pd.to_datetime(table["Datetime"], format="%m/%d/%Y %H:%M")
    held_out = times.dt.strftime("%Y-%m-%d").isin(list(days))
    unlabelled = table[held_out].drop(columns=[name for name in table if "Ground Truth" in name])
    (tmp_path / "in").mkdir()
    unlabelled.assign(Datetime=times[held_out]).to_csv(tmp_path / "in" / "ahu.csv", index=False)
    _, events = evaluate(folder, tmp_path / "in", tmp_path / "out")

    def named(day: str) -> set[str]:
        return {row["fault"] for row in events if row["start"][:10] <= day <= row["end"][:10]}

    assert {day for day in days if named(day)} == set(faulty)  # every faulty day, and no fault-free one
    assert any(fault in named(day) for day, fault in faulty.items())  # and at least one by its own name


def test_a_role_map_may_lie_at_home(plain, base, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["detect", "--run", str(plain), "--input", str(base / "data"), "--output", str(tmp_path / "out")]
    assert run.main([*words, "--roles", "~/roles.yaml"]) == 2
    assert str(tmp_path / "roles.yaml") in capsys.readouterr().err
