"""The leaderboard: records that are made once, rows that can be trained, and a page that says what was not."""

import json
import shlex

import pytest

from benchmarks.leaderboard import cli, contest, page
from benchmarks.leaderboard.contest import FIRST_SEED, hold, key_of, missing, records
from benchmarks.leaderboard.sources import kind_of
from benchmarks.leaderboard.tables import ROWS, TABLES, Row, Table
from benchmarks.pages import marks
from tests.kit import write_folder
from utils.command_line import parse
from utils.errors import UserError


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A table of a folder of runs, and two rows."""
    data = write_folder(tmp_path / "data", days=8)
    flags = "--data folder --seq_len 16 --block_days 1 --folds 2 --cache_path " + shlex.quote(str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    table = Table("small", "Small", "measured", flags)
    rows = (Row("forest", "--model RandomForest"), Row("network", "--feature_dim 8"))
    for module in (contest, page, cli):
        monkeypatch.setattr(module, "TABLES", (table,))
        monkeypatch.setattr(module, "ROWS", rows, raising=False)
    monkeypatch.setattr(contest, "place_of", lambda table: data)
    return table, rows


def test_a_record_holds_what_all_folds_measured(small, tmp_path):
    table, rows = small
    path = tmp_path / "records.jsonl"
    record = hold(table, rows[0], FIRST_SEED, quick=False, path=path)
    assert record["folds"] == 2
    assert record["measures"]["macro_f1"] > 0.9
    assert record["windows"] > 100
    assert record["marks"] == []
    assert records(path) == {key_of(table, rows[0], FIRST_SEED): record}
    again = hold(table, rows[0], FIRST_SEED, quick=False, path=path)
    assert again["measures"] == record["measures"]
    assert len(records(path)) == 1


def test_what_has_a_record_is_not_trained_again(small):
    table, rows = small
    everything = list(missing({}, "", 2, slow=False))
    assert [(row.name, seed) for _, row, seed in everything] == [
        ("forest", 2021), ("network", 2021), ("forest", 2022), ("network", 2022)
    ]  # fmt: skip
    known = {key_of(table, rows[0], 2021): {}}
    assert [(row.name, seed) for _, row, seed in missing(known, "small/forest", 2, slow=False)] == [("forest", 2022)]


def test_another_flag_makes_another_record(small):
    table, rows = small
    other = Row(rows[0].name, rows[0].flags + " --seed 3")
    assert key_of(table, rows[0], 1) != key_of(table, other, 1)


def test_the_page_puts_the_best_first_and_names_what_is_missing(small):
    table, rows = small
    made = {}
    for seed, score in ((2021, 0.4), (2022, 0.6)):
        measures = {"macro_f1": score, "accuracy": score, "false_alarm_rate": None}
        entry = {"measures": measures, "windows": 1200, "folds": 2, "parameters": 12345, "seconds": 3.0, "quick": False}
        made[key_of(table, rows[1], seed)] = entry
    text = page.text(made, range(2021, 2023))
    assert "1,200 test windows, 2 folds" in text
    assert "| network | 0.500 ± 0.141 | 0.500 ± 0.141 |  |" in text
    assert "| 12,345 | 2 |" in text
    assert "Not run: forest." in text
    assert "Marked" not in text
    entry["marks"] = ["same_day"]
    assert "**Marked: same_day**" in page.text(made, range(2021, 2023))
    made[key_of(table, rows[0], 2021)] = {**entry, "measures": {"macro_f1": 0.9, "accuracy": 0.9}}
    text = page.text(made, range(2021, 2023))
    assert text.index("| forest |") < text.index("| network |")
    assert "Not run" not in text


def test_the_command_goes_on_where_it_stopped(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "RECORDS", tmp_path / "records.jsonl")
    (tmp_path / "docs").mkdir()
    begin, end = marks("leaderboard")
    (tmp_path / "docs" / "RESULTS.md").write_text(f"before\n{begin}{end}\nafter\n")
    monkeypatch.setattr(cli, "DOCS", tmp_path / "docs")
    words = ["--only", "small/forest", "--seeds", "2"]
    assert cli.main([*words, "--minutes", "0"]) == 0
    assert "1 trainings are left" in capsys.readouterr().out
    assert cli.main(words) == 0
    assert "[1/1]" in capsys.readouterr().out
    written = (tmp_path / "docs" / "RESULTS.md").read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "| forest |" in written
    assert cli.main(words) == 0
    assert "[1/" not in capsys.readouterr().out


def test_quick_keeps_nothing(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cli, "RECORDS", tmp_path / "records.jsonl")
    monkeypatch.setattr(cli, "DOCS", tmp_path)
    assert cli.main(["--quick", "--only", "small/network"]) == 0
    assert "shortened trainings" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.jsonl"))
    assert not (tmp_path / "RESULTS.md").exists()


def test_names_that_are_not_there_are_a_line(capsys):
    assert cli.main(["--only", "pears"]) == 2
    assert "pears" in capsys.readouterr().err
    assert cli.main(["--only", "pairs/DualGAFNetz"]) == 2
    assert "DualGAFNet" in capsys.readouterr().err


def test_a_damaged_record_is_a_line(tmp_path):
    (tmp_path / "records.jsonl").write_text('{"key": "a"}\n{"ke\n')
    with pytest.raises(UserError, match="no record"):
        records(tmp_path / "records.jsonl")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_flags_of_tables_and_rows_are_flags(table):
    for row in ROWS:
        options = parse(shlex.split(f"train {table.flags} {row.flags}"))
        assert options.verb == "train"


def test_records_of_the_repository_are_of_tables_and_rows_of_today():
    names = {table.name for table in TABLES}, {row.name for row in ROWS}
    for record in records().values():
        assert record["table"] in names[0]
        assert record["row"] in names[1]
        assert not record["quick"]
        assert json.dumps(record)


@pytest.mark.parametrize(
    ("stem", "kind"),
    [("AHU_annual", ("normal", "")), ("coi_bias_-4_annual", ("coi_bias", "-4")), ("oa_bias_2_annual", ("oa_bias", "2")),
     ("coi_leakage_010_annual", ("coi_leakage", "010")), ("damper_stuck_100_annual_short", ("damper_stuck", "100"))],
)  # fmt: skip
def test_kinds_and_severities_of_published_runs(stem, kind):
    assert kind_of(stem) == kind
