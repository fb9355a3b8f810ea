"""Training here against an older commit: `python scripts/compare_training.py COMMIT [--threads N] [--turns N]`.

Checks the commit out beside this tree and lets one process of each train by turns: whatever else the machine does falls
on both alike. Prints milliseconds and operators a step, the ratio with its spread, and how far the losses of the first
steps lie apart. The default network, micro-batches of 4 windows of 26 signals and 96 steps, as in `benchmark speed`.
"""

import argparse
import contextlib
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOSSES = 100  # steps whose losses are compared
BLOCK = 10  # steps of a turn


def work(root: str, threads: int) -> None:
    """The process of one tree: answers each line of standard input with a line of JSON."""
    sys.path.insert(0, root)
    import torch

    from benchmarks.floor import floor_of
    from benchmarks.workloads import Training, windows
    from models import ModelSettings

    torch.set_num_threads(threads)
    with contextlib.suppress(ImportError):  # what run.py does, if that tree's does
        importlib.import_module("utils.memory").keep_freed_memory()

    def losses(double: bool) -> list[float]:
        training, found = Training(ModelSettings()), []
        if double:
            training.model.double()
        training.accumulator.on_step = lambda step: found.append(step.loss)
        x = windows(4 * LOSSES, seed=1).to(next(training.model.parameters()).dtype)
        torch.manual_seed(0)  # masks of dropout
        for i, batch in enumerate(x.split(4)):
            training.accumulator.backward(*training.loss(training.model(batch), (i + torch.arange(4)) % 9))
        return found

    training = Training(ModelSettings())

    def block() -> dict[str, float]:
        started, used = time.perf_counter(), time.process_time()
        for _ in range(BLOCK):
            training()
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        return {"wall": 1e3 * wall / BLOCK, "cpu": 1e3 * cpu / BLOCK}

    answers = {
        "losses": lambda: losses(double=False),
        "losses in float64": lambda: losses(double=True),
        "operators": lambda: floor_of(training).kernels,
        "block": block,
    }
    for line in sys.stdin:
        print(json.dumps(answers[line.strip()]()), flush=True)


class Contestant:
    """A process that trains with the code of one tree.

    Args:
        root: the tree.
        threads: how many it may use.
    """

    def __init__(self, root: Path, threads: int) -> None:
        command = [sys.executable, __file__, "--work", str(root), "--threads", str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, what: str) -> Any:
        """Its answer to a question of `work`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"the training process ended with status {self.process.wait()}")
        return json.loads(answer)

    def end(self) -> None:
        """Lets the process end."""
        self.process.communicate()


@contextlib.contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The tree of a commit, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        yield Path(folder)


def speed_lines(name: str, operators: list[int], blocks: list[list[dict[str, float]]]) -> list[str]:
    """How fast; of each pair the first belongs to the commit `name`, the second to this tree."""
    text = []
    for i, tree in enumerate((name, "this tree")):
        wall, cpu = (statistics.median(block[i][clock] for block in blocks) for clock in ("wall", "cpu"))
        text.append(f"{tree:<12} {wall:7.1f} ms a step, {cpu:7.1f} ms of processor time, {operators[i]:5d} operators")
    for clock, what in (("wall", "time"), ("cpu", "processor time")):
        low, middle, high = statistics.quantiles([old[clock] / new[clock] for old, new in blocks], n=4)
        text.append(f"{what}: {middle:.2f} times as fast, half of the turns within {low:.2f} to {high:.2f}")
    return text


def loss_line(what: str, losses: list[list[float]]) -> str:
    """How far two series of losses lie apart."""
    apart = [abs(a - b) / abs(a) for a, b in zip(*losses, strict=True)]
    first, ten, all_of_them = apart[0], max(apart[:10]), max(apart)
    return f"{what}, relative difference: {first:.1e} at step 1, {ten:.1e} in 10 steps, {all_of_them:.1e} in {LOSSES}"


def main() -> None:
    """Compares."""
    parser = argparse.ArgumentParser(description="Training here against an older commit, in turns.")
    parser.add_argument("commit", nargs="?", default="HEAD", help="what to compare with (default HEAD)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process (default 1)")
    parser.add_argument("--turns", type=int, default=30, help=f"turns of {BLOCK} steps each (default 30)")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.threads)
        return
    with checked_out(options.commit) as former:
        both = [Contestant(root, options.threads) for root in (former, ROOT)]
        blocks = []  # first of all: what else a process does changes how its memory is managed
        for turn in range(options.turns + 1):  # another one goes first each time; the first turn warms up
            found = {i: both[i].ask("block") for i in ((0, 1) if turn % 2 else (1, 0))}
            blocks.append([found[0], found[1]])
        operators = [one.ask("operators") for one in both]
        lines = [loss_line(what, [one.ask(what) for one in both]) for what in ("losses", "losses in float64")]
        for one in both:
            one.end()
    print("\n".join([*speed_lines(options.commit, operators, blocks[1:]), *lines]))


if __name__ == "__main__":
    main()
