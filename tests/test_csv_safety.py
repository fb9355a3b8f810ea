"""No table of a run holds a cell that a spreadsheet would run, whatever classes and files are called."""

import csv

import pytest

import run
from tests.kit import train, write_folder
from utils.csv_safety import harmless

NAMES = ("normal", "=HYPERLINK(1)", "@stuck")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    base = tmp_path_factory.mktemp("formulas")
    write_folder(base / "data", days=6, names=NAMES)
    status, made = train(base / "data", base / "runs", "--train_epochs", "1")
    assert status == 0
    return made


def test_no_table_of_a_run_holds_a_formula(folder):
    tables = list(folder.rglob("*.csv"))
    assert {"predictions_test.csv", "predictions_val.csv", "training_metrics.csv"} <= {path.name for path in tables}
    cells = set()
    for path in tables:
        with path.open(newline="", encoding="utf-8") as file:
            cells |= {cell for row in csv.reader(file) for cell in row}
    assert "'=HYPERLINK(1)" in cells
    assert [cell for cell in cells if cell != harmless(cell)] == []


def test_names_like_formulas_come_through_every_verb(folder, tmp_path, capsys):
    assert run.main(["report", "--run", str(folder)]) == 0
    assert run.main(["test", "--run", str(folder)]) == 0
    data = tmp_path / "two days"  # of each file: every event found is drawn
    data.mkdir()
    for path in (folder.parents[4] / "data").glob("*.csv"):
        (data / path.name).write_text("".join(path.read_text().splitlines(keepends=True)[: 1 + 2 * 96]))
    words = ["detect", "--run", str(folder), "--input", str(data), "--output", str(tmp_path / "found")]
    assert run.main(words) == 0
    capsys.readouterr()
    tables = list((tmp_path / "found").glob("*.csv"))
    assert {"windows.csv", "events.csv"} <= {path.name for path in tables}
    for path in tables:
        with path.open(newline="", encoding="utf-8") as file:
            assert all(cell == harmless(cell) for row in csv.reader(file) for cell in row)
