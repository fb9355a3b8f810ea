"""The table of an ablation: which runs a tag stands for, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import run
from tests import fake_run


def make(results: Path, des: str, name: str, **options: Any) -> Path:
    options = {"model": "DualGAFNet", "data": "DualGAF", "des": des, **options}
    return fake_run.make(results / options["data"] / options["model"] / des / name, draw=False, **options)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two seeds of three tags."""
    for des, changes in (("whole", {}), ("no_x", {"ablation_mode": "no_x"}), ("no_y", {"ablation_mode": "no_y"})):
        for seed in (1, 2):
            make(tmp_path / "results", des, f"20260101-00000{seed}-{seed}", seed=seed, **changes)
    return tmp_path / "results"


def report(results: Path, *words: str) -> int:
    return run.main(["report", "--result_path", str(results), "--ablation", *words])


def rows(results: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((results / "ablation.csv").open()))


def answer(folder: Path, right: float) -> None:
    """Lets a run name a share of its test windows rightly."""
    table = fake_run.read_csv(folder / "predictions_test.csv")
    for place, row in enumerate(table):
        taken = row["target"] if place % 100 < 100 * right else next(c for c in fake_run.CLASSES if c != row["target"])
        row |= {"predicted": taken} | {
            f"p_{name}": "0.900000" if name == taken else "0.012500" for name in fake_run.CLASSES
        }
    fake_run.write_csv(folder / "predictions_test.csv", table)


def test_rows_are_sorted_and_have_one_tag_each(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for des, right in (("whole", 0.7), ("no_x", 0.5), ("no_y", 0.9)):
        for folder in (results / "DualGAF" / "DualGAFNet" / des).iterdir():
            answer(folder, right)
    assert report(results, "whole", "no_*") == 0
    assert [row["experiment"] for row in rows(results)] == ["whole", "no_y", "no_x"]
    assert [row["runs"] for row in rows(results)] == ["2", "2", "2"]
    assert [float(row["macro_f1_difference"]) > 0 for row in rows(results)] == [False, True, False]
    assert list(rows(results)[0])[-3:] == ["notes", "accuracy_std", "macro_f1_std"]
    assert "ablation_mode: none" not in capsys.readouterr().err
    assert (results / "ablation.html").is_file()


def test_the_newest_run_of_a_seed_counts(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newer = make(results, "no_x", "20270101-000000-2", seed=2, ablation_mode="no_x")
    (results / "DualGAF" / "DualGAFNet" / "no_x" / "latest").symlink_to(newer.name)
    unfinished = make(results, "no_x", "20280101-000000-1", seed=1, ablation_mode="no_x")
    (unfinished / "metrics.json").unlink()
    answer(newer, 0.0)
    assert report(results, "whole", "no_x") == 0
    (found,) = [row for row in rows(results) if row["experiment"] == "no_x"]
    first = json.loads((results / "DualGAF/DualGAFNet/no_x/20260101-000001-1/metrics.json").read_text())["test"]
    assert found["runs"] == "2"
    assert float(found["accuracy"]) == pytest.approx(first["accuracy"]["value"] / 2, abs=1e-6)
    assert "1 older runs of the same tag, seed and fold are left out" in capsys.readouterr().out


def test_runs_of_a_tag_that_are_no_repeats_are_marked(results: Path) -> None:
    make(results, "no_x", "20270101-000000-3", seed=3, ablation_mode="no_x", batch_size=8)
    assert report(results, "whole", "no_x") == 0
    assert rows(results)[1]["notes"].startswith("! runs of the tag differ in batch_size")
    assert r"no\_x (mixed) &" in (results / "ablation.tex").read_text()


def test_options_of_other_verbs_make_no_other_experiment(results: Path) -> None:
    """A run folder of a version before `tune` lacks its options."""
    make(results, "no_x", "20270101-000000-3", seed=3, ablation_mode="no_x", trials=30, study=None)
    assert report(results, "whole", "no_x") == 0
    assert "differ" not in rows(results)[1]["notes"]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["whol", "no_x"], "did you mean 'whole'?"),
        (["whole"], "an ablation is of two tags or more"),
        (["no_*"], "name the one to compare with, as --baseline no_x; there are: no_x, no_y"),
        (["whole", "no_x", "--baseline", "no_y"], "--baseline 'no_y' is none of the runs"),
        (["whole", "no_x", "--data", "folder"], "has no finished run"),
        (["whole", "no_x", "--compare", "x"], "--compare and --ablation are two tables"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    words: list[str], part: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(results, *words) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


def test_several_data_sets_are_refused_and_one_can_be_chosen(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(results, "whole", "20260101-000000-1", seed=1, data="folder")
    assert report(results, "whole", "no_x") == 2
    assert "choose one with --data: DualGAF, folder" in capsys.readouterr().err
    assert report(results, "whole", "no_x", "--data", "DualGAF") == 0


def test_models_of_one_tag_are_rows_of_their_own(results: Path) -> None:
    make(results, "whole", "20260101-000000-1", seed=1, model="OneDCNN")
    assert report(results, "whole", "no_x", "--baseline", "whole, DualGAFNet") == 0
    assert {row["experiment"] for row in rows(results)} == {"whole, DualGAFNet", "no_x", "whole, OneDCNN"}
