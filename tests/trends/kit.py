"""Trends of a made-up unit, and files of them as building-automation systems write them."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_provider.trends.trend import Trend, read_trends

COLUMNS = ("SA_TEMP", "OA_TEMP", "RA_TEMP", "SA_CFM", "SA_SP", "OA_DMPR_DM", "SF_WAT")
UNITS = ("F", "F", "F", "CFM", "in. w.g.", "", "W")
RANGES = {
    "SA_TEMP": (50.0, 90.0), "OA_TEMP": (-5.0, 95.0), "RA_TEMP": (65.0, 80.0), "SA_CFM": (0.0, 5000.0),
    "SA_SP": (0.0, 2.0), "OA_DMPR_DM": (0.0, 1.0), "SF_WAT": (0.0, 4000.0),
}  # fmt: skip
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def clock(*, rows: int, start: str = "2017-03-06T00:00", step: int = 300) -> np.ndarray:
    """(rows,) datetime64[s], evenly spaced."""
    return np.datetime64(start, "s") + np.arange(rows) * np.timedelta64(step, "s")


def unit_readings(rows: int, seed: int = 0) -> np.ndarray:
    """(rows, 7) readings of `COLUMNS` in `UNITS`, to two decimals; the last columns to more where they are small."""
    rng, hour = np.random.default_rng(seed), np.arange(rows) / 12
    swing = np.sin(2 * np.pi * (hour - 9) / 24)
    noise = rng.normal(0, 0.3, (rows, 7))
    values = np.stack(
        [
            57 + 2 * swing,
            60 + 15 * swing,
            72 + swing,
            4000 + 300 * swing,
            1.6 + 0.05 * swing,
            0.4 + 0.2 * swing,
            2500 + 200 * swing,
        ],
        axis=1,
    )
    return np.round(values + noise * np.array([1, 1, 1, 30, 0.02, 0.05, 30]), 3)


def _niagara(time: np.datetime64) -> str:
    moment = time.item()
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment:%d}-{MONTHS[moment.month - 1]}-{moment:%y} {moment.hour % 12 or 12}:{moment:%M:%S} {half} CST"


STYLES: dict[str, tuple[Callable[[Any], str], str, str]] = {
    "iso": (lambda time: time.item().strftime("%Y-%m-%d %H:%M:%S"), ",", "."),
    "iso_semicolon": (lambda time: time.item().strftime("%Y-%m-%d %H:%M:%S"), ";", ","),
    "niagara": (_niagara, ",", "."),
    "metasys": (lambda time: time.item().strftime("%m/%d/%Y %I:%M:%S %p"), ",", "."),
    "webctrl": (lambda time: time.item().strftime("%m/%d/%Y %H:%M:%S"), ",", "."),
    "desigo": (lambda time: time.item().strftime("%d.%m.%Y %H:%M:%S"), ";", ","),
    "monthfirst": (lambda time: time.item().strftime("%m/%d/%Y %H:%M:%S"), "\t", "."),
    "dayfirst": (lambda time: time.item().strftime("%d/%m/%Y %H:%M:%S"), ";", "."),
    "yearfirst": (lambda time: time.item().strftime("%Y/%m/%d %H:%M:%S"), "|", ","),
    "epoch": (lambda time: str(time.astype(np.int64)), ",", "."),
    "excel": (lambda time: f"{time.astype(np.int64) / 86400 + 25569:.9f}", ",", "."),
}


def words(value: Any, decimal: str = ".") -> str:
    """A cell: a number in a style's decimals, nothing for NaN, text as it is."""
    if isinstance(value, str):
        return value
    return "" if np.isnan(value) else repr(float(value)).replace(".", decimal)


def write(
    path: Path,
    times: np.ndarray,
    values: np.ndarray | list[list[Any]],
    *,
    style: str = "iso",
    names: tuple[str, ...] = COLUMNS,
    time_name: str = "Datetime",
) -> Path:
    """Writes a trend file in a style; packed where its name ends in .gz."""
    say, separator, decimal = STYLES[style]
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator, lineterminator="\n")
        writer.writerow([time_name, *names])
        for time, row in zip(times, values, strict=True):
            writer.writerow([say(time), *(words(cell, decimal) for cell in row)])
    return path


def read(source: Path, **changes: Any) -> list[Trend]:
    """`read_trends` for the made-up unit."""
    settings = {"columns": COLUMNS, "units": UNITS, "period_seconds": 300, "ranges": RANGES, **changes}
    return read_trends(source, **settings)


def one(source: Path, **changes: Any) -> Trend:
    """The only trend of a file."""
    [trend] = read(source, **changes)
    return trend


def lines(trend: Trend, kind: str | None = None) -> str:
    """The problems of a trend, one a line."""
    return "\n".join(problem.line for problem in trend.problems if kind in (None, problem.kind))
