"""Readings under two labels, and what training and test share: planted, and found with files and rows."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_provider import load_data
from data_provider.leaks.evidence import Asked, Evidence
from data_provider.leaks.finding import Finding
from data_provider.leaks.guard import CHECKS, look
from data_provider.leaks.windows import find_leaks
from data_provider.scaler import Scaler
from data_provider.segmentation import Recipe
from data_provider.segments import Run, Segments
from data_provider.splits.split import TEST, TRAIN, VAL, Windows
from tests.data_provider.kit import frame, options, write
from tests.leaks.kit import DAYS, LABELS, folder_of, found_in, only, unit

ROWS = DAYS * 192
L, PERIOD = 48, 300


def split_by_hand(
    starts: list[list[str]], labels: list[str], parts: list[list[int]], *, group: str = "", **asked: object
) -> Evidence:
    """Runs of segments of a window each, at the times given, in the parts given."""
    number = [len(mine) for mine in starts]
    run = np.repeat(np.arange(len(starts)), number)
    values = np.random.default_rng(0).normal(60, 5, (L * len(run), 2)).astype(np.float32)
    first = np.arange(len(run)) * L
    start = np.array([time for mine in starts for time in mine], "datetime64[s]")
    segments = Segments(
        recipe=Recipe(columns=("SA_TEMP", "OA_TEMP"), period_seconds=PERIOD, hold_seconds=900),
        values=values,
        runs=tuple(Run(f"run {place}", label, "", group) for place, label in enumerate(labels)),
        run=run,
        first=first,
        rows=np.full(len(run), L),
        start=start,
    )
    windows = Windows(first=first, run=run, start=start, part=np.concatenate(parts), block=run)
    classes = tuple(dict.fromkeys(labels))
    target = np.array([classes.index(label) for label in labels])[run]
    evidence = Evidence(
        segments=segments, windows=windows, target=target, classes=classes, labels=labels, normal="normal",
        asked=Asked(seq_len=L, **asked),
    )  # fmt: skip
    return dataclasses.replace(evidence, scaler=Scaler.fit(values[evidence.covered[TRAIN]]))


def found(evidence: Evidence, check: str) -> list[Finding]:
    leaks = find_leaks(evidence.segments, evidence.windows, evidence.target, evidence.classes, L)
    return [one for one in look(dataclasses.replace(evidence, found=leaks)) if one.check == check]


TWO_RUNS = [["2021-03-01T08:00", "2021-03-02T08:00", "2021-03-03T08:00"], ["2021-04-01T08:00", "2021-04-02T08:00"]]
APART = [[TRAIN, VAL, TEST], [TRAIN, TEST]]


def test_runs_apart_in_time_pass_every_check() -> None:
    evidence = split_by_hand(TWO_RUNS, ["normal", "stuck"], APART)
    assert [one for check in CHECKS for one in found(evidence, check) if one.level != "note"] == []


def test_a_copy_under_another_label_is_found(tmp_path: Path) -> None:
    """As the published oa_bias and coi_leakage files, of which four each are one."""
    shutil.copy(folder_of(tmp_path) / "normal.csv", tmp_path / "valve_leak.csv")
    one = only(found_in(tmp_path), "identical_content")
    assert (one.level, one.files, one.rows) == ("stop", ("normal", "valve_leak"), ROWS)
    assert f"{ROWS:,} of {ROWS:,} rows" in one.words


def test_copies_among_severities_are_found_where_severities_are_classes(tmp_path: Path) -> None:
    folder_of(tmp_path)
    shutil.copy(tmp_path / "valve_leak.csv", tmp_path / "valve_leak_2.csv")
    lines = "normal,normal,\ndamper_stuck,damper stuck,\nvalve_leak,valve leak,10\nvalve_leak_2,valve leak,50\n"
    (tmp_path / "labels.csv").write_text("file,label,severity\n" + lines, encoding="utf-8")
    assert found_in(tmp_path) == []
    one = only(found_in(tmp_path, label="severity"), "identical_content")
    assert one.files == ("valve_leak", "valve_leak_2")
    assert "valve leak: 10 and valve leak: 50" in one.words


def test_copied_days_are_found_at_another_time_too(tmp_path: Path) -> None:
    def days_of_normal(table: pd.DataFrame) -> None:
        table.iloc[5 * 288 : 9 * 288, 1:-1] = unit("normal").iloc[288 : 5 * 288, 1:-1].to_numpy()

    one = only(found_in(folder_of(tmp_path, valve_leak=days_of_normal)), "identical_content")
    assert (one.level, one.rows) == ("stop", 4 * 192)


def test_a_few_rows_that_agree_are_a_note(tmp_path: Path) -> None:
    """A fault may not show for an hour."""

    def an_hour_of_normal(table: pd.DataFrame) -> None:
        table.iloc[1000:1024, 1:-1] = unit("normal").iloc[1000:1024, 1:-1].to_numpy()

    one = only(found_in(folder_of(tmp_path, valve_leak=an_hour_of_normal)), "identical_content")
    assert (one.level, one.rows) == ("note", 24)


def test_one_moment_under_two_labels_is_found(tmp_path: Path) -> None:
    """Two exports of a unit that overlap, each under its own label."""
    whole = unit("normal", days=30)
    write(whole.iloc[: 18 * 288], tmp_path / "normal.csv")
    write(whole.iloc[12 * 288 :], tmp_path / "valve_leak.csv")
    one = next(one for one in found_in(tmp_path) if one.check == "two_labels")
    assert (one.level, one.files, one.rows) == ("stop", ("normal", "valve_leak"), 6 * 192)
    assert "at the same times" in one.words


def test_one_moment_of_a_named_unit_needs_no_equal_readings() -> None:
    starts = [["2021-03-01T08:00", "2021-03-02T08:00"], ["2021-03-02T10:00", "2021-04-02T08:00"]]
    parts = [[TRAIN, TEST], [TRAIN, TEST]]
    (one,) = found(split_by_hand(starts, ["normal", "stuck"], parts, group="AHU-1", units_named=True), "two_labels")
    assert (one.level, one.files, one.rows) == ("stop", ("run 0", "run 1"), L - 24)
    assert found(split_by_hand(starts, ["normal", "stuck"], parts, group="north wing"), "two_labels") == []


@pytest.mark.parametrize(("split", "level"), [("blocked", "stop"), ("random", "mark")])
def test_windows_that_overlap_are_found(split: str, level: str) -> None:
    evidence = split_by_hand(TWO_RUNS, ["normal", "stuck"], APART, split=split)
    first = evidence.windows.first.copy()
    first[2] = 10  # a test window over rows of training and validation
    evidence = dataclasses.replace(evidence, windows=dataclasses.replace(evidence.windows, first=first))
    pairs = {one.words.split(" share")[0]: one for one in found(evidence, "overlapping_windows")}
    assert set(pairs) == {"windows of train and test", "windows of val and test"}
    one = pairs["windows of train and test"]
    assert (one.level, one.files, one.rows) == (level, ("run 0",), L - 10)


@pytest.mark.parametrize(("split", "level"), [("blocked", "stop"), ("day", "stop"), ("random", "mark")])
def test_a_test_window_that_training_holds_is_found(split: str, level: str) -> None:
    evidence = split_by_hand(TWO_RUNS, ["normal", "stuck"], APART, split=split)
    evidence.segments.values[2 * L : 3 * L] = evidence.segments.values[:L]
    (one,) = found(evidence, "repeated_windows")
    assert (one.level, one.rows) == (level, 1)
    evidence.segments.values[:] = 1  # a unit at rest looks alike at all times
    assert found(evidence, "repeated_windows") == []


def test_a_scaler_that_saw_the_test_is_found() -> None:
    evidence = split_by_hand(TWO_RUNS, ["normal", "stuck"], APART)
    assert found(evidence, "scaler_range") == []
    evidence.segments.values[2 * L + 3, 1] = 1000
    assert found(evidence, "scaler_range") == []
    everything = dataclasses.replace(evidence, scaler=Scaler.fit(evidence.segments.values))
    (one, *_) = [one for one in found(everything, "scaler_range") if one.column == "OA_TEMP"]
    assert one.level == "stop"
    assert "to 1000" in one.words


def test_a_day_on_both_sides_is_found() -> None:
    starts = [["2021-03-01T08:00", "2021-03-01T14:00", "2021-03-02T08:00"], ["2021-03-03T08:00", "2021-03-04T08:00"]]
    evidence = split_by_hand(starts, ["normal", "stuck"], [[TRAIN, TEST, TEST], [TRAIN, TEST]], strategy="days")
    (one,) = found(evidence, "same_day")
    assert (one.level, one.files, one.rows) == ("mark", ("run 0",), 1)
    assert "33%" in one.words


def test_days_of_different_units_are_different_days() -> None:
    starts = [["2021-03-01T08:00", "2021-03-02T08:00"], ["2021-03-02T08:00", "2021-03-01T08:00"]]
    assert found(split_by_hand(starts, ["normal", "stuck"], [[TRAIN, TEST], [TRAIN, TEST]]), "same_day") == []


@pytest.mark.parametrize(("split", "level"), [("blocked", "stop"), ("day", "mark")])
def test_the_same_weather_on_both_sides_is_found(split: str, level: str) -> None:
    """Asked for by --split, it is a mark; found in what was meant to be apart, it stops the run."""
    evidence = split_by_hand(TWO_RUNS, ["normal", "stuck"], APART, split=split)
    evidence.segments.values[4 * L : 5 * L, 1] = evidence.segments.values[:L, 1]
    (one,) = found(evidence, "same_weather")
    assert (one.level, one.column, one.rows) == (level, "OA_TEMP", L)
    assert set(one.files) == {"run 1"}


def test_coarse_outdoor_readings_agree_by_chance() -> None:
    evidence = split_by_hand(TWO_RUNS, ["normal", "stuck"], APART)
    evidence.segments.values[:, 1] = np.tile(np.repeat([50, 51, 52], L // 3), 5)
    assert found(evidence, "same_weather") == []


def test_every_label_of_the_kit_has_a_file(tmp_path: Path) -> None:
    assert {path.stem for path in folder_of(tmp_path).iterdir()} == set(LABELS)


def short_cases(path: Path, *, times: bool) -> Path:
    """Forty cases of an hour after each other, four classes in turn."""
    table = frame(rows=40 * 60)
    table["label"] = np.repeat([f"state {case % 4}" for case in range(40)], 60)
    return write(table if times else table.drop(columns="Datetime"), path)


@pytest.mark.parametrize("times", [True, False])
def test_cases_of_an_hour_are_no_days(tmp_path: Path, times: bool) -> None:
    """Without times there are no days to share; with them, runs that share days are not called whole days."""
    period = None if times else "1min"
    path = short_cases(tmp_path / "cases.csv", times=times)
    data = load_data(options(data="csv", root_path=str(path), seq_len=30, sample_period=period))
    assert data.info.protocol.startswith("whole runs")
    assert ("same_day" in data.info.marks) == times
