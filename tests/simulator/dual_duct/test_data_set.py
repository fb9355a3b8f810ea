"""Files of the dual-duct unit as the data set DualGAF_DDAHU: names, signals, classes, and the guide's epoch."""

import json
import math

import numpy as np
import pandas as pd
import pytest

import run
from data_provider import load_data
from data_provider.datasets import simulated
from data_provider.datasets.lbnl_simulated import DUAL_DUCT
from data_provider.leaks.finding import STOP
from data_provider.simulator import DUAL, KINDS, RUNS, simulate, write
from data_provider.simulator.dual_duct.records import POINT_NAMES
from data_provider.simulator.dual_duct.runs import occupied
from data_provider.simulator.dual_duct.sensors import serviced
from utils.errors import UserError
from utils.options import Options

KIND = KINDS[DUAL]
SPAN = {"start": "2018-04-16", "progress": False, "unit": DUAL}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five days of all 29 runs."""
    place = tmp_path_factory.mktemp("ddahu")
    simulate(output=place, runs=KIND.published, days=5, **SPAN)
    return place


def test_runs_are_those_of_the_published_set():
    assert len(KIND.runs) == 56
    assert set(KIND.published) == {f"DualDuct_{name}" for name in DUAL_DUCT}
    assert len({spec.fault for spec in KIND.runs.values()}) == 56
    assert KIND.runs["DualDuct_SensorBias_CSP_+4inwg"].fault.static_bias == (0.4, 0.0)  # named ten times too large
    assert KIND.runs["DualDuct_DMPRStuck_Hot_50"].fault.box == (-1.0, 0.5)


def test_a_file_has_the_114_points_every_minute(folder):
    assert len(POINT_NAMES) == len(set(POINT_NAMES)) == 114
    table = pd.read_parquet(folder / "DualDuct_DMPRStuck_OA_45.parquet")
    assert list(table.columns) == ["Datetime", *POINT_NAMES]
    assert (table["Datetime"] == pd.date_range("2018-04-16", periods=5 * 1440, freq="min")).all()
    assert not table.isna().any().any()
    shares = [name for name in POINT_NAMES if any(part in name for part in ("_VLV", "DMPR", "_SPD", "F_CS"))]
    assert table[shares].stack().between(0, 1).all()
    assert table[[name for name in POINT_NAMES if "HUMD" in name or "EAH" in name]].stack().between(0, 100).all()
    assert set(table["SYS_CTL"]) <= {0, 1, 2}


def test_97_signals_and_29_classes_are_left(folder, tmp_path):
    data = load_data(Options(data="DualGAF_DDAHU", root_path=str(folder), seq_len=24, cache_path=str(tmp_path)))
    assert data.info.classes == DUAL_DUCT
    assert len(data.info.columns) == 97
    dropped = data.info.report["columns dropped"]
    assert len(dropped) == 114 - 97
    points = {"CSF_CS", "HSF_CS", "CHWP_GPMT", "HWP_GPMT", "SYS_CTL"}
    points |= {f"{deck}SA_{what}SPT" for deck in "CH" for what in ("TEMP", "SP")}
    assert set(dropped) == points | {name for name in POINT_NAMES if name.startswith(("RMCLG", "RMHTG"))}
    assert data.info.report["simulated"] is True
    assert [one for one in data.info.report["leaks"]["findings"] if one["level"] == STOP] == []


def test_an_epoch_of_the_guide_has_1492_micro_batches(tmp_path):
    """With the guide's flags, over the days that `ensure` simulates; counted by the schedule, without the physics."""
    times = np.datetime64("2018-01-01", "m") + np.arange(KIND.days * 1440)
    planned = occupied(times)
    by_day = (times - times.astype("datetime64[D]")).astype(int)
    kept = (by_day % 5 == 0) & (by_day >= 350) & (by_day < 1090) & np.repeat(planned.reshape(-1, 1440).any(1), 1440)
    rng = np.random.default_rng(0)
    (tmp_path / "runs").mkdir()
    for name in KIND.published:
        control = np.where(serviced(times, seed=2018, run=name), 0.0, planned)[kept]
        table = {"Datetime": times[kept].astype("datetime64[s]"), "SYS_CTL": control.astype(np.float32)}
        table["CSA_TEMP"] = rng.normal(55, 1, kept.sum()).astype(np.float32)
        pd.DataFrame(table).to_parquet(tmp_path / "runs" / f"{name}.parquet")
    options = Options(data="DualGAF_DDAHU", root_path=str(tmp_path / "runs"), cache_path=str(tmp_path / "cache"))
    assert (options.batch_size, options.seq_len, options.seed) == (4, 96, 2021)
    data = load_data(options)
    assert math.ceil(len(data.train) / options.batch_size) == 1492
    assert len(data.train) == round(0.8 * 7459)  # windows of the published training part


def test_service_stops_a_run_for_whole_days_of_its_own(folder):
    times = np.datetime64("2018-01-01", "m") + np.arange(KIND.days * 1440)
    off = np.array([serviced(times, seed=2018, run=name) for name in KIND.published])
    days = off.reshape(len(off), -1, 1440)
    assert (days.all(2) == days.any(2)).all()
    assert 0 < days.all(2).sum() < 30
    assert days.all(2).sum(0).max() < 3
    part = serviced(times[1440 * 100 : 1440 * 200], seed=2018, run=KIND.published[0])
    assert (part == off[0, 1440 * 100 : 1440 * 200]).all()  # a day's own, whatever span it is in


def test_the_same_bits_whatever_runs_beside_it_and_on_how_many_threads(folder, tmp_path, monkeypatch):
    names = ["DualDuct_FaultFree", "DualDuct_CoolSeqUnstable"]
    monkeypatch.setattr(write, "_MOST_THREADS", 1)
    monkeypatch.setattr("data_provider.simulator.spans.BLOCK", 2)
    first, second = simulate(output=tmp_path / "one", runs=names, days=5, **SPAN)
    pd.testing.assert_frame_equal(pd.read_parquet(second), pd.read_parquet(folder / second.name))
    monkeypatch.undo()
    (again,) = simulate(output=tmp_path / "two", runs=names[:1], days=5, **SPAN)
    pd.testing.assert_frame_equal(pd.read_parquet(again), pd.read_parquet(first))
    (other,) = simulate(output=tmp_path / "two", runs=names[:1], days=5, seed=1, **SPAN)
    assert not pd.read_parquet(other).equals(pd.read_parquet(first))


def test_made_where_there_are_no_published_files(tmp_path, caplog):
    caplog.set_level("INFO")
    root = tmp_path / "DDAHU"
    made = simulated.ensure(root, 1000, DUAL)
    assert made == tmp_path / ".cache" / "DDAHU-simulated-1-days"
    assert sorted(path.stem for path in made.glob("*.parquet")) == sorted(KIND.published)
    note = json.loads((made / "SIMULATED.json").read_text())
    assert (note["what"], note["unit"]) == ("simulated, not measured", DUAL)
    assert "dual-duct air-handling unit are made now" in caplog.text
    assert "NOT measured data" in caplog.text
    root.mkdir()
    (root / "DualDuct_FaultFree.csv").write_text("published")
    assert simulated.ensure(root, None, DUAL) == root


def test_simulate_takes_the_unit(tmp_path, capsys):
    line = ["simulate", "--unit", "dual_duct", "--days", "1", "--output", str(tmp_path)]
    assert run.main([*line, "--runs", "DualDuct_HeatSeqUnstable"]) == 0
    assert [path.name for path in tmp_path.glob("*.parquet")] == ["DualDuct_HeatSeqUnstable.parquet"]
    assert run.main([*line, "--runs", "AHU_annual"]) == 2
    assert run.main([*line, "--fleet", "2"]) == 2
    assert "--unit is of the one unit's runs" in capsys.readouterr().err
    with pytest.raises(UserError, match="unknown unit 'triple'"):
        simulate(output=tmp_path, runs=list(RUNS), unit="triple")
