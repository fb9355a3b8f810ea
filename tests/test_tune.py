"""`tune`: settings are compared on validation alone, nothing done is lost, and the best command gives what it says."""

import csv
import dataclasses
import importlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import run
from data_provider import load_data
from exp.training.attempt import Reached
from exp.training.search_space import space_of
from tests.conftest import REPOSITORY
from tests.kit import latest, write_folder
from tests.resume.kit import stop_after
from utils.errors import Diverged
from utils.options import Options

pytest.importorskip("optuna")
study = importlib.import_module("exp.training.study")
QUICK = ["--search", "model=LogisticRegression,RandomForest", "seq_len=8,16"]
NETWORK = ["--search", "learning_rate=log:1e-4:1e-1", "batch_size=8,16", "--model", "OneDCNN", "--seq_len", "16"]
SMALL = ["--feature_dim", "8", "--train_epochs", "1", "--block_days", "1", "--disable_parallel"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes on eight days."""
    return write_folder(tmp_path_factory.mktemp("tune") / "data", days=8)


def tune(folder: Path, results: Path, search: list[str], *flags: str) -> int:
    own = ["--data", "folder", "--root_path", str(folder), "--result_path", str(results), *SMALL]
    return run.main(["tune", *own, *search, *flags])


def trials(results: Path, study: str = "folder-default") -> list[dict[str, str]]:
    return list(csv.DictReader((results / "tune" / study / "trials.csv").open()))


def settings(rows: list[dict[str, str]], state: str = "done") -> list[tuple[str, str]]:
    return [(row["learning_rate"], row["batch_size"]) for row in rows if row["state"] == state]


def test_the_best_command_gives_what_the_search_says(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(folder, tmp_path, NETWORK, "--trials", "3") == 0
    words = shlex.split(capsys.readouterr().out.strip().splitlines()[-1])
    rows = trials(tmp_path)
    (best,) = [row for row in rows if row["best"]]
    assert [row["state"] for row in rows] == ["done"] * 3
    assert float(best["val_macro_f1"]) == max(float(row["val_macro_f1"]) for row in rows)
    assert words[:2] == ["python", "run.py"]
    assert words[words.index("--learning_rate") + 1] == best["learning_rate"]
    assert run.main(words[2:]) == 0
    measured = json.loads((latest(tmp_path) / "metrics.json").read_text())["val"]
    assert round(measured["macro_f1"]["value"], 4) == float(best["val_macro_f1"])
    assert round(measured["log_loss"]["value"], 4) == float(best["val_log_loss"])


def test_the_test_part_is_not_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(options: Options) -> Any:
        return dataclasses.replace(load_data(options), test=None)

    monkeypatch.setattr("exp.tune.load_data", without)
    monkeypatch.setattr("exp.training.study.load_data", without)
    search = ["--search", "model=OneDCNN,LogisticRegression", "seq_len=8,16"]
    assert tune(folder, tmp_path, search, "--trials", "4") == 0
    assert [row["state"] for row in trials(tmp_path)] == ["done"] * 4


def test_a_small_grid_is_gone_through_once_and_a_second_start_makes_nothing(folder: Path, tmp_path: Path) -> None:
    assert tune(folder, tmp_path, QUICK, "--trials", "9") == 0
    rows = trials(tmp_path)
    tried = [(row["model"], row["seq_len"]) for row in rows]
    assert sorted(tried) == [(m, s) for m in ("LogisticRegression", "RandomForest") for s in ("16", "8")]
    assert tune(folder, tmp_path, QUICK, "--trials", "9") == 0
    assert trials(tmp_path) == rows


def test_a_stopped_search_goes_on_as_if_it_had_not_been(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(folder, tmp_path / "whole", NETWORK, "--trials", "4") == 0
    whole = settings(trials(tmp_path / "whole"))
    with monkeypatch.context() as patch:
        stop_after(patch, 20)
        assert tune(folder, tmp_path / "stopped", NETWORK, "--trials", "4") == 130
    assert "The same command goes on" in capsys.readouterr().out
    before = trials(tmp_path / "stopped")
    assert [row["state"] for row in before][-2:] == ["stopped", "waiting"]
    assert settings(before) == whole[: len(settings(before))]
    assert 0 < len(settings(before)) < 4
    assert tune(folder, tmp_path / "stopped", NETWORK, "--trials", "4") == 0
    after = trials(tmp_path / "stopped")
    assert len(settings(after)) == 4
    assert settings(after)[: len(settings(before)) + 1] == whole[: len(settings(before)) + 1]


def test_processes_share_the_trials(folder: Path, tmp_path: Path) -> None:
    assert tune(folder, tmp_path, NETWORK, "--trials", "5", "--jobs", "2") == 0
    assert [row["state"] for row in trials(tmp_path)] == ["done"] * 5


@pytest.mark.parametrize("storage", ["sqlite:///{}/study.db", "{}/shared.log"])
def test_a_shared_storage_joins_machines(storage: str, folder: Path, tmp_path: Path) -> None:
    place = ["--storage", storage.format(tmp_path), "--study", "shared"]
    assert tune(folder, tmp_path / "a", QUICK, *place, "--trials", "2") == 0
    assert tune(folder, tmp_path / "b", QUICK, *place, "--trials", "4") == 0
    first, both = (trials(tmp_path / name, "shared") for name in ("a", "b"))
    assert (len(first), len(both)) == (2, 4)
    assert [{**row, "best": ""} for row in both[:2]] == [{**row, "best": ""} for row in first]


def test_a_setting_that_cannot_be_trained_is_noted_and_the_search_goes_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    honest = study.attempt

    def failing(options: Options, *rest: Any) -> Any:
        if options.model != "LogisticRegression" or options.seq_len == 8:
            raise Diverged("no numbers")
        return honest(options, *rest)

    monkeypatch.setattr(study, "attempt", failing)
    assert tune(folder, tmp_path, QUICK, "--trials", "4") == 0
    rows = trials(tmp_path)
    assert [row["state"] for row in rows].count("failed") == 3
    assert {row["note"] for row in rows if row["state"] == "failed"} == {"no numbers"}
    capsys.readouterr()
    search = ["--search", "model=RandomForest,HistGradientBoosting", "--seq_len", "16", "--study", "other"]
    assert tune(folder, tmp_path, search, "--trials", "2") == 2
    assert "no trial gave a result (no numbers)" in capsys.readouterr().err


def test_a_trial_below_the_median_ends_early(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from exp.training import study

    made = []

    def pretended(options: Options, data: object, device: object, on_epoch: Any) -> Reached:
        value = 0.5 if len(made) < 5 else 0.1
        made.append(options.learning_rate)
        rows: list[dict[str, float]] = []
        for _ in range(8):
            rows.append({"val_macro_f1": value})
            on_epoch(rows)
        return Reached(value, value, 1.0, len(rows))

    monkeypatch.setattr(study, "attempt", pretended)
    assert tune(folder, tmp_path, NETWORK, "--trials", "7") == 0
    ends = [(row["state"], row["epochs"]) for row in trials(tmp_path)]
    assert ends == [("done", "8")] * 5 + [("ended early", "5")] * 2
    made.clear()
    assert tune(folder, tmp_path, NETWORK, "--trials", "7", "--study", "whole", "--no_prune") == 0
    assert {row["state"] for row in trials(tmp_path, "whole")} == {"done"}


def test_trials_of_two_searches_are_not_mixed(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune(folder, tmp_path, QUICK, "--trials", "1") == 0
    capsys.readouterr()
    assert tune(folder, tmp_path, QUICK, "--trials", "2", "--seed", "5") == 2
    assert "--seed 5 differs from 2021 of the study folder-default" in capsys.readouterr().err
    assert tune(folder, tmp_path, [*QUICK[:2], "seq_len=8,12"], "--trials", "2") == 2
    assert "--search" in capsys.readouterr().err
    others = write_folder(tmp_path / "others", days=9, seed=1)
    assert tune(others, tmp_path, QUICK, "--trials", "2") == 2
    assert "the validation windows are not those of the study" in capsys.readouterr().err
    assert len(trials(tmp_path)) == 1


def test_a_damaged_study_is_one_line(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "study.log").write_text("no study\n")
    assert tune(folder, tmp_path, QUICK, "--storage", str(tmp_path / "study.log")) == 2
    assert tune(folder, tmp_path, QUICK, "--storage", "sqlite:////nowhere/at/all.db") == 2
    assert tune(folder, tmp_path, QUICK, "--storage", "nodb://me:secret@host/name") == 2
    error = capsys.readouterr().err
    assert error.count("the study cannot be kept in") == error.count("\n") == 3
    assert "secret" not in error


MISTAKES = {
    "learning_rat=log:1e-4:1e-2": "did you mean 'learning_rate'?",
    "split=day,random": "--search split: trials could not be compared by it",
    "learning_rate": "write FLAG=VALUES",
    "learning_rate=1e-2:1e-4": "--search learning_rate: 1e-2 is not below 1e-4",
    "learning_rate=0:1e-2": "--search learning_rate: 0 is out of range: it must be above 0",
    "weight_decay=log:0:1e-2": "log: is for numbers above 0",
    "batch_size=4": "name two or more",
    "batch_size=4,4": "each once",
    "batch_size=4,many": "--search batch_size: 'many' is not a whole number",
    "encoder=between,gramiam": "did you mean 'gramian'?",
    "augment=[jitter": "is not a list",
    "feature_dim=8,16": "--feature_dim has a value on the line and is in --search",
}


@pytest.mark.parametrize("word", MISTAKES)
def test_a_mistake_is_told_before_data_is_read(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tune(tmp_path / "nowhere", tmp_path, ["--search", word]) == 2
    error = capsys.readouterr().err
    assert MISTAKES[word] in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--itr", "2"], "--itr is for trainings"),
        (["--auto"], "--auto searches by itself"),
        (["--resume", "x"], "--resume is for a training"),
        (["--folds", "5"], "as --folds 1/5"),
        (["--study", "a/b"], "cannot name a folder"),
        (["--search", "model=OneDCNN,ResNet1D", "model=SingleGAFNet,OneDCNN"], "names model 3 times"),
    ],
)
def test_flags_that_contradict_a_search(
    flags: list[str], part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tune(tmp_path / "nowhere", tmp_path, QUICK, *flags) == 2
    assert part in capsys.readouterr().err


def test_without_optuna_a_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert tune(tmp_path / "nowhere", tmp_path, QUICK) == 2
    assert "tune needs Optuna, which is not installed; python -m pip install optuna" in capsys.readouterr().err


def test_values_are_read_as_their_flags_read_them() -> None:
    words = ("dropout=0:0.5", "train_epochs=log:4:64", "use_statistical_features=true,no", "step=4,8")
    words += ('augment=["jitter:0.02,scale:0.1", ""]',)
    dropout, epochs, statistics, stride, augment = space_of(Options(search=words))
    assert (dropout.low, dropout.high, dropout.log) == (0.0, 0.5, False)
    assert (epochs.low, epochs.high, epochs.log) == (4, 64, True)
    assert statistics.choices == (True, False)
    assert (stride.name, stride.choices) == ("stride", (4, 8))  # by its former name
    assert augment.choices == ("jitter:0.02,scale:0.1", "")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_kill_of_the_whole_group_keeps_what_was_done(jobs: str, folder: Path, tmp_path: Path) -> None:
    """As Ctrl-C in a terminal; a second start makes what is left."""
    own = ["--data", "folder", "--root_path", str(folder), "--result_path", str(tmp_path), *SMALL]
    words = [sys.executable, "run.py", "tune", *own, *NETWORK, "--trials", "400", "--jobs", jobs]
    process = subprocess.Popen(
        words, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    table = tmp_path / "tune" / "folder-default" / "trials.csv"
    while process.poll() is None and not (table.is_file() and len(trials(tmp_path)) > 2):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "stopped; every trial that ended is kept" in out
    assert "Traceback" not in error
    states = [row["state"] for row in trials(tmp_path)]
    assert states.count("done") >= 2
    assert not {"begun"} & set(states)
