"""How soon training begins and how much memory it takes, with files to read and with prepared data.

    python scripts/measure_start.py --root_path dataset/SAHU

The flags go to `python run.py`, which is started twice for one epoch, with a cache of prepared data that is empty the
first time. Seconds count from the start of the process; memory is the largest resident size.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
MARKS = {"data ready": re.compile(rb"windows of \d+ steps"), "first batch done": re.compile(rb"\| 1/\d+ \[|it/s|s/it")}


def main(flags: list[str]) -> None:
    """Runs twice and prints a line each."""
    with tempfile.TemporaryDirectory() as folder:
        places = ["--cache_path", f"{folder}/cache", "--result_path", f"{folder}/results"]
        for what in ("files to read", "prepared data"):
            seconds, memory, status = measure([*flags, "--train_epochs", "1", *places])
            shown = ", ".join(f"{mark} after {value:.1f} s" for mark, value in seconds.items())
            print(f"{what}: {shown}, {memory / 1e9:.2f} GB at most, exit status {status}", flush=True)


def measure(flags: list[str]) -> tuple[dict[str, float], int, int]:
    """Seconds to each mark and to the end, bytes of memory, and the exit status of a training."""
    started = time.monotonic()
    command = [sys.executable, "-u", str(REPOSITORY / "run.py"), *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    seconds: dict[str, float] = {}
    said = b""
    while piece := os.read(process.stdout.fileno(), 4096):
        said += piece
        for mark, pattern in MARKS.items():
            if mark not in seconds and pattern.search(said):
                seconds[mark] = time.monotonic() - started
    _, status, used = os.wait4(process.pid, 0)
    seconds["end"] = time.monotonic() - started
    return seconds, used.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    main(sys.argv[1:])
