"""What gradient accumulation costs: `python -m benchmarks.accumulation_overhead`.

Four loops train copies of the project's default network on the same micro-batches, in turns, so that whatever else the
machine does falls on all of them alike. On the CPU the clock is the process's own CPU time, on a GPU the wall's.

A trap: a loop that lets go of its last loss before the next forward pass gives memory back to the system and fetches it
again, which costs 3 % here, with this engine or without it. Both kinds of loop keep it.

Letters: B windows of a micro-batch, C signals, L steps, K classes, N micro-batches of an optimizer step.
"""

import argparse
import copy
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models import MODELS, ModelSettings
from utils.gradient_accumulation import GradientAccumulator

SIGNALS, LENGTH, CLASSES = 26, 96, 9
CLIP = 1.0
PAIRS = {
    "engine at N=1 against a hand-written loop": ("engine 1", "hand 1"),
    "accumulation against plain training of the same micro-batch": ("engine N", "hand 1"),
    "engine against a hand-written loop, both accumulating": ("engine N", "hand N"),
}


def measure(
    *, repeats: int = 30, batch_size: int = 4, steps: int = 4, device: str = "cpu", threads: int = 1
) -> dict[str, Any]:
    """Times the four loops in turns.

    Args:
        repeats: turns; a turn is N micro-batches of each loop.
        batch_size: B.
        steps: N of the accumulating loops.
        device: cpu or cuda.
        threads: threads of PyTorch.

    Returns:
        "milliseconds": loop -> median time of a micro-batch; "overhead": comparison -> median over the turns of its
        relative difference, 0.01 is one percent; and the settings.
    """
    torch.set_num_threads(threads)
    batches = make_batches(batch_size, steps, device)
    model = default_network().to(device)
    loops = {
        "hand 1": hand_written(copy.deepcopy(model), 1),
        "engine 1": engine(copy.deepcopy(model), 1),
        "hand N": hand_written(copy.deepcopy(model), steps),
        "engine N": engine(copy.deepcopy(model), steps),
    }
    order = random.Random(0)  # in a fixed order each loop would inherit the same one's caches
    times: dict[str, list[float]] = {name: [] for name in loops}
    for turn in range(-2, repeats):
        for name in order.sample(list(loops), len(loops)):
            seconds = timed(loops[name], batches, device)
            if turn >= 0:  # the first two turns warm up
                times[name].append(seconds / steps)
    return {
        "milliseconds": {name: 1000 * statistics.median(values) for name, values in times.items()},
        "overhead": {
            text: statistics.median(a / b - 1 for a, b in zip(times[one], times[other], strict=True))
            for text, (one, other) in PAIRS.items()
        },
        "batch_size": batch_size,
        "steps": steps,
        "repeats": repeats,
        "device": device,
        "threads": threads,
    }


def default_network() -> nn.Module:
    """DualGAFNet as it is without flags, for 26 signals and 9 classes."""
    columns = tuple(f"signal {i}" for i in range(SIGNALS))
    return MODELS["DualGAFNet"](columns=columns, length=LENGTH, classes=CLASSES, settings=ModelSettings())


def make_batches(batch_size: int, number: int, device: str) -> list[tuple[Tensor, Tensor]]:
    """Random windows (B, C, L) in [-1, 1] and classes (B,)."""
    draw = torch.Generator().manual_seed(0)
    return [
        (
            (torch.rand(batch_size, SIGNALS, LENGTH, generator=draw) * 2 - 1).to(device),
            torch.randint(0, CLASSES, (batch_size,), generator=draw).to(device),
        )
        for _ in range(number)
    ]


def hand_written(model: nn.Module, steps: int) -> Callable[[list[tuple[Tensor, Tensor]]], None]:
    """The usual loop: the mean divided by N, a step every N micro-batches."""
    optimizer = torch.optim.RAdam(model.parameters())

    def run(batches: list[tuple[Tensor, Tensor]]) -> None:
        for i, (x, y) in enumerate(batches):
            loss = F.cross_entropy(model(x), y)
            (loss / steps if steps > 1 else loss).backward()
            if (i + 1) % steps == 0:
                nn.utils.clip_grad_norm_(model.parameters(), CLIP)
                optimizer.step()
                optimizer.zero_grad()
                loss.item()  # shown in a progress bar

    return run


def engine(model: nn.Module, steps: int) -> Callable[[list[tuple[Tensor, Tensor]]], None]:
    """The project's engine."""
    accumulator = GradientAccumulator(model, torch.optim.RAdam(model.parameters()), steps=steps, clip_norm=CLIP)

    def run(batches: list[tuple[Tensor, Tensor]]) -> None:
        for x, y in batches:
            losses = F.cross_entropy(model(x), y, reduction="none")
            accumulator.backward(losses)  # named, to live until the next ones exist, as the other loop's loss does

    return run


def timed(run: Callable[[list[tuple[Tensor, Tensor]]], None], batches: list[tuple[Tensor, Tensor]], dev: str) -> float:
    """Seconds of one run."""
    clock = time.process_time if dev == "cpu" else time.perf_counter
    started = clock()
    run(batches)
    if dev != "cpu":
        torch.cuda.synchronize()
    return clock() - started


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("repeats", 30), ("batch_size", 4), ("steps", 4), ("threads", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    found = measure(**vars(parser.parse_args()))
    for name, milliseconds in found["milliseconds"].items():
        print(
            f"{name.replace('N', str(found['steps'])):10} {milliseconds:8.2f} ms a micro-batch of {found['batch_size']}"
        )
    for text, overhead in found["overhead"].items():
        print(f"{overhead:+8.2%}  {text}")


if __name__ == "__main__":
    main()
