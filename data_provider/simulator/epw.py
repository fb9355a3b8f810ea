"""Reads a year from an EnergyPlus weather file (EPW, the format of the EnergyPlus Auxiliary Programs guide).

Letters: h hours of the year, 8760 or 8784.
"""

import csv
import logging
from pathlib import Path

import numpy as np

from data_provider.simulator.sun import Site
from utils.errors import UserError

_LOG = logging.getLogger(__name__)

_LARGEST = 16 * 2**20  # bytes; a year has about 1.6 MB
_HEADER = 8
# name, column, least, most; outside lies nonsense or the format's own mark for a missing value
_FIELDS = (
    ("dry bulb", 6, -70.0, 70.0),
    ("dew point", 7, -70.0, 70.0),
    ("direct normal radiation", 14, 0.0, 1500.0),
    ("diffuse horizontal radiation", 15, 0.0, 1500.0),
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_epw(path: Path) -> tuple[Site, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """The place, then dry bulb and dew point in C, beam and diffuse radiation in W/m2, (h,) each.

    Values of hour k stand for the time from k to k + 1 (EPW counts hours from 1 and stamps their end).

    Raises:
        UserError: no such file, too large, not an EPW file, not a whole year in order, or a value that cannot be.
    """
    lines = _lines(path)
    site = _site(path, lines[0])
    rows = [row for row in lines[_HEADER:] if row]
    if len(rows) not in (8760, 8784):
        raise UserError(f"weather file {path} has {len(rows)} hours; give one whole year (8760 or 8784)")
    _check_order(path, rows)
    dry, dew, beam, diffuse = (_column(path, rows, *spec) for spec in _FIELDS)
    above = dew > dry
    if above.any():
        _LOG.warning("%s: dew point above dry bulb in %d hours; taken as saturated", path, int(above.sum()))
    return site, (dry, np.minimum(dew, dry), beam, diffuse)


def rows_of(hours: np.ndarray, count: int) -> np.ndarray:
    """(n,) rows of a year of `count` hours for datetime64[h] hours; 29 February repeats the 28th where it lacks."""
    year = hours.astype("datetime64[Y]")
    rows = (hours - year.astype("datetime64[h]")).astype(np.int64)
    leap = ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.int64) == 366
    after = rows >= 59 * 24  # 29 February and later
    if count == 8760:
        return rows - 24 * (leap & after)
    return rows + 24 * (~leap & after)


def _lines(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise UserError(f"no weather file {path}; give the path of an EPW file")
    if path.stat().st_size > _LARGEST:
        raise UserError(f"weather file {path} is larger than {_LARGEST >> 20} MB; give an EPW file of one year")
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, csv.Error) as error:
        raise UserError(f"cannot read weather file {path}: {error}; give an EPW file") from error
    if len(lines) <= _HEADER or not lines[0] or lines[0][0].strip().upper() != "LOCATION":
        raise UserError(f"{path} is not an EPW weather file: it does not begin with LOCATION and eight header lines")
    return lines


def _site(path: Path, header: list[str]) -> Site:
    """LOCATION, city, state, country, source, station, latitude, longitude, hours from UTC, elevation."""
    try:
        latitude, longitude, offset, elevation = (float(text) for text in header[6:10])
    except ValueError as error:
        raise UserError(f"weather file {path}, line 1: place not readable ({error}); expected four numbers") from error
    sane = abs(latitude) <= 90 and abs(longitude) <= 180 and abs(offset) <= 14 and -500 <= elevation <= 6000
    if not sane:
        raise UserError(f"weather file {path}, line 1: no such place as {', '.join(header[6:10])}; correct it")
    return Site(latitude, longitude, offset, elevation)


def _check_order(path: Path, rows: list[list[str]]) -> None:
    lengths = list(_DAYS)
    lengths[1] += len(rows) == 8784
    wanted = ((m, d, h) for m, days in enumerate(lengths, 1) for d in range(1, days + 1) for h in range(1, 25))
    for line, (row, expected) in enumerate(zip(rows, wanted, strict=True), _HEADER + 1):
        if [text.strip().lstrip("0") for text in row[1:4]] != [str(part) for part in expected]:
            where = "month {} day {} hour {}".format(*expected)
            raise UserError(f"weather file {path}, line {line}: expected {where}, found {row[1:4]}; put hours in order")


def _column(path: Path, rows: list[list[str]], name: str, column: int, least: float, most: float) -> np.ndarray:
    values = np.empty(len(rows))
    for index, row in enumerate(rows):
        text = row[column] if column < len(row) else ""
        try:
            values[index] = float(text)
        except ValueError as error:
            raise UserError(
                f"weather file {path}, line {index + _HEADER + 1}: {name} is '{text}', not a number"
            ) from error
        if not least <= values[index] <= most:
            line = index + _HEADER + 1
            raise UserError(
                f"weather file {path}, line {line}: {name} {text} is missing or not in {least:g} to {most:g}"
            )
    return values
