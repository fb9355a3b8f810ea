"""NaN and infinity are never a class, and what no sensor reads is found while reading."""

import csv
import dataclasses
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch

import run
from data_provider import load_data
from data_provider.trends.files import TrendFile
from exp.detection.days import _said
from exp.detection.load import load_detector
from exp.evaluation.decision import ANSWERED, UNDEFINED
from exp.runs.artifact import load_artifact
from tests.kit import train, write_folder
from utils.command_line import parse

FLAGS = ["--batch_size", "16", "--train_epochs", "2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model one of whose columns changes on test days alone, and so is constant in training."""
    base = tmp_path_factory.mktemp("no_class")
    folder = write_folder(base / "data", days=8)

    def write(moving):
        for path in folder.glob("*.csv"):
            table = pd.read_csv(path)
            days = pd.to_datetime(table["Datetime"]).dt.normalize()
            table["FIXED"] = np.where(days.isin(moving), 13.5, 12.5)
            table.to_csv(path, index=False)

    words = ["--data", "folder", "--root_path", str(folder), "--result_path", str(base), "--seq_len", "16"]
    options = parse([*words, "--block_days", "1"])
    write(pd.DatetimeIndex([]))
    tested = load_data(options).test
    days = {day for day in tested.start.astype("datetime64[D]") if day == tested.end[0].astype("datetime64[D]")}
    write(pd.DatetimeIndex(sorted(days))[:1])
    status, run_folder = train(folder, base / "results", *FLAGS)
    assert status == 0
    artifact = load_artifact(run_folder / "model")
    assert artifact.info.columns[int(np.flatnonzero(artifact.scaler.constant)[0])] == "FIXED"
    return folder, run_folder


def detect(run_folder, trend, out):
    status = run.main(["detect", "--run", str(run_folder), "--input", str(trend), "--output", str(out)])
    with (out / "windows.csv").open() as file:
        return status, list(csv.DictReader(file))


@pytest.mark.sample(3)
@pytest.mark.parametrize("reading", ["1e300", "-1e300", "1e39", "1e16", "-3.5e38", "1e308"])
@pytest.mark.parametrize("column", ["FIXED", "SUPPLY"])
def test_a_reading_that_no_sensor_gives_is_named_and_changes_no_other_window(
    column, reading, trained, tmp_path, capsys
):
    folder, run_folder = trained
    table = pd.read_csv(folder / "stuck.csv", dtype=str)
    table.loc[300, column] = reading
    table.to_csv(tmp_path / "unit.csv", index=False)
    table.loc[300, column] = ""
    table.to_csv(tmp_path / "empty.csv", index=False)
    status, rows = detect(run_folder, tmp_path / "unit.csv", tmp_path / "out")
    said = capsys.readouterr().out
    assert status == 0
    assert f"line 302, {column}: 1 readings are beyond 1e+15, the first {float(reading):g}" in said
    _, empty = detect(run_folder, tmp_path / "empty.csv", tmp_path / "as_if_empty")
    assert [{**row, "file": ""} for row in rows] == [{**row, "file": ""} for row in empty]


def test_training_takes_such_a_reading_for_none_and_names_its_place(trained, tmp_path, capsys):
    folder, _ = trained
    data = tmp_path / "data"
    data.mkdir()
    for path in folder.glob("*.csv"):
        table = pd.read_csv(path, dtype=str)
        if path.stem == "stuck":
            table.loc[300, "SUPPLY"] = "1e300"
        table.to_csv(data / path.name, index=False)
    status, run_folder = train(data, tmp_path / "results", *FLAGS)
    assert status == 0
    said = (run_folder / "training.log").read_text() + (run_folder / "metrics.json").read_text()
    assert "stuck.csv: line 302, SUPPLY: 1 readings are beyond 1e+15, the first 1e+300" in said
    artifact = load_artifact(run_folder / "model")
    assert np.isfinite(artifact.scaler.maximum).all()
    assert artifact.scaler.maximum.max() < 200


def test_a_number_that_a_detector_cannot_scale_is_no_answer(trained, tmp_path):
    """As 1e300 once was: float32 makes it infinite, and a constant column's factor of 0 makes that NaN."""
    folder, run_folder = trained
    detector = load_detector(parse(["detect", "--run", str(run_folder), "--input", str(folder)]))
    path = folder / "stuck.csv"
    trend = TrendFile(path, path.name)
    values = detector.inputs.values

    def spoiled(found):
        changed = values(found).copy()
        changed[300, detector.artifact.info.columns.index("FIXED")] = np.inf
        return changed

    detector.inputs.values = spoiled
    evaluated = detector.read(trend)
    hit = (evaluated.start <= evaluated.trend.times[300]) & (evaluated.end >= evaluated.trend.times[300])
    assert hit.any()
    assert set(evaluated.verdict[hit]) == {"no answer"}
    assert all("not a number" in reason for reason in evaluated.reason[hit])
    assert Counter(evaluated.verdict[~hit])["no answer"] < len(evaluated.verdict[~hit])


def rule_and_inputs(run_folder):
    artifact = load_artifact(run_folder / "model")
    rule = artifact.rule(unknown_rate=0.0, false_alarm_rate=1.0)
    signals, classes = len(artifact.info.columns), len(artifact.info.classes)
    readings = torch.from_numpy(artifact.scaler.inverse(np.zeros((4, 16, signals), np.float32))).transpose(1, 2)
    given = {
        "readings": readings.contiguous().float(),
        "missing": None,
        "x": torch.zeros(4, signals, 16),
        "logits": torch.zeros(4, classes, dtype=torch.float64),
        "features": torch.zeros(4, 8, dtype=torch.float64),
    }
    return rule, given, classes


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "logits"])
def test_what_is_not_finite_is_never_a_class(where, value, trained):
    rule, given, classes = rule_and_inputs(trained[1])
    assert (rule(**given).reason == ANSWERED).all()
    for place in range(classes if where == "logits" else 3):
        changed = {name: tensor.clone() if tensor is not None else None for name, tensor in given.items()}
        changed[where][1, place] = value
        found = rule(**changed)
        assert found.number[1] == classes + 1, "no answer"
        assert found.reason[1] == UNDEFINED
        assert (found.reason[[0, 2, 3]] == ANSWERED).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_decision_that_is_not_finite_is_no_answer(value, trained, monkeypatch):
    rule, given, classes = rule_and_inputs(trained[1])
    scores = torch.tensor([0.0, value, 0.0, 0.0], dtype=torch.float64)
    monkeypatch.setattr(type(rule.decision), "novelty", lambda *_, **__: scores)
    found = rule(**given)
    assert (found.number == classes + 1).tolist() == [False, True, False, False]
    assert found.reason[1] == UNDEFINED


def test_a_day_that_is_not_finite_is_no_answer(trained):
    info = dataclasses.replace(load_artifact(trained[1] / "model").info)
    verdicts = np.array(["normal", "normal"], object)
    assert _said(verdicts, info, np.full(3, np.nan), False, 1)[0] == "no answer"
    assert _said(verdicts, info, np.array([0.9, 0.1, 0.0]), False, 1)[0] == "normal"
