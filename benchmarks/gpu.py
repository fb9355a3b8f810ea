"""Training on a GPU, and an epoch of the size that the first users of this kind of network reported.

`python -m benchmarks.gpu` prints one table of all of it.
Letters: B windows of a micro-batch, C signals.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.measuring import Work, in_turns
from benchmarks.workloads import CLASSES, MICRO_BATCH, SIGNALS, Training, window_set
from data_provider import Batch
from exp.training.loaders import MicroBatches, train_loader
from exp.training.progress import EpochBar, Progress
from models import ModelSettings
from utils.seeding import compute_deterministically

BATCHES = (4, 32, 512)
# The dual-duct set: 10 min 23 s an epoch were reported for it.
EPOCH_BATCHES, EPOCH_SIGNALS, EPOCH_CLASSES, REPORTED_SECONDS = 1492, 97, 29, 623

# What the table holds: the most milliseconds of a step, the most seconds of an epoch, the least windows a second.
STEP_TARGETS = {SIGNALS: 2.0, EPOCH_SIGNALS: 2.5}
EPOCH_TARGET = 4.5
RATE_TARGETS = {"fp32": 30_000, "bf16": 60_000}


def training_rates(*, quick: bool, compiled: bool, device: str = "cuda") -> dict[str, dict[str, float]]:
    """Windows a second of the default network by B: in full and in reduced precision, kernel by kernel and replayed.

    Args:
        quick: fewer and shorter turns.
        compiled: whether the compiled network is measured too.
        device: where; replayed on a GPU only.

    Returns:
        B -> variant -> windows a second.
    """
    found = {}
    for batch in BATCHES:
        contestants: dict[str, Work] = {}
        ways: list[dict[str, Any]] = [{}]
        ways += [{"replayed": True}] if device == "cuda" else []
        ways += [{"compiled": True}] if compiled else []
        for amp, way in itertools.product((None, torch.bfloat16), ways):
            name = " ".join(["bf16" if amp else "fp32", *way])
            contestants[name] = Training(ModelSettings(), batch=batch, device=device, amp=amp, **way)
        found[str(batch)] = in_turns(contestants, turns=3 if quick else 7, seconds=0.5 if quick else 2.0)
    return found


def step_seconds(signals: int, classes: int, *, quick: bool) -> dict[str, float]:
    """Seconds of a training step at micro-batches of 4 on a GPU, kernel by kernel and replayed."""
    contestants: dict[str, Work] = {
        name: Training(ModelSettings(), signals=signals, classes=classes, device="cuda", replayed=name == "replayed")
        for name in ("kernel by kernel", "replayed")
    }
    rates = in_turns(contestants, turns=3 if quick else 7, seconds=0.5 if quick else 2.0)
    return {name: MICRO_BATCH / rate for name, rate in rates.items()}


def epoch(*, device: str, batches: int | None = None, workers: int = 0) -> dict[str, Any]:
    """An epoch of 1492 micro-batches of 4 windows with 97 signals, through the program's loader and under its bar.

    Args:
        device: where to train; steps are replayed on a GPU.
        batches: micro-batches to run, and to scale up to an epoch; None for a whole epoch.
        workers: processes that load.

    Returns:
        "seconds" of the epoch, "loading_seconds" of the same without training, "batches" that were run.
    """
    batches = batches or EPOCH_BATCHES
    on_gpu = device == "cuda"
    windows = window_set(EPOCH_BATCHES * MICRO_BATCH, EPOCH_SIGNALS, EPOCH_CLASSES)
    training = Training(ModelSettings(), signals=EPOCH_SIGNALS, classes=EPOCH_CLASSES, device=device, replayed=on_gpu)
    for _ in range(3):  # recordings are made
        training()

    def load() -> Iterator[Batch]:
        order = MicroBatches(samples=len(windows), sizes=(MICRO_BATCH,), seed=0, epoch=0)
        return itertools.islice(train_loader(windows, order, workers=workers, pin=on_gpu), batches)

    started = time.perf_counter()
    for _ in load():
        pass
    loading = time.perf_counter() - started
    started = time.perf_counter()
    with EpochBar(Progress(), left=batches, epochs=1, steps=1) as bar:
        for batch in load():
            training.step(batch.x.to(device, non_blocking=True), batch.y.to(device, non_blocking=True))
            bar.advance(1, 1)
    if on_gpu:
        torch.cuda.synchronize()
    share = EPOCH_BATCHES / batches
    return {
        "seconds": share * (time.perf_counter() - started),
        "loading_seconds": share * loading,
        "batches": batches,
        "device": device,
    }


def epoch_line(found: dict[str, Any]) -> str:
    """An epoch for a person."""
    what = f"epoch of {EPOCH_BATCHES} micro-batches of {MICRO_BATCH} windows, {EPOCH_SIGNALS} signals"
    parts = f"{found['loading_seconds']:.1f} s of loading alone; from {found['batches']} micro-batches"
    seconds = f"{found['seconds']:.0f} s ({parts})"
    return f"{what}, on {found['device']}: {seconds}; {REPORTED_SECONDS} s were reported, on another machine"


def lines(rates: dict[str, dict[str, float]]) -> list[str]:
    """The GPU's rates for a person."""
    text = ["training on the GPU, default network, windows/s"]
    for batch, variants in rates.items():
        text += [f"  {f'{batch} windows, {name}':<28} {rate:12,.0f}" for name, rate in variants.items()]
    return text


def measure(*, quick: bool) -> dict[str, Any]:
    """Everything that the table holds, measured on the GPU."""
    compute_deterministically(torch.device("cuda"))
    return {
        "card": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "steps": {
            str(signals): step_seconds(signals, classes, quick=quick)
            for signals, classes in ((SIGNALS, CLASSES), (EPOCH_SIGNALS, EPOCH_CLASSES))
        },
        "epoch": epoch(device="cuda"),
        "rates": training_rates(quick=quick, compiled=False),
    }


def table(found: dict[str, Any]) -> str:
    """The figures beside their targets, as Markdown."""
    text = [f"| {found['card']}, torch {found['torch']} | kernel by kernel | replayed | target |", "|---|---|---|---|"]

    def add(what: str, plain: str, replayed: str, target: str) -> None:
        text.append(f"| {what} | {plain} | {replayed} | {target} |")

    for signals, target in STEP_TARGETS.items():
        plain, replayed = (f"{1e3 * seconds:.2f} ms" for seconds in found["steps"][str(signals)].values())
        add(f"training step, micro-batch {MICRO_BATCH}, {signals} signals", plain, replayed, f"at most {target:g} ms")
    size = f"{EPOCH_BATCHES} micro-batches of {MICRO_BATCH} x {EPOCH_SIGNALS} signals"
    add(
        f"epoch of {size}, loader and bar included",
        "",
        f"{found['epoch']['seconds']:.1f} s",
        f"at most {EPOCH_TARGET:g} s",
    )
    batch = str(max(BATCHES))
    for precision, least in RATE_TARGETS.items():
        plain, replayed = (f"{found['rates'][batch][name]:,.0f}" for name in (precision, f"{precision} replayed"))
        add(f"micro-batch {batch}, {precision}, windows/s", plain, replayed, f"at least {least:,}")
    return "\n".join(text)


def main(arguments: list[str]) -> int:
    """Prints the table.

    Returns:
        0, or 2 without a GPU.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description="Measures training on a GPU.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--json", metavar="FILE", help="file to write the figures to")
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("benchmarks.gpu: PyTorch finds no GPU here", file=sys.stderr)
        return 2
    found = measure(quick=given.quick)
    print(table(found))
    if given.json:
        Path(given.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
