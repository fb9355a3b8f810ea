"""Experiments against a baseline: right differences, on the same windows only, in every form that is written."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.metrics import accuracy_score, f1_score

import run
from exp.evaluation.paired import over_repeats
from exp.reporting import comparison, difference_tables, differences
from exp.runs.comparable import load
from tests import fake_run
from utils.errors import UserError

CLASSES = fake_run.CLASSES[:4]


def make(folder: Path, *, right: float = 0.6, windows: int = 0, **options: Any) -> Path:
    """A run whose answers are right so often; runs with the same `windows` were tested on the same ones."""
    fake_run.make(folder, classes=CLASSES, draw=False, **options)
    random = np.random.default_rng(100 * windows + options.get("seed", 0) + round(1000 * right))
    rows = []
    for i in range(240):
        target = CLASSES[i % 4]
        answer = target if random.random() < right else str(random.choice(CLASSES))
        day = np.datetime64("2018-01-01", "s") + np.timedelta64(i // 8 + 100 * windows, "D")
        row = {"file": target, "start": day, "end": day + np.timedelta64(i % 8, "h"), "target": target}
        row |= {"predicted": answer, "confidence": 0.7, "block": i // 16}
        rows.append(row | {f"p_{name}": 0.7 if name == answer else 0.1 for name in CLASSES})
    fake_run.write_csv(folder / "predictions_test.csv", rows)
    return folder


def answers(folder: Path) -> tuple[list[str], list[str]]:
    rows = fake_run.read_csv(folder / "predictions_test.csv")
    return [row["target"] for row in rows], [row["predicted"] for row in rows]


def macro(folder: Path) -> float:
    return f1_score(*answers(folder), average="macro")


def against(folders: list[Path], baseline: str | None = None) -> list[differences.Difference]:
    return differences.against(load(folders)[0], baseline)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return [
        make(tmp_path / "a", right=0.6, des="plain"),
        make(tmp_path / "b", right=0.4, des="worse", batch_size=8),
        make(tmp_path / "c", right=0.8, des="better", loss_preset="focal"),
    ]


def test_differences_are_those_of_the_answers_and_stand_in_order(three):
    rows = against(three)
    assert [row.name for row in rows] == ["plain", "better", "worse"]
    assert [row.is_baseline for row in rows] == [True, False, False]
    for row, folder in zip(rows, (three[0], three[2], three[1]), strict=True):
        assert row.measured["macro_f1"]["second"] == pytest.approx(macro(folder))
        assert row.measured["macro_f1"]["value"] == pytest.approx(macro(folder) - macro(three[0]))
        assert row.measured["accuracy"]["second"] == pytest.approx(accuracy_score(*answers(folder)))
    assert rows[1].measured["macro_f1"]["low"] > 0 > rows[2].measured["macro_f1"]["high"]
    mine, theirs = (np.equal(*answers(folder)) for folder in (three[0], three[2]))
    assert rows[1].windows["second_only"] == (theirs & ~mine).sum()
    assert rows[1].windows["first_only"] == (mine & ~theirs).sum()


def test_the_order_of_rows_in_a_file_makes_no_difference(three):
    before = against(three)
    rows = fake_run.read_csv(three[2] / "predictions_test.csv")
    fake_run.write_csv(three[2] / "predictions_test.csv", rows[::-1])
    assert against(three) == before


def test_what_differs_is_told_but_not_what_repeats_or_names(three):
    rows = {row.name: row.options for row in against(three)}
    assert rows == {"plain": {}, "worse": {"batch_size": ("4", "8")}, "better": {"loss_preset": ("none", "focal")}}


def test_an_option_of_a_later_version_is_told_as_not_noted(three):
    config = yaml.safe_load((three[1] / "config.yaml").read_text())
    (three[1] / "config.yaml").write_text(yaml.safe_dump(config | {"scaling": "range"}))
    assert against(three)[2].options["scaling"] == (differences.ABSENT, "range")


@pytest.mark.parametrize("how", ["tag", "folder", "link"])
def test_the_baseline_is_named_by_tag_or_folder(three, how):
    (three[1].parent / "latest").symlink_to("b")
    name = {"tag": "worse", "folder": str(three[1]), "link": str(three[1].parent / "latest")}[how]
    assert [row.name for row in against(three, name)] == ["worse", "better", "plain"]


def test_a_wrong_baseline_is_one_line(three, tmp_path):
    with pytest.raises(UserError, match=r"'bettr' is none of the runs .*did you mean better"):
        against(three, "bettr")
    with pytest.raises(UserError, match="one of: better, plain, worse"):
        against(three, "zzz")
    again = make(tmp_path / "d", des="plain", batch_size=2)
    with pytest.raises(UserError, match="2 experiments are tagged 'plain'"):
        against([*three, again], "plain")
    names = [row.name for row in against([*three, again])]
    assert names[0] == "plain, DualGAFNet, a"
    assert "plain, DualGAFNet, d" in names


def test_other_windows_give_a_line_and_no_difference(three, tmp_path):
    other = make(tmp_path / "other", right=0.99, windows=1, des="other")
    rows = against([*three, other])
    assert [row.name for row in rows] == ["plain", "better", "worse", "other"]
    assert rows[-1].measured is None
    page, told = comparison.write_and_tell([*three, other], tmp_path / "out", None)
    line = next(line for line in told.splitlines() if line.startswith("other") and "same windows" in line)
    assert "not tested on the same windows as the baseline" in line
    assert "not tested on the same windows" in page.read_text(encoding="utf-8")
    assert "not tested on the same windows" in page.with_suffix(".tex").read_text(encoding="utf-8")


def change(folder: Path, how: Callable[[dict[str, Any]], object]) -> None:
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    how(metrics)
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


def test_a_run_without_a_test_part_or_with_damaged_predictions_is_told(three):
    change(three[1], lambda metrics: metrics.update(test=None))
    (three[1] / "predictions_test.csv").unlink()
    rows = fake_run.read_csv(three[2] / "predictions_test.csv")
    fake_run.write_csv(three[2] / "predictions_test.csv", [{**row, f"p_{CLASSES[0]}": "x"} for row in rows])
    assert [row.note for row in against(three)] == [
        "",
        "no test predictions to compare",
        "no test predictions to compare",
    ]
    assert against(three, "worse")[0].note == "no test predictions to compare"


def test_classes_are_matched_by_name(three):
    before = against(three)
    turned = list(CLASSES[::-1])
    change(three[2], lambda metrics: metrics["data"].update(classes=turned))
    assert against(three)[1].measured["macro_f1"] == pytest.approx(before[1].measured["macro_f1"])


def test_a_leaking_split_stays_marked(three, tmp_path):
    leaking = make(tmp_path / "l", right=0.9, des="leaking")
    change(leaking, lambda metrics: metrics["data"].update(leaking=True))
    assert [row.note for row in against([*three, leaking])] == ["", "! split leaks", "", ""]


def test_known_leaks_stay_on_differences_in_every_form(three, tmp_path):
    change(three[2], lambda metrics: metrics["data"].update(marks=["one_column"]))
    other = make(tmp_path / "o", right=0.9, windows=1, des="other")
    change(other, lambda metrics: metrics["data"].update(leaking=True, marks=["copies"]))
    assert [row.note for row in against([*three, other])][1] == "! leaks: one_column"
    page = comparison.write([*three, other], tmp_path / "out")
    for form in (".html", ".txt", ".tex"):
        text = page.with_suffix(form).read_text(encoding="utf-8").replace("\\_", "_")
        assert "better: ! leaks: one_column" in text or text.count("! leaks: one_column") == 2
        assert "! split leaks; ! leaks: copies; not tested on the same windows" in text
    assert "better (leaks) & $" in page.with_suffix(".tex").read_text(encoding="utf-8")
    assert "! leaks: one_column" in page.with_name("comparison_differences.csv").read_text(encoding="utf-8")


def test_seeds_are_paired_and_tested_as_repeats(tmp_path):
    first, second = (
        [
            make(tmp_path / f"{des}{seed}", right=right + seed / 50, windows=seed, des=des, seed=seed)
            for seed in (0, 1, 2)
        ]
        for des, right in (("a", 0.5), ("b", 0.6))
    )
    baseline, row = against([*first, *second[::-1]])
    apart = [macro(b) - macro(a) for a, b in zip(first, second, strict=True)]
    assert row.measured["macro_f1"]["value"] == pytest.approx(np.mean(apart))
    assert baseline.measured["macro_f1"]["second"] == pytest.approx(np.mean([macro(a) for a in first]))
    counts = json.loads((first[0] / "metrics.json").read_text())["data"]["counts"]
    expected = over_repeats(apart, sum(counts["test"]) / sum(counts["train"]))
    assert row.repeats["macro_f1"] == pytest.approx(expected)
    assert (row.runs, row.pairs, row.note) == (3, 3, "")
    assert row.measured["blocks"] == 45
    lacking = against([*first, *second[:2]])[1]
    assert (lacking.runs, lacking.pairs) == (2, 2)
    assert against([*first[:2], *second])[1].note == "2 of 3 runs were tested on windows of the baseline"


def test_seeds_of_one_split_are_paired_by_seed(tmp_path):
    first, second = (
        [make(tmp_path / f"{des}{seed}", right=right + seed / 10, des=des, seed=seed) for seed in seeds]
        for des, right, seeds in (("a", 0.4, (0, 1)), ("b", 0.6, (1, 0)))
    )
    row = against([*first, *second])[1]
    assert row.pairs == row.repeats["macro_f1"]["number"] == 2
    apart = [macro(b) - macro(a) for a, b in zip(first, second[::-1], strict=True)]
    assert row.repeats["macro_f1"]["mean"] == pytest.approx(np.mean(apart))
    assert row.measured["blocks"] == 15, "both seeds were tested on the same blocks"
    later = [make(tmp_path / f"c{seed}", right=0.7, des="c", seed=seed) for seed in (7, 8)]
    assert against([*first, *later])[1].pairs == 2, "other seeds on the same windows are paired in their order"


def folds(results: Path, des: str, right: float) -> Path:
    """A folder of two folds of one seed, beside their runs."""
    rows = []
    for fold in (1, 2):
        name = f"{des}-run-{fold}"
        make(results / name, right=right, windows=fold, des=des, folds=f"{fold}/2")
        protocol = f"days, fold {fold} of 2"
        change(results / name, lambda metrics, protocol=protocol: metrics["data"].update(protocol=protocol))
        rows.append({"seed": 0, "fold": f"{fold}/2", "run": name})
    whole = results / f"{des}-folds"
    whole.mkdir()
    shutil.copy(results / name / "config.yaml", whole / "config.yaml")
    fake_run.write_csv(whole / "folds.csv", [*rows, {"seed": 1, "fold": "1/2", "run": ""}])
    return whole


def test_folds_are_one_experiment_and_taken_together(tmp_path):
    wholes = [folds(tmp_path, "a", 0.5), folds(tmp_path, "b", 0.7)]
    header, rows = comparison.table(wholes)
    assert [row[header.index("run")] for row in rows] == [
        *("a-run-1", "a-run-2", "mean of 2", "b-run-1", "b-run-2", "mean of 2"),
    ]
    assert {row[-1] for row in rows} == {""}, "folds are no other data, and no seed twice"
    row = against(wholes, str(wholes[0]))[1]
    parts = [answers(tmp_path / f"b-run-{fold}") for fold in (1, 2)]
    truth, said = (parts[0][side] + parts[1][side] for side in (0, 1))
    assert row.measured["macro_f1"]["second"] == pytest.approx(f1_score(truth, said, average="macro"))
    assert row.repeats["accuracy"]["number"] == 2


def test_a_number_of_folds_is_another_protocol(tmp_path):
    a, b = folds(tmp_path, "a", 0.5), folds(tmp_path, "b", 0.7)
    for fold in (1, 2):
        change(tmp_path / f"b-run-{fold}", lambda metrics: metrics["data"].update(protocol="days, fold 1 of 5"))
    _, rows = comparison.table([a, b])
    assert "! data B (unlike A in protocol)" in {row[-1] for row in rows}


def test_every_form_is_written(three, tmp_path):
    tricky = make(tmp_path / "t", right=0.7, des="50%_of <b> & {x}", model="=cmd")
    page, told = comparison.write_and_tell([*three, tricky], tmp_path / "out" / "my.table.html", "plain")
    assert sorted(path.name for path in page.parent.iterdir()) == [
        *("my.table.csv", "my.table.html", "my.table.tex", "my.table.txt", "my.table_differences.csv"),
    ]
    html = page.read_text(encoding="utf-8")
    assert "<b>" not in html.split("Differences to the baseline")[1]
    assert "McNemar" in html
    latex = page.with_suffix(".tex").read_text(encoding="utf-8")
    assert r"50\%\_of \textless{}b\textgreater{} \& \{x\}" in latex
    body = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert len(body) == 5
    assert all(line.replace(r"\&", "").count("&") == 5 for line in body)
    with (page.parent / "my.table_differences.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["baseline"] for row in rows] == ["yes", "no", "no", "no"]
    found = against([*three, tricky], "plain")
    assert [float(row["macro_f1_difference"]) for row in rows] == [row.measured["macro_f1"]["value"] for row in found]
    low, high = (float(rows[1][f"macro_f1_difference_{side}"]) for side in ("low", "high"))
    assert f"{low:+.3f}, {high:+.3f}" in told
    assert f"{low:+.3f}, {high:+.3f}" in page.with_suffix(".txt").read_text(encoding="utf-8")


def test_many_options_are_cut_in_the_table_and_whole_in_the_csv(tmp_path):
    more = {f"option_{i}": i for i in range(8)}
    folders = [make(tmp_path / "a", des="a"), make(tmp_path / "b", des="b", **more)]
    rows = against(folders)
    assert difference_tables.cells(rows)[1][8].endswith("; and 3 more")
    assert "option_7: not noted -> 7" in difference_tables.as_csv(rows)


@pytest.mark.parametrize(("p", "words"), [(None, "-"), (0.0004, "<0.001"), (0.0312, "0.031"), (1.0, "1.000")])
def test_a_p_value_has_three_digits(p, words):
    assert difference_tables.p_value(p) == words


def test_one_experiment_has_no_differences(tmp_path):
    page = comparison.write([make(tmp_path / "a")], tmp_path / "out")
    assert not page.with_suffix(".tex").exists()
    assert "Differences" not in page.read_text(encoding="utf-8")


def test_the_verb_takes_a_baseline_and_a_place(three, tmp_path, capsys):
    names = [str(path) for path in three]
    assert run.main(["report", "--compare", *names, "--baseline", "better", "--output", str(tmp_path / "new")]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[-1] == f"comparison: {tmp_path / 'new' / 'comparison.html'}"
    assert "Differences to the baseline, better" in told
    assert run.main(["report", "--compare", *names, "--baseline", "nobody"]) == 2
    assert run.main(["report", "--run", names[0], "--baseline", "better"]) == 2
    assert run.main(["report", "--run", names[0], "--output", "x"]) == 2
    assert "--output belongs to --compare" in capsys.readouterr().err
