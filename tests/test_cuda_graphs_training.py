"""A whole training whose steps are replayed is the training without.

Without a GPU the recordings are functions that run again (see `RunAgain`), and every number is equal to the last bit.
"""

import pytest
import torch

import run
from exp import train as train_verb
from exp.runs.run_folder import RunFolder
from exp.training import build
from tests.graph_kit import DEVICES, accumulator_on
from tests.kit import SMALL, latest, train, write_folder
from tests.resume.kit import stop_after
from tests.test_resume import CASES, NOISY, assert_same, state_of

WRITTEN = ("training_metrics.csv", "predictions_val.csv", "predictions_test.csv", "model/weights.safetensors")
FURTHER = {
    "smoothing that changes": ["--loss_preset", "hvac_adaptive", "--batch_size", "4"],
    "mixed windows, weighted classes": ["--mixup", "0.3", "--enable_class_weights"],
    "a target that micro-batches share": ["--target_batch_size", "20"],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("graphs") / "data", days=5)


@pytest.fixture
def replays(request, monkeypatch):
    """The device; on a processor the trainer is made to replay as on a GPU."""
    if request.param == "cpu":
        monkeypatch.setattr(build, "_against_graphs", lambda options, device: None)
        monkeypatch.setattr(build, "GraphAccumulator", lambda *parts, **rest: accumulator_on("cpu", *parts, **rest))
    return request.param


@pytest.mark.parametrize("replays", DEVICES, indirect=True)
@pytest.mark.parametrize("name", [*CASES, *FURTHER])
def test_a_replayed_training_is_the_training(name, replays, data, tmp_path, monkeypatch):
    monkeypatch.setattr(train_verb, "_finish", lambda *_: None)  # the checkpoint says it all
    flags = [*NOISY, *{**CASES, **FURTHER}[name], "--train_epochs", "2", "--device", replays]
    plain, replayed = (train(data, tmp_path / word, *flags, "--cuda_graphs", word)[1] for word in ("off", "on"))
    assert "CUDA graphs replay" in (replayed / "training.log").read_text(encoding="utf-8")
    if replays == "cpu":
        assert_same(state_of(plain), state_of(replayed))
        return
    precise = name not in ("bfloat16 beside float32", "loss scale and cosine")
    for a, b in zip(RunFolder(plain).read_epochs(), RunFolder(replayed).read_epochs(), strict=True):
        assert b["train_loss"] == pytest.approx(a["train_loss"], rel=1e-5 if precise else 2e-2)


@pytest.mark.parametrize("replays", DEVICES, indirect=True)
def test_a_replayed_training_resumes_in_mid_window(replays, data, tmp_path, monkeypatch):
    flags = [*NOISY, *CASES["in mid-window"], "--device", replays, "--cuda_graphs", "on"]
    _, whole = train(data, tmp_path / "whole", *flags)
    with monkeypatch.context() as patch:
        stop_after(patch, 18)
        status, broken = train(data, tmp_path / "broken", *flags)
    assert status == 130
    assert state_of(broken)["ranks"][0]["accumulator"]["count"]
    assert run.main(["--resume", str(broken)]) == 0
    assert_same(state_of(whole), state_of(broken))
    for file in WRITTEN:
        assert (whole / file).read_bytes() == (broken / file).read_bytes(), file


def test_a_training_that_cannot_be_replayed_says_why(data, tmp_path, capsys):
    words = ["--data", "folder", "--root_path", str(data), "--result_path", str(tmp_path), *SMALL]
    assert run.main([*words, "--device", "cpu", "--cuda_graphs", "on"]) == 2
    assert not list(tmp_path.iterdir())
    assert "--cuda_graphs on: the training does not run on a GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "reason"),
    [({"compile": True}, "--compile"), ({"gaf_backend": "pyts"}, "pyts"), ({}, None), ({"amp": "fp16"}, None)],
)
def test_what_is_against_replaying_on_a_gpu(flags, reason):
    found = build._against_graphs(build.Options(**flags), torch.device("cuda"))
    assert found is None if reason is None else reason in found


def test_a_resume_may_choose_otherwise(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        train(data, tmp_path, *NOISY, "--cuda_graphs", "auto", "--device", "cpu")
    assert run.main(["--resume", str(latest(tmp_path)), "--cuda_graphs", "off"]) == 0
