"""A unit's files without a leak, and what the checks find in a folder of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data_provider import load_data
from data_provider.leaks.finding import Finding
from data_provider.leaks.guard import findings_of
from tests.data_provider.kit import options, write

LABELS = ("normal", "damper_stuck", "valve_leak")
DAYS = 21
Change = Callable[[pd.DataFrame], pd.DataFrame | None]


def unit(label: str, *, days: int = DAYS, start: str = "2021-03-01") -> pd.DataFrame:
    """A file of a working unit, every five minutes; the label decides the noise and whether the damper moves."""
    rows = days * 288
    rng = np.random.default_rng(sum(map(ord, label)))
    times = pd.date_range(start, periods=rows, freq="5min")
    minute = np.arange(rows) % 288 * 5
    phase = 2 * np.pi * minute / 1440
    noise = rng.normal(size=(rows, 6))
    flow = 4000 + 500 * np.sin(phase) + 100 * noise[:, 4]
    table = {
        "Datetime": times,
        "SA_TEMP": (55 + noise[:, 0]).round(2),
        "OA_TEMP": (60 + 10 * np.sin(phase) + noise[:, 1]).round(2),
        "SF_SPD": (0.7 + 0.05 * noise[:, 2]).round(4),
        "CHWC_VLV_DM": (0.5 + 0.1 * noise[:, 3]).round(4),
        "OA_DMPR": np.full(rows, 0.25) if label == "damper_stuck" else (0.5 + 0.1 * noise[:, 5]).round(4),
        "SA_CFM": flow.round(1),
        "SF_WAT": (0.5 * flow).round(1),
        "SA_SPSPT": np.full(rows, 1.6),
        "SYS_CTL": ((minute >= 360) & (minute < 1320)).astype(int),
    }
    return pd.DataFrame(table)


def folder_of(folder: Path, **changes: Change) -> Path:
    """A folder with a file a label; a change is made to the file of its name, in place or by what it returns."""
    for label in LABELS:
        table = unit(label)
        if label in changes:
            changed = changes[label](table)
            table = table if changed is None else changed
        write(table, folder / f"{label}.csv")
    return folder


def found_in(folder: Path, **asked: Any) -> list[Finding]:
    """All findings but the notes that a class has a range of its own."""
    data = load_data(options(data="folder", root_path=str(folder), **{"seq_len": 48, **asked}))
    findings = findings_of(data.info.report["leaks"])
    assert data.info.marks == tuple(dict.fromkeys(found.check for found in findings if found.level != "note"))
    return [found for found in findings if (found.check, found.level) != ("column_range", "note")]


def only(findings: list[Finding], check: str) -> Finding:
    """The one finding that there is."""
    assert [found.check for found in findings] == [check], findings
    return findings[0]
