"""An interrupted run that goes on is the uninterrupted one, bit for bit."""

import pytest
import torch

import run
from tests.kit import latest, train, write_folder
from tests.resume.kit import stop_after
from utils.checkpoints import load_checkpoint

NOISY = ["--augment", "jitter:0.05,drop_sensor:0.1", "--dropout", "0.3", "--train_epochs", "3", "--batch_size", "8"]

CASES = {
    "in mid-window": ["--gradient_accumulation_steps", "4"],
    "window over the epoch's end": ["--gradient_accumulation_steps", "4", "--cross_epoch_accumulation"],
    "averaged weights, batch norm": ["--ema", "0.9", "--norm", "batch", "--gradient_accumulation_steps", "2"],
    "loss scale and cosine": ["--amp", "fp16", "--lr_scheduler", "cosine", "--gradient_accumulation_steps", "3"],
    "changing steps, other processes": ["--accumulation_schedule", "0:2,1:3", "--num_workers", "1"],
    "bfloat16 beside float32": ["--param_dtype", "bf16", "--grad_buffer", "fp32", "--gradient_accumulation_steps", "3"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("resume") / "data", days=8)


def state_of(folder):
    state = load_checkpoint(folder / "checkpoints" / "last.pt")
    return {name: state[name] for name in ("model", "average", "optimizer", "scheduler", "scaler", "progress", "ranks")}


def assert_same(first, second, place=""):
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second), place
    elif isinstance(first, dict):
        assert first.keys() == second.keys(), place
        for key in first:
            assert_same(first[key], second[key], f"{place}.{key}")
    elif isinstance(first, list | tuple):
        assert len(first) == len(second), place
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            assert_same(one, other, f"{place}[{number}]")
    else:
        assert first == second, place


@pytest.mark.sample(4)
@pytest.mark.parametrize("name", CASES)
def test_resume_is_bit_for_bit_the_uninterrupted_run(name, data, tmp_path, monkeypatch, capsys):
    flags = [*NOISY, *CASES[name]]
    status, whole = train(data, tmp_path / "whole", *flags)
    assert status == 0

    with monkeypatch.context() as patch:
        stop_after(patch, 17)
        status, broken = train(data, tmp_path / "broken", *flags)
    assert status == 130
    assert f"--resume {broken}" in capsys.readouterr().out
    stopped = state_of(broken)
    assert not (broken / "metrics.json").exists()
    assert stopped["progress"]["micro_batches"] > 0, "the interruption was to come within an epoch"

    assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(whole), state_of(broken))
    for file in ("training_metrics.csv", "predictions_val.csv", "predictions_test.csv", "model/weights.safetensors"):
        assert (whole / file).read_bytes() == (broken / file).read_bytes(), file


def test_the_interruption_of_the_first_case_lies_within_a_window(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 17)
        _, broken = train(data, tmp_path, *NOISY, "--gradient_accumulation_steps", "4")
    accumulator = state_of(broken)["ranks"][0]["accumulator"]
    assert accumulator["count"] % 4 != 0
    assert any(gradient is not None and gradient.abs().sum() > 0 for gradient in accumulator["gradients"])


@pytest.mark.parametrize(
    "flags",
    [["--gradient_accumulation_steps", "2"], ["--batch_size", "4"], ["--learning_rate", "0.1"], ["--seed", "1"]],
)
def test_resuming_as_another_run_is_refused(flags, data, tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        _, broken = train(data, tmp_path, *NOISY, "--gradient_accumulation_steps", "4")
    before = (broken / "checkpoints" / "last.pt").read_bytes()
    assert run.main(["--resume", str(broken), *flags]) == 2
    error = capsys.readouterr().err
    assert flags[0] in error
    assert (broken / "checkpoints" / "last.pt").read_bytes() == before


def test_more_epochs_may_be_asked_for(data, tmp_path):
    status, folder = train(data, tmp_path, *NOISY, "--train_epochs", "1")
    assert status == 0
    assert run.main(["--resume", str(folder), "--train_epochs", "2"]) == 0
    assert len(state_of(folder)["progress"]["rows"]) == 2
    assert latest(tmp_path) == folder


def test_a_damaged_checkpoint_is_said_to_be_one(data, tmp_path, capsys):
    _, folder = train(data, tmp_path, *NOISY, "--train_epochs", "1")
    path = folder / "checkpoints" / "last.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert run.main(["--resume", str(folder), "--train_epochs", "2"]) == 2
    assert "damaged" in capsys.readouterr().err
