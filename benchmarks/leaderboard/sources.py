"""Where the data of a table lies; what can be simulated is made there."""

import os
import re
from pathlib import Path

from benchmarks.leaderboard.tables import Table
from utils.errors import UserError
from utils.files import write_csv

PLACE = Path("dataset") / ".cache"


def place_of(table: Table) -> Path:
    """The folder of a table's data.

    Raises:
        UserError: it is measured data, and nobody says where that lies.
    """
    if table.source == "measured":
        return _measured()
    target = PLACE / f"leaderboard-{table.source}-{table.days}-days"
    if not (target / "SIMULATED.json").is_file():
        _simulate(table, target)
    if table.source == "severities" and not (target / "labels.csv").is_file():
        _label(target)
    return target


def _measured() -> Path:
    for root in (Path(os.environ.get("HVAC_DATA", "dataset")) / "lbnl-2020", Path("dataset") / "lbnl-2020"):
        if root.is_dir():
            return root
    raise UserError("the measured sets are not there; set HVAC_DATA to the folder that holds lbnl-2020 (docs/DATA.md)")


def _simulate(table: Table, target: Path) -> None:
    from exp.simulate import run
    from utils.command_line import parse

    what = {
        "simulated": [],
        "severities": ["--runs", "all", "--start", "2018-04-01"],  # one published run begins then
        "fleet": ["--fleet", "40", "--seed", "7"],
    }[table.source]
    run(parse(["simulate", *what, "--days", str(table.days), "--output", str(target)]))


def _label(target: Path) -> None:
    """Writes labels.csv: the kind of fault of every run, and its severity."""
    rows = []
    for path in sorted(target.glob("*.parquet")):
        kind, severity = kind_of(path.stem)
        rows.append({"file": path.name, "label": kind, "severity": severity})
    write_csv(target / "labels.csv", rows)


def kind_of(stem: str) -> tuple[str, str]:
    """The kind of fault and its severity from the name of a published run, as coi_leakage_010_annual."""
    found = re.fullmatch(r"(\w+?)_(-?\d+)(?:_annual)?(?:_short)?", stem)
    return (found[1], found[2]) if found else ("normal", "")
