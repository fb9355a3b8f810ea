"""A checkpoint with a right checksum and another content: one line, status 2, and nothing of it is used."""

import copy

import pytest
import torch

import run
from tests.kit import train, write_folder
from tests.resume.kit import NOISY, flip, raw, rewrite, stop_after

FLAGS = [*NOISY, "--gradient_accumulation_steps", "4", "--ema", "0.9", "--train_epochs", "3"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was stopped in the second epoch, within an accumulation window."""
    base = tmp_path_factory.mktemp("schema")
    with pytest.MonkeyPatch.context() as patch:
        stop_after(patch, 22)
        status, folder = train(write_folder(base / "data", days=8), base / "results", *FLAGS)
    assert status == 130
    return folder


@pytest.fixture
def state(stopped):
    """Its checkpoint, to be changed; put back afterwards."""
    path = stopped / "checkpoints" / "last.pt"
    kept = path.read_bytes()
    yield copy.deepcopy(raw(stopped))
    path.write_bytes(kept)


def refused(stopped, state, capsys):
    """The one line that `--resume` says to this content."""
    path = stopped / "checkpoints" / "last.pt"
    rewrite(path, state)
    before = path.read_bytes()
    capsys.readouterr()
    assert run.main(["--resume", str(stopped)]) == 2
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("run.py:")]
    assert len(lines) == 1
    assert "Traceback" not in error
    assert path.read_bytes() == before
    return lines[0]


def _at(state, path):
    for step in path[:-1]:
        state = state[step]
    return state, path[-1]


RANK = ("ranks", 0)
WINDOW = (*RANK, "accumulator")
# What is put where, and a word that the line must have.
CHANGES = {
    "no such epoch": (("progress", "epoch"), -1, "epoch is -1"),
    "a fraction of an epoch": (("progress", "epoch"), 1.5, "whole number"),
    "true epochs": (("progress", "epoch"), True, "whole number"),
    "a thousand million micro-batches": (("progress", "micro_batches"), 10**9, "micro-batches are done"),
    "one micro-batch too many": (("progress", "micro_batches"), 10**3, "micro-batches are done"),
    "an endless number": (("progress", "micro_batches"), 10**400, "out of range"),
    "more right than seen": (("progress", "correct"), 10**5, "windows"),
    "a row too few": (("progress", "rows"), [], "rows"),
    "a row of text": (("progress", "rows", 0), {"epoch": "1"}, "row 1"),
    "a loss of NaN": (("progress", "loss"), float("nan"), "loss"),
    "a best to come": (("progress", "best_epoch"), 7, "best epoch"),
    "no progress": (("progress",), None, "progress"),
    "a list as progress": (("progress",), [1], "progress"),
    "short random state": ((*RANK, "random", "cpu"), torch.zeros(10, dtype=torch.uint8), "random"),
    "no random state": ((*RANK, "random"), {}, "random"),
    "random numbers of another kind": ((*RANK, "random", "cpu"), torch.zeros(5056), "random"),
    "no processes": (("ranks",), [], "ranks"),
    "a window that is too full": ((*WINDOW, "count"), 9, "9 of 4"),
    "a window without sums": ((*WINDOW, "sums"), None, "sums"),
    "sums of another shape": ((*WINDOW, "sums"), torch.zeros(3), "sums"),
    "a denominator of 0": ((*WINDOW, "nominal"), torch.zeros(()), "nominal"),
    "fewer gradients": ((*WINDOW, "gradients"), [], "gradients"),
    "a gradient of another shape": ((*WINDOW, "gradients", 0), torch.zeros(1), "gradient 0"),
    "windows of no micro-batch": ((*WINDOW, "window_steps"), 0, "window_steps"),
    "no model": (("model",), None, "model"),
    "an empty model": (("model",), {}, "model lacks"),
    "no averaged weights": (("average",), None, "--ema"),
    "a loss scale": (("scaler",), {"scale": 1.0}, "--amp"),
    "no optimizer": (("optimizer",), None, "optimizer"),
    "an optimizer without groups": (("optimizer", "param_groups"), [], "groups"),
    "a rate of text": (("optimizer", "param_groups", 0, "lr"), "fast", "lr"),
    "an unknown setting": (("optimizer", "param_groups", 0, "turbo"), 1, "turbo"),
    "a state of no weight": (("optimizer", "state", 10**6), {}, "weight 1000000"),
    "an optimizer's empty state": (("optimizer", "state", 0), {}, "weight 0"),
    "moments of another shape": (("optimizer", "state", 0, "exp_avg"), torch.zeros(2, 2), "exp_avg"),
    "steps below 0": (("optimizer", "state", 0, "step"), torch.tensor(-3.0), "step"),
    "no schedule": (("scheduler",), {}, "scheduler"),
    "no steps in an epoch": (("scheduler", "steps_per_epoch"), 0.0, "scheduler"),
    "a rate of 0": (("scheduler", "base_rates"), [0.0, 0.0], "scheduler"),
    "pieces of nothing": (("piece",), 0, "piece"),
    "a fingerprint of text": (("fingerprint",), "same", "fingerprint"),
    "files without names": (("fingerprint", "files"), {1: 2}, "fingerprint"),
    "other windows": (("fingerprint", "split", "test"), "0" * 64, "test windows"),
    "other readings": (("fingerprint", "readings"), "0" * 64, "readings"),
    "options that are none": (("options",), "all", "options"),
    "an unknown field": (("surprise",), 1, "surprise"),
    "other options": (("options", "learning_rate"), 0.5, "--learning_rate 0.5"),
    "another seed": (("options", "seed"), 5, "--seed 5"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_content_that_no_training_wrote_is_refused_by_name(name, stopped, state, capsys):
    path, value, word = CHANGES[name]
    place, last = _at(state, path)
    place[last] = value
    assert word in refused(stopped, state, capsys)


@pytest.mark.parametrize("name", ["model", "optimizer", "scheduler", "progress", "ranks", "options", "piece", "scaler"])
def test_a_field_that_lacks_is_named(name, stopped, state, capsys):
    del state[name]
    assert f"lacks '{name}'" in refused(stopped, state, capsys)


def test_weights_of_another_shape_or_name_or_none_are_refused(stopped, state, capsys):
    name = next(iter(state["model"]))
    changed = {**state["model"], name: torch.zeros(3)}
    assert "has the shape (3,)" in refused(stopped, {**state, "model": changed}, capsys)
    changed = {**state["model"], "extra.weight": torch.zeros(3)}
    assert "extra.weight" in refused(stopped, {**state, "model": changed}, capsys)
    changed = {**state["model"], name: torch.full_like(state["model"][name], float("nan"))}
    assert "NaN" in refused(stopped, {**state, "model": changed}, capsys)
    changed = {**state["model"], name: state["model"][name].to_sparse()}
    assert "not a tensor" in refused(stopped, {**state, "model": changed}, capsys)


def test_the_best_epoch_is_checked_as_the_training_goes_on(stopped, capsys):
    path = stopped / "checkpoints" / "best.pt"
    kept, best = path.read_bytes(), raw(stopped, "best.pt")
    name = next(iter(best["model"]))
    for content, word in (
        ({**best, "epoch": 0}, "epoch"),
        ({**best, "model": {}}, "model lacks"),
        ({**best, "model": {**best["model"], name: torch.zeros(1)}}, "shape"),
        (None, "damaged"),
    ):
        if content is None:
            path.write_bytes(kept)
            flip(path)
        else:
            rewrite(path, content)
        assert run.main(["--resume", str(stopped)]) == 2
        assert word in capsys.readouterr().err
    path.write_bytes(kept)


def test_an_older_checkpoint_goes_on_with_a_warning(stopped, state, tmp_path, capsys):
    del state["fingerprint"]
    for name in ("checkpoint_minutes", "max_bad_steps"):
        del state["options"][name]
    for name in ("bad_steps", "bad_in_a_row"):
        del state["progress"][name]
    del state["ranks"][0]["counts"]
    rewrite(stopped / "checkpoints" / "last.pt", state)
    assert run.main(["--resume", str(stopped)]) == 0
    assert "has no fingerprint" in capsys.readouterr().out
