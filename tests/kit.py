"""Small data and short runs for tests that drive the whole program."""

from pathlib import Path

import numpy as np
import pandas as pd

import run

# A network and windows that train in a second; appended, so they win over what comes before.
SMALL = ["--seq_len", "16", "--feature_dim", "8", "--train_epochs", "2", "--block_days", "1", "--disable_parallel"]


def write_folder(
    folder: Path, *, days: int = 12, seed: int = 0, names: tuple[str, ...] = ("normal", "stuck", "biased")
) -> Path:
    """A folder with one CSV a class: five signals every 15 minutes, told apart by level and by shape."""
    folder.mkdir(parents=True, exist_ok=True)
    steps = days * 96
    random = np.random.default_rng(seed)
    times = pd.date_range("2021-03-01", periods=steps, freq="15min")
    phase = 2 * np.pi * np.arange(steps) / 96
    for number, name in enumerate(names):
        command = 0.5 + 0.4 * np.sin(phase) + 0.05 * random.standard_normal(steps)
        position = np.full(steps, 0.3) if name == "stuck" else command
        table = pd.DataFrame(
            {
                "Datetime": times,
                "SUPPLY": 55 + (4 if name == "biased" else 0) + random.standard_normal(steps),
                "OUTDOOR": 60 + 10 * np.sin(phase) + random.standard_normal(steps),
                "COMMAND": command.round(4),
                "POSITION": position.round(4),
                "FAN": 0.8 + 0.02 * number * random.standard_normal(steps),
            }
        )
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def train(folder: Path, results: Path, *flags: str) -> tuple[int, Path]:
    """Trains on a folder of CSVs with the small network; returns the exit status and the run folder."""
    before = set(results.rglob("config.yaml"))
    status = run.main(["--data", "folder", "--root_path", str(folder), "--result_path", str(results), *SMALL, *flags])
    made = {path.parent for path in results.rglob("config.yaml") if path not in before}
    return status, made.pop() if len(made) == 1 else latest(results)


def latest(results: Path) -> Path:
    """The newest run folder below a results folder."""
    return max((path.parent for path in results.rglob("config.yaml")), key=lambda path: path.stat().st_mtime_ns)
