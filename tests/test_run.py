"""The whole program on small data: what a person types, sees and gets."""

import csv
import json
import math
import shutil

import pytest
import safetensors.torch
import torch
import yaml

import run
from exp.training.progress import Progress
from tests.kit import SMALL, train, write_folder
from utils.checkpoints import load_checkpoint


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run on three small CSVs."""
    base = tmp_path_factory.mktemp("finished")
    status, folder = train(write_folder(base / "data"), base / "results", "--train_epochs", "4", "--batch_size", "8")
    assert status == 0
    return folder


def test_a_run_folder_is_complete(finished):
    names = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert {
        "config.yaml",
        "training.log",
        "training_metrics.csv",
        "metrics.json",
        "best_model_summary.csv",
        "predictions_val.csv",
        "predictions_test.csv",
        "report.html",
        "model/model.json",
        "model/weights.safetensors",
        "checkpoints/last.pt",
        "checkpoints/best.pt",
        "figures/curves.png",
        "figures/confusion_matrix.png",
        "figures/reliability.png",
        "figures/gramian_samples.png",
    } <= names
    assert not [name for name in names if name.endswith(".part")]
    assert (finished.parent / "latest").resolve() == finished.resolve()


def test_weights_are_kept_as_they_were_trained(finished):
    weights = safetensors.torch.load_file(finished / "model" / "weights.safetensors")
    trained = load_checkpoint(finished / "checkpoints" / "best.pt")["model"]
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert all(torch.equal(weights[name], tensor) for name, tensor in trained.items())


def test_the_numbers_agree_with_the_predictions(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    for part in ("val", "test"):
        with (finished / f"predictions_{part}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == metrics[part]["windows"] == sum(metrics["data"]["counts"][part])
        right = sum(row["target"] == row["predicted"] for row in rows) / len(rows)
        assert metrics[part]["accuracy"]["value"] == round(right, 6)
        for row in rows[:5]:
            probabilities = [float(value) for name, value in row.items() if name.startswith("p_")]
            assert sum(probabilities) == pytest.approx(1, abs=2e-6)  # each is rounded
            assert max(probabilities) == float(row["confidence"])
    assert metrics["data"]["classes"] == ["normal", "biased", "stuck"]  # the fault-free state first
    assert metrics["test"]["accuracy"]["value"] > 0.8  # three states that anyone would tell apart


def test_the_kept_epoch_has_the_best_macro_f1_on_validation(finished):
    with (finished / "training_metrics.csv").open() as file:
        reached = [(float(row["val_macro_f1"]), -float(row["val_loss"])) for row in csv.DictReader(file)]
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["best_epoch"] == 1 + reached.index(max(reached))
    assert metrics["val"]["macro_f1"]["value"] == max(reached)[0]
    assert metrics["epochs"] == len(reached)


@pytest.mark.parametrize(("select", "best"), [("macro_f1", 3), ("accuracy", 2), ("loss", 1)])
def test_validation_chooses_by_what_it_is_told(select, best):
    rows = [
        {"val_loss": 1.0, "val_accuracy": 0.5, "val_macro_f1": 0.3},
        {"val_loss": 2.0, "val_accuracy": 0.9, "val_macro_f1": 0.4},
        {"val_loss": 1.5, "val_accuracy": 0.7, "val_macro_f1": 0.6},
        {"val_loss": 1.6, "val_accuracy": 0.8, "val_macro_f1": 0.6},  # no better: a tie goes to the lower loss
    ]
    progress = Progress()
    for row in rows:
        progress = progress.next_epoch(row, 0, select)
    assert progress.best_epoch == best


def test_the_log_says_what_was_read(finished):
    log = (finished / "training.log").read_text()
    assert "3 files" in log
    assert "validation loss" in log


def test_config_repeats_the_run(finished, tmp_path, capsys):
    assert run.main(["--config", str(finished / "config.yaml"), "--result_path", str(tmp_path)]) == 0
    again = next(tmp_path.rglob("metrics.json"))
    first, second = (json.loads(path.read_text()) for path in (finished / "metrics.json", again))
    assert first["test"] == second["test"]
    assert (finished / "training_metrics.csv").read_bytes() == (again.parent / "training_metrics.csv").read_bytes()
    assert capsys.readouterr().out.strip().splitlines()[-1] == f"run folder: {again.parent}"


def test_test_gives_the_same_numbers_to_the_last_digit(finished, tmp_path, capsys):
    assert run.main(["test", "--run", str(finished)]) == 0
    assert "every number is the one in metrics.json" in capsys.readouterr().out
    metrics = json.loads((finished / "metrics.json").read_text())
    metrics["test"]["accuracy"]["value"] -= 1e-15 + 0.001
    changed = tmp_path / "changed"
    changed.mkdir()
    shutil.copyfile(finished / "config.yaml", changed / "config.yaml")
    shutil.copytree(finished / "model", changed / "model")
    (changed / "metrics.json").write_text(json.dumps(metrics))
    assert run.main(["test", "--run", str(changed)]) == 1


def test_is_training_0_evaluates_the_latest_run(finished, capsys):
    results = finished.parents[3]
    assert run.main(["--is_training", "0", "--data", "folder", "--result_path", str(results)]) == 0
    assert f"run folder: {finished.resolve()}" in capsys.readouterr().out


def test_report_is_rebuilt_from_the_folder_alone(finished):
    page = (finished / "report.html").read_bytes()
    for path in [finished / "report.html", *(finished / "figures").glob("*.png")]:
        path.unlink()
    assert run.main(["report", "--run", str(finished)]) == 0
    assert len((finished / "report.html").read_bytes()) == pytest.approx(len(page), rel=0.01)


def test_compare_finds_the_runs_of_a_pattern(finished, tmp_path, capsys):
    pattern = str(finished.parents[1] / "*")
    assert run.main(["report", "--compare", pattern, "--result_path", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert finished.name in shown
    assert "test macro-F1" in shown
    assert (tmp_path / "comparison.html").is_file()


def test_itr_trains_again_with_the_next_seed(tmp_path):
    write_folder(tmp_path / "data")
    train(tmp_path / "data", tmp_path / "results", "--itr", "2", "--seed", "5", "--train_epochs", "1")
    configs = [yaml.safe_load(path.read_text()) for path in (tmp_path / "results").rglob("config.yaml")]
    assert sorted(config["seed"] for config in configs) == [5, 6]


def test_csv_with_a_label_column(tmp_path):
    import pandas as pd

    parts = []
    for path in sorted(write_folder(tmp_path / "data").glob("*.csv")):
        parts.append(pd.read_csv(path).assign(state=path.stem))
    for shift, part in enumerate(parts):
        part["Datetime"] = (pd.to_datetime(part["Datetime"]) + pd.Timedelta(days=30 * shift)).astype(str)
    pd.concat(parts).to_csv(tmp_path / "all.csv", index=False)
    words = ["--data", "csv", "--root_path", str(tmp_path / "all.csv"), "--label_column", "state"]
    assert run.main([*words, "--result_path", str(tmp_path / "results"), *SMALL]) == 0


def test_presets_and_accumulation_are_in_the_log(tmp_path, capsys):
    write_folder(tmp_path / "data")
    flags = ["--batch_size", "4", "--enable_auto_gradient_accumulation", "--loss_preset", "hvac_similar_optimized"]
    status, folder = train(tmp_path / "data", tmp_path / "results", *flags, "--train_epochs", "1")
    assert status == 0
    log = (folder / "training.log").read_text()
    assert "optimizer: radam, learning rate 0.001, schedule plateau, gradients clipped to a norm of 1\n" in log
    assert "loss: timm_smoothing label_smoothing=0.1\n" in log
    banner = "🔄 梯度累积配置: 每2轮累积一次梯度\n   实际batch_size: 4\n   有效batch_size: 8\n"
    assert banner in capsys.readouterr().out
    assert banner in log


def test_the_bar_is_the_one_of_the_document(tmp_path, capfd):
    write_folder(tmp_path / "data")
    flags = ["--batch_size", "4", "--gradient_accumulation_steps", "2", "--train_epochs", "1"]
    train(tmp_path / "data", tmp_path / "results", *flags)
    shown = capfd.readouterr().err.replace("\r", "\n")
    import re

    assert re.search(
        r"Epoch 1/1 \[GA:2\]: 100%\|.*\| (\d+)/\1 \[.*, Loss=\d\.\d{4}, Acc=\d+\.\d{2}%, GA=[12]/2\]", shown
    )


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        (["--root_path", "nowhere"], ["nowhere"]),
        (["--model", "DualGAFNot"], ["DualGAFNot", "DualGAFNet"]),
        (["--data", "DualGAP"], ["DualGAP", "DualGAF"]),
        (["--encoder", "gramien"], ["gramien", "gramian"]),
        (["--fusion", "fuse"], ["fuse", "adaptive"]),
        (["--loss_preset", "hvac"], ["hvac", "hvac_similar_optimized"]),
        (["--loss", "hinge"], ["hinge", "cross_entropy"]),
        (["--optimizer", "radm"], ["radm", "radam"]),
        (["--lr_scheduler", "step"], ["step", "plateau"]),
        (["--class_weights", "1,2"], ["--class_weights"]),
        (["--augment", "shake:1"], ["shake"]),
        (["--seq_len", "5000"], ["--seq_len"]),
        (["--des", "../up"], ["--des"]),
        (["--zero_optimizer"], ["torchrun"]),
        (["--resume", "nowhere"], ["nowhere"]),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, capsys, flags, parts):
    write_folder(tmp_path / "data", days=6)
    words = ["--data", "folder", "--root_path", str(tmp_path / "data"), "--result_path", str(tmp_path / "results")]
    assert run.main([*words, *SMALL, *flags]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("run.py: ")
    for part in parts:
        assert part in error
    assert not list(tmp_path.rglob("config.yaml")), "a run that could not begin leaves no folder behind"


def test_a_loss_that_is_no_number_stops_the_run(tmp_path, capsys):
    write_folder(tmp_path / "data", days=6)
    status, _ = train(tmp_path / "data", tmp_path / "results", "--learning_rate", "1e30", "--clip_grad", "0")
    assert status == 3
    assert "--learning_rate" in capsys.readouterr().err


def test_metrics_are_plain_json(finished):
    def numbers(value):
        if isinstance(value, dict):
            return [n for part in value.values() for n in numbers(part)]
        if isinstance(value, list):
            return [n for part in value for n in numbers(part)]
        return [value] if isinstance(value, float) else []

    assert all(math.isfinite(number) for number in numbers(json.loads((finished / "metrics.json").read_text())))
