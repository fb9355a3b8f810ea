"""`train --folds`: each fold a run, all of them one table, and an interrupted one that ends the same."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

import run
from tests.kit import SMALL, write_folder
from tests.resume.kit import stop_after
from utils.options import Options

FOREST = ("--model", "RandomForest")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data"))


def validate(data: Path, results: Path, *flags: str) -> int:
    words = ["train", "--data", "folder", "--root_path", str(data), "--result_path", str(results), *SMALL]
    return run.main([*words, *flags])


def whole(results: Path) -> Path:
    (found,) = results.glob("*/*/*/*-folds")
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def forest(data, tmp_path_factory) -> Path:
    results = tmp_path_factory.mktemp("results")
    assert validate(data, results, *FOREST, "--folds", "3", "--itr", "2", "--seed", "5") == 0
    return whole(results)


def test_every_fold_and_seed_is_a_run(forest):
    table = rows(forest / "folds.csv")
    assert [(row["seed"], row["fold"]) for row in table] == [(s, f"{f}/3") for s in ("5", "6") for f in (1, 2, 3)]
    assert len({row["run"] for row in table}) == 6
    for row in table:
        metrics = json.loads((forest.parent / row["run"] / "metrics.json").read_text())
        assert float(row["accuracy"]) == metrics["test"]["accuracy"]["value"]
        assert metrics["data"]["report"]["fold"]["number"] == int(row["fold"][0])


def test_seeds_share_their_folds(forest):
    tested = {}
    for row in rows(forest / "folds.csv"):
        windows = [(w["file"], w["start"]) for w in rows(forest.parent / row["run"] / "predictions_test.csv")]
        tested.setdefault(row["fold"], []).append(windows)
    assert all(first == second for first, second in tested.values())


def test_the_measures_of_all_folds_are_those_of_their_windows_together(forest):
    metrics = json.loads((forest / "metrics.json").read_text())
    pooled = []
    for seed in ("5", "6"):
        runs = [row["run"] for row in rows(forest / "folds.csv") if row["seed"] == seed]
        found = [row for name in runs for row in rows(forest.parent / name / "predictions_test.csv")]
        truth, answer = [row["target"] for row in found], [row["predicted"] for row in found]
        measures = metrics["pooled"][seed]
        assert measures["accuracy"]["value"] == pytest.approx(accuracy_score(truth, answer), abs=1e-6)
        assert measures["macro_f1"]["value"] == pytest.approx(f1_score(truth, answer, average="macro"), abs=1e-6)
        assert measures["windows"] == len(found) == len(rows(forest / f"predictions_test_{seed}.csv"))
        pooled.append(measures["macro_f1"]["value"])
    seeds = metrics["seeds"]["macro_f1"]
    assert seeds == pytest.approx({"mean": np.mean(pooled), "deviation": np.std(pooled, ddof=1), "number": 2})
    folds = [float(row["macro_f1"]) for row in rows(forest / "folds.csv")]
    assert metrics["folds"]["macro_f1"]["mean"] == pytest.approx(np.mean(folds), abs=1e-6)


def test_one_fold_alone_is_the_one_of_the_whole(data, forest, tmp_path):
    assert validate(data, tmp_path, *FOREST, "--folds", "2/3", "--seed", "5") == 0
    (alone,) = tmp_path.glob("*/*/*/*-5/predictions_test.csv")
    same = next(row["run"] for row in rows(forest / "folds.csv") if row["fold"] == "2/3")
    assert alone.read_bytes() == (forest.parent / same / "predictions_test.csv").read_bytes()


def test_latest_is_a_run_and_not_the_whole(forest):
    assert (forest.parent / "latest").resolve().name == rows(forest / "folds.csv")[-1]["run"]


@pytest.mark.parametrize(("micro_batches", "begun"), [(5, [True, False]), (40, [True, True])])
def test_an_interrupted_one_goes_on_and_ends_the_same(micro_batches, begun, data, tmp_path, monkeypatch, capsys):
    flags = ("--folds", "2", "--train_epochs", "1")
    assert validate(data, tmp_path / "at once", *flags) == 0
    stop_after(monkeypatch, micro_batches)
    assert validate(data, tmp_path / "resumed", *flags) == 130
    folder = whole(tmp_path / "resumed")
    assert [bool(row["run"]) for row in rows(folder / "folds.csv")] == begun
    assert f"--resume {folder}" in capsys.readouterr().out
    assert run.main(["--resume", str(folder)]) == 0
    assert (folder / "predictions_test_2021.csv").read_bytes() == (
        whole(tmp_path / "at once") / "predictions_test_2021.csv"
    ).read_bytes()
    assert len(list(folder.parent.glob("*-2021"))) + len(list(folder.parent.glob("*-2021-?"))) == 2


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--folds", "some"), "--folds some"),
        (("--folds", "1000"), "--folds 1000"),
        (("--split", "group", "--group", "nobody", "--folds", "2"), "nobody"),
        (("--split", "day", "--group", "day"), "--split group"),
        (("--split", "group", "--group", "absent.yaml", "--folds", "2"), "absent.yaml"),
    ],
)
def test_what_cannot_be_done_is_a_line(flags, word, data, tmp_path, capsys):
    assert validate(data, tmp_path, *FOREST, *flags) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("run.py: ")
    assert word in line


def test_a_column_may_say_the_group(tmp_path, capsys):
    import pandas as pd

    parts = []
    for place, path in enumerate(sorted(write_folder(tmp_path / "data").glob("*.csv"))):
        part = pd.read_csv(path).assign(state=path.stem)
        part["Datetime"] = (pd.to_datetime(part["Datetime"]) + pd.Timedelta(days=30 * place)).astype(str)
        part["hall"] = [f"hall {row * 4 // len(part)}" for row in range(len(part))]
        parts.append(part)
    pd.concat(parts).to_csv(tmp_path / "all.csv", index=False)
    words = ["train", "--data", "csv", "--root_path", str(tmp_path / "all.csv"), "--label_column", "state", *FOREST]
    flags = ["--split", "group", "--group", "hall", "--folds", "all", "--result_path", str(tmp_path / "r"), *SMALL]
    assert run.main([*words, *flags]) == 0
    assert [row["fold"] for row in rows(whole(tmp_path / "r") / "folds.csv")] == ["1/4", "2/4", "3/4", "4/4"]
    capsys.readouterr()


def test_the_shortest_command_says_the_folds():
    options = Options(folds="all", split="group", group="day")
    assert options.command() == "python run.py --split group --group day --folds all"
