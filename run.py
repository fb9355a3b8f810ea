"""HVAC fault detection with DualGAFNet: `python run.py [VERB] [flags]`.

The command line is read before anything heavy is imported, so that help and mistakes answer at once.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from utils.command_line import parse
from utils.errors import UserError
from utils.memory import keep_freed_memory
from utils.safe_reading import one_line

# How long libgomp's threads wait for each other awake, in turns of a loop: some 50 us. By default it is so long that
# two threads on a processor that others use too train ten times slower than one. Read when torch is imported.
SPIN = "1000"

# The module of each verb; its `run(options)` returns the exit status.
MODULES = {
    "train": "exp.train",
    "tune": "exp.tune",
    "test": "exp.test",
    "detect": "exp.detect",
    "feedback": "exp.feedback",
    "export": "exp.export",
    "doctor": "exp.doctor",
    "report": "exp.report",
    "simulate": "exp.simulate",
    "serve": "exp.serve",
    "models": "exp.models",
    "benchmark": "benchmarks.cli",
    "completion": "exp.completion",
}

READER_GONE = 128 + 13  # what shells show for a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one verb.

    Args:
        arguments: the words of the command line, those of this process if None.

    Returns:
        0 when done, 2 where the command line or the data cannot be used, 3 where a training diverged, 130 after Ctrl-C,
        141 where nobody reads standard output any more (`python run.py models | head -3`).
    """
    try:
        try:
            options = parse(sys.argv[1:] if arguments is None else arguments)
            os.environ.setdefault("GOMP_SPINCOUNT", SPIN)
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # sums on a GPU that can be repeated
            keep_freed_memory()
            return importlib.import_module(MODULES[options.verb]).run(options)
        finally:
            sys.stdout.flush()  # here, where a reader that has gone can be told from other mistakes
    except UserError as error:
        print(f"run.py: {one_line(str(error))}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("run.py: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        if _has_reader(sys.stdout):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's own last flush complains
        return READER_GONE


def _has_reader(stream: TextIO) -> bool:
    try:
        stream.write("\n")
        stream.flush()
    except BrokenPipeError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
