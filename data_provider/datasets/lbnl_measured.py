"""The LBNL fault data of 2020: one unit a file, one minute a row, a fault a day by the schedule beside it.

Granderson et al., Scientific Data 7, 65 (2020), doi 10.1038/s41597-020-0398-6. docs/DATA.md lists the oddities.
Letters: T readings, C signals.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import numpy as np

from data_provider.datasets.labels import Fault, read_schedule
from data_provider.datasets.source import DataSet, Source
from data_provider.frames import Frame
from data_provider.notes import Notes
from data_provider.segmentation import working_mask
from data_provider.trends.files import ENDINGS
from data_provider.trends.table import Table, read_table
from utils.errors import UserError

NORMAL = "normal"
OCCUPIED = "Occupancy Mode Indicator"
SIMULATED = "MZVAV-2-2"  # the one file of the set that is no experiment
TRUTH = "Fault Detection Ground Truth"
SET_POINTS_BLANK = (
    "blank for 230 occupied minutes of 2017-09-11, the only day of its fault: held or left out, it would give that "
    "day away"
)
# Every fault day of MZVAV-2-2 was simulated once more without fault, in the weather of the same day.
WEATHER_PAIRS = {
    "2007-08-28": "2008-08-27", "2007-08-29": "2008-08-28", "2007-08-30": "2008-08-29", "2007-08-31": "2008-08-30",
    "2007-09-01": "2008-08-31", "2007-09-02": "2008-09-01", "2007-09-05": "2008-09-04", "2007-09-06": "2008-09-05",
    "2008-02-12": "2009-02-11", "2008-05-06": "2009-05-06", "2008-05-07": "2009-05-07", "2008-05-08": "2009-05-08",
    "2008-05-15": "2009-05-15",
}  # fmt: skip


def measured(stem: str, *, dropped: Mapping[str, str] | None = None, pairs: Mapping[str, str] | None = None) -> DataSet:
    """The data set of one unit.

    Args:
        stem: name of its file and, with "-faults", of its schedule.
        dropped: further columns that are not signals -> why.
        pairs: fault day -> normal day in the same weather; they go to the same part.
    """
    reasons = {TRUTH: "the answer", **(dropped or {})}
    return DataSet(
        files=lambda source: [_file(source.root, stem), source.root / f"{stem}-faults.csv"],
        read=_reader(stem, reasons, pairs or {}),
        root="dataset/lbnl-2020",
        period_seconds=60,
        strategy="days",
        bond="weather_pair" if pairs else "",
        normal=NORMAL,
        unit_of=unit_of,
        origin=f"a unit that LBNL {'simulated' if stem == SIMULATED else 'measured in an experiment'}",
    )


def _file(root: Path, stem: str) -> Path:
    """The readings of a unit; CSV if they are there in several ways, or in none."""
    return next((path for ending in ENDINGS if (path := root / f"{stem}{ending}").is_file()), root / f"{stem}.csv")


def unit_of(column: str) -> str:
    """The unit of a column, by its name."""
    if "Temperature" in column:
        return "F"
    return "in. w.g." if "Static Pressure" in column else ""


def _reader(
    stem: str, dropped: Mapping[str, str], pairs: Mapping[str, str]
) -> Callable[[Source, Notes], Iterator[Frame]]:
    groups = {day: fault_day for fault_day, normal_day in pairs.items() for day in (fault_day, normal_day)}

    def read(source: Source, notes: Notes) -> Iterator[Frame]:
        schedule = read_schedule(source.root / f"{stem}-faults.csv")
        table = read_table(
            _file(source.root, stem),
            source.reading,
            rows=source.rows,
            needed=(OCCUPIED, *dropped),
            unit_of=unit_of,
        )
        notes.read(table)
        if table.times is None:
            raise UserError(f"{table.name}: the column Datetime is missing")
        signals = tuple(name for name in table.columns if name not in dropped and name != OCCUPIED)
        table.select(tuple(dropped))
        notes.works_by(OCCUPIED, settle_seconds=0)
        for column, reason in dropped.items():
            notes.drop(column, reason)
        working = working_mask(table.times, table.column(OCCUPIED), value=1, settle_seconds=0)
        values = table.select(signals)
        days = table.times.astype("datetime64[D]")
        faults = _faults(table, days, schedule, notes)
        for day, fault in faults.items():
            rows = days == np.datetime64(day)
            yield Frame(
                name=f"{stem} {day}",
                values=values[rows],
                times=table.times[rows],
                columns=signals,
                working=working[rows],
                label=fault.kind if fault else NORMAL,
                severity=fault.intensity if fault else "",
                group=groups.get(str(day), ""),
            )

    return read


def _faults(table: Table, days: np.ndarray, schedule: Mapping[date, Fault], notes: Notes) -> dict[date, Fault | None]:
    """The fault of every day of the file. The schedule decides; the ground-truth column is compared to it.

    A day that the column calls faulty and no schedule explains has no known class and is left out.
    """
    truth = table.column(TRUTH)
    faults: dict[date, Fault | None] = {}
    for day in np.unique(days):
        said = truth[days == day]
        key = day.item()
        fault = schedule.get(key)
        differs = int((said != (fault is not None)).sum())
        if differs and fault is not None:
            notes.warn(f"{day}: {differs} rows say no fault, the schedule says {fault.kind}; the schedule is right")
            notes.count({"rows whose ground truth contradicts the schedule": differs})
        elif differs:
            notes.warn(f"{day}: {differs} rows say fault, the schedule has none; the day is left out")
            notes.count({"rows of days that no schedule explains": len(said)})
            continue
        faults[key] = fault
    if len(table.values) and not faults:
        raise UserError(f"{table.name}: no day fits the fault schedule beside it")
    return faults
