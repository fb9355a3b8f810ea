"""What the checks find in the data sets: nothing in simulated data, the known defects in the published files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import run
from data_provider import load_data
from data_provider.leaks.finding import Finding
from data_provider.leaks.guard import findings_of, refuse
from tests.data_provider.kit import options

Table = pd.DataFrame


def found(**asked: object) -> list[Finding]:
    """All findings but the notes that a class has a range of its own."""
    data = load_data(options(**asked))
    findings = findings_of(data.info.report["leaks"])
    return [one for one in findings if (one.check, one.level) != ("column_range", "note")]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    assert run.main(["simulate", "--runs", "nine", "--days", "14", "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def files(simulated: Path) -> dict[str, Table]:
    return {path.stem: pd.read_parquet(path) for path in simulated.glob("*.parquet")}


def written(folder: Path, files: dict[str, Table], **changes: dict[str, object]) -> Path:
    for name, table in files.items():
        table.assign(**changes.get(name, {})).to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def test_simulated_data_passes_every_check(simulated: Path) -> None:
    assert found(data="DualGAF", root_path=str(simulated)) == []
    assert found(data="SAHU", root_path=str(simulated), resample="mean") == []


def test_a_simulated_fleet_passes_every_check(tmp_path: Path) -> None:
    words = ["simulate", "--fleet", "10", "--days", "60", "--seed", "3", "--output", str(tmp_path)]
    assert run.main(words) == 0
    findings = found(data="fleet", root_path=str(tmp_path), channels="physical", seq_len=16)
    assert [one for one in findings if one.level == "stop"] == []
    asked = {"split": "group", "group": "unit", "channels": "physical", "seq_len": 16}
    assert [one for one in found(data="fleet", root_path=str(tmp_path), **asked) if one.level == "stop"] == []


def test_the_published_copies_are_found(tmp_path: Path, files: dict[str, Table]) -> None:
    """As oa_bias and coi_leakage, which are one file four times each: here one is the other, under its own label."""
    copies = {**files, "oa_bias_4_annual": files["coi_leakage_010_annual"]}
    (one,) = found(data="DualGAF", root_path=str(written(tmp_path, copies)))
    assert (one.check, one.level) == ("identical_content", "stop")
    assert set(one.files) == {"oa_bias_4_annual", "coi_leakage_010_annual"}


def test_the_published_static_pressure_is_found(tmp_path: Path, files: dict[str, Table]) -> None:
    """In Pa in the fault-free file; its set point is -400.25 in every fault file."""
    changes: dict[str, dict[str, object]] = {name: {"SA_SPSPT": -400.25} for name in files if name != "AHU_annual"}
    changes["AHU_annual"] = {"SA_SP": files["AHU_annual"]["SA_SP"] * 249.089}
    findings = found(data="DualGAF", root_path=str(written(tmp_path, files, **changes)))
    told = {one.column: one for one in findings if one.level == "stop"}
    assert {column: one.check for column, one in told.items()} == {
        "SA_SP": "column_range",
        "SA_SPSPT": "constant_column",
    }
    assert all(one.files == ("AHU_annual",) and one.rows for one in told.values())
    assert "inches of water and Pa" in told["SA_SP"].words
    dropped = found(data="DualGAF", root_path=str(tmp_path), drop_columns="SA_SP,SA_SPSPT")
    assert [one for one in dropped if one.level == "stop"] == []


def test_the_published_hours_are_found(tmp_path: Path, files: dict[str, Table]) -> None:
    """The fault-free file is occupied an hour early on two days of three."""
    healthy = files["AHU_annual"]
    hour, day = healthy["Datetime"].dt.hour, healthy["Datetime"].dt.day
    weekday = healthy["Datetime"].dt.day_of_week < 6
    early = {"AHU_annual": {"SYS_CTL": np.where((hour == 5) & weekday & (day % 3 > 0), 1, healthy["SYS_CTL"])}}
    (one,) = found(data="DualGAF", root_path=str(written(tmp_path, files, **early)))
    assert (one.check, one.level, one.files) == ("working_hours", "stop", ("AHU_annual",))
    assert one.rows == 8
    assert "at 05:0" in one.words


def test_the_published_flows_are_noted(tmp_path: Path, files: dict[str, Table]) -> None:
    """Outdoor flow constant, supply and return flow times 60, in all runs: no leak, yet no flow."""
    changes = {
        name: {"OA_CFM": 250.0, "SA_CFM": table["SA_CFM"] * 60, "RA_CFM": table["RA_CFM"] * 60}
        for name, table in files.items()
    }
    findings = found(data="DualGAF", root_path=str(written(tmp_path, files, **changes)))
    assert {(one.check, one.level) for one in findings} == {("flows", "note")}
    assert {one.column for one in findings} == {"OA_CFM", "SA_CFM", "RA_CFM"}


@pytest.mark.parametrize("name", ["MZVAV_2_1", "MZVAV_2_2", "SZCAV", "SZVAV"])
@pytest.mark.parametrize("how", ["fault", "severity", "binary"])
def test_the_measured_sets_train_under_the_default_split(lbnl_2020: Path, name: str, how: str) -> None:
    for seed in range(3):
        for seq_len in (60, 96):
            asked = {"label": how, "seed": seed, "seq_len": seq_len}
            findings = found(data=f"LBNL_{name}", root_path=str(lbnl_2020), **asked)
            refuse(findings, ())
            assert [one.line for one in findings if one.level == "stop"] == []


def test_the_fan_of_mzvav_2_2_is_found(lbnl_2020: Path) -> None:
    """A mark, so that the set can be trained on as documented."""
    fan = "AHU: Supply Air Fan Speed Control Signal"
    findings = {one.check: one for one in found(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020))}
    one = findings["command_of_faults"]
    assert (one.level, one.column, one.rows, len(one.files)) == ("mark", fan, 10, 10)
    assert "at 1 on 10 of 13 faulty days and on none of 13 fault-free days" in one.words
    assert "MZVAV-2-2 2008-02-12" in one.files
    without = found(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020), drop_columns=fan)
    assert "command_of_faults" not in {one.check for one in without}


def test_hours_of_a_valve_that_is_not_seen_are_noted(lbnl_2020: Path) -> None:
    one = {one.check: one for one in found(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020))}["identical_content"]
    assert (one.level, one.files, one.rows) == ("note", ("MZVAV-2-2 2008-05-06", "MZVAV-2-2 2009-05-06"), 64)


@pytest.mark.parametrize(("split", "share"), [("day", "80%"), ("chronological", "9%")])
def test_weather_pairs_that_a_split_parts_are_found(lbnl_2020: Path, split: str, share: str) -> None:
    checks = {one.check: one for one in found(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020), split=split)}
    one = checks["same_weather"]
    assert (one.level, one.column) == ("mark", "AHU: Outdoor Air Temperature")
    assert share in one.words
    together = found(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020), split="group", group="weather_pair")
    assert "same_weather" not in {one.check for one in together}


def test_an_hour_on_both_sides_does_not_stop_a_split_that_was_asked_for(lbnl_2020: Path) -> None:
    """A stuck valve that does not show, and its fault-free twin in another part."""
    asked = {"split": "group", "group": "run", "seq_len": 60}
    several = [found(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020), folds=f"{fold}/3", **asked) for fold in (1, 2, 3)]
    levels = {one.level for findings in several for one in findings if one.check == "repeated_windows"}
    assert levels == {"mark"}


def test_days_that_parts_share_are_found(lbnl_2020: Path) -> None:
    """SZCAV and SZVAV have one day of some faults, which all parts must share."""
    for name, share in (("SZCAV", "4%"), ("SZVAV", "20%")):
        (one,) = found(data=f"LBNL_{name}", root_path=str(lbnl_2020))
        assert (one.check, one.level) == ("same_day", "mark")
        assert one.words.startswith(share)
    assert found(data="LBNL_MZVAV_2_1", root_path=str(lbnl_2020)) == []
