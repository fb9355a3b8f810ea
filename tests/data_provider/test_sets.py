"""The data sets of the registry: made-up files in their manner, and the measured files where this machine has them."""

import gzip
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_provider import DATASETS, Prepared, load_data, prepare, simulator
from data_provider.datasets.labels import class_of, normal_of
from data_provider.datasets.lbnl_measured import WEATHER_PAIRS
from data_provider.datasets.lbnl_simulated import DUAL_DUCT, SINGLE_DUCT, SINGLE_DUCT_SIGNALS
from tests.data_provider.kit import folder_of_runs, frame, measured_unit, nine_runs, options, single_duct, write
from utils.errors import UserError
from utils.options import Options

MEASURED = ("LBNL_MZVAV_2_1", "LBNL_MZVAV_2_2", "LBNL_SZCAV", "LBNL_SZVAV")


def parts_of(prepared: Prepared) -> dict[str, dict[str, set[str]]]:
    """Class -> part -> the days that its windows lie in."""
    found: dict[str, dict[str, set[str]]] = {name: {} for name in prepared.info.classes}
    for part in ("train", "val", "test"):
        windows = getattr(prepared, part)
        for target, start in zip(windows.targets, windows.start, strict=True):
            found[prepared.info.classes[target]].setdefault(part, set()).add(str(start)[:10])
    return found


def test_every_entry_has_a_place_or_asks_for_one() -> None:
    assert set(DATASETS) >= {"DualGAF", "SAHU", "DualGAF_DDAHU", *MEASURED, "folder", "csv"}
    assert DATASETS["SAHU"] is DATASETS["DualGAF"]
    for name, entry in DATASETS.items():
        assert entry.steps(96) >= 1
        if entry.root is None:
            with pytest.raises(UserError, match=f"--data {name} needs --root_path"):
                load_data(options(data=name))
        with pytest.raises(UserError, match=r"no such|is missing"):
            load_data(options(data=name, root_path="/no/such/place"))


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UserError, match="unknown data set 'DualGaf'; choose one of: DualGAF, DualGAF_DDAHU"):
        load_data(options(data="DualGaf"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_single_duct_reads_the_nine_published_runs(tmp_path: Path, suffix: str) -> None:
    data = load_data(options(root_path=str(nine_runs(tmp_path, days=14, suffix=suffix))))
    assert data.info.classes == SINGLE_DUCT
    assert data.info.columns == SINGLE_DUCT_SIGNALS
    assert len(data.info.columns) == 26
    assert data.info.normal == "AHU_annual"
    assert (data.info.period_seconds, data.info.step) == (300, 96)
    total = [sum(counts) for counts in zip(*data.info.counts.values(), strict=True)]
    assert total == [22] * 9  # ten weekdays of two windows, two Saturdays of one
    assert set(data.info.units) == {"F", "CFM", "W", "in. w.g.", ""}
    assert data.info.units[data.info.columns.index("SA_SP")] == "in. w.g."
    assert set(data.info.report["columns dropped"]) == {"SYS_CTL", "SA_TEMPSPT", "SF_SPD_DM", "RF_SPD_DM"}


def test_files_that_are_five_minute_readings_already_give_as_many_windows(tmp_path: Path) -> None:
    for seed, name in enumerate(SINGLE_DUCT):
        write(single_duct(days=14, seed=seed, step=5), tmp_path / f"{name.removesuffix('_annual')}_annual.csv")
    data = load_data(options(root_path=str(tmp_path)))
    assert sum(map(sum, data.info.counts.values())) == 9 * 22


def test_an_empty_default_folder_is_filled_by_the_simulator_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def simulate(*, output: Path, runs: tuple[str, ...], days: int, unit: str) -> None:
        assert unit == "single_duct"
        calls.append((runs, days))
        nine_runs(Path(output), days=min(days, 14))

    monkeypatch.setattr(simulator, "simulate", simulate)
    monkeypatch.setattr(prepare, "REPOSITORY", tmp_path)
    with caplog.at_level(logging.INFO):
        load_data(options(rows=14 * 1440 - 3))
    assert calls == [(simulator.NINE, 14)]
    assert "NOT measured data" in caplog.text
    load_data(options(rows=14 * 1440 - 3))
    assert len(calls) == 1  # the second time it is there
    load_data(Options())
    assert calls[1:] == [(simulator.NINE, 365)]
    assert (tmp_path / "dataset" / "SAHU" / "AHU_annual.parquet").is_file()
    assert not list((tmp_path / "dataset").glob(".simulating*"))
    with pytest.raises(UserError, match=r"AHU_annual.csv \(or .parquet\) and 8 more of the 9 runs is missing"):
        load_data(options(root_path=str(tmp_path)))  # a folder that the user named is never filled


def test_runs_of_the_simulator_are_found_by_their_names(tmp_path: Path) -> None:
    for name in simulator.NINE[:-1]:
        (tmp_path / f"{name}.parquet").touch()
    last = simulator.NINE[-1]
    with pytest.raises(UserError, match=rf"{last}.csv \(or .parquet\) is missing"):
        load_data(options(root_path=str(tmp_path)))
    (tmp_path / f"{last}.csv").touch()
    with pytest.raises(UserError, match="the file is empty"):
        load_data(options(root_path=str(tmp_path)))


def test_dual_duct_has_29_classes_and_drops_set_points_and_constants(tmp_path: Path) -> None:
    assert len(DUAL_DUCT) == len(set(DUAL_DUCT)) == 29
    for seed, name in enumerate(DUAL_DUCT):
        table = frame(rows=5 * 288, seed=seed, step="5min", columns=4)
        table["CSA_TEMPSPT"], table["RF_CS"], table["SYS_CTL"] = 55.0, 1.0, 1 + (seed % 2) * (table.index % 300 == 0)
        write(table, tmp_path / f"DualDuct_{name}.parquet")
    data = load_data(options(data="DualGAF_DDAHU", root_path=str(tmp_path), seq_len=32))
    assert data.info.classes == DUAL_DUCT
    assert data.info.normal is None
    assert data.info.columns == ("signal A", "signal B", "signal C", "signal D")
    dropped = data.info.report["columns dropped"]
    assert dropped["CSA_TEMPSPT"] == "a set point"
    assert "constant (1)" in dropped["RF_CS"]
    assert data.info.report["counts"]["readings while not working"] > 0  # setback is not operation
    with pytest.raises(UserError, match="--label binary needs a class without fault"):
        load_data(options(data="DualGAF_DDAHU", root_path=str(tmp_path), seq_len=32, label="binary"))


def unit(folder: Path) -> Path:
    days: dict[str, tuple[str, str] | None] = {f"2017-03-{day:02}": None for day in range(1, 7)}
    days |= {f"2017-03-{day}": ("Stuck Valve", f"{day} %") for day in range(11, 14)}
    days |= {"2017-03-20": ("Leak", "5 %"), "2017-03-21": ("Leak", "50 %")}
    return measured_unit(folder, "SZCAV", days)


def test_a_measured_unit_is_read_by_its_schedule(tmp_path: Path) -> None:
    data = load_data(options(data="LBNL_SZCAV", root_path=str(unit(tmp_path))))
    assert data.info.classes == ("normal", "Leak", "Stuck Valve")
    assert data.info.columns == tuple(f"AHU: {place} Air Temperature" for place in ("Supply", "Outdoor", "Mixed"))
    assert data.info.units == ("F", "F", "F")
    days = parts_of(data)
    for name in ("normal", "Stuck Valve"):
        parts = list(days[name].values())
        assert len(parts) == 3
        assert len(set().union(*parts)) == sum(map(len, parts))  # no day in two parts
    assert days["Leak"]["val"] == days["Leak"]["test"] != days["Leak"]["train"]
    assert any("SZCAV 2017-03-2" in line and "too few runs" in line for line in data.info.report["warnings"])
    assert "2 of 11" not in data.info.protocol
    assert "1 of 11 cut into blocks" in data.info.protocol
    clock = np.concatenate([part.start.astype("datetime64[m]").astype(int) % 1440 for part in (data.train, data.test)])
    assert clock.min() >= 360
    assert clock.max() <= 1080 - 96
    severities = {
        (str(label), str(severity)) for label, severity in zip(data.train.targets, data.train.severity, strict=True)
    }
    assert ("0", "") in severities
    assert len(severities) == 3


@pytest.mark.parametrize(
    ("how", "classes"),
    [
        ("fault", ("normal", "Leak", "Stuck Valve")),
        ("binary", ("normal", "fault")),
        (
            "severity",
            ("normal", "Leak: 5 %", "Leak: 50 %", "Stuck Valve: 11 %", "Stuck Valve: 12 %", "Stuck Valve: 13 %"),
        ),
    ],
)
def test_what_a_class_is(tmp_path: Path, how: str, classes: tuple[str, ...]) -> None:
    data = load_data(options(data="LBNL_SZCAV", root_path=str(unit(tmp_path)), label=how))
    assert data.info.classes == classes
    assert data.info.normal == "normal"
    assert all(min(counts) > 0 for counts in data.info.counts.values())


def test_oddities_of_measured_files_are_handled_and_counted(tmp_path: Path) -> None:
    path = unit(tmp_path) / "SZCAV.csv"
    table = pd.read_csv(path, dtype=str)
    truth, mixed = "Fault Detection Ground Truth", "AHU: Mixed Air Temperature"
    day = table["Datetime"].str.split().str[0]
    table.loc[day == "3/12/2017", truth] = "0"  # a fault day by the schedule
    table.loc[day == "3/4/2017", truth] = "1"  # a fault-free day by the schedule
    table.loc[400:404, mixed] = "#VALUE!"
    temperatures = [name for name in table.columns if "Temperature" in name]
    table.loc[2000, temperatures] = "0"
    table = table.drop(index=2 * 1440 + 400)
    table.to_csv(path, index=False)

    data = load_data(options(data="LBNL_SZCAV", root_path=str(tmp_path)))
    counts, warnings = data.info.report["counts"], data.info.report["warnings"]
    assert counts["rows whose ground truth contradicts the schedule"] == 1440
    assert counts["rows of days that no schedule explains"] == 1440
    assert data.info.report["files"][0]["repaired"] == {"zeros far from their neighbours taken as missing": 3}
    assert data.info.report["files"][0]["missing readings"] == {
        mixed: 6,
        "AHU: Outdoor Air Temperature": 1,
        "AHU: Supply Air Temperature": 1,
    }
    assert counts["missing readings held"] == 3 + 3  # three of five, and the temperatures of the zero row
    assert counts["missing steps held"] == 1
    assert any("2017-03-12: 1440 rows say no fault, the schedule says Stuck Valve" in line for line in warnings)
    assert any(
        "2017-03-04: 1440 rows say fault, the schedule has none; the day is left out" in line for line in warnings
    )
    days = parts_of(data)
    assert "2017-03-12" in set().union(*days["Stuck Valve"].values())
    assert "2017-03-04" not in set().union(*days["normal"].values())


@pytest.mark.parametrize(
    ("line", "words"),
    [("Leak,5 %,31/3/17", "line 7"), ("Leak,5 %", "line 7"), ("Leak,5 %,3/20/2017", "line 7 is not 'type,intensity")],
)
def test_a_broken_schedule_is_named(tmp_path: Path, line: str, words: str) -> None:
    schedule = unit(tmp_path) / "SZCAV-faults.csv"
    schedule.write_text(schedule.read_text(encoding="utf-8").rstrip() + f"\n{line}\n", encoding="utf-8")
    with pytest.raises(UserError, match=words):
        load_data(options(data="LBNL_SZCAV", root_path=str(tmp_path)))


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.parametrize("how", ["fault", "severity", "binary"])
def test_every_class_of_the_measured_files_is_in_every_part(lbnl_2020: Path, name: str, how: str) -> None:
    for seed in range(4):
        data = load_data(options(data=name, root_path=str(lbnl_2020), label=how, seed=seed))
        assert all(min(counts) > 0 for counts in data.info.counts.values())
        assert data.info.report["leaks"]["test windows within a window of training"] == 0
        assert data.info.report["leaks"]["test windows that are also in training"] == 0


def test_the_measured_files_give_these_windows(lbnl_2020: Path) -> None:
    expected = {
        "LBNL_MZVAV_2_1": (15, {"train": (112, 14), "val": (28, 14), "test": (28, 14)}),
        "LBNL_MZVAV_2_2": (13, {"train": (98, 14, 42, 42), "val": (42, 14, 14, 14), "test": (42, 14, 14, 14)}),
        "LBNL_SZCAV": (
            11,
            {"train": (4, 14, 14, 14, 14, 14, 14), "val": (2, 5, 5, 5, 14, 14, 5), "test": (2, 5, 5, 5, 14, 14, 5)},
        ),
        "LBNL_SZVAV": (
            10,
            {"train": (28, 4, 4, 4, 14, 14), "val": (14, 2, 2, 2, 5, 5), "test": (14, 2, 2, 2, 5, 5)},
        ),
    }
    for name, (columns, counts) in expected.items():
        info = load_data(options(data=name, root_path=str(lbnl_2020))).info
        assert (len(info.columns), info.counts) == (columns, counts), name


def test_oddities_of_the_published_files(lbnl_2020: Path) -> None:
    report = load_data(options(data="LBNL_MZVAV_2_1", root_path=str(lbnl_2020))).info.report
    assert report["counts"]["rows whose ground truth contradicts the schedule"] == 1440
    assert report["files"][0]["repaired"] == {"zeros far from their neighbours taken as missing": 3}
    assert any(line.startswith("2007-08-30") for line in report["warnings"])
    report = load_data(options(data="LBNL_SZCAV", root_path=str(lbnl_2020))).info.report
    assert report["files"][0]["missing readings"] == {"AHU: Mixed Air Temperature": 90}
    report = load_data(options(data="LBNL_SZVAV", root_path=str(lbnl_2020))).info.report
    assert report["files"][0]["missing readings"]["AHU: Outdoor Air Temperature"] == 1
    assert report["files"][0]["missing readings"]["AHU: Supply Air Temperature Heating Set Point"] == 590


def test_a_weather_pair_is_in_one_part(lbnl_2020: Path) -> None:
    for seed in range(10):
        data = load_data(options(data="LBNL_MZVAV_2_2", root_path=str(lbnl_2020), seed=seed))
        part_of = {str(start)[:10]: part for part in ("train", "val", "test") for start in getattr(data, part).start}
        assert len(part_of) == 26
        assert all(part_of[fault] == part_of[normal] for fault, normal in WEATHER_PAIRS.items())


def test_folder_takes_labels_and_severities_from_a_file(tmp_path: Path) -> None:
    folder_of_runs(tmp_path, labels=("a", "b", "c"))
    (tmp_path / "labels.csv").write_text(
        "file, label,severity\na.csv,normal,\nb,leak,10 %\nc.csv,leak,50 %\n", encoding="utf-8"
    )
    data = load_data(options(data="folder", root_path=str(tmp_path), seq_len=48))
    assert data.info.classes == ("normal", "leak")
    assert set(data.train.severity) == {"", "10 %", "50 %"}
    data = load_data(options(data="folder", root_path=str(tmp_path), seq_len=48, label="severity"))
    assert data.info.classes == ("normal", "leak: 10 %", "leak: 50 %")


def test_folder_without_times_needs_the_step(tmp_path: Path) -> None:
    for seed, label in enumerate(("healthy", "stuck")):
        write(frame(rows=2000, seed=seed).drop(columns="Datetime"), tmp_path / f"{label}.csv")
    with pytest.raises(UserError, match="no column of times; name the step between rows: --sample_period 5min"):
        load_data(options(data="folder", root_path=str(tmp_path)))
    data = load_data(options(data="folder", root_path=str(tmp_path), sample_period="10min"))
    assert data.info.period_seconds == 600
    assert data.info.normal == "healthy"
    assert str(data.train.start.min())[:4] == "1970"
    assert "1970" in str(data.info.report["times"])


def test_folder_takes_the_step_of_its_first_file_and_refuses_a_coarser_one(tmp_path: Path) -> None:
    write(frame(rows=1500, step="2min"), tmp_path / "a.csv")
    write(frame(rows=1500, seed=1, step="2min"), tmp_path / "b.csv")
    assert load_data(options(data="folder", root_path=str(tmp_path))).info.period_seconds == 120
    write(frame(rows=1500, seed=1, step="10min"), tmp_path / "c.csv")
    with pytest.raises(UserError, match=r"c: readings are 10min apart.*--sample_period 10min or more"):
        load_data(options(data="folder", root_path=str(tmp_path)))


def test_folder_knows_the_columns_that_say_when_a_unit_works(tmp_path: Path) -> None:
    nine_runs(tmp_path, days=14)
    data = load_data(options(data="folder", root_path=str(tmp_path), sample_period="5min"))
    assert "SYS_CTL" not in data.info.columns
    assert data.recipe.working_column == "SYS_CTL"
    assert data.info.normal == "AHU_annual"


def test_csv_takes_rows_of_one_label_as_runs(tmp_path: Path) -> None:
    table = frame(rows=6 * 1440)
    table["state"] = np.repeat(["ok", "leak", "ok", "leak", "ok", "leak"], 1440)
    table.loc[100:119, "state"] = ""
    path = write(table, tmp_path / "unit.csv")
    data = load_data(options(data="csv", root_path=str(path), label_column="state"))
    assert data.info.classes == ("ok", "leak")
    assert data.info.protocol.startswith("whole runs")  # the rows without a label cut the first day in two
    assert data.info.report["counts"]["rows without a label, dropped"] == 20
    assert any("20 of 8640 rows have no label" in line for line in data.info.report["warnings"])
    for part in (data.train, data.val, data.test):
        labels = [
            set(table["state"][(table["Datetime"] >= a) & (table["Datetime"] <= b)])
            for a, b in zip(part.start, part.end, strict=True)
        ]
        assert labels == [{data.info.classes[target]} for target in part.targets]


@pytest.mark.parametrize(
    ("labels", "normal"),
    [
        (["Normal", "x"], "Normal"),
        (["fault_free", "x"], "fault_free"),
        (["AHU_annual", "x"], "AHU_annual"),
        (["0", "1"], "0"),
        (["x", "y"], None),
        (["normal", "healthy"], None),
    ],
)
def test_the_class_without_fault_is_known_by_its_name(labels: list[str], normal: str | None) -> None:
    assert normal_of(labels) == normal
    assert class_of("normal", "", how="severity", normal="normal") == "normal"


def test_rows_cut_every_file(tmp_path: Path) -> None:
    data = load_data(options(data="folder", root_path=str(folder_of_runs(tmp_path)), rows=2000, seq_len=48))
    assert [file["rows"] for file in data.info.report["files"]] == [2000] * 3


def test_published_sets_are_read_however_their_files_are_written(tmp_path: Path) -> None:
    whole = load_data(options(data="LBNL_SZCAV", root_path=str(unit(tmp_path / "a"))))
    path = unit(tmp_path / "b") / "SZCAV.csv"
    table = pd.read_csv(path, dtype=str)
    table["Occupancy Mode Indicator"] = table["Occupancy Mode Indicator"].map({"0": "Unoccupied", "1": "Occupied"})
    supply = "AHU: Supply Air Temperature"
    table[supply] = [f"{(float(cell) - 32) / 1.8:.6f} degC" for cell in table[supply]]
    text = "SZCAV, one minute\n" + table.to_csv(index=False, sep=";").replace(".", ",")
    path.with_name("SZCAV.csv.gz").write_bytes(gzip.compress(text.encode()))
    path.unlink()
    flags = {"vendor": "desigo", "time_format": "%m/%d/%Y %H:%M"}
    other = load_data(options(data="LBNL_SZCAV", root_path=str(path.parent), **flags))
    assert other.info.columns == whole.info.columns
    every = np.arange(len(whole.test))
    np.testing.assert_array_equal(other.test.start, whole.test.start)
    np.testing.assert_allclose(other.test.readings(every), whole.test.readings(every), rtol=1e-5)
