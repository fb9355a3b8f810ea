"""The benchmarks: they measure the same work on both sides, count what there is, and leave figures in files."""

import copy
import itertools
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import run
from benchmarks import accumulation, catalogue, floor, gpu, measuring, speed, workloads
from benchmarks.pages import marks
from exp.training.catalogue import everything
from models import ModelSettings
from tests.conftest import REPOSITORY


def small(**changes) -> ModelSettings:
    """A network that is built in no time."""
    return ModelSettings(**{"feature_dim": 4, "dropout": 0.0, **changes})


def test_rates_are_medians_of_turns_in_which_each_goes_first_once(monkeypatch):
    now, order = [0.0], []
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    durations = {"a": itertools.cycle([9.0, 1.0, 2.0, 4.0]), "b": itertools.cycle([9.0, 5.0, 5.0, 5.0])}

    def contestant(name):
        def work():
            now[0] += next(durations[name])
            order.append(name)
            return 8

        return work

    rates = measuring.in_turns({name: contestant(name) for name in durations}, turns=3, seconds=0.0)
    assert rates == {"a": 4.0, "b": 1.6}  # the warm-up of 9 s counts for nothing
    assert order == ["a", "b", "a", "b", "b", "a", "a", "b"]


def test_a_measurement_lasts_as_long_as_asked(monkeypatch):
    now = itertools.count()
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    assert measuring.rate(lambda: 3, 4.0) == 3.0


def test_training_is_the_plain_loop():
    training = workloads.Training(small())
    model = copy.deepcopy(training.model)
    optimizer = torch.optim.RAdam(
        [
            {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 1e-4},
            {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=1e-3,
    )
    for _ in range(7):
        assert training() == 4
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(training.x), training.y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    for ours, plain in zip(training.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, plain, atol=1e-6, rtol=1e-4)


def test_detection_evaluates_every_window_and_leaves_the_network_in_its_mode():
    detection = workloads.Detection(small(), count=70)
    for training in (True, False):
        detection.model.train(training)
        assert detection() == 70
        assert detection.model.training == training


SAME_WORK = """
import os
import pyts.image  # imported here it is not compiled, which takes 20 s
import numpy as np
from benchmarks import workloads
from layers.gramian import METHODS

ours, theirs = workloads.Fields(4), workloads.PytsFields(4)
assert "NUMBA_DISABLE_JIT" not in os.environ
assert ours() == theirs() == 4 * workloads.SIGNALS
for image, transformer, method in zip(ours.images, theirs.transformers, METHODS, strict=True):
    assert transformer.method in method
    last = transformer.transform(theirs.x)[-workloads.SIGNALS :]
    np.testing.assert_allclose(image.numpy(), last, atol=1e-6)
print("the same")
"""


def test_both_fields_are_the_same_work():
    # In a process of its own: numba cannot be told not to compile once something else has used it.
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", SAME_WORK]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.stdout == "the same\n", done.stderr


def test_the_window_set_gives_the_windows():
    whole = workloads.windows(6, 3)
    found = workloads.window_set(6, 3, classes=2)
    batch = found.__getitems__([4, 1])
    assert batch.y.tolist() == [0, 1]
    low, high = whole.amin((0, 2)), whole.amax((0, 2))
    scaled = 2 * (whole - low[:, None]) / (high - low)[:, None] - 1
    torch.testing.assert_close(batch.x, scaled[[4, 1]], atol=1e-5, rtol=0)


def test_the_floor_counts_what_a_linear_layer_does():
    layer, x = nn.Linear(8, 5, bias=False), torch.rand(3, 8)
    training = SimpleNamespace(model=layer, device=torch.device("cpu"))

    class Stub:
        model, device = training.model, training.device

        def __call__(self):
            layer.zero_grad()
            layer(x).sum().backward()
            return 3

    found = floor.floor_of(Stub())
    product = 2 * 3 * 8 * 5
    assert found.operations == 2 * product  # forward, and the weight's gradient; the input needs none
    assert found.traffic == 2 * x.numel() * 4 + floor.PARAMETER_PASSES * layer.weight.numel() * 4
    assert found.kernels > 2
    assert found.seconds == max(found.operations / found.matrix_rate, found.traffic / found.bandwidth) > 0


@pytest.fixture
def made_up(monkeypatch):
    """`in_turns` without measuring: every contestant is built, and its rate is made up from its name."""

    def rates(contestants, *, turns, seconds):
        assert turns > 0
        assert seconds > 0
        known = {"train dilated": 2.0, "train default": 100.0, "detect default": 500.0}
        return {name: known.get(name, 10.0) for name in contestants}

    monkeypatch.setattr(speed, "in_turns", rates)
    monkeypatch.setattr(gpu, "in_turns", rates)
    monkeypatch.setattr(speed, "PytsFields", lambda count: None)
    monkeypatch.setattr(floor, "matrix_rate", lambda device: 1e9)
    monkeypatch.setattr(floor, "bandwidth", lambda device: 1e9)


@pytest.mark.usefixtures("made_up")
def test_benchmark_speed_writes_its_figures(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert run.main(["benchmark", "speed", "--quick", "--json", str(file), "--device", "cpu"]) == 0
    found = json.loads(file.read_text())
    assert found["train"]["default"] == 100.0
    assert found["train"]["dilated"] == 2.0
    assert set(found["fields"]) >= {"ours", "pyts"}
    assert found["detect"] == {"default": 500.0}
    assert found["ratios"]["training, default against dilated"] == 50.0
    assert found["floor"]["measured_seconds"] == pytest.approx(4 / 100)
    out = capsys.readouterr().out
    assert "50.0 of 40" in out
    assert "times the floor" in out


@pytest.mark.usefixtures("made_up")
def test_the_gpus_figures_are_measured_on_any_device(monkeypatch):
    monkeypatch.setattr(gpu, "BATCHES", (2,))
    rates = gpu.training_rates(quick=True, compiled=False, device="cpu")
    assert rates == {"2": {"fp32": 10.0, "bf16": 10.0}}
    assert any("2 windows, bf16" in line for line in gpu.lines(rates))


def test_the_gpus_table_has_every_figure_beside_its_target(capsys):
    steps = {
        "26": {"kernel by kernel": 0.0079, "replayed": 0.00171},
        "97": {"kernel by kernel": 0.0076, "replayed": 0.0023},
    }
    rates = {"512": {"fp32": 2e4, "fp32 replayed": 31e3, "bf16": 25500.0, "bf16 replayed": 61e3}}
    text = gpu.table({"card": "A card", "torch": "2", "steps": steps, "epoch": {"seconds": 4.25}, "rates": rates})
    assert "| A card, torch 2 | kernel by kernel | replayed | target |" in text
    assert "| training step, micro-batch 4, 26 signals | 7.90 ms | 1.71 ms | at most 2 ms |" in text
    assert "97 signals, loader and bar included |  | 4.2 s | at most 4.5 s |" in text
    assert "| micro-batch 512, bf16, windows/s | 25,500 | 61,000 | at least 60,000 |" in text
    if not torch.cuda.is_available():
        assert gpu.main([]) == 2
        assert capsys.readouterr().err == "benchmarks.gpu: PyTorch finds no GPU here\n"


def test_an_epoch_is_scaled_up_from_the_batches_that_were_run(monkeypatch):
    monkeypatch.setattr(gpu, "EPOCH_BATCHES", 6)
    monkeypatch.setattr(gpu, "EPOCH_SIGNALS", 5)
    monkeypatch.setattr(gpu, "ModelSettings", small)
    whole, part = gpu.epoch(device="cpu"), gpu.epoch(device="cpu", batches=2)
    assert (whole["batches"], part["batches"]) == (6, 2)
    assert part["seconds"] > 0
    assert "6 micro-batches of 4 windows, 5 signals" in gpu.epoch_line(part)


def test_plans_of_one_effective_batch_end_at_the_same_loss(monkeypatch):
    monkeypatch.setattr(accumulation, "ModelSettings", small)
    found = [accumulation.train(batch, steps, samples=720) for batch, steps in accumulation.PLANS]
    assert all(row["batch"] * row["steps"] == accumulation.EFFECTIVE for row in found)
    for row in found:
        assert row["loss"] == pytest.approx(found[0]["loss"], abs=1e-4)
        assert row["peak"] > 0
        assert row["windows_a_second"] > 0
    untrained = accumulation.train(24, 1, samples=24)["loss"]
    assert found[0]["loss"] < untrained - 0.01  # far more than the plans differ by


def test_a_plan_runs_in_a_process_of_its_own(tmp_path):
    row = accumulation._in_its_own_process(12, 2, samples=48, device="cpu")
    assert (row["batch"], row["steps"], row["windows"]) == (12, 2, 48)
    assert 0 < row["memory"] < row["peak"]
    page = tmp_path / "page.md"
    begin, end = marks("accumulation")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    accumulation.write(accumulation.table([row]), page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| 12 x 2 |" in text
    with pytest.raises(RuntimeError, match="invalid choice"):
        accumulation._in_its_own_process(4, 6, samples=24, device="abacus")


def test_the_project_has_the_page_that_the_table_goes_to():
    text = accumulation.PAGE.read_text(encoding="utf-8")
    begin, end = marks("accumulation")
    assert text.index(begin) < text.index(end)


def test_every_kind_of_part_is_trained_for_a_moment():
    first = {}
    for part in everything():
        first.setdefault(part.flag, part)
    rows = list(catalogue.rows([*first.values(), next(p for p in everything() if p.name == "LogisticRegression")]))
    assert len(rows) == len(first) + 1
    for row in rows:
        assert len(row) == len(catalogue.HEADER)
        assert float(row[5]) < float(row[4]), row


def test_a_part_of_an_extra_that_is_missing_is_named(monkeypatch):
    found = catalogue.model_of

    def without(options, info):
        if options.model == "RandomForest":
            raise catalogue.UserError("it needs a package")
        return found(options, info)

    monkeypatch.setattr(catalogue, "model_of", without)
    (row,) = catalogue.rows([p for p in everything() if p.name == "RandomForest"])
    assert "it needs a package" in row[-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sped"], "accumulation"),
        (["speed", "--write"], "--write"),
        (["speed", "--json", "nowhere/file.json"], "nowhere"),
        (["speed", "--json", "."], "--json"),
    ],
)
def test_a_mistake_is_a_line(words, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run.main(["benchmark", *words]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
