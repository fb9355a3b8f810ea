"""Two programs at one run folder, and what may be asked of a run that is still in training."""

import os
import shutil
import signal
import time

import pytest

import run
from exp.runs.run_folder import RunFolder
from tests.kit import latest, train, write_folder
from tests.resume.kit import NOISY, Killed, assert_same_files, kill, start, stop_after
from utils.command_line import parse

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the training is held by signals of other systems")
FLAGS = [*NOISY, "--train_epochs", "2"]
PATIENCE = 300  # seconds until a test gives up


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("two") / "data", days=8)


@pytest.fixture(scope="module")
def ended(data, tmp_path_factory):
    status, folder = train(data, tmp_path_factory.mktemp("ended"), *FLAGS)
    assert status == 0
    return folder


@pytest.fixture
def going_on(data, ended, tmp_path, monkeypatch):
    """A training that is held in its fourth micro-batch, beside a run that has ended; lets it end."""
    monkeypatch.setenv("HELD", f"{tmp_path}:4")
    family = tmp_path / "results" / "folder" / "DualGAFNet" / "default"
    shutil.copytree(ended, family / ended.name)
    process = start(data, tmp_path / "results", *FLAGS, script="tests/resume/held_run.py")
    deadline = time.monotonic() + PATIENCE
    while not (tmp_path / "reached").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)

    def end():
        (tmp_path / "go").touch()
        process.communicate(timeout=PATIENCE)
        return process.returncode

    yield family, end
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_nobody_goes_on_with_a_run_in_training(going_on, ended, capsys):
    family, end = going_on
    folder = (family / "latest").resolve()
    for words in (["--resume", str(folder)], ["--resume", str(family / "latest")], ["report", "--run", str(folder)]):
        assert run.main(words) == 2
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1
        assert f"{folder} is in use by another program" in said[0]
    assert end() == 0
    assert_same_files(ended, folder)
    assert not (folder / ".lock").exists()
    assert run.main(["report", "--run", str(folder)]) == 0


def test_what_needs_results_takes_the_latest_run_that_has_some(going_on, ended, data, tmp_path, capsys):
    family, end = going_on
    assert (family / "latest").resolve().name != ended.name
    asked = ["--data", "folder", "--result_path", str(tmp_path / "results")]
    for named in ([], ["--run", str(family / "latest")]):
        words = ["detect", "--input", str(data), "--output", str(tmp_path / "found"), *asked, *named]
        assert run.main([*words, "--disable_parallel"]) == 0
        assert f"the latest run has not ended; this is of the one before it, {family / ended.name}" in (
            capsys.readouterr().out
        )
    assert RunFolder.find(None, parse(["--resume", "x", *asked]), ended=False).path == (family / "latest").resolve()
    assert end() == 0
    assert RunFolder.find(None, parse(["test", *asked])).path == (family / "latest").resolve()


def test_what_a_killed_training_was_writing_is_swept(data, tmp_path, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 20, kill)
        with pytest.raises(Killed):
            train(data, tmp_path, *FLAGS, "--checkpoint_minutes", "0.0001")
    folder = latest(tmp_path)
    half = folder / "checkpoints" / ".last.pt.1.part"
    half.write_bytes(b"half a checkpoint")
    assert run.main(["--resume", str(folder)]) == 0
    assert not half.exists()
