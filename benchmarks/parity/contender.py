"""Runs one framework over all cases, in its environment: python -m benchmarks.parity.contender MODULE PACKAGE FILE."""

import importlib
import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path

from benchmarks.parity.cases import CASES, distance, true_weights

NOT_INSTALLED = 3


def main(name: str, package: str, file: str) -> int:
    """Writes the package's version and a distance for each case as JSON; returns the exit status."""
    if importlib.util.find_spec(package) is None:
        return NOT_INSTALLED
    module = importlib.import_module(f"benchmarks.parity.{name}")
    found = {
        "version": importlib.metadata.version(package).split("+")[0],
        "distances": {case.name: distance(module.train(case), true_weights(case)) for case in CASES},
    }
    Path(file).write_text(json.dumps(found), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
