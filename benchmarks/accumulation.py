"""What accumulation costs and saves: one effective batch of 24 windows, in one piece or in several.

Each plan trains in a process of its own, so that its peak of memory is its own; the processes take turns.
`python -m benchmarks.accumulation 8 3` trains one plan and prints its figures as JSON.

Letters: B windows of a micro-batch, N micro-batches of an optimizer step.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.pages import DOCS, markdown, put
from benchmarks.workloads import CLASSES, Training, windows
from exp.evaluation.inference import evaluation_mode
from models import ModelSettings

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = DOCS / "ACCUMULATION.md"
EFFECTIVE = 24
PLANS = ((24, 1), (12, 2), (8, 3), (4, 6))
MEBIBYTE = 2**20


def measure(*, quick: bool = False, device: str = "cpu") -> list[dict[str, Any]]:
    """Trains every plan on the same windows in the same order.

    Args:
        quick: fewer windows and turns.
        device: cpu or cuda.

    Returns:
        For every plan "batch", "steps", "windows_a_second" (median over the turns), "memory" (MiB above what the
        process held before its first step), "peak" (MiB in all), "loss" after all windows, and their number "windows".
    """
    samples, turns = (EFFECTIVE * 6, 1) if quick else (EFFECTIVE * 40, 3)
    found: dict[tuple[int, int], list[dict[str, Any]]] = {plan: [] for plan in PLANS}
    for turn in range(turns):
        for plan in PLANS[turn:] + PLANS[:turn]:
            found[plan].append(_in_its_own_process(*plan, samples=samples, device=device))
    medians = ("windows_a_second", "memory", "peak")
    return [
        {**runs[0], **{name: statistics.median(run[name] for run in runs) for name in medians}}
        for runs in found.values()
    ]


def _in_its_own_process(batch: int, steps: int, *, samples: int, device: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.accumulation", str(batch), str(steps)]
    command += ["--samples", str(samples), "--device", device, "--threads", str(torch.get_num_threads())]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def train(batch: int, steps: int, *, samples: int, device: str = "cpu") -> dict[str, Any]:
    """Trains one plan in this process; dropout is off, so that all plans compute the same.

    Args:
        batch: B.
        steps: N.
        samples: windows to train on, a multiple of `EFFECTIVE`.
        device: cpu or cuda.
    """
    training = Training(ModelSettings(dropout=0.0), batch=batch, steps=steps, device=device)
    x, y = windows(samples), torch.randint(0, CLASSES, (samples,), generator=torch.Generator().manual_seed(1))
    x = (x / 2 + (y / CLASSES - 0.5)[:, None, None] / 2).to(device)  # the level tells the class
    y = y.to(device)
    before = _held(device)
    started, first = time.perf_counter(), EFFECTIVE
    for low in range(0, samples, batch):
        if low == first:  # behind the first step, which makes the optimizer's state
            started = time.perf_counter()
        training.step(x[low : low + batch], y[low : low + batch])
    seconds = time.perf_counter() - started
    peak = _peak(device)
    with evaluation_mode(training.model):
        losses = [training.loss(training.model(a), b).values.sum() for a, b in zip(x.split(4), y.split(4), strict=True)]
    return {
        "batch": batch,
        "steps": steps,
        "windows_a_second": (samples - first) / seconds,
        "memory": (peak - before) / MEBIBYTE,
        "peak": peak / MEBIBYTE,
        "loss": float(torch.stack(losses).sum()) / samples,
        "windows": samples,
    }


def _held(device: str) -> float:
    """Bytes held now."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    statm = Path("/proc/self/statm")  # where there is none, the peak so far has to do
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.is_file() else _peak(device)


def _peak(device: str) -> float:
    """Most bytes held so far."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    header = ["micro-batch x steps", "windows/s", "memory of training, MiB", "process in all, MiB"]
    lines = [[*header, f"loss after {rows[0]['windows']} windows"]]
    for row in rows:
        figures = [f"{row['windows_a_second']:.1f}", f"{row['memory']:.0f}", f"{row['peak']:.0f}", f"{row['loss']:.6f}"]
        lines.append([f"{row['batch']} x {row['steps']}", *figures])
    return markdown(lines)


def write(text: str, page: Path = PAGE) -> None:
    """Puts the table between the page's markers."""
    put("accumulation", text, page)


def main() -> None:
    """Trains one plan and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--samples", type=int, default=EFFECTIVE * 40)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(json.dumps(train(given.batch, given.steps, samples=given.samples, device=given.device)))


if __name__ == "__main__":
    main()
