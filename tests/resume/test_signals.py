"""Real processes and real signals: what stops a training, what it leaves, and what does not stop it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import REPOSITORY
from tests.kit import latest, train, write_folder
from tests.resume.kit import NOISY, assert_same_files, raw, start
from utils import interrupt
from utils.interrupt import StopRequest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
FLAGS = [*NOISY, "--train_epochs", "2", "--gradient_accumulation_steps", "4"]
PLACE = 6  # the micro-batch that is held
PATIENCE = 300  # seconds until a test gives up; nothing waits for this long that works


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("signals") / "data", days=8)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    status, folder = train(data, tmp_path_factory.mktemp("whole"), *FLAGS)
    assert status == 0
    return folder


def wait_for(path, process):
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.01)


@pytest.fixture
def held(data, tmp_path, monkeypatch):
    """Starts a training that waits within a micro-batch, and ends it where a test did not."""
    monkeypatch.setenv("HELD", f"{tmp_path}:{PLACE}")
    started = []

    def begin(*flags, **settings):
        process = start(data, tmp_path / "results", *FLAGS, *flags, script="tests/resume/held_run.py", **settings)
        started.append(process)
        wait_for(tmp_path / "reached", process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def go_on(folder):
    command = [sys.executable, "run.py", "--resume", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr


def gone(group):
    """Waits until no process of a group is left."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_saves_within_the_micro_batch_and_says_how_to_go_on(name, held, tmp_path, whole):
    process = held()
    process.send_signal(signal.Signals[name])
    wait_for(tmp_path / "received-1", process)
    (tmp_path / "go").touch()
    out, error = process.communicate(timeout=PATIENCE)
    folder = latest(tmp_path / "results")
    assert process.returncode == 130
    assert f"nothing is lost. Go on with: python run.py --resume {folder}" in out
    assert "Traceback" not in error
    assert raw(folder)["progress"]["micro_batches"] == PLACE
    assert [entry.name for entry in folder.rglob("*") if ".part" in entry.name] == []
    go_on(folder)
    assert_same_files(whole, folder)


@pytest.mark.sample(1)
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_to_the_whole_group_leaves_a_checkpoint_and_no_process(name, workers, held, tmp_path, whole):
    process = held("--num_workers", workers)
    os.killpg(process.pid, signal.Signals[name])
    wait_for(tmp_path / "received-1", process)
    (tmp_path / "go").touch()
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, error
    assert "Traceback" not in out + error
    assert "killed" not in out + error
    assert gone(process.pid), "a process of the training is left"
    folder = latest(tmp_path / "results")
    assert raw(folder)["progress"]["micro_batches"] == PLACE
    go_on(folder)
    assert_same_files(whole, folder)


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_to_the_group_while_the_training_waits_for_its_loaders(name, held, tmp_path, whole, monkeypatch):
    monkeypatch.setenv("HELD", f"{tmp_path}:1000")
    monkeypatch.setenv("HELD_WORKERS", "1")
    process = held("--num_workers", "2")
    os.killpg(process.pid, signal.Signals[name])
    wait_for(tmp_path / "received-1", process)
    (tmp_path / "go").touch()
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, error
    assert "Traceback" not in out + error
    assert gone(process.pid)
    folder = latest(tmp_path / "results")
    go_on(folder)
    assert_same_files(whole, folder)


def test_a_second_ctrl_c_stops_at_once(held, tmp_path):
    process = held("--num_workers", "2")
    for number in (1, 2):
        process.send_signal(signal.SIGINT)
        wait_for_or_end(tmp_path / f"received-{number}", process)
    _, error = process.communicate(timeout=PATIENCE)  # nobody lets the micro-batch go on
    assert process.returncode == 130
    assert "interrupted" in error
    assert "Traceback" not in error
    assert not (latest(tmp_path / "results") / "checkpoints" / "last.pt").exists()
    assert gone(process.pid)


def wait_for_or_end(path, process):
    deadline = time.monotonic() + PATIENCE
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def test_two_hangups_are_one_request(held, tmp_path):
    process = held()
    for number in (1, 2):
        process.send_signal(signal.SIGHUP)
        wait_for(tmp_path / f"received-{number}", process)
    (tmp_path / "go").touch()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert raw(latest(tmp_path / "results"))["progress"]["micro_batches"] == PLACE


def test_nohup_keeps_its_word(held, tmp_path, whole):
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as nohup does it
    try:
        process = held()
    finally:
        signal.signal(signal.SIGHUP, former)
    process.send_signal(signal.SIGHUP)
    (tmp_path / "go").touch()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert_same_files(whole, latest(tmp_path / "results"))


def test_a_terminal_that_closes_does_not_end_a_training(held, tmp_path, whole):
    """As under nohup with the output left at the terminal: each write fails from then on."""
    ours, theirs = os.openpty()
    process = held(stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.close(ours)
    (tmp_path / "go").touch()
    assert process.wait(timeout=PATIENCE) == 0
    assert_same_files(whole, latest(tmp_path / "results"))
    assert "Traceback" not in (latest(tmp_path / "results") / "training.log").read_text()


def test_a_reader_that_goes_away_does_not_end_a_training(held, tmp_path, whole):
    """`python run.py | head -1`, and the same with standard error."""
    process = held()
    assert process.stdout.readline()
    process.stdout.close()
    process.stderr.close()
    (tmp_path / "go").touch()
    assert process.wait(timeout=PATIENCE) == 0
    assert_same_files(whole, latest(tmp_path / "results"))
    process.stdout = process.stderr = None


def test_output_on_a_full_disk_does_not_end_a_training(held, tmp_path, whole):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        process = held(stdout=full, stderr=full)
    (tmp_path / "go").touch()
    assert process.wait(timeout=PATIENCE) == 0
    assert_same_files(whole, latest(tmp_path / "results"))


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_each_signal_is_a_request_to_stop_while_a_training_runs(name):
    heard, number = [], signal.Signals[name]
    former = signal.signal(number, lambda *_: heard.append(name))  # whoever does not take it lets it through to here
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), number)
            assert (stop.made, heard) == (True, [])
        os.kill(os.getpid(), number)
        assert heard == [name]
    finally:
        signal.signal(number, former)


def test_timeout_sends_its_signal_twice_and_still_gets_a_checkpoint(monkeypatch):
    times = iter([0.0, 0.5, 2.0])
    monkeypatch.setattr(interrupt, "clock", lambda: next(times))
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.made
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_job_in_the_background_can_be_interrupted():
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as shells start it
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.made
    finally:
        signal.signal(signal.SIGINT, former)


def test_a_hangup_that_is_ignored_stays_ignored():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.made
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_request_within_another_context_is_a_request_to_both():
    with StopRequest() as outer:
        with StopRequest() as inner:
            os.kill(os.getpid(), signal.SIGTERM)
            assert inner.made
        assert outer.made
    with StopRequest() as outer:
        with StopRequest():
            pass
        assert not outer.made
