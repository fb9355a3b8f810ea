"""What only a GPU can show; `bash scripts/test_gpu.sh` runs it. Elsewhere every test here is skipped."""

import csv
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

import run
from benchmarks.catalogue import _info
from exp.training.build import accumulator_of, loss_for, optimizer_of
from layers.encoders import ENCODERS
from models.build import model_of
from tests.accumulation.kit import CLASSES, distance, micro_batches, network, samples
from tests.conftest import REPOSITORY
from tests.kit import train, write_folder
from tests.test_cuda_graphs import Machine
from tests.test_resume import assert_same, state_of
from utils.accumulation_plan import plan
from utils.gradient_accumulation import GradientAccumulator
from utils.options import Options
from utils.seeding import compute_deterministically, seed_everything

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
GPU = torch.device("cuda")
SIGNALS, STEPS, BATCH = 5, 32, 4


@pytest.fixture(autouse=True)
def _deterministic() -> None:
    compute_deterministically(GPU)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("gpu") / "data", days=8)


def losses(steps: int = 100, **chosen) -> list[float]:
    """The losses of training steps on invented windows, from the same weights and in the same order."""
    seed_everything(7)
    options = Options(feature_dim=16, **chosen)
    info = dataclasses.replace(_info(), columns=tuple(f"signal {i}" for i in range(SIGNALS)), seq_len=STEPS)
    model, loss = model_of(options, info).to(GPU).train(), loss_for(options, info).to(GPU)
    accumulation = plan(batch_size=BATCH, steps=1, automatic=False, explicit_steps=False)
    made: list[float] = []
    scaler = torch.amp.GradScaler("cuda") if options.amp == "fp16" else None
    parts = (options, model, optimizer_of(options, model, 1e-3), accumulation, GPU)
    engine = accumulator_of(*parts, loss=loss, scaler=scaler, on_step=lambda step: made.append(step.loss))
    dtype = {"none": None, "bf16": torch.bfloat16, "fp16": torch.float16}[options.amp]

    def compute(x, y):
        with torch.autocast("cuda", dtype=dtype, enabled=dtype is not None):
            logits = model(x)
        return loss(logits.float(), y)

    draw = torch.Generator().manual_seed(1)
    classes = len(info.classes)
    for _ in range(steps):
        y = torch.randint(classes, (BATCH,), generator=draw)
        x = (0.3 * torch.randn(BATCH, SIGNALS, STEPS, generator=draw) + y[:, None, None] / classes - 0.5).clamp(-1, 1)
        engine.run(compute, x.to(GPU), y.to(GPU))
        engine.end_micro_batch()
    return made


@pytest.mark.parametrize("encoder", ENCODERS)
def test_replayed_losses_are_those_of_kernel_by_kernel(encoder):
    replayed, plain = (losses(encoder=encoder, cuda_graphs=word) for word in ("on", "off"))
    assert replayed == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("amp", ["fp16", "bf16"])
def test_reduced_precision_learns(amp):
    found = losses(steps=200, amp=amp)
    assert sum(found[-20:]) < 0.8 * sum(found[:20])


@pytest.mark.parametrize("flags", [[], ["--gradient_accumulation_steps", "3", "--encoder", "dilated"]])
def test_the_same_command_twice_gives_the_same_bits(flags, data, tmp_path):
    first, second = (train(data, tmp_path / str(i), "--device", "cuda", *flags)[1] for i in range(2))
    assert_same(state_of(first), state_of(second))
    for file in ("training_metrics.csv", "predictions_test.csv", "model/weights.safetensors"):
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def test_test_and_detect_write_the_same_on_both_devices(data, tmp_path):
    status, folder = train(data, tmp_path / "runs", "--device", "cuda")
    assert status == 0
    for device in ("cpu", "cuda"):
        assert run.main(["test", "--run", str(folder), "--device", device]) == 0
        words = ["detect", "--run", str(folder), "--input", str(data), "--output", str(tmp_path / device)]
        assert run.main([*words, "--device", device]) == 0
    for name in ("windows.csv", "events.csv"):
        with (tmp_path / "cpu" / name).open() as a, (tmp_path / "cuda" / name).open() as b:
            assert list(csv.reader(a)) == list(csv.reader(b))


def test_memory_that_runs_out_halves_the_micro_batches(tmp_path, data):
    """The process may use less than a micro-batch of the dense encoder needs, and more than an eighth of one."""
    limited = """
import sys, torch
import run
total = torch.cuda.get_device_properties(0).total_memory
torch.cuda.set_per_process_memory_fraction(min(1.0, float(sys.argv[1]) * 2**20 / total))
sys.exit(run.main(sys.argv[2:]))
"""
    flags = ["--data", "folder", "--root_path", str(data), "--result_path", str(tmp_path), "--seq_len", "64"]
    flags += [
        "--step",
        "2",
        "--block_days",
        "1",
        "--encoder",
        "dilated",
        "--batch_size",
        "256",
        "--train_epochs",
        "1",
    ]
    done = subprocess.run(
        [sys.executable, "-c", limited, "1500", *flags, "--device", "cuda"],
        cwd=REPOSITORY, env={**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "out of memory: micro-batches are computed in pieces of at most" in done.stdout + done.stderr


def test_nccl_reduces_a_window(monkeypatch, tmp_path):
    """One process under NCCL, made to reduce as if there were others: the sums come back as they went."""
    dist.init_process_group("nccl", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        x, y = (tensor.to(GPU) for tensor in samples(20))
        weights = []
        for reduces in (False, True):
            model = network().to(GPU)
            engine = GradientAccumulator(model, torch.optim.SGD(model.parameters(), lr=0.1), steps=2, clip_norm=0.5)
            monkeypatch.setattr(engine, "_world", 2 if reduces else 1)
            with engine.epoch():
                for px, py in micro_batches(x, y, [8, 4, 6, 2]):
                    engine.backward(torch.nn.functional.cross_entropy(model(px), py, reduction="none"))
            weights.append(list(model.parameters()))
        assert distance(*weights) < 1e-6
        assert len(weights[0][-1]) == CLASSES
    finally:
        dist.destroy_process_group()


def test_nothing_within_a_window_waits_for_the_gpu():
    """What waits raises in this mode; only the read at a window's end may."""
    machine = Machine("cuda", steps=3, dtype=torch.float32).train(epochs=1)
    batches, before = machine.batches([4, 4]), machine.hits.item()  # two of three micro-batches: no window ends
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches:
            machine.guard.backward(*batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert machine.accumulator.count == 2
    assert machine.accumulator.state_dict()["sums"][1] > 0
    assert before <= machine.hits.item() <= before + 8
