"""Columns that give a class away: each slip is planted in one file and found there; clean files pass."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_provider.leaks.ties import commands, moves, tied
from tests.leaks.kit import DAYS, LABELS, Change, folder_of, found_in, only, unit

ROWS = DAYS * 192  # working rows of a file


def scaled(column: str, factor: float) -> Change:
    def change(table: pd.DataFrame) -> None:
        table[column] *= factor

    return change


def rounded(column: str, digits: int) -> Change:
    def change(table: pd.DataFrame) -> None:
        table[column] = table[column].round(digits)

    return change


def held(column: str, steps: int) -> Change:
    def change(table: pd.DataFrame) -> None:
        table[column] = table[column].iloc[np.arange(len(table)) // steps * steps].to_numpy()

    return change


def set_to(column: str, value: float) -> Change:
    def change(table: pd.DataFrame) -> None:
        table[column] = value

    return change


def test_clean_files_pass_every_check(tmp_path: Path) -> None:
    """A stuck damper that never moves is physics."""
    assert found_in(folder_of(tmp_path)) == []


def test_a_constant_that_differs_is_found(tmp_path: Path) -> None:
    """As the set point of the published single-duct files: -400.25 in every fault file."""
    found = only(found_in(folder_of(tmp_path, normal=set_to("SA_SPSPT", -400.25))), "constant_column")
    assert (found.level, found.column, found.files, found.rows) == ("stop", "SA_SPSPT", ("normal",), ROWS)
    assert "-400.25 against 1.6" in found.words
    assert "--drop_columns" in found.remedy
    assert found_in(tmp_path, drop_columns="SA_SPSPT") == []


def test_a_constant_of_the_fault_itself_is_a_note(tmp_path: Path) -> None:
    change = {label: set_to("OA_DMPR", 0.25) for label in LABELS[1:]}
    write = {**change, "damper_stuck": set_to("OA_DMPR", 0.75), "normal": set_to("OA_DMPR", 0.25)}
    found = only(found_in(folder_of(tmp_path, **write)), "constant_column")
    assert (found.level, found.files) == ("note", ("damper_stuck",))


@pytest.mark.parametrize("label", LABELS)
def test_digits_are_found(tmp_path: Path, label: str) -> None:
    found = only(found_in(folder_of(tmp_path, **{label: rounded("SA_TEMP", 1)})), "digits")
    assert (found.level, found.column, found.files, found.rows) == ("stop", "SA_TEMP", (label,), ROWS)
    assert "multiples of 0.1 there, multiples of 0.01 in all other runs" in found.words


def test_finer_digits_are_found_too(tmp_path: Path) -> None:
    found = only(found_in(folder_of(tmp_path, valve_leak=scaled("SA_TEMP", 1.00037))), "digits")
    assert (found.column, found.files) == ("SA_TEMP", ("valve_leak",))
    assert "no rounding there" in found.words


def test_digits_show_through_means_of_a_few_readings(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, normal=rounded("SA_TEMP", 1))
    found = only(found_in(folder, resample="mean", sample_period="20min", seq_len=12), "digits")
    assert (found.column, found.files) == ("SA_TEMP", ("normal",))


def test_sampling_of_a_column_is_found(tmp_path: Path) -> None:
    found = only(found_in(folder_of(tmp_path, valve_leak=held("SA_TEMP", 3))), "sampling")
    assert (found.level, found.column, found.files) == ("stop", "SA_TEMP", ("valve_leak",))
    assert "every 15min there, every 5min in all other runs" in found.words


@pytest.mark.parametrize(("how", "level"), [("direct", "mark"), ("mean", "stop")])
def test_sampling_of_a_file_is_found(tmp_path: Path, how: str, level: str) -> None:
    folder = folder_of(tmp_path, normal=lambda table: table.iloc[::2])
    found = [one for one in found_in(folder, sample_period="10min", resample=how) if one.check == "sampling"]
    assert [(one.level, one.files) for one in found] == [(level, ("normal",))]
    assert "a row every 10min, all others every 5min" in found[0].words


@pytest.mark.parametrize(
    ("column", "factor", "units"),
    [("SA_TEMP", 249.089, "Pa"), ("SA_CFM", 60, "a minute and an hour"), ("SF_SPD", 100, "percent")],
)
def test_a_slip_of_units_in_one_file_is_found(tmp_path: Path, column: str, factor: float, units: str) -> None:
    """As the static pressure of the published fault-free file, which is in Pa."""
    findings = found_in(folder_of(tmp_path, normal=scaled(column, factor)))
    found = only([one for one in findings if one.check == "column_range"], "column_range")
    assert (found.level, found.column, found.files, found.rows) == ("stop", column, ("normal",), ROWS)
    assert units in found.words


def test_celsius_in_one_file_is_found(tmp_path: Path) -> None:
    def celsius(table: pd.DataFrame) -> None:
        table["SA_TEMP"] = (table["SA_TEMP"] - 32) / 1.8

    found = [one for one in found_in(folder_of(tmp_path, valve_leak=celsius)) if one.check == "column_range"]
    assert [(one.level, one.files) for one in found] == [("stop", ("valve_leak",))]
    assert "F and C" in found[0].words


def test_another_level_is_a_note(tmp_path: Path) -> None:
    """It may be the fault: a biased sensor reads so."""

    def warmer(table: pd.DataFrame) -> None:
        table["SA_TEMP"] += 20

    assert found_in(folder_of(tmp_path, valve_leak=warmer)) == []


def test_an_earlier_working_day_is_found(tmp_path: Path) -> None:
    """As in the published fault-free file, on 200 of 303 days."""

    def earlier(table: pd.DataFrame) -> None:
        minute, day = np.arange(len(table)) % 288 * 5, np.arange(len(table)) // 288
        table["SYS_CTL"] |= ((minute >= 300) & (minute < 360) & (day % 3 < 2)).astype(int)

    found = only(found_in(folder_of(tmp_path, normal=earlier)), "working_hours")
    assert (found.level, found.files, found.rows) == ("stop", ("normal",), 14)
    assert "begins work earlier than all other classes on 14 of 21 days, as at 05:00 against 06:00" in found.words


def test_flows_that_cannot_be_true_are_noted(tmp_path: Path) -> None:
    """As in the published single-duct files: outdoor flow constant, supply and return flows times 60, in all runs."""

    def flows(table: pd.DataFrame) -> None:
        table["SA_CFM"] *= 60
        table["OA_CFM"] = 1000.0

    found = found_in(folder_of(tmp_path, **dict.fromkeys(LABELS, flows)))
    assert [(one.check, one.level, one.column) for one in found] == [("flows", "note", "SA_CFM")]
    assert "60 times too large" in found[0].words


def test_a_fan_held_on_faulty_days_is_found(tmp_path: Path) -> None:
    """On ten of thirteen it is a mark; on every one of them the run stops."""

    def full(days: int) -> Change:
        def change(table: pd.DataFrame) -> None:
            table.loc[table.index[: days * 288], "SF_SPD"] = 1.0

        return change

    most = only(found_in(folder_of(tmp_path / "most", **dict.fromkeys(LABELS[1:], full(16)))), "command_of_faults")
    assert (most.level, most.column, most.rows) == ("mark", "SF_SPD", 32)
    assert set(most.files) == set(LABELS[1:])
    assert "stays at 1 on 32 of 42 faulty days and on none of 21 fault-free days" in most.words
    every = only(found_in(folder_of(tmp_path / "every", **dict.fromkeys(LABELS[1:], full(DAYS)))), "command_of_faults")
    assert every.level == "stop"
    assert found_in(folder_of(tmp_path / "few", **dict.fromkeys(LABELS[1:], full(10)))) == []


def test_a_signal_belongs_to_the_faults_of_its_thing() -> None:
    for column, label in [
        ("OA_DMPR", "damper_stuck_075"),
        ("AHU: Outdoor Air Damper Control Signal", "Stuck OA Damper"),
        ("CHWC_VLV_DM", "coi_leakage_010"),
        ("SA_TEMP", "coi_bias_4"),
        ("AHU: Supply Air Fan Speed Control Signal", "fan belt slips"),
        ("Zone humidity", "humidity sensor drift"),
    ]:
        assert tied(column, label), (column, label)
    for column, label in [
        ("AHU: Supply Air Fan Speed Control Signal", "Stuck Cooling Coil Valve"),
        ("SA_SPSPT", "damper_stuck_075"),
        ("SA_TEMP", "damper_stuck_025"),
        ("POSITION", "stuck"),
    ]:
        assert not tied(column, label), (column, label)
    assert moves("AHU: Supply Air Fan Speed Control Signal")
    assert moves("SF_SPD")
    assert commands("CHWC_VLV_DM")
    assert not commands("SA_TEMP")
    assert not moves("OA_DMPR")


def test_the_unit_of_these_tests_is_the_same_each_time() -> None:
    pd.testing.assert_frame_equal(unit("normal"), unit("normal"))


def test_a_range_that_begins_near_zero_is_no_other_unit(tmp_path: Path) -> None:
    """A controller that opens its valve against a biased sensor: every factor leads into so wide a range."""

    def open_valve(table: pd.DataFrame) -> None:
        table["CHWC_VLV_DM"] = (table["CHWC_VLV_DM"] + 0.4).round(4)

    def little(table: pd.DataFrame) -> None:
        table["CHWC_VLV_DM"] = (table["CHWC_VLV_DM"] * 0.4 - 0.1).clip(0.001, 1).round(4)

    folder = folder_of(tmp_path, normal=little, damper_stuck=little, valve_leak=open_valve)
    assert [one for one in found_in(folder) if one.level == "stop"] == []
