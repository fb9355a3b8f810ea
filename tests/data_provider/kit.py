"""Small made-up trend files for the tests of data preparation."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from data_provider.datasets.lbnl_simulated import SINGLE_DUCT, SINGLE_DUCT_SIGNALS
from utils.options import Options

PLACES = ("Supply", "Outdoor", "Mixed")


def options(**changes: Any) -> Options:
    """Options as if the user had given just these."""
    return Options(explicit=frozenset(changes), **changes)


def frame(*, rows: int, columns: int = 3, seed: int = 0, start: str = "2018-01-01", step: str = "1min") -> pd.DataFrame:
    """Readings of a run: a random walk a column."""
    walk = np.random.default_rng(seed).normal(size=(rows, columns)).cumsum(0).astype(np.float32)
    table = pd.DataFrame(walk, columns=[f"signal {letter}" for letter in "ABCDEFGHIJ"[:columns]])
    table.insert(0, "Datetime", pd.date_range(start, periods=rows, freq=step))
    return table


def write(table: pd.DataFrame, path: Path) -> Path:
    """Writes a table to CSV or Parquet, by the path's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        pa.csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), path)
    else:
        table.to_parquet(path, index=False)
    return path


def folder_of_runs(
    folder: Path, *, rows: int = 3 * 1440, labels: tuple[str, ...] = ("normal", "leak", "stuck")
) -> Path:
    """A folder with one run a label."""
    for seed, label in enumerate(labels):
        write(frame(rows=rows, seed=seed), folder / f"{label}.csv")
    return folder


def single_duct(*, days: int, seed: int = 0, step: int = 1) -> pd.DataFrame:
    """The columns of a single-duct run, occupied as published: weekdays 6 to 22, Saturdays 6 to 18."""
    times = pd.date_range("2018-01-01", periods=days * 1440 // step, freq=f"{step}min")
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.normal(60, 5, len(times)).astype(np.float32) for name in SINGLE_DUCT_SIGNALS})
    minute, day = times.hour * 60 + times.minute, times.day_of_week
    table["SYS_CTL"] = ((minute >= 360) & (minute < np.where(day == 5, 1080, 1320)) & (day < 6)).astype(int)
    for name in ("SA_TEMPSPT", "SF_SPD_DM", "RF_SPD_DM"):
        table[name] = 55.0
    table.insert(0, "Datetime", times)
    return table


def nine_runs(folder: Path, *, days: int, suffix: str = ".parquet") -> Path:
    """A folder with the nine published runs."""
    for seed, name in enumerate(SINGLE_DUCT):
        stem = name if name.endswith("_annual") else f"{name}_annual"
        write(single_duct(days=days, seed=seed), folder / f"{stem}{suffix}")
    return folder


def measured_unit(folder: Path, stem: str, days: dict[str, tuple[str, str] | None]) -> Path:
    """A unit in the manner of the measured files, oddities included: day -> (fault, intensity), or None."""
    blocks, schedule = [], ["fault type,fault intensity,fault occurred time"]
    for seed, (day, fault) in enumerate(days.items()):
        rng, minutes = np.random.default_rng(seed), np.arange(1440)
        temperatures = rng.normal(70 + seed, 3, (1440, 3)).round(2)
        block = pd.DataFrame(
            temperatures,
            columns=["AHU: Supply Air Temperature", "AHU: Outdoor Air Temperature ", "AHU: Mixed Air Temperature"],
        )
        month, date = int(day[5:7]), int(day[8:])
        block.insert(0, "Datetime", [f"{month}/{date}/{day[:4]} {m // 60}:{m % 60:02}" for m in minutes])
        block["AHU: Supply Air Duct Static Pressure Set Point"] = 1.4
        block["Occupancy Mode Indicator"] = ((minutes >= 360) & (minutes < 1080)).astype(int)
        block["Fault Detection Ground Truth"] = int(fault is not None)
        blocks.append(block)
        if fault:
            schedule.append(f"{fault[0]},{fault[1]},{month}/{date}/{day[2:4]}")
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(blocks).to_csv(folder / f"{stem}.csv", index=False)
    (folder / f"{stem}-faults.csv").write_text("\n".join([*schedule, "", ""]), encoding="utf-8")
    return folder
