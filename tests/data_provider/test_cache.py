"""Prepared data on disk: quick the second time, never stale, never half there, and made again if damaged."""

import dataclasses
import errno
import json
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
import torch

from data_provider import DATASETS, DataInfo, Prepared, cache, load_data
from data_provider.frames import Frame
from tests.data_provider.kit import folder_of_runs, frame, options, write
from utils.errors import UserError
from utils.files import sha256_of
from utils.options import Options

L = 48


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return folder_of_runs(tmp_path / "runs", rows=2880)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """The cache of these tests."""
    return tmp_path / "home" / "dualgafnet"


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


def entries(prepared: Path) -> list[Path]:
    return sorted(prepared.iterdir())


def test_the_second_start_reads_no_file_and_gives_the_same(folder: Path, prepared: Path, reads: list[str]) -> None:
    first = load_data(asked(folder))
    second = load_data(asked(folder))
    assert len(reads) == 1
    assert same(content(first), content(second))
    assert len(entries(prepared)) == 1
    assert isinstance(second.train._values, np.memmap)


def test_what_does_not_touch_the_readings_uses_the_same_entry(folder: Path, reads: list[str]) -> None:
    for changes in ({}, {"seed": 3}, {"seq_len": 24}, {"stride": 3}, {"label": "severity"}, {"split": "random"}):
        load_data(asked(folder, **changes))
    assert len(reads) == 1


def test_what_touches_the_readings_makes_another(folder: Path, prepared: Path, reads: list[str]) -> None:
    for number, changes in enumerate(
        ({}, {"sample_period": "2min"}, {"sample_period": "2min", "resample": "mean"}, {"rows": 2000}), start=1
    ):
        load_data(asked(folder, **{"seq_len": 16, **changes}))
        assert len(reads) == len(entries(prepared)) == number
    write(frame(rows=2880, seed=9), folder / "leak.csv")
    load_data(asked(folder))
    assert len(reads) == 5
    (folder / "labels.csv").write_text("file,label\nleak,x\nnormal,y\nstuck,y\n", encoding="utf-8")
    assert load_data(asked(folder)).info.classes == ("x", "y")


def test_content_counts_and_not_size_and_time(folder: Path, reads: list[str]) -> None:
    """As where a file is put back from a backup, or written within one tick of the clock."""
    first = content(load_data(asked(folder)))
    path = folder / "stuck.csv"
    was, text = path.stat(), path.read_text(encoding="utf-8")
    point = text.index(".", len(text) // 2)
    for changed in (text[: point + 1] + str((int(text[point + 1]) + 5) % 10) + text[point + 2 :], text):
        path.write_text(changed, encoding="utf-8")
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (was.st_size, was.st_mtime_ns)
        second = content(load_data(asked(folder)))
        assert same(first, second) is (changed == text)
    assert len(reads) == 2


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = DATASETS["folder"]

    def read(*arguments: object) -> Iterator[Frame]:
        yield from entry.read(*arguments)  # type: ignore[arg-type]
        with (folder / "stuck.csv").open("a", encoding="utf-8") as file:
            file.write("\n")

    monkeypatch.setitem(DATASETS, "folder", dataclasses.replace(entry, read=read))
    with pytest.raises(UserError, match=f"{folder} changed while it was read"):
        load_data(asked(folder))
    assert entries(prepared) == []


def test_a_data_folder_is_not_written_to(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    load_data(asked(folder))
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before


@pytest.mark.parametrize(
    "what", ["flipped", "cut", "no manifest", "no values", "other text", "other shape", "digit", "list", "empty"]
)
def test_a_damaged_entry_is_made_again_with_a_warning(
    folder: Path, prepared: Path, reads: list[str], caplog: pytest.LogCaptureFixture, what: str
) -> None:
    first = content(load_data(asked(folder)))
    entry = entries(prepared)[0]
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
    elif what in ("empty", "list"):
        manifest.write_text("" if what == "empty" else "[]", encoding="utf-8")
    elif what == "digit":  # as plausible as the right one
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace('"first": [0', '"first": [1', 1), encoding="utf-8")
        assert manifest.read_text(encoding="utf-8") != text
    else:
        stored = json.loads(manifest.read_text(encoding="utf-8"))
        stored["segments"] = {} if what == "other text" else {**stored["segments"], "rows": "many"}
        manifest.write_text(json.dumps(stored), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        second = content(load_data(asked(folder)))
    assert len(reads) == 2
    assert "is damaged" in caplog.text
    assert same(first, second)


def test_a_pickle_in_the_place_of_values_is_not_run(folder: Path, prepared: Path) -> None:
    load_data(asked(folder))
    entry = entries(prepared)[0]
    np.save(entry / cache.VALUES, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    stored = json.loads((entry / cache.MANIFEST).read_text(encoding="utf-8"))
    del stored[cache.SEAL]
    stored["sha256"] = sha256_of(entry / cache.VALUES)
    (entry / cache.MANIFEST).write_text(json.dumps(cache._sealed(stored)), encoding="utf-8")
    assert cache._load(entry) is None


def test_a_failure_while_reading_leaves_nothing_behind(folder: Path, prepared: Path) -> None:
    (folder / "broken.csv").write_text("Datetime,a\n2018-01-01 00:00,x\n", encoding="utf-8")
    with pytest.raises(UserError, match="'x' is not a number"):
        load_data(asked(folder))
    assert entries(prepared) == []


def _make_for_ever(prepared: Path) -> None:
    def make(target: Path | None) -> cache.Made:
        (prepared / "begun").touch()
        time.sleep(600)
        raise AssertionError

    cache.load_or_make(prepared, "entry", make)


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_makes_is_not(folder: Path, prepared: Path) -> None:
    prepared.mkdir(parents=True)
    process = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn").Process(
        target=_make_for_ever, args=(prepared,)
    )
    process.start()
    while not (prepared / "begun").exists():
        assert process.is_alive()
        time.sleep(0.01)
    half = next(prepared.glob(".making-*"))
    load_data(asked(folder))
    assert half.is_dir()
    process.kill()
    process.join()
    load_data(asked(folder, rows=2000))
    assert not half.exists()


def test_half_an_entry_without_a_lock_is_swept_when_it_is_old(folder: Path, prepared: Path) -> None:
    young, old = prepared / ".making-young", prepared / ".making-old"
    for path in (young, old):
        path.mkdir(parents=True)
    os.utime(old, (time.time() - 2 * cache.ABANDONED,) * 2)
    load_data(asked(folder))
    assert young.is_dir()
    assert not old.exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(
    folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    with pytest.raises(UserError, match=r"No space left on device.*--cache_path"):
        load_data(asked(folder))
    assert entries(prepared) == []


def test_a_place_that_takes_no_entry_is_one_line(folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **others: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(UserError, match=r"No space left on device.*--cache_path"):
        load_data(asked(folder))


def test_prepared_data_is_mapped_to_be_read_only(folder: Path, prepared: Path) -> None:
    """Writing through a map ends in a signal where the disk is full."""
    data = load_data(asked(folder))
    assert not data.train._values.flags.writeable
    state = (entries(prepared)[0] / cache.VALUES).stat()
    assert state.st_blocks * 512 >= state.st_size  # each byte has its place on the disk


def test_nowhere_to_write_means_memory_and_a_warning(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = load_data(asked(folder, cache_path=str(folder.parent / "own")))
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
    assert not (tmp_path / "home").exists()


def _load(folder: Path, prepared: Path, together: Barrier, result: Path) -> None:
    together.wait()
    data = load_data(asked(folder, cache_path=str(prepared)))
    result.write_text(str(float(data.train.gather(np.arange(len(data.train))).x.double().sum())))


def test_processes_that_start_together_agree(folder: Path, prepared: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    together, results = context.Barrier(4), [tmp_path / f"sum {number}" for number in range(4)]
    processes = [context.Process(target=_load, args=(folder, prepared, together, result)) for result in results]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len({result.read_text() for result in results}) == 1
    assert [path.name[:7] for path in entries(prepared)] == ["folder-"]
