"""docs/SCALE.md: its commands and its Python run as they stand there, and every way gives the same rows."""

import csv
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import run
from benchmarks import fleet
from exp.detection import api as function
from exp.detection.api import detect_files
from exp.detection.tables import EVENT_FIELDS
from tests.conftest import REPOSITORY
from tests.kit import train, write_folder
from utils.csv_safety import harmless
from utils.errors import UserError

PAGE = (REPOSITORY / "docs" / "SCALE.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"<!-- needs: (\w+) -->\n```python\n(.*?)```", PAGE, flags=re.DOTALL))
SHELL = re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a run (`run`), exports, and what one pass over them found (`whole`) and two shards (`found`)."""
    place = tmp_path_factory.mktemp("scale")
    data = write_folder(place / "data")
    status, folder = train(data, place / "results", "--train_epochs", "4", "--batch_size", "8", "--seed", "3")
    assert status == 0
    (place / "run").symlink_to(folder, target_is_directory=True)
    for name in ("east/AHU-1", "east/AHU-2", "west/AHU-1"):
        (place / "exports" / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(data / "stuck.csv", place / "exports" / "east" / "AHU-1.csv")
    shutil.copy(data / "normal.csv", place / "exports" / "east" / "AHU-2.csv")
    (place / "exports" / "west" / "AHU-1.csv").write_text("Datetime,SUPPLY\n2021-01-01 00:00,1\n")
    words = ["detect", "--run", str(folder), "--input", str(place / "exports"), "--output", str(place / "whole")]
    assert run.main([*words, "--disable_parallel"]) == 0
    shards(place)
    return place


def shards(place: Path) -> None:
    """The page's own command, with two processes for eight."""
    command = next(block for block in SHELL if "xargs" in block)
    assert "N=8\n" in command
    words = command.replace("N=8\n", "N=2\n").replace("python run.py", f"{sys.executable} {REPOSITORY / 'run.py'}")
    done = subprocess.run(
        ["bash", "-euc", words],
        cwd=place,
        capture_output=True,
        text=True,
        env={**os.environ, "RUN": str(place / "run")},
    )
    assert done.returncode == 0, done.stderr


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def execute(name: str, place: Path, monkeypatch) -> dict:
    """Runs a block of the page in the place; its names."""
    (place / f"block_{name}.py").write_text(BLOCKS[name])
    monkeypatch.chdir(place)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    return runpy.run_path(str(place / f"block_{name}.py"), {"RUN": str(place / "run")})


def as_written(found: list[dict]) -> list[dict[str, str]]:
    """Rows of the function as a CSV of `detect` has them."""
    return [
        {harmless(key): "" if value is None else harmless(value) if isinstance(value, str) else str(value)
         for key, value in row.items()}
        for row in found
    ]  # fmt: skip


def test_shards_together_are_the_whole(place):
    for name in ("windows", "events"):
        parts = [row for path in sorted((place / "found").glob(f"{name}.*.csv")) for row in rows(path)]
        assert sorted(parts, key=str) == sorted(rows(place / "whole" / f"{name}.csv"), key=str)


def test_the_function_gives_the_rows_of_detect(place, monkeypatch):
    names = execute("nothing", place, monkeypatch)
    assert as_written(names["windows"]) == rows(place / "whole" / "windows.csv")
    assert as_written(names["events"]) == rows(place / "whole" / "events.csv")
    assert names["faulty"] == sorted({row["file"] for row in rows(place / "whole" / "events.csv")})
    assert "east/AHU-1.csv" in names["faulty"]


def test_the_merge_with_pandas(place, monkeypatch):
    names = execute("pandas", place, monkeypatch)
    whole = pd.read_csv(place / "whole" / "windows.csv", dtype=names["words"])
    whole = whole.sort_values(["file", "start"], ignore_index=True)
    pd.testing.assert_frame_equal(names["windows"], whole)
    pd.testing.assert_frame_equal(pd.read_parquet(place / "windows.parquet"), whole)
    events = pd.read_csv(place / "whole" / "events.csv")
    assert names["worst"]["sum"].sum() == pytest.approx(events["hours"].sum())
    assert len(names["events"]) == len(events)


@pytest.mark.parametrize("name", ["duckdb", "polars"])
def test_the_merge_with(name, place, monkeypatch):
    pytest.importorskip(name, reason=f"{name} is not installed")
    execute_with_pandas = execute("pandas", place, monkeypatch)
    names = execute(name, place, monkeypatch)
    merged, expected = pd.read_parquet(place / f"windows_{name}.parquet"), execute_with_pandas["windows"]
    assert list(merged.columns) == list(expected.columns)
    numbers = expected.select_dtypes("number").columns
    np.testing.assert_array_equal(merged[numbers].astype(float), expected[numbers])  # to the last digit
    for column in ("start", "end"):
        np.testing.assert_array_equal(pd.to_datetime(merged[column]), pd.to_datetime(expected[column]))
    for column in ("file", "class", "verdict"):
        assert merged[column].fillna("").tolist() == expected[column].fillna("").tolist()
    worst = names["worst"] if name == "duckdb" else pd.DataFrame(names["worst"].to_dicts())
    found = worst.set_index(["file", "fault"]).sort_index()[["count", "sum"]].astype(float)
    pd.testing.assert_frame_equal(
        found, execute_with_pandas["worst"].sort_index().astype(float), check_index_type=False
    )


@pytest.mark.parametrize("name", ["ray", "pyspark"])
def test_the_same_function_elsewhere(name, place, monkeypatch):
    pytest.importorskip(name, reason=f"{name} is not installed")
    if name == "pyspark" and not shutil.which("java"):
        pytest.skip("there is no Java runtime for Spark")
    events = execute(name, place, monkeypatch)["events"]
    expected = sorted(rows(place / "whole" / "events.csv"), key=lambda e: (e["file"], e["start"], e["fault"]))
    assert as_written(events) == expected


def test_every_block_of_the_page_is_known_to_a_test():
    assert set(BLOCKS) == {"nothing", "pandas", "duckdb", "polars", "ray", "pyspark"}
    assert PAGE.count("```python") == len(BLOCKS)


def test_the_function_takes_one_file_at_a_time_and_loads_the_model_once(place, monkeypatch):
    loads = []
    real = function.load_detector
    monkeypatch.setattr(function, "load_detector", lambda options: loads.append(1) or real(options))
    function._loaded.cache_clear()
    paths = sorted((place / "exports").rglob("*.csv"))
    parts = [detect_files(place / "run", [path], root=place / "exports") for path in paths]
    whole = detect_files(place / "run", paths, root=place / "exports")
    assert [row for part in parts for row in part[0]] == whole[0]
    assert [row for part in parts for row in part[1]] == whole[1]
    assert loads == [1]
    assert all(tuple(event) == EVENT_FIELDS for event in whole[1])


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"strid": 4}, "stride"),
        ({"vendor": "nobody"}, "nobody"),
        ({"confirm": 0}, "at least 1"),
        ({"root": "no"}, "root"),
    ],
)
def test_a_wrong_setting_is_one_line(place, settings, part):
    with pytest.raises(UserError, match=part) as error:
        detect_files(place / "run", [place / "exports"], **settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("model", "files"), [("nowhere", ["exports"]), ("run", ["nowhere.csv"])])
def test_what_is_not_there_is_one_line(place, model, files):
    with pytest.raises(UserError, match="nowhere"):
        detect_files(place / model, [place / name for name in files])


def test_the_benchmark_multiplies_what_it_measured(place, capsys):
    words = ["--run", str(place / "run"), "--input", str(place / "exports"), "--units", "100", "--days", "24"]
    assert fleet.main([*words, "--processes", "4", "--json", str(place / "fleet.json")]) == 0
    shown = capsys.readouterr().out
    found = json.loads((place / "fleet.json").read_text())
    measured, fleets = found["measured"], found["fleet"]
    assert measured["days"] == pytest.approx(2 * 12, rel=0.01)
    assert measured["windows"] == sum(row["confidence"] != "" for row in rows(place / "whole" / "windows.csv"))
    assert measured["events"] == len(rows(place / "whole" / "events.csv"))
    assert measured["bytes"] == pytest.approx((place / "whole" / "windows.csv").stat().st_size, rel=0.05)
    factor = 100 * 24 / measured["days"]
    assert fleets["windows"] == pytest.approx(measured["windows"] * factor)
    assert fleets["core_hours"] == pytest.approx(measured["cpu_seconds"] * factor / 3600)
    assert fleets["memory"] == 4 * measured["memory"]
    assert measured["memory"] > 1e8
    assert "100 units, 24 days" in shown
    assert fleet.main(["--run", "nowhere", "--input", str(place / "exports")]) == 2
