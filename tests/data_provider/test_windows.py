"""From options to batches: the windows are those of the files, and no batch knows more than it should."""

import json
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from data_provider import Batch, Prepared, Recipe, Scaler, load_data
from data_provider.trends.table import Table, read_table
from data_provider.unlabelled import unlabelled
from data_provider.windows import WindowSet
from tests.conftest import REPOSITORY
from tests.data_provider.kit import folder_of_runs, frame, nine_runs, options, write
from utils.errors import UserError
from utils.former_options import of_today
from utils.options import Options

L = 48


@pytest.fixture(scope="module", params=["quantile", "range"])
def prepared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Prepared:
    folder = folder_of_runs(tmp_path_factory.mktemp("runs"))
    how = {"seq_len": L, "stride": 24, "sample_period": "5min", "scaling": request.param}
    return load_data(options(data="folder", root_path=str(folder), **how))


def parts(prepared: Prepared) -> tuple[WindowSet, ...]:
    return prepared.train, prepared.val, prepared.test


def test_a_batch_holds_the_windows_that_the_index_names(prepared: Prepared, tmp_path: Path) -> None:
    """Every window of every part, cut by hand out of the file that it names."""
    files = {}
    for part in parts(prepared):
        batch = part.gather(np.arange(len(part)))
        assert isinstance(batch, Batch)
        assert batch.x.shape == (len(part), 3, L)
        assert batch.x.dtype == torch.float32
        assert batch.x.is_contiguous()
        assert batch.y.dtype == batch.index.dtype == torch.int64
        np.testing.assert_array_equal(batch.index, np.arange(len(part)))
        for place in range(len(part)):
            name = str(part.file[place])
            table = files.setdefault(name, read_table(_root(prepared) / f"{name}.csv"))
            first = np.searchsorted(table.times, part.start[place])
            window = table.values[first : first + 5 * L : 5].astype(np.float64)
            assert table.times[first + 5 * (L - 1)] == part.end[place]
            np.testing.assert_allclose(batch.x[place].numpy(), by_hand(window, prepared.scaler).T, atol=3e-6)
            assert prepared.info.classes[int(batch.y[place])] == name


def by_hand(window: np.ndarray, scaler: Scaler) -> np.ndarray:
    """(L, C) readings scaled as the flag says."""
    if scaler.low is None:
        low, high = scaler.minimum.astype(np.float64), scaler.maximum.astype(np.float64)
        return np.clip(2 * (window - low) / (high - low) - 1, -1, 1)
    low, high = scaler.low.astype(np.float64), scaler.high.astype(np.float64)
    scaled = 0.9 * (2 * (window - low) / (high - low) - 1)
    distance = (np.abs(scaled) - 0.9) / 0.1
    return np.where(distance > 0, np.sign(scaled) * (0.9 + 0.1 * distance / (1 + distance)), scaled)


def _root(prepared: Prepared) -> Path:
    return Path(prepared.info.report["files"][0]["name"]).parent


def test_the_training_part_fills_the_range_and_what_the_others_have_outside_is_counted(prepared: Prepared) -> None:
    train = prepared.train.gather(np.arange(len(prepared.train))).x
    if prepared.scaler.low is None:
        np.testing.assert_allclose(train.amin((0, 2)), -1, atol=1e-6)
        np.testing.assert_allclose(train.amax((0, 2)), 1, atol=1e-6)
    else:
        assert float((train.abs() > 0.9).float().mean()) == pytest.approx(0.01, abs=0.004)
    for name, part in (("val", prepared.val), ("test", prepared.test)):
        everything = np.arange(len(part))
        x = part.gather(everything).x
        assert float(x.abs().max()) <= 1
        outside = prepared.scaler.outside(part.readings(everything).transpose(0, 2, 1))
        found = prepared.info.report["outside the training range"][name]["share of readings"]
        assert (found > 0) == bool(outside.any())


def test_the_scaler_knows_the_training_part_only(tmp_path: Path) -> None:
    """A spike in what is tested moves no number of the scaler, nor of a training window."""
    folder = folder_of_runs(tmp_path)
    before = load_data(options(data="folder", root_path=str(folder), seq_len=L))
    test = before.test
    table = frame(rows=4320, seed=0)
    table.loc[table["Datetime"] == test.start[test.file == "normal"][0], "signal B"] = 1e6
    write(table, folder / "normal.csv")
    after = load_data(options(data="folder", root_path=str(folder), seq_len=L))
    np.testing.assert_array_equal(after.scaler.maximum, before.scaler.maximum)
    np.testing.assert_array_equal(after.scaler.minimum, before.scaler.minimum)
    everything = np.arange(len(before.train))
    assert torch.equal(after.train.gather(everything).x, before.train.gather(everything).x)
    assert float(after.test.readings(np.arange(len(after.test))).max()) == 1e6


def as_it_is(batch: Batch) -> Batch:
    return batch


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_yields_batches_as_they_are(prepared: Prepared, workers: int) -> None:
    loader = DataLoader(
        prepared.train,
        batch_size=7,
        collate_fn=as_it_is,
        num_workers=workers,
        multiprocessing_context="forkserver" if workers else None,
    )
    batches = list(loader)
    assert [len(batch.y) for batch in batches][:2] == [7, 7]
    whole = prepared.train.gather(np.arange(len(prepared.train)))
    assert torch.equal(torch.cat([batch.x for batch in batches]), whole.x)
    assert torch.equal(torch.cat([batch.index for batch in batches]), whole.index)


def test_a_set_sent_to_another_process_carries_no_readings(prepared: Prepared) -> None:
    sent = pickle.dumps(prepared.train)
    assert len(sent) < prepared.train.readings(np.arange(len(prepared.train))).nbytes / 4
    again = pickle.loads(sent)
    assert torch.equal(again.gather(np.arange(5)).x, prepared.train.gather(np.arange(5)).x)


def test_parts_do_not_share_a_reading(prepared: Prepared) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, part in enumerate(parts(prepared)):
        for name, start in zip(part.file, part.start, strict=True):
            for lag in range(L):
                assert seen.setdefault((name, str(start + lag * np.timedelta64(300, "s"))), number) == number


def test_info_says_what_the_windows_are(prepared: Prepared) -> None:
    info = prepared.info
    assert info.classes == ("normal", "leak", "stuck")  # the class without fault first
    assert info.normal == "normal"
    assert (info.period_seconds, info.seq_len, info.step) == (300, L, 24)
    assert info.columns == prepared.recipe.columns == ("signal A", "signal B", "signal C")
    assert info.leaking is False
    for name, part in (("train", prepared.train), ("val", prepared.val), ("test", prepared.test)):
        assert info.counts[name] == tuple(np.bincount(part.targets, minlength=3))
        assert len(part) == sum(info.counts[name]) == len(part.severity) == len(part.block)


def test_a_length_of_block_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    folder = str(folder_of_runs(tmp_path))
    assert "blocks of a day" in load_data(options(data="folder", root_path=folder, seq_len=L)).info.protocol
    given = Options(data="folder", root_path=folder, seq_len=L).to_dict()  # as config.yaml holds them: every option
    assert "blocks of a day" in load_data(options(**given)).info.protocol
    for asked in (2, 7):
        _refused_for_blocks(folder, asked)
    earlier = {**given, "extractor": given["encoder"], "block_days": 7}  # stored whether it was asked for or not
    stored = {name: value for name, value in earlier.items() if name != "encoder"}
    assert "blocks of a day" in load_data(options(**of_today(stored))).info.protocol


def _refused_for_blocks(folder: str, days: int) -> None:
    with pytest.raises(UserError, match=r"no window is left|none for training"):
        load_data(options(data="folder", root_path=folder, seq_len=L, block_days=days))


def test_random_windows_say_that_they_leak(tmp_path: Path) -> None:
    folder = folder_of_runs(tmp_path)
    info = load_data(options(data="folder", root_path=str(folder), seq_len=L, split="random")).info
    assert info.leaking is True
    assert "leaks" in info.protocol
    assert info.report["leaks"]["test windows within a window of training"] > 0.9


@pytest.mark.parametrize("resample", ["direct", "mean"])
def test_an_unlabelled_file_gives_the_very_windows_of_the_test(tmp_path: Path, resample: str) -> None:
    folder = nine_runs(tmp_path, days=14)
    data = load_data(options(root_path=str(folder), resample=resample))
    table = read_table(folder / "coi_stuck_025_annual.parquet")
    found, report = windows_of(table, data, seq_len=96, step=96)
    everything = {start: place for place, start in enumerate(found.start)}
    assert set(found.targets) == {-1}
    mine = np.flatnonzero(data.test.file == "coi_stuck_025_annual")
    assert len(mine) > 2
    for place in mine:
        other = everything[data.test.start[place]]
        assert torch.equal(found.gather(np.array([other])).x, data.test.gather(np.array([place])).x)
    assert report["readings while not working"] > 0
    assert len(found) == 22  # two a weekday, one a Saturday


def windows_of(table: Table, data: Prepared, **settings: Any) -> tuple[WindowSet, Counter[str]]:
    """The windows of a table as if nobody had labelled it."""
    control, recipe = data.recipe.working_column, data.recipe
    return unlabelled(
        table.times,
        table.select(recipe.columns),
        table.column(control) if control in table.columns else None,
        **{"name": table.name, "recipe": recipe, "scaler": data.scaler, **settings},
    )


def test_an_unlabelled_file_without_control_is_taken_as_working(tmp_path: Path) -> None:
    data = load_data(options(data="folder", root_path=str(folder_of_runs(tmp_path / "train")), seq_len=L))
    found, report = windows_of(read_table(write(frame(rows=300), tmp_path / "new.csv")), data, seq_len=96, step=48)
    assert len(found) == (300 - 96) // 48 + 1
    assert "readings while not working" not in report


@pytest.mark.parametrize("resample", ["direct", "mean"])
def test_missing_readings_end_a_segment_or_are_masked(resample: str) -> None:
    times = np.datetime64("2021-01-01T00:00") + np.arange(64) * np.timedelta64(60, "s")
    values = np.random.default_rng(0).uniform(0, 1, (64, 2)).astype(np.float32)
    whole = values.copy()
    values[20:24, 1] = np.nan
    recipe = Recipe(columns=("a", "b"), period_seconds=120, resample=resample, hold_seconds=0)
    settings = {"name": "f", "recipe": recipe, "scaler": Scaler.fit(whole), "seq_len": 4, "step": 1}
    ended, _ = unlabelled(times, values, None, **settings)
    masked, _ = unlabelled(times, values, None, **settings, masked=True)
    full, _ = unlabelled(times, whole, None, **settings, masked=True)
    assert ended.gather(np.arange(len(ended))).missing is None
    assert len(ended) < len(masked) == len(full) == 32 - 4 + 1
    every = np.arange(len(masked))
    batch, expected = masked.gather(every), full.gather(every).x
    lost = (every + 3 >= 10) & (every <= 11)  # steps 10 and 11 lack a reading of the second signal
    assert batch.missing.tolist() == [[False, bool(one)] for one in lost]
    assert not full.gather(every).missing.any()
    assert torch.equal(batch.x[:, 0], expected[:, 0])
    assert torch.equal(batch.x[~lost], expected[~lost])
    assert (batch.x[lost, 1] == 0).all()
    again = pickle.loads(pickle.dumps(masked))
    assert torch.equal(again.gather(every).missing, batch.missing)
    short, _ = unlabelled(times[:6], values[:6], None, **settings, masked=True)
    assert short.gather(np.array([], np.int64)).missing.shape == (0, 2)


def test_an_unlabelled_file_too_short_for_a_window_gives_none(tmp_path: Path) -> None:
    data = load_data(options(data="folder", root_path=str(folder_of_runs(tmp_path / "train")), seq_len=L))
    table = read_table(write(frame(rows=L - 1), tmp_path / "new.csv"))
    found, _ = windows_of(table, data, seq_len=L, step=1)
    assert len(found) == 0
    assert found.gather(np.array([], np.int64)).x.shape == (0, 3, L)


def test_the_report_is_plain_and_importing_the_package_is_cheap(prepared: Prepared) -> None:
    assert json.loads(json.dumps(prepared.info.report)) == prepared.info.report
    code = "import sys, data_provider, data_provider.simulator; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REPOSITORY)
