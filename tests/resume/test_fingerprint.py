"""A run is taken up with its own options, on its own data, or not at all."""

import json
import os
import shutil

import pytest
import yaml

import run
from tests.kit import train, write_folder
from tests.resume.kit import NOISY, stop_after

FLAGS = [*NOISY, "--train_epochs", "2", "--gradient_accumulation_steps", "2"]


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    base = tmp_path_factory.mktemp("fingerprint")
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 5)
        status, _ = train(write_folder(base / "data", days=8), base / "results", *FLAGS)
    assert status == 130
    return base


@pytest.fixture
def stopped(once, tmp_path, monkeypatch):
    """A stopped run with data of its own, whose path the run knows relative to the working folder."""
    shutil.copytree(once, tmp_path / "copy")
    folder = next((tmp_path / "copy" / "results").rglob("config.yaml")).parent
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["root_path"] = str(once / "data")
    return folder


def edit(folder, **changes):
    path = folder / "config.yaml"
    (folder / "checksums.json").unlink(missing_ok=True)  # as whoever edits a run on purpose does
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", 7),
        ("split_seed", 3),
        ("test_size", 0.3),
        ("seq_len", 12),
        ("learning_rate", 0.5),
        ("loss", "focal"),
        ("gradient_accumulation_steps", 4),
        ("stride", 4),
        ("dropout", 0.2),
        ("root_path", "elsewhere"),
    ],
)
def test_edited_options_are_refused_by_name(name, value, stopped, capsys):
    edit(stopped, **{name: value})
    assert run.main(["--resume", str(stopped)]) == 2
    error = capsys.readouterr().err
    assert name in error or "seq_len" in name or "elsewhere" in error
    assert error.count("run.py:") == 1


def test_what_may_change_may_be_edited(stopped):
    edit(stopped, train_epochs=1, patience=3, checkpoint_minutes=1.0)
    assert run.main(["--resume", str(stopped)]) == 0


def change_a_reading(path):
    """Another reading within the same size and times."""
    before = path.stat()
    lines = path.read_text().splitlines(keepends=True)
    row = lines[100]
    lines[100] = row[:-2] + ("1" if row[-2] != "1" else "2") + row[-1]
    path.write_text("".join(lines))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def test_a_changed_reading_is_noticed_within_the_same_size_and_time(once, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        data = write_folder(tmp_path / "data", days=8)
        _, folder = train(data, tmp_path / "results", *FLAGS)
    change_a_reading(data / "stuck.csv")
    assert run.main(["--resume", str(folder)]) == 2
    assert "stuck.csv is not the file that the run was trained on" in capsys.readouterr().err


def test_a_file_more_or_less_is_noticed(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        data = write_folder(tmp_path / "data", days=8)
        _, folder = train(data, tmp_path / "results", *FLAGS)
    shutil.copy(data / "stuck.csv", data / "leak.csv")
    assert run.main(["--resume", str(folder)]) == 2
    assert "leak.csv" in capsys.readouterr().err
    (data / "leak.csv").unlink()
    (data / "biased.csv").unlink()
    assert run.main(["--resume", str(folder)]) == 2
    assert capsys.readouterr().err.count("run.py:") == 1


def test_the_run_folder_says_what_it_depends_on(stopped):
    found = json.loads((stopped / "fingerprint.json").read_text())
    assert set(found["files"]) == {"normal.csv", "stuck.csv", "biased.csv"}
    assert set(found["split"]) == {"train", "val", "test"}
    assert len(found["readings"]) == 64
