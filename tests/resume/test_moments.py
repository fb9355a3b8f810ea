"""Where a run may end, and from where it goes on bit for bit: mid-epoch by the clock, by a kill, between two files."""

import shutil

import pytest

import run
from exp.runs.run_folder import RunFolder
from exp.training import saving
from tests.kit import latest, train, write_folder
from tests.resume.kit import NOISY, Killed, assert_same_files, flip, kill, raw, stop_after
from tests.test_resume import assert_same, state_of

EPOCHS = ["--train_epochs", "3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("moments") / "data", days=8)


class Clock:
    """Every look at it is a minute later."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 60
        return self.now


CASES = {
    "plain": [],
    "in mid-window": ["--gradient_accumulation_steps", "4"],
    "two loading processes": ["--gradient_accumulation_steps", "4", "--num_workers", "2"],
    "bfloat16": ["--amp", "bf16", "--gradient_accumulation_steps", "2"],
    "mixup and averaged weights": ["--mixup", "0.3", "--ema", "0.9", "--norm", "batch"],
    "a window over the epoch's end": ["--gradient_accumulation_steps", "5", "--cross_epoch_accumulation"],
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", CASES)
def test_a_killed_run_goes_on_from_the_checkpoint_of_the_clock(name, data, tmp_path, monkeypatch):
    flags = [*NOISY, *EPOCHS, *CASES[name]]
    status, whole = train(data, tmp_path / "whole", *flags)
    assert status == 0
    with monkeypatch.context() as patch:
        patch.setattr(saving, "clock", Clock())
        stop_after(patch, 22, kill)
        with pytest.raises(Killed):
            train(data, tmp_path / "broken", *flags)  # every fifth micro-batch
    broken = latest(tmp_path / "broken")
    found = raw(broken)["progress"]
    assert found["micro_batches"] > 0
    assert found["epoch"] * 15 + found["micro_batches"] >= 22 - 5, "it was to be a checkpoint of the clock"
    assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(whole), state_of(broken))
    assert_same_files(whole, broken)


def test_no_minutes_no_checkpoint_within_the_epoch(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(saving, "clock", Clock())
        stop_after(patch, 22, kill)
        with pytest.raises(Killed):
            train(data, tmp_path, *NOISY, *EPOCHS, "--checkpoint_minutes", "0")
    assert raw(latest(tmp_path))["progress"]["micro_batches"] == 0


@pytest.mark.sample(3)
@pytest.mark.parametrize("schedule", ["0:3,1:5", "0:4,1:2", "0:2,1:3,2:7"])
@pytest.mark.parametrize("number", [15, 17, 30, 33])
def test_a_schedule_changes_over_a_carried_window(schedule, number, data, tmp_path, monkeypatch):
    flags = [*NOISY, *EPOCHS, "--accumulation_schedule", schedule, "--cross_epoch_accumulation"]
    whole = tmp_path.parent / f"whole-{schedule.replace(':', '-')}"
    if not whole.exists():
        assert train(data, whole, *flags)[0] == 0
    with monkeypatch.context() as patch:
        stop_after(patch, number)
        status, broken = train(data, tmp_path, *flags)
    assert status == 130
    assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(latest(whole)), state_of(broken))
    assert_same_files(latest(whole), broken)


def test_a_schedule_resumes_between_epochs_with_a_window_open(data, tmp_path, monkeypatch):
    flags = [*NOISY, *EPOCHS, "--accumulation_schedule", "0:4,1:2", "--cross_epoch_accumulation"]
    _, whole = train(data, tmp_path / "whole", *flags)
    with monkeypatch.context() as patch:
        stop_after(patch, 16, kill)  # the first of the second epoch; the checkpoint lies at the first's end
        with pytest.raises(Killed):
            train(data, tmp_path / "broken", *flags)
    broken = latest(tmp_path / "broken")
    found = raw(broken)
    assert found["progress"]["micro_batches"] == 0
    assert found["ranks"][0]["accumulator"]["count"] > 0
    assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(whole), state_of(broken))


def test_a_kill_before_the_last_row_is_written_loses_no_row(data, tmp_path, monkeypatch):
    flags = [*NOISY, "--train_epochs", "2"]
    _, whole = train(data, tmp_path / "whole", *flags)
    write = RunFolder.write_epochs

    def killed(self, rows):
        if len(rows) == 2:
            raise Killed
        write(self, rows)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_epochs", killed)
        with pytest.raises(Killed):
            train(data, tmp_path / "broken", *flags)
    broken = latest(tmp_path / "broken")
    assert run.main(["--resume", str(broken)]) == 0
    assert_same_files(whole, broken)


def test_a_damaged_last_goes_on_from_the_previous(data, tmp_path, monkeypatch, capsys):
    flags = [*NOISY, *EPOCHS, "--gradient_accumulation_steps", "2"]
    _, whole = train(data, tmp_path / "whole", *flags)
    with monkeypatch.context() as patch:
        stop_after(patch, 20)
        _, broken = train(data, tmp_path / "broken", *flags)
    flip(broken / "checkpoints" / "last.pt")
    capsys.readouterr()
    assert run.main(["--resume", str(broken)]) == 0
    said = capsys.readouterr().out
    assert "last.pt is damaged" in said
    assert "previous.pt" in said
    assert_same(state_of(whole), state_of(broken))
    assert_same_files(whole, broken)


def test_a_stop_as_the_epoch_ends_does_not_wait_for_its_validation(data, tmp_path, monkeypatch):
    flags = [*NOISY, *EPOCHS, "--gradient_accumulation_steps", "4"]
    _, whole = train(data, tmp_path / "whole", *flags)
    with monkeypatch.context() as patch:
        stop_after(patch, 15)
        status, broken = train(data, tmp_path / "broken", *flags)
    assert status == 130
    assert raw(broken)["progress"]["rows"] == []
    assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(whole), state_of(broken))


def test_a_full_disk_does_not_end_a_training(data, tmp_path, monkeypatch, capsys):
    flags = [*NOISY, *EPOCHS]
    _, whole = train(data, tmp_path / "whole", *flags)
    save, calls = saving.save_checkpoint, []

    def full(state, path, **settings):
        calls.append(path.name)
        if 2 <= len(calls) <= 4:
            raise OSError(28, "No space left on device", str(path))
        save(state, path, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_checkpoint", full)
        capsys.readouterr()
        status, folder = train(data, tmp_path / "full", *flags)
    assert status == 0
    said = capsys.readouterr().out
    assert said.count("cannot write a checkpoint") == 1
    assert "No space left on device" in said
    assert "can be written again" in said
    assert_same_files(whole, folder)


def test_a_folder_that_vanishes_is_made_again(data, tmp_path, monkeypatch, capsys):
    flags = [*NOISY, *EPOCHS]
    with monkeypatch.context() as patch:
        stop_after(patch, 20, lambda trainer: shutil.rmtree(latest(tmp_path)))
        status, folder = train(data, tmp_path, *flags)
    assert status == 0
    assert "is gone: it is made again" in capsys.readouterr().out
    assert (folder / "metrics.json").is_file()
    assert raw(folder, "best.pt")["epoch"] >= 1
