"""The roles of a model and the points of a file with what they read, for a person who maps one to the other.

A module to be run: it takes the flags of `doctor` and writes JSON to `--output`. Reading needs the model and
much memory, which a process of its own gives back.

Letters: T readings of a file.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from data_provider.trends.columns import Signal
from data_provider.trends.files import trend_files
from data_provider.trends.opened import OpenTrend
from data_provider.trends.problems import Unusable
from data_provider.trends.request import Request
from data_provider.trends.role_names import TABLE
from data_provider.trends.states import STATES
from data_provider.trends.unit_files import files_of_units
from data_provider.trends.units import Unit, units_of
from exp.detection.load import load_detector
from utils.command_line import parse
from utils.errors import UserError
from utils.files import write_text

MOST_POINTS = 400  # that can be chosen from
_LONGEST = 300  # characters of a name


def main(flags: Sequence[str]) -> int:
    """Writes the points of `--input` to `--output`; returns the exit status."""
    options = parse(["doctor", *flags])
    try:
        request = load_detector(options).request
        file, points = points_of(Path(str(options.input)), options.unit_from, request)
    except UserError:  # doctor says so beside this
        return UserError.status
    content = {"file": file, "roles": [role_entry(signal) for signal in request.signals], "points": points}
    write_text(Path(str(options.output)), json.dumps(content, ensure_ascii=False) + "\n")
    return 0


def points_of(folder: Path, unit_from: str, request: Request) -> tuple[str, list[dict[str, Any]]]:
    """The first file that can be read, and its points; "" and none where no file can.

    Raises:
        UserError: there is no file.
    """
    for entry in files_of_units(trend_files(folder), unit_from, request):
        try:
            source = OpenTrend(entry, request)
            places = [place for place, name in enumerate(source.names) if place not in source.time and name.strip()]
            cells = source.read(places[:MOST_POINTS], states=lambda place: STATES).cells
        except Unusable:
            continue
        return entry.name, [point_entry(source.names[place], cells[place].values, cells[place].unit) for place in cells]
    return "", []


def point_entry(name: str, values: np.ndarray, unit: Unit | None) -> dict[str, Any]:
    """A point as JSON: its name, its unit if one is stated, and its lowest, usual and highest of (T,) readings."""
    entry: dict[str, Any] = {"name": name[:_LONGEST], "unit": unit.name if unit else ""}
    values = values[np.isfinite(values)]
    if len(values):
        shown = (float(values.min()), float(np.median(values)), float(values.max()))
        entry |= {name: float(f"{value:.4g}") for name, value in zip(("low", "usual", "high"), shown, strict=True)}
    return entry


def role_entry(signal: Signal) -> dict[str, Any]:
    """A role as JSON: its name, what it is in words, and the units that it may be given in."""
    role = signal.role
    names = yaml.safe_load(TABLE.read_text(encoding="utf-8"))["roles"].get(role.name, {}).get("names") if role else None
    words = str(names[0]) if names else role.name if role else ""
    units = [unit.name for unit in units_of(signal.quantity)]
    return {"name": signal.column, "words": words, "units": units, "unit": signal.unit.name if signal.unit else ""}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
