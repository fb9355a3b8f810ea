"""Training on a GPU, and an epoch of the size that the first users of this kind of network reported.

Letters: B windows of a micro-batch, C signals.
"""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.measuring import Work, in_turns
from benchmarks.workloads import MICRO_BATCH, Training, window_set
from data_provider import Batch
from exp.loaders import MicroBatches, train_loader
from models import ModelSettings

BATCHES = (4, 32, 512)
# The dual-duct set: 10 min 23 s an epoch were reported for it.
EPOCH_BATCHES, EPOCH_SIGNALS, EPOCH_CLASSES, REPORTED_SECONDS = 1492, 97, 29, 623


def training_rates(*, quick: bool, compiled: bool, device: str = "cuda") -> dict[str, dict[str, float]]:
    """Windows a second of the default network by B, in full and in reduced precision, as it is and compiled.

    Returns:
        B -> variant -> windows a second.
    """
    found = {}
    for batch in BATCHES:
        contestants: dict[str, Work] = {}
        for amp, compile_it in itertools.product((None, torch.bfloat16), (False, True) if compiled else (False,)):
            name = ("bf16" if amp else "fp32") + (" compiled" if compile_it else "")
            contestants[name] = Training(ModelSettings(), batch=batch, device=device, amp=amp, compiled=compile_it)
        found[str(batch)] = in_turns(contestants, turns=3 if quick else 7, seconds=0.5 if quick else 2.0)
    return found


def epoch(*, device: str, batches: int | None = None, workers: int = 0) -> dict[str, Any]:
    """An epoch of 1492 micro-batches of 4 windows with 97 signals through the program's loader.

    Args:
        device: where to train.
        batches: micro-batches to run, and to scale up to an epoch; None for a whole epoch.
        workers: processes that load.

    Returns:
        "seconds" of the epoch, "loading_seconds" of the same without training, "batches" that were run.
    """
    batches = batches or EPOCH_BATCHES
    windows = window_set(EPOCH_BATCHES * MICRO_BATCH, EPOCH_SIGNALS, EPOCH_CLASSES)
    training = Training(ModelSettings(), signals=EPOCH_SIGNALS, classes=EPOCH_CLASSES, device=device)
    training()

    def load() -> Iterator[Batch]:
        order = MicroBatches(samples=len(windows), sizes=(MICRO_BATCH,), seed=0, epoch=0)
        return itertools.islice(train_loader(windows, order, workers=workers, pin=device == "cuda"), batches)

    started = time.perf_counter()
    for _ in load():
        pass
    loading = time.perf_counter() - started
    started = time.perf_counter()
    for batch in load():
        training.step(batch.x.to(device, non_blocking=True), batch.y.to(device, non_blocking=True))
    if device == "cuda":
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
