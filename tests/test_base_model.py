"""The base model that is shipped: units without labels, by whatever names, at whatever step, and input that is none."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_provider.simulator.faults import Fault
from data_provider.simulator.fleet import simulate_fleet
from data_provider.simulator.fleet.draw import draw_unit
from data_provider.simulator.fleet.unit import surroundings
from data_provider.simulator.loop import advance
from data_provider.simulator.records import POINTS, TRACE, ZONES
from data_provider.simulator.runs import at_rest
from exp.detection.load import BASE
from exp.detection.plausible import implausible
from run import main
from scripts import fit_base_model
from tests.conftest import REPOSITORY

SEED = 99  # of no fleet that a base model was trained on
NAMES = {
    "SA_TEMP": "AHU 1 Supply Air Temperature",
    "SA_TEMPSPT": "AHU 1 Supply Air Temperature Set Point",
    "OA_TEMP": "AHU 1 Outdoor Air Temperature",
    "MA_TEMP": "AHU 1 Mixed Air Temperature",
    "RA_TEMP": "AHU 1 Return Air Temperature",
    "OA_DMPR_DM": "AHU 1 Outdoor Air Damper Control Signal",
    "CHWC_VLV_DM": "AHU 1 Cooling Coil Valve Control Signal",
    "HWC_VLV_DM": "AHU 1 Heating Coil Valve Control Signal",
    "SF_SPD_DM": "AHU 1 Supply Air Fan Status",
}


def unit(fault: Fault, *, days: int = 5) -> pd.DataFrame:
    """Five-minute readings of a unit of no fleet, a multi-zone unit that stands at night."""
    drawn = next(u for u in (draw_unit(SEED, n) for n in range(99)) if u.kind == "multi_zone_vav" and u.closes < 24)
    met = surroundings(drawn, seed=SEED, days=days)
    points = np.zeros(len(met.times), POINTS)
    space = np.zeros(ZONES), np.zeros(ZONES)
    advance(at_rest(), drawn.design, met.outdoors, met.noise, fault, met.air, points, np.zeros(1, TRACE), *space)
    rows = slice(4 * 1440, None, 5)
    table = {NAMES[name]: np.round(points[name][rows], 3) for name in NAMES}
    return pd.DataFrame({"Datetime": met.times[rows].astype("datetime64[s]"), **table})


@pytest.fixture(scope="module")
def free() -> pd.DataFrame:
    return unit(Fault())


@pytest.fixture(scope="module")
def faulty() -> pd.DataFrame:
    return unit(Fault(valve=1.0))


def detect(folder: Path, table: pd.DataFrame, *flags: str) -> tuple[int, list[dict[str, str]]]:
    """Status and the rows of days.csv."""
    table.to_csv(folder / "unit.csv", index=False)
    status = main(["detect", "--input", str(folder / "unit.csv"), "--output", str(folder / "out"), *flags])
    path = folder / "out" / "days.csv"
    return status, [*csv.DictReader(path.open())] if path.is_file() else []


def verdicts(rows: list[dict[str, str]]) -> list[str]:
    return [row["verdict"] for row in rows]


def test_the_model_is_small_and_whole():
    weights = BASE / "weights.safetensors"
    described = json.loads((BASE / "model.json").read_text())
    assert sum(path.stat().st_size for path in BASE.iterdir()) < 4 * 2**20
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == described["sha256"][weights.name]
    assert described["data"] == "fleet"
    assert (BASE / "CARD.md").is_file()


def test_a_unit_without_a_fault_has_no_event(tmp_path, free):
    status, rows = detect(tmp_path, free)
    assert status == 0
    assert len(rows) >= 3
    assert set(verdicts(rows)) == {"normal"}
    assert [*csv.DictReader((tmp_path / "out" / "events.csv").open())] == []


def test_a_cooling_valve_stuck_open_is_found_and_named_from_the_first_day(tmp_path, faulty):
    status, rows = detect(tmp_path, faulty)
    assert status == 0
    assert rows[0]["verdict"].startswith("cooling_valve")
    assert sum(verdict.startswith("cooling_valve") for verdict in verdicts(rows)) >= len(rows) - 1
    events = [*csv.DictReader((tmp_path / "out" / "events.csv").open())]
    assert events[0]["fault"].startswith("cooling_valve")
    assert re.search(r"(FC|APAR)\d+ held for \d", events[0]["rules"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "simulated units only" in page
    assert "Rules that held" in page


def test_the_page_goes_where_nothing_is_said_of_it(tmp_path, faulty, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    faulty.to_csv("mine.csv", index=False)
    assert main(["detect", "--input", "mine.csv"]) == 0
    assert (tmp_path / "results" / "detected" / "mine" / "report.html").is_file()
    assert "detected: results/detected/mine" in capsys.readouterr().out


@pytest.mark.parametrize("minutes", [15, 60])
def test_slower_logs_say_the_same(tmp_path, faulty, minutes):
    status, rows = detect(tmp_path, faulty.iloc[:: minutes // 5])
    assert status == 0
    assert sum(verdict.startswith("cooling_valve") for verdict in verdicts(rows)) >= len(rows) - 1
    assert ("held for steps" in (tmp_path / "out" / "report.html").read_text()) == (minutes == 60)


def test_percentages_are_told_by_their_readings(tmp_path, faulty):
    percent = faulty.copy()
    percent.loc[:, percent.columns.str.contains("Control Signal")] *= 100
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    told, known = detect(tmp_path / "a", percent)[1], detect(tmp_path / "b", faulty)[1]
    assert verdicts(told) == verdicts(known)
    assert [float(row["fault"]) for row in told] == pytest.approx([float(row["fault"]) for row in known], abs=0.01)
    assert "taken as percentages" in (tmp_path / "a" / "out" / "report.html").read_text()


def test_readings_that_are_missing_for_a_while_do_not_stop_the_unit(tmp_path, faulty):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    clock = faulty["Datetime"].dt
    holes = faulty[~((clock.minute < 20) & (clock.hour % 3 == 0))]
    told, known = detect(tmp_path / "a", holes)[1], detect(tmp_path / "b", faulty)[1]
    assert [(row["day"], row["verdict"], row["windows"]) for row in told] == [
        (row["day"], row["verdict"], row["windows"]) for row in known
    ]


def test_the_report_says_which_point_would_help_most(tmp_path, faulty):
    status, _ = detect(tmp_path, faulty.drop(columns=[NAMES["MA_TEMP"], NAMES["OA_DMPR_DM"]]))
    assert status == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert re.search(r"without these points fewer faults are found, the first costs most: \w+ \(\d+ %\)", page)


def refused(folder: Path, table: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> str:
    """The line of a file that gets no answer; no event is written."""
    status, rows = detect(folder, table)
    assert status == 2
    assert not [row for row in rows if row["verdict"] not in ("no answer", "")]
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("run.py: ")
    return error


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t[["Datetime", NAMES["SA_TEMP"], NAMES["OA_TEMP"]]], "nothing tells which columns are"),
        (lambda t: t.drop(columns=NAMES["SA_TEMP"]), "nothing tells which columns are"),
        (lambda t: t.assign(**{NAMES["SF_SPD_DM"]: 0}), "never works"),
        (lambda t: t.assign(**{NAMES[n]: 70.0 for n in ("SA_TEMP", "OA_TEMP", "MA_TEMP", "RA_TEMP")}), "changes"),
        (lambda t: t.assign(**{NAMES["RA_TEMP"]: t[NAMES["SA_TEMP"]]}), "read the same"),
        (lambda t: t.assign(**{NAMES[n]: (t[NAMES[n]] - 32) / 1.8 for n in NAMES if "TEMP" in n}), "would be in C"),
        (lambda t: t.rename(columns=dict(zip(NAMES.values(), "abcdefghi", strict=True))), "it has none of the model's"),
        (lambda t: t[t[NAMES["SF_SPD_DM"]] > 0].iloc[20:50], "a window needs"),
    ],
)
def test_what_is_no_air_handling_unit_gets_no_answer(tmp_path, free, change, words, capsys):
    assert words in refused(tmp_path, change(free), capsys)


def test_a_chiller_is_no_air_handling_unit():
    cold = np.linspace(42.0, 56.0, 200)
    assert "supply air reads" in implausible({"SA_TEMP": cold - 10, "RA_TEMP": cold, "MA_TEMP": cold + 5})
    boiler = {"SA_TEMP": np.linspace(150, 180, 200), "RA_TEMP": np.linspace(130, 150, 200)}
    assert "supply air reads 165 F" in implausible(boiler)
    air = {"SA_TEMP": np.linspace(54, 60, 200), "RA_TEMP": np.linspace(70, 76, 200)}
    assert implausible(air) == ""


def test_a_run_that_is_named_decides_instead(tmp_path, free, capsys):
    free.to_csv(tmp_path / "unit.csv", index=False)
    flags = ["--input", str(tmp_path / "unit.csv"), "--result_path", str(tmp_path / "none")]
    assert main(["detect", *flags]) == 2
    assert "train first" in capsys.readouterr().err


def test_doctor_reads_for_the_base_model(tmp_path, free, capsys):
    short = {"SA_TEMP": "DAT", "OA_TEMP": "OAT", "MA_TEMP": "MAT", "RA_TEMP": "RAT", "OA_DMPR_DM": "OAD"}
    free.rename(columns={NAMES[name]: word for name, word in short.items()}).to_csv(tmp_path / "unit.csv", index=False)
    place = ["--input", str(tmp_path / "unit.csv")]
    assert main(["doctor", *place, "--output", str(tmp_path / "roles.yaml")]) == 2
    assert "SA_TEMP: {column: DAT" in (tmp_path / "roles.yaml").read_text()
    capsys.readouterr()
    assert main(["detect", *place, "--output", str(tmp_path / "out"), "--roles", str(tmp_path / "roles.yaml")]) == 0


def test_a_program_finds_what_the_command_finds(tmp_path, faulty):
    from exp.api import detect as from_a_program  # type: ignore[attr-defined]

    detect(tmp_path, faulty)
    _, events = from_a_program(None, [tmp_path / "unit.csv"])
    written = [*csv.DictReader((tmp_path / "out" / "events.csv").open())]
    assert [(event["fault"], event["start"]) for event in events] == [(row["fault"], row["start"]) for row in written]


def test_a_short_way_from_nothing_to_a_base_model_reproduces_itself(tmp_path):
    """What the script does, on few units: the same seed gives the same weights and verdicts, byte for byte."""
    fleet = tmp_path / "fleet"
    simulate_fleet(output=fleet, units=16, days=4, seed=3, progress=False)
    sums = []
    for name in ("a", "b"):
        flags = ["--channels", "physical", "--sample_period", "15min", "--resample", "mean", "--seq_len", "8"]
        flags += ["--stride", "8", "--feature_dim", "4", "--batch_size", "32", "--train_epochs", "1"]
        results = ["--result_path", str(tmp_path / name), "--augment", "drop_sensor:0.1"]
        assert main(["train", "--data", "fleet", "--root_path", str(fleet), *flags, *results]) == 0
        run = tmp_path / name / "fleet" / "DualGAFNet" / "default" / "latest"
        base = tmp_path / name / "base"
        assert fit_base_model.main(["--run", str(run), "--fleet", str(fleet), "--output", str(base)]) == 0
        files = ("weights.safetensors", "decision.safetensors", "unseen_units.json", "CARD.md")
        sums.append([hashlib.sha256((base / file).read_bytes()).hexdigest() for file in files])
    assert sums[0] == sums[1]
    assert json.loads((base / "model.json").read_text())["days"]["rules"]


def test_the_script_that_makes_the_model_is_the_shipped_one():
    script = (REPOSITORY / "scripts" / "train_base_model.sh").read_text()
    options = json.loads((BASE / "model.json").read_text())["options"]
    for flag in ("seq_len", "stride", "feature_dim", "dropout", "augment", "batch_size", "select", "lr_scheduler"):
        said = re.search(rf"--{flag} (\S+)", script)
        assert said is not None
        assert said[1] == str(options[flag])
