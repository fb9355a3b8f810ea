"""Names of files, columns and classes, and the run's description, are text: in pages, tables, figures and terminals."""

import csv
import warnings

import pandas as pd
import pytest

import run
from tests.kit import SMALL, latest, write_folder
from tests.run_folders.kit import status_and_error
from utils.csv_safety import harmless

SCRIPT, ESCAPE, FORMULA, MATHS = (
    "<script>alert(1)</script>",
    "\x1b[31mred\x07",
    '=HYPERLINK("x")',
    "$\\frac{$ ${7*7} {{7*7}}",
)
CLASSES = {"normal": "normal", "stuck": f"{SCRIPT}{ESCAPE}", "biased": FORMULA}
COLUMNS = {"SUPPLY": SCRIPT, "OUTDOOR": f"{ESCAPE}{MATHS}", "FAN": "+cmd|' /C calc'!A0"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A run on a table whose columns and classes have such names, and what it said."""
    base = tmp_path_factory.mktemp("hostile")
    write_folder(base / "plain", days=6)
    table = base / "=1+1<img src=x onerror=alert(2)>.parquet"  # text files with control characters are refused
    frames = [pd.read_csv(base / "plain" / f"{name}.csv").assign(label=label) for name, label in CLASSES.items()]
    joined = pd.concat(frames, ignore_index=True).rename(columns=COLUMNS)
    joined["Datetime"] = pd.date_range("2021-03-01", periods=len(joined), freq="15min")
    joined.to_parquet(table, index=False)
    words = ["--data", "csv", "--root_path", str(table), "--result_path", str(base / "runs"), *SMALL]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run.main([*words, "--train_epochs", "1", "--split", "day", "--accept_leaks", "all"]) == 0
    return latest(base / "runs"), table


def no_signs(text):
    return not {"\x1b", "\x07", "\x9b"} & set(text)


def test_pages_hold_names_as_text(hostile, tmp_path):
    folder, table = hostile
    words = ["detect", "--run", str(folder), "--input", str(table), "--output", str(tmp_path / "found")]
    assert run.main(words) == 0
    pages = [folder / "report.html", folder / "model" / "README.md", tmp_path / "found" / "report.html"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page
    for path in [*folder.glob("*.csv"), *(tmp_path / "found").glob("*.csv")]:
        with path.open(newline="", encoding="utf-8") as file:
            assert all(cell == harmless(cell) for row in csv.reader(file) for cell in row), path


def test_terminals_and_logs_hold_no_signs(hostile, tmp_path, capsys, monkeypatch):
    folder, table = hostile
    monkeypatch.chdir(tmp_path)  # doctor writes a role map here
    capsys.readouterr()
    for words in (
        ["report", "--run", str(folder)],
        ["test", "--run", str(folder)],
        ["report", "--compare", str(folder), "--result_path", str(tmp_path)],
        ["detect", "--run", str(folder), "--input", str(table), "--output", str(tmp_path / "found")],
        ["doctor", "--run", str(folder), "--input", str(table)],
    ):
        assert run.main(words) in (0, 1), words
        said = capsys.readouterr()
        assert no_signs(said.out + said.err), words
    assert no_signs((folder / "training.log").read_text(encoding="utf-8"))


def test_a_description_is_a_plain_word(capsys, tmp_path):
    for des in (SCRIPT, ESCAPE, FORMULA, "../up", "", "a/b"):
        words = ["--data", "folder", "--root_path", str(write_folder(tmp_path / "d", days=6)), "--des", des, *SMALL]
        status, error = status_and_error([*words, "--result_path", str(tmp_path / "runs")], capsys)
        assert (status, error.count("\n")) == (2, 1)
        assert no_signs(error)
    assert not list(tmp_path.rglob("config.yaml"))


def test_a_comparison_shows_edited_descriptions_as_text(hostile, tmp_path, capsys):
    folder, _ = hostile
    text = (folder / "config.yaml").read_text(encoding="utf-8")
    for des in ('"\\e[31m<script>alert(1)</script>"', "'=1+1'"):
        copy = tmp_path / f"copy{len(list(tmp_path.iterdir()))}"
        copy.mkdir()
        (copy / "config.yaml").write_text(text.replace("des: default", f"des: {des}"), encoding="utf-8")
    words = ["report", "--compare", str(tmp_path / "copy*"), "--result_path", str(tmp_path / "out")]
    capsys.readouterr()
    assert run.main(words) == 0
    said = capsys.readouterr()
    assert no_signs(said.out + said.err)
    assert "<script>alert" not in (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert no_signs((tmp_path / "out" / "comparison.txt").read_text(encoding="utf-8"))
    with (tmp_path / "out" / "comparison.csv").open(newline="", encoding="utf-8") as file:
        assert all(cell == harmless(cell) for row in csv.reader(file) for cell in row)
