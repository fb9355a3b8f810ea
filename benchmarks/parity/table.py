"""Runs every framework in its environment and writes down how far each lands from the true big batch.

`scripts/parity_frameworks.sh` makes the environments and calls this.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pages import DOCS, put
from benchmarks.parity.cases import CASES
from benchmarks.parity.contender import NOT_INSTALLED

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGE = DOCS / "ACCUMULATION.md"


@dataclass(frozen=True)
class Contender:
    """A row: its name in the table, its module here, the package that must be there, and its environment."""

    label: str
    module: str
    package: str
    environment: str


CONTENDERS = [
    Contender("this engine", "ours", "torch", "torch"),
    Contender("PyTorch, hand-written (divide by N)", "hand_written", "torch", "torch"),
    Contender("Accelerate", "accelerate_loop", "accelerate", "torch"),
    Contender("Transformers Trainer, loss in the model", "hf_trainer", "transformers", "torch"),
    Contender("Transformers Trainer, model takes `**kwargs`", "hf_trainer_kwargs", "transformers", "torch"),
    Contender("Transformers Trainer, `compute_loss_func`", "compute_loss_func", "transformers", "torch"),
    Contender("Lightning", "lightning_module", "lightning", "torch"),
    Contender("Keras on torch", "keras_torch", "keras", "torch"),
    Contender("MindSpore, an accumulator of one's own", "mindspore_accumulator", "mindspore", "mindspore"),
]


def row_of(contender: Contender, environments: Path) -> list[str]:
    """The row's cells: name, version, a distance for each case."""
    python = environments / contender.environment / "bin" / "python"
    missing = [contender.label, "not installed", *["-"] * len(CASES)]
    if not python.exists():
        return missing
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [str(python), "-m", "benchmarks.parity.contender", contender.module, contender.package, str(file)]
        quiet = os.environ | {"OMP_NUM_THREADS": "1", "GLOG_v": "4"}
        done = subprocess.run(command, cwd=REPOSITORY, env=quiet, capture_output=True, text=True, check=False)
        if done.returncode == NOT_INSTALLED:
            return missing
        if done.returncode:
            sys.exit(f"{contender.label} failed:\n{done.stderr}")
        found = json.loads(file.read_text(encoding="ascii"))
    return [contender.label, found["version"], *(shown(found["distances"][case.name]) for case in CASES)]


def shown(distance: float) -> str:
    """A distance for a person: exact up to float32's rounding, or a share."""
    return f"{distance:.0e}" if distance < 1e-3 else f"**{distance:.2f}**"


def table_of(rows: list[list[str]]) -> str:
    """The rows as a Markdown table."""
    header = ["", "version", *(case.name for case in CASES)]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Runs all rows, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", type=Path, default=REPOSITORY / ".parity", help="folder of environments")
    rows = []
    for contender in CONTENDERS:
        rows.append(row_of(contender, parser.parse_args().environments))
        print(" | ".join(rows[-1]), flush=True)
    put("parity", table_of(rows), PAGE)
    print(f"\nwritten to {PAGE.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
