"""Trends out of a database and what was found into one: the same as from and to files."""

import csv
import os
import sqlite3
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlalchemy

import run
from data_provider.trends.files import trend_files
from data_provider.trends.request import Request
from data_provider.trends.trend import read_trend
from data_provider.trends.unit_files import files_of_units
from tests.kit import train, write_folder

QUICK = ("--train_epochs", "2", "--batch_size", "8", "--seed", "3")


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """Data, and the same readings in two databases: a wide table, a long one, and a view."""
    folder = tmp_path_factory.mktemp("database")
    write_folder(folder / "data")
    wide = pd.read_csv(folder / "data" / "stuck.csv")
    long = wide.melt("Datetime", var_name="point", value_name="value")
    with sqlite3.connect(folder / "trends.db") as link:
        wide.to_sql("stuck", link, index=False)
        long.to_sql("readings", link, index=False)
        link.execute("CREATE TABLE empty (Datetime TEXT, SUPPLY REAL)")
    with duckdb.connect(str(folder / "trends.duckdb")) as link:
        link.register("frame", wide.assign(Datetime=pd.to_datetime(wide["Datetime"])))
        link.execute("CREATE TABLE stuck AS SELECT * FROM frame")
    return folder


@pytest.fixture(scope="module")
def trained(base) -> Path:
    status, folder = train(base / "data", base / "runs", *QUICK)
    assert status == 0
    return folder


def detect(trained: Path, source: object, output: object, *flags: str) -> int:
    words = ["detect", "--run", str(trained), "--input", str(source), "--output", str(output), "--disable_parallel"]
    return run.main([*words, *flags])


def rows(folder: Path, name: str = "windows") -> list[dict]:
    """The rows of a file but for the name of the trend file."""
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key != "file"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def expected(base, trained) -> list[dict]:
    assert detect(trained, base / "data" / "stuck.csv", base / "from_file") == 0
    return rows(base / "from_file")


@pytest.mark.parametrize(
    ("kind", "flags"),
    [
        ("sqlite:///{}/trends.db", ("--table", "stuck")),
        ("sqlite:///{}/trends.db", ("--table", "readings")),
        ("sqlite:///{}/trends.db", ("--query", "SELECT * FROM readings ORDER BY point, Datetime DESC")),
        ("duckdb:///{}/trends.duckdb", ("--table", "stuck")),
        ("duckdb:///{}/trends.duckdb", ("--query", "SELECT * FROM stuck ORDER BY Datetime DESC")),
    ],
)
def test_a_table_or_a_query_is_read_as_its_file(kind, flags, base, trained, expected, tmp_path):
    assert detect(trained, kind.format(base), tmp_path, *flags) == 0
    assert rows(tmp_path) == expected


@pytest.mark.skipif("TEST_POSTGRESQL" not in os.environ, reason="no PostgreSQL to test with: see CONTRIBUTING.md")
def test_postgresql_is_read_and_written(base, trained, expected, tmp_path):
    url = os.environ["TEST_POSTGRESQL"]
    engine = sqlalchemy.create_engine(url)
    table = pd.read_csv(base / "data" / "stuck.csv", parse_dates=["Datetime"])
    with engine.begin() as link:
        for name in ("windows", "events"):
            link.execute(sqlalchemy.text(f"DROP TABLE IF EXISTS {name}"))
        table.to_sql("stuck unit", link, index=False, if_exists="replace")
    assert detect(trained, url, tmp_path, "--table", "stuck unit") == 0
    assert rows(tmp_path) == expected
    query = """SELECT "Datetime", 'SUPPLY' AS point, "SUPPLY" AS value FROM "stuck unit" ORDER BY 1"""
    assert detect(trained, url, tmp_path / "few", "--query", query) == 2  # one sensor is too few
    assert detect(trained, base / "data" / "stuck.csv", url) == 0
    with engine.begin() as link:
        found = link.execute(sqlalchemy.text("SELECT verdict FROM windows")).fetchall()
    assert [row[0] for row in found] == [row["verdict"] for row in expected]


@pytest.mark.parametrize("kind", ["sqlite:///{}/found.db", "duckdb:///{}/found.duckdb"])
def test_what_is_found_is_appended(kind, base, trained, expected, tmp_path, capsys):
    url = kind.format(tmp_path)
    for _ in range(2):
        assert detect(trained, base / "data" / "stuck.csv", url) == 0
    assert f"detected: {url}" in capsys.readouterr().out
    opened = sqlite3.connect if "sqlite" in kind else duckdb.connect
    with opened(url.split("///")[1]) as link:
        windows = link.execute('SELECT start, "end", verdict, confidence, evaluated FROM windows').fetchall()
        events = link.execute("SELECT fault, hours, confirmed FROM events").fetchall()
    once = [(row["start"], row["end"], row["verdict"]) for row in expected]
    assert [row[:3] for row in windows] == once * 2
    assert all(row[4] for row in windows)
    assert [row[3] for row in windows[: len(once)]] == [float(row["confidence"] or "nan") or None for row in expected]
    known = [(row["fault"], float(row["hours"]), row["confirmed"]) for row in rows(base / "from_file", "events")]
    assert events == known * 2


@pytest.mark.parametrize("kind", ["sqlite:///{}/found.db", "duckdb:///{}/found.duckdb"])
def test_tables_of_an_earlier_version_get_the_columns_added_since(kind, base, trained, tmp_path):
    url = kind.format(tmp_path)
    assert detect(trained, base / "data" / "stuck.csv", url) == 0
    opened = sqlite3.connect if "sqlite" in kind else duckdb.connect
    with opened(url.split("///")[1]) as link:
        link.execute("ALTER TABLE windows DROP COLUMN novelty")
        link.execute('ALTER TABLE events DROP COLUMN "kind"')
    assert detect(trained, base / "data" / "stuck.csv", url) == 0
    with opened(url.split("///")[1]) as link:
        kinds = [row[0] for row in link.execute("SELECT kind FROM events").fetchall()]
        assert link.execute("SELECT count(novelty) FROM windows").fetchone()[0] > 10
    assert kinds.count(None) == len(kinds) / 2


@pytest.mark.parametrize(
    ("source", "output", "flags", "words"),
    [
        (
            "sqlite:///{}/trends.db",
            "{}/o",
            (),
            "name what to read, --table NAME or --query 'SELECT ...', one of the two",
        ),
        ("sqlite:///{}/trends.db", "{}/o", ("--table", "none"), "no such table: none; check the address, --table and"),
        ("sqlite:///{}/trends.db", "{}/o", ("--table", 'a"b'), "is not the name of a table"),
        ("sqlite:///{}/trends.db", "{}/o", ("--table", "empty"), "the query gives no row"),
        ("sqlite:///{}/trends.db", "{}/o", ("--query", "SELEKT"), 'near "SELEKT": syntax error'),
        ("duckdb:///{}/none.duckdb", "{}/o", ("--table", "a"), "duckdb:///"),
        ("nosuch://me:secret@host/db", "{}/o", ("--table", "a"), "nosuch://host/db: "),
        ("{}/data", "{}/o", ("--table", "a"), "--table and --query go with a database for --input"),
        ("{}/data", "sqlite:///{}/f.db", ("--shard", "1/2"), "--follow and --shard write files; name a folder"),
        (
            "{}/data",
            "sqlite:////none/none/f.db",
            (),
            "unable to open database file; name another database with --output",
        ),
        ("sqlite:///{}/trends.db", "{}/o", ("--table", "stuck", "--follow"), "--follow watches files, not a database"),
    ],
)
def test_a_mistake_is_one_line(source, output, flags, words, base, trained, capsys):
    capsys.readouterr()
    assert detect(trained, source.format(base), output.format(base), *flags) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in line
    assert "secret" not in line


def test_a_partitioned_folder_is_a_file_a_unit(base, tmp_path):
    table = pd.read_csv(base / "data" / "stuck.csv")
    table["Datetime"] = pd.to_datetime(table["Datetime"])
    for unit in ("AHU-1", "AHU-2"):
        for month, part in table.groupby(table["Datetime"].dt.day):
            folder = tmp_path / f"unit={unit}" / f"month={month}"
            folder.mkdir(parents=True)
            part.to_parquet(folder / "part-0.parquet", index=False)
    names = tuple(table.columns[1:])
    request = Request(columns=names, units=("",) * len(names), period_seconds=900)
    found = files_of_units(trend_files(tmp_path), "auto", request)
    assert [file.name for file in found] == ["unit=AHU-1/AHU-1", "unit=AHU-2/AHU-2"]
    whole = read_trend(trend_files(base / "data" / "stuck.csv")[0], request)
    for file in found:
        trend = read_trend(file, request)
        assert not trend.fatal
        np.testing.assert_array_equal(trend.times, whole.times)
        np.testing.assert_array_equal(trend.values, whole.values)
