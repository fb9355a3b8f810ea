"""Trains, detects and follows a growing file in turn, and says whether memory and open files stay flat.

    bash scripts/soak.sh 60

Trainings and detections run in this process, one after the other; beside it a second one follows a file that grows and
is replaced now and then. Resident memory and open files of both are noted after each round. What grows from the second
quarter of the rounds to the last is not flat, and the status is 1; the first quarter is left to caches and imports.
"""

import contextlib
import gc
import io
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))
MORE_MEMORY, MORE_FILES = 0.05, 0  # share of the memory, and number of files, by which a median may grow
LEAST = 8  # rounds for a verdict
SMALL = [
    "--data", "folder", "--seq_len", "16", "--feature_dim", "4", "--train_epochs", "1", "--block_days", "1",
    "--disable_parallel", "--num_workers", "1", "--gradient_accumulation_steps", "2",
]  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """What a process holds: MiB of resident memory, and open files."""

    memory: float
    files: int


def usage(process: int | str = "self") -> Usage:
    """What a process holds now."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return Usage(int(resident.split()[1]) / 1024, len(os.listdir(f"/proc/{process}/fd")))


def is_flat(name: str, rounds: list[Usage]) -> bool:
    """Says how memory and files went, and whether the last quarter of the rounds holds no more than the second."""
    quarter = len(rounds) // 4
    early, late = rounds[quarter : 2 * quarter], rounds[-quarter:]
    memory = [statistics.median(entry.memory for entry in part) for part in (early, late)]
    files = [statistics.median(entry.files for entry in part) for part in (early, late)]
    flat = memory[1] <= memory[0] * (1 + MORE_MEMORY) and files[1] <= files[0] + MORE_FILES
    print(
        f"{name}: {len(rounds)} rounds; memory {memory[0]:.0f} to {memory[1]:.0f} MiB, open files {files[0]:.0f} to "
        f"{files[1]:.0f}: {'flat' if flat else 'not flat'}",
        flush=True,
    )
    return flat


def main(words: list[str]) -> int:
    """Runs rounds for some minutes; see above for the status."""
    minutes = float(words[0]) if words else 60.0
    if not Path("/proc/self/fd").is_dir():
        print("memory and open files are read from /proc, which this system does not have", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="soak-") as place:
        own, followers = _rounds(Path(place), 60 * minutes)
    if len(own) < LEAST:
        print(f"{len(own)} rounds are too few for a verdict; give more minutes", file=sys.stderr)
        return 2
    return 0 if all([is_flat("train and detect", own), is_flat("detect --follow", followers)]) else 1


def _rounds(place: Path, seconds: float) -> tuple[list[Usage], list[Usage]]:
    from tests.kit import write_folder

    data = write_folder(place / "data", days=9)
    model = _train(data, place / "first")
    lines = (data / "stuck.csv").read_text().splitlines(keepends=True)
    live = place / "live" / "unit.csv"
    live.parent.mkdir()
    live.write_text("".join(lines[:200]))
    own: list[Usage] = []
    followers: list[Usage] = []
    ends = time.monotonic() + seconds
    with _following(model, live.parent, place / "followed") as follower:
        while time.monotonic() < ends:
            number = len(own)
            grown = 200 + 40 * (number % 12)  # then the file begins again, as a logger's does each day
            live.write_text("".join(lines[:grown]))
            made = _train(data, place / f"round-{number % 2}")
            _run("detect", "--run", str(made), "--input", str(data), "--output", str(place / "found"))
            gc.collect()
            own.append(usage())
            followers.append(usage(follower.pid))
            if number % 10 == 0:
                print(f"round {number + 1}: here {own[-1]}, following {followers[-1]}", flush=True)
    return own, followers


def _train(data: Path, results: Path) -> Path:
    import shutil

    shutil.rmtree(results, ignore_errors=True)
    _run(*SMALL, "--root_path", str(data), "--result_path", str(results))
    return next(results.rglob("config.yaml")).parent


def _run(*words: str) -> None:
    import run

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = run.main(list(words))
    if status:
        raise SystemExit(f"run.py {' '.join(words)} ended with status {status}:\n{said.getvalue()[-2000:]}")


@contextlib.contextmanager
def _following(model: Path, source: Path, output: Path):
    command = [sys.executable, "run.py", "detect", "--run", str(model), "--input", str(source), "--output", str(output)]
    process = subprocess.Popen(
        [*command, "--follow"], cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not (output / "windows.csv").exists():  # it has read everything that it needs
            if process.poll() is not None:
                raise SystemExit(f"detect --follow ended with status {process.returncode}")
            time.sleep(0.5)
        yield process
        if process.poll() is not None:
            raise SystemExit(f"detect --follow ended with status {process.returncode}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
