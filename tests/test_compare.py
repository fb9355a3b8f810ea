"""The comparison of run folders: right numbers, means over seeds, and a warning wherever rows do not comparison."""

import csv
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exp.reporting import comparison
from tests import fake_run
from utils.errors import UserError


def make(tmp_path: Path, name: str, **options: Any) -> Path:
    return fake_run.make(tmp_path / "runs" / name, draw=False, **options)


def change(run: Path, how: Callable[[dict[str, Any]], object]) -> None:
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    how(metrics)
    (run / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


def columns(folders: list[Path], *names: str) -> list[list[str]]:
    header, rows = comparison.table(folders)
    return [[row[header.index(name)] for name in names] for row in rows]


def test_a_row_tells_the_run(tmp_path: Path) -> None:
    header, rows = comparison.table([make(tmp_path, "a", des="baseline")])
    row = dict(zip(header, rows[0], strict=True))
    assert len(rows) == 1
    assert row == {
        "des": "baseline",
        "run": "a",
        "model": "DualGAFNet",
        "data": "DualGAF",
        "accumulation": "4 x 4",
        "effective batch": "16",
        "parameters": "412,873",
        "val accuracy": "0.822 [0.781, 0.846]",
        "val macro-F1": "0.822 [0.781, 0.846]",
        "test accuracy": "0.878 [0.834, 0.904]",
        "test macro-F1": "0.877 [0.834, 0.904]",
        "epochs": "20",
        "seconds": "278",
        "notes": "",
    }


def test_seeds_are_summarised_by_mean_and_deviation(tmp_path: Path) -> None:
    runs = [make(tmp_path, f"s{seed}", seed=seed, itr=3) for seed in (0, 1, 2)]
    other = make(tmp_path, "other", des="no_attention")
    scores = [json.loads((run / "metrics.json").read_text())["test"]["accuracy"]["value"] for run in runs]
    found = columns([runs[0], other, runs[1], runs[2]], "run", "test accuracy", "notes")
    # runs of one experiment come together
    assert [row[0] for row in found] == ["s0", "s1", "s2", "mean of 3", "other"]
    assert found[3][1] == f"{statistics.fmean(scores):.3f} +/- {statistics.stdev(scores):.3f}"
    assert [row[2] for row in found] == [""] * 5, "another seed is another split, not other data"


@pytest.mark.parametrize("option", [{"des": "x"}, {"batch_size": 2}, {"loss_preset": "hvac_similar"}])
def test_any_other_option_makes_another_experiment(tmp_path: Path, option: dict[str, Any]) -> None:
    runs = [make(tmp_path, "a", seed=0), make(tmp_path, "b", seed=1, **option)]
    assert [row[0] for row in columns(runs, "run")] == ["a", "b"]


def test_one_seed_twice_is_no_sample(tmp_path: Path) -> None:
    found = columns([make(tmp_path, "a"), make(tmp_path, "b")], "run", "notes")
    assert found[2] == ["mean of 2", "! seed 0 2 times"]


def test_a_metric_missing_in_one_run_has_no_mean(tmp_path: Path) -> None:
    runs = [make(tmp_path, f"s{seed}", seed=seed) for seed in (0, 1)]
    change(runs[1], lambda metrics: metrics.update(test=None))
    (runs[1] / "predictions_test.csv").unlink()
    found = columns(runs, "test accuracy", "val accuracy")
    assert found[1][0] == found[2][0] == "-"
    assert "+/-" in found[2][1]


def test_a_leaking_split_is_marked(tmp_path: Path) -> None:
    runs = [make(tmp_path, "a"), make(tmp_path, "b", des="random", leaking=True)]
    assert columns(runs, "notes") == [["data A"], ["! split leaks; ! data B (unlike A in protocol, leaking)"]]


def test_other_data_is_marked_with_what_differs(tmp_path: Path) -> None:
    runs = [make(tmp_path, name, des=name) for name in ("a", "b", "c", "d")]
    change(runs[1], lambda metrics: metrics["data"].update(step=24))
    change(runs[3], lambda metrics: metrics["data"].update(step=24))
    notes = [row[0] for row in columns(runs, "notes")]
    assert notes == ["data A", "! data B (unlike A in step)", "data A", "! data B (unlike A in step)"]


def test_other_test_windows_under_one_seed_are_marked(tmp_path: Path) -> None:
    runs = [make(tmp_path, "a"), make(tmp_path, "b", des="b"), make(tmp_path, "c", des="c")]
    rows = fake_run.read_csv(runs[1] / "predictions_test.csv")
    fake_run.write_csv(runs[1] / "predictions_test.csv", [{**rows[0], "start": "1999-01-01T00:00:00"}, *rows[1:]])
    # the order of the rows, and what was answered, make no difference to the data
    rows = fake_run.read_csv(runs[2] / "predictions_test.csv")
    fake_run.write_csv(runs[2] / "predictions_test.csv", [{**row, "predicted": "x"} for row in rows[::-1]])
    assert columns(runs, "notes") == [["data A"], ["! data B (unlike A in windows)"], ["data A"]]


def test_an_unfinished_run_keeps_its_row(tmp_path: Path) -> None:
    runs = [make(tmp_path, f"s{seed}", seed=seed) for seed in (0, 1)]
    (runs[0] / "metrics.json").unlink()
    found = columns(runs, "run", "test accuracy", "accumulation", "notes")
    assert found[0] == ["s0", "-", "?", "not finished"]
    assert found[1][3] == ""
    assert len(found) == 2, "no mean of one"


def test_a_changing_effective_batch_is_told(tmp_path: Path) -> None:
    run = make(tmp_path, "a")
    rows = fake_run.read_csv(run / "training_metrics.csv")
    fake_run.write_csv(run / "training_metrics.csv", [*rows[:-1], {**rows[-1], "effective_batch_size": "8"}])
    assert columns([run], "accumulation", "effective batch") == [["4 x 2 to 4", "8 to 16"]]


def test_links_and_repetitions_are_read_once(tmp_path: Path) -> None:
    run = make(tmp_path, "a")
    (run.parent / "latest").symlink_to("a")
    assert columns([run, run.parent / "latest", run], "run") == [["a"]]


def test_mistakes_are_named(tmp_path: Path) -> None:
    run = make(tmp_path, "a")
    with pytest.raises(UserError, match="nothing to compare"):
        comparison.table([])
    with pytest.raises(UserError, match="is not a run folder"):
        comparison.table([run, tmp_path / "nowhere"])
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        comparison.write([run], tmp_path / "file" / "comparison.html")


def test_three_files_are_written(tmp_path: Path) -> None:
    runs = [make(tmp_path, f"s{seed}", seed=seed) for seed in (0, 1)]
    runs.append(make(tmp_path, "r", des="<script>", leaking=True))
    page = comparison.write(runs, tmp_path / "new" / "folder")
    assert page == tmp_path / "new" / "folder" / "comparison.html"
    html = page.read_text(encoding="utf-8")
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "split leaks" in html
    assert "0.834 \u2013 0.904" in html
    lines = page.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    start = lines[0].index("test accuracy")
    assert all(line[start - 2 : start] == "  " and line[start] != " " for line in lines[2:6]), "columns are aligned"
    assert "The same in all runs: model DualGAFNet, data DualGAF" in "\n".join(lines)
    rows = fake_run.read_csv(page.with_suffix(".csv"))
    assert [row["runs"] for row in rows] == ["1", "1", "2", "1"]
    scores = [float(row["test_macro_f1"]) for row in rows]
    assert scores[2] == pytest.approx(statistics.fmean(scores[:2]))
    assert float(rows[2]["test_macro_f1_std"]) == pytest.approx(statistics.stdev(scores[:2]))


def test_the_page_may_be_named(tmp_path: Path) -> None:
    page = comparison.write([make(tmp_path, "a")], tmp_path / "v1.2" / "my.table.html")
    assert sorted(path.name for path in page.parent.iterdir()) == ["my.table.csv", "my.table.html", "my.table.txt"]


def test_no_cell_of_the_csv_runs_in_a_spreadsheet(tmp_path: Path) -> None:
    page = comparison.write([make(tmp_path, "a", des='=HYPERLINK("x")', model="@sum")], tmp_path / "out")
    with page.with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert (row["des"], row["model"]) == ('\'=HYPERLINK("x")', "'@sum")
