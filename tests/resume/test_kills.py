"""kill -9 at any moment of a real process, and errors of the disk at any act: the run ends as if nothing had been."""

import errno
import json
import os
import random
from pathlib import Path

import pytest

import run
from tests.kit import SMALL, train, write_folder
from tests.resume.disk import acting
from tests.resume.kit import NOISY, assert_same_files, start

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9")
FLAGS = [*NOISY, "--train_epochs", "2", "--gradient_accumulation_steps", "4"]
PATIENCE = 600  # seconds until a test gives up


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("kills") / "data", days=8)


def flags_for(place: Path) -> list[str]:
    """The cache is made in the same folder, so that its making can be ended too."""
    return [*FLAGS, "--cache_path", str(place / "cache")]


def begin(data: Path, place: Path, number: int):
    """A process that is killed at an act in `place`."""
    place.mkdir()
    os.environ["ACTS"] = f"{place}:{number}"
    try:
        process = start(data, place / "results", *flags_for(place), script="tests/resume/disk.py")
    finally:
        del os.environ["ACTS"]
    process.communicate(timeout=PATIENCE)
    return process.returncode


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """The run folder of an uninterrupted run, and the number of its acts."""
    place = tmp_path_factory.mktemp("whole") / "run"
    place.mkdir()
    with acting(place, lambda number: None) as acts:
        status, folder = train(data, place / "results", *flags_for(place))
    assert status == 0
    return folder, acts.number


def measures(folder: Path) -> dict:
    """metrics.json but for what the clock and the place say."""
    return {name: value for name, value in json.loads((folder / "metrics.json").read_text()).items()
            if name not in ("seconds", "command")}  # fmt: skip


def go_on(data: Path, place: Path, capsys) -> Path:
    """Resumes what is there, or begins again where the run had written no checkpoint."""
    begun = list((place / "results").rglob("config.yaml"))
    if begun:
        capsys.readouterr()
        status = run.main(["--resume", str(begun[0].parent)])
        error = capsys.readouterr().err
        if status == 0:
            return begun[0].parent
        assert status == 2
        assert error.count("\n") == 1
        assert "before its first one" in error or "config.yaml" in error
        assert not (begun[0].parent / "checkpoints" / "last.pt").exists()
    status, folder = train(data, place / "again", *flags_for(place))
    assert status == 0
    return folder


@pytest.mark.sample(1)
@pytest.mark.parametrize("case", range(20))
def test_a_killed_run_ends_like_the_uninterrupted_one(case, data, whole, tmp_path, capsys):
    folder, acts = whole
    number = random.Random(case).randint(1, acts)
    assert begin(data, tmp_path / "run", number) == -9
    ended = go_on(data, tmp_path / "run", capsys)
    assert_same_files(folder, ended)
    assert measures(folder) == measures(ended)
    assert [path.name for path in ended.rglob("*.part")] == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("lasts", [True, False], ids=["from then on", "once"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES], ids=["no space", "no permission"])
@pytest.mark.parametrize("case", range(20))
def test_an_error_of_the_disk_is_one_line_and_loses_nothing(case, code, lasts, data, whole, tmp_path, capsys):
    place = tmp_path / "run"
    number = random.Random(f"{case} {code} {lasts}").randint(
        1, round(0.8 * whole[1])
    )  # some acts are the cache's, and micro-batches

    def hear(act: int) -> None:
        if act == number or (lasts and act > number):
            raise OSError(code, os.strerror(code), str(place / "anything"))

    with acting(place / "results", hear, batches=False):
        words = ["--data", "folder", "--root_path", str(data), "--result_path", str(place / "results"), *SMALL]
        status = run.main([*words, *flags_for(place)])
    error = capsys.readouterr().err
    said = [line for line in error.splitlines() if line.startswith("run.py:")]
    assert "Traceback" not in error
    assert (status, len(said)) in ((0, 0), (2, 1)), error
    ended = go_on(data, place, capsys)
    assert_same_files(whole[0], ended)
