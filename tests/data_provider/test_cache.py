"""Prepared data on disk: quick the second time, never stale, never half there, and made again if damaged."""

import dataclasses
import json
import logging
import multiprocessing
import os
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
import torch

from data_provider import DATASETS, DataInfo, Prepared, cache, load_data
from tests.data_provider.kit import folder_of_runs, frame, options, write
from utils.errors import UserError
from utils.files import sha256_of
from utils.options import Options

L = 48


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of_runs(tmp_path / "runs", rows=2880)


def asked(folder: Path, **changes: object) -> Options:
    return options(data="folder", root_path=str(folder), **{"seq_len": L, **changes})


def content(data: Prepared) -> tuple[DataInfo, torch.Tensor]:
    parts = (data.train, data.val, data.test)
    return data.info, torch.cat([part.gather(np.arange(len(part))).x for part in parts])


def same(one: tuple[DataInfo, torch.Tensor], other: tuple[DataInfo, torch.Tensor]) -> bool:
    return one[0] == other[0] and torch.equal(one[1], other[1])


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the data sets whose files were read."""
    found: list[str] = []
    entry = DATASETS["folder"]

    def read(*arguments: object) -> object:
        found.append("folder")
        return entry.read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setitem(DATASETS, "folder", dataclasses.replace(entry, read=read))
    return found


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / ".cache").iterdir())


def test_the_second_start_reads_no_file_and_gives_the_same(folder: Path, reads: list[str]) -> None:
    first = load_data(asked(folder))
    second = load_data(asked(folder))
    assert len(reads) == 1
    assert same(content(first), content(second))
    assert len(entries(folder)) == 1
    assert isinstance(second.train._values, np.memmap)


def test_what_does_not_touch_the_readings_uses_the_same_entry(folder: Path, reads: list[str]) -> None:
    for changes in ({}, {"seed": 3}, {"seq_len": 24}, {"stride": 3}, {"label": "severity"}, {"split": "random"}):
        load_data(asked(folder, **changes))
    assert len(reads) == 1


def test_what_touches_the_readings_makes_another(folder: Path, reads: list[str]) -> None:
    for number, changes in enumerate(
        ({}, {"sample_period": "2min"}, {"sample_period": "2min", "resample": "mean"}, {"rows": 2000}), start=1
    ):
        load_data(asked(folder, **{"seq_len": 16, **changes}))
        assert len(reads) == len(entries(folder)) == number
    write(frame(rows=2880, seed=9), folder / "leak.csv")  # the same size and another time of change
    load_data(asked(folder))
    assert len(reads) == 5
    os.utime(folder / "stuck.csv", ns=(0, 0))
    load_data(asked(folder))
    assert len(reads) == 6
    (folder / "labels.csv").write_text("file,label\nleak,x\nnormal,y\nstuck,y\n", encoding="utf-8")
    assert load_data(asked(folder)).info.classes == ("x", "y")


@pytest.mark.parametrize("what", ["flipped", "cut", "no manifest", "no values", "other text", "other shape", "empty"])
def test_a_damaged_entry_is_made_again_with_a_warning(
    folder: Path, reads: list[str], caplog: pytest.LogCaptureFixture, what: str
) -> None:
    first = content(load_data(asked(folder)))
    entry = entries(folder)[0]
    values, manifest = entry / cache.VALUES, entry / cache.MANIFEST
    raw = bytearray(values.read_bytes())
    if what == "flipped":
        raw[len(raw) // 2] ^= 1
        values.write_bytes(raw)
    elif what == "cut":
        values.write_bytes(raw[:-100])
    elif what == "no manifest":
        manifest.unlink()
    elif what == "no values":
        values.unlink()
    elif what == "empty":
        manifest.write_text("", encoding="utf-8")
    else:
        stored = json.loads(manifest.read_text(encoding="utf-8"))
        stored["segments"] = {} if what == "other text" else {**stored["segments"], "rows": "many"}
        manifest.write_text(json.dumps(stored), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        second = content(load_data(asked(folder)))
    assert len(reads) == 2
    assert "is damaged" in caplog.text
    assert same(first, second)


def test_a_pickle_in_the_place_of_values_is_not_run(folder: Path, tmp_path: Path) -> None:
    load_data(asked(folder))
    entry = entries(folder)[0]
    np.save(entry / cache.VALUES, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    stored = json.loads((entry / cache.MANIFEST).read_text(encoding="utf-8"))
    stored["sha256"] = sha256_of(entry / cache.VALUES)
    (entry / cache.MANIFEST).write_text(json.dumps(stored), encoding="utf-8")
    assert cache._load(entry) is None


def test_a_failure_while_reading_leaves_nothing_behind(folder: Path) -> None:
    (folder / "broken.csv").write_text("Datetime,a\n2018-01-01 00:00,x\n", encoding="utf-8")
    with pytest.raises(UserError, match="'x' is not a number"):
        load_data(asked(folder))
    assert entries(folder) == []


def test_what_a_killed_process_left_is_swept_when_it_is_old(folder: Path) -> None:
    young, old = folder / ".cache" / ".making-young", folder / ".cache" / ".making-old"
    for path in (young, old):
        path.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * cache.ABANDONED,) * 2)
    load_data(asked(folder))
    assert young.is_dir()
    assert not old.exists()


def test_a_folder_marked_read_only_stays_as_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    folder.chmod(0o555)
    try:
        load_data(asked(folder))
        load_data(asked(folder))
    finally:
        folder.chmod(0o755)
    assert len(reads) == 1
    assert not (folder / ".cache").exists()
    assert len(list((tmp_path / "home" / "dualgafnet").iterdir())) == 1


def test_nowhere_to_write_means_memory_and_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = load_data(asked(folder))
    monkeypatch.setattr(cache, "_writable", lambda place: False)
    with caplog.at_level(logging.WARNING):
        second = load_data(asked(folder))
    assert "kept in memory" in caplog.text
    assert same(content(first), content(second))
    with pytest.raises(UserError, match="--cache_path"):
        load_data(asked(folder, cache_path="/somewhere"))


def test_cache_path_is_where_it_says(folder: Path, tmp_path: Path) -> None:
    load_data(asked(folder, cache_path=str(tmp_path / "there")))
    assert len(list((tmp_path / "there").iterdir())) == 1
    assert not (folder / ".cache").exists()


def _load(folder: Path, together: Barrier, result: Path) -> None:
    together.wait()
    data = load_data(asked(folder))
    result.write_text(str(float(data.train.gather(np.arange(len(data.train))).x.double().sum())))


def test_processes_that_start_together_agree(folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    together, results = context.Barrier(4), [tmp_path / f"sum {number}" for number in range(4)]
    processes = [context.Process(target=_load, args=(folder, together, result)) for result in results]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len({result.read_text() for result in results}) == 1
    assert [path.name[:7] for path in entries(folder)] == ["folder-"]
