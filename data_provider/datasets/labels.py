"""What a class is: the label of a run, with its severity, or just whether it is a fault."""

import csv
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from utils.errors import UserError

NORMAL_WORDS = frozenset({
    "normal", "healthy", "faultfree", "nofault", "unfaulted", "baseline", "ahuannual", "ok", "good", "0"
})  # fmt: skip


class Fault(NamedTuple):
    """An entry of a fault schedule: a fault lasts a whole day."""

    kind: str
    intensity: str


def class_of(label: str, severity: str, *, how: str, normal: str | None) -> str:
    """The class of a run.

    Args:
        label: the run's label.
        severity: its severity, "" if none.
        how: "fault" takes the label, "severity" adds the severity, "binary" tells faults from the normal class.
        normal: the label that means no fault.

    Raises:
        UserError: "binary" without a normal class.
    """
    if how == "binary":
        if normal is None:
            raise UserError("--label binary needs a class without fault, and the data has none; use --label fault")
        return label if label == normal else "fault"
    if how == "severity" and severity:
        return f"{label}: {severity}"
    return label


def ordered_classes(found: Sequence[str], published: Sequence[str], normal: str | None) -> tuple[str, ...]:
    """Class names in their published order; others by name, the normal class first."""
    first = [name for name in published if name in found]
    rest = sorted(set(found) - set(first), key=lambda name: (name != normal, name))
    return tuple(first + rest)


def normal_of(labels: Sequence[str]) -> str | None:
    """The label that is named as fault-free; None if no label or several are."""
    found = {label for label in labels if "".join(c for c in label.casefold() if c.isalnum()) in NORMAL_WORDS}
    return found.pop() if len(found) == 1 else None


def fault_kind(label: str) -> str:
    """The kind of fault that a label means, in the words of the simulated fleet; "" where it is none of those.

    "Stuck OA Damper" and "damper_stuck_025" are oa_damper_stuck, "Leakage of Heating Coil Valve" heating_valve_leak.
    """
    plain = " ".join(re.sub(r"[_\W]+", " ", label.casefold()).split())
    parts = {"oa_damper": r"damper|dmpr", "heating_valve": r"heat|\bhw|hot", "cooling_valve": r"cool|\bcoi\b|chw|chill"}
    sensors = {"oa": r"\boa\b|outdoor", "ma": r"\bma\b|mixed", "ra": r"\bra\b|return", "sa": r"\bsa\b|\bcoi\b|supply"}
    what = next((word for word in ("stuck", "leak", "bias") if word in plain), "")
    if what == "bias":
        sensor = next((name for name, pattern in sensors.items() if re.search(pattern, plain)), "")
        return f"{sensor}_sensor_bias" if sensor else ""
    part = next((name for name, pattern in parts.items() if re.search(pattern, plain)), "")
    return f"{part}_{what}" if part and what else ""


def read_schedule(path: Path) -> dict[date, Fault]:
    """The fault of each day, from a schedule with the columns type, intensity and day (month first).

    Raises:
        UserError: no such file, or a line that is none of a schedule.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; the fault schedule belongs beside the readings")
    schedule: dict[date, Fault] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader, None)
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            day = _day(cells[2]) if len(cells) == 3 else None
            if day is None or day in schedule:
                raise UserError(f"{path}: line {reader.line_num} is not 'type,intensity,month/day/year' of a new day")
            schedule[day] = Fault(cells[0], cells[1])
    return schedule


def _day(word: str) -> date | None:
    for pattern in ("%m/%d/%y", "%m/%d/%Y"):  # two digits first: %Y would take 17 for the year 17
        try:
            return datetime.strptime(word, pattern).date()
        except ValueError:
            continue
    return None


def read_labels(path: Path) -> dict[str, tuple[str, str]]:
    """File -> (label, severity), from labels.csv with the columns file, label and perhaps severity.

    Raises:
        UserError: other columns, an empty cell or a file named twice.
    """
    labels: dict[str, tuple[str, str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        names = [name.strip() for name in reader.fieldnames or ()]
        if not {"file", "label"} <= set(names):
            raise UserError(f"{path}: line 1 must name the columns file,label or file,label,severity")
        reader.fieldnames = names
        for row in reader:
            cells = {name: (row[name] or "").strip() for name in names}
            if not cells["file"] or not cells["label"]:
                raise UserError(f"{path}: line {reader.line_num} lacks a file or a label")
            if cells["file"] in labels:
                raise UserError(f"{path}: line {reader.line_num}: {cells['file']} is there twice")
            labels[cells["file"]] = (cells["label"], cells.get("severity", ""))
    return labels
