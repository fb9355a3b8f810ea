"""A simulated fleet as training data: fault-free days of every unit, and days with a fault where it shows.

Letters: T readings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_provider.channels import POINTS
from data_provider.datasets.source import DataSet, Source
from data_provider.frames import Frame
from data_provider.notes import Notes
from data_provider.segmentation import working_mask
from data_provider.simulator.fleet.faults import CLASSES, FAULT_FREE
from utils.errors import UserError

if TYPE_CHECKING:
    import pyarrow

PERIOD = 900  # seconds
SETTLE = 1800  # seconds after a start in which no unit is evaluated
CONTROL = "SYS_CTL"
_AROUND = np.timedelta64(1, "h")  # a fault that shows may be told from what lies so near
_FAULTS = "_faults.parquet"
_ONE_SET_POINT = "SA_TEMPSPT_CLG"


def fleet() -> DataSet:
    """The fleet that `run.py simulate --fleet` wrote; units are kept apart."""
    return DataSet(
        files=_files,
        read=_read,
        root="dataset/fleet",
        period_seconds=PERIOD,
        steps=lambda seq_len: max(1, seq_len // 4),
        strategy="units",
        bond="unit",
        classes=CLASSES,
        normal=FAULT_FREE,
        keep_constant=True,
        unit_of=lambda column: POINTS.get(column, ""),
        origin="simulated units drawn at random",
    )


def _files(source: Source) -> list[Path]:
    found = sorted(source.root.glob("unit_*.parquet")) if source.root.is_dir() else []
    if not found:
        raise UserError(f"{source.root} holds no fleet; python run.py simulate --fleet 400 --output DIR makes one")
    return found


def _read(source: Source, notes: Notes) -> Iterator[Frame]:
    notes.works_by(CONTROL, settle_seconds=SETTLE)
    notes.facts["simulated"] = True
    for path in _files(source):
        if not path.name.endswith(_FAULTS):
            yield from _unit(path, source.rows)


def _unit(path: Path, rows: int | None) -> Iterator[Frame]:
    """The fault-free days of a unit in one frame, and each day with a fault in its own."""
    times, values, working, _ = _table(path, rows)
    columns = tuple(name for name in POINTS if name != _ONE_SET_POINT)
    yield Frame(path.stem, values, times, columns, working, FAULT_FREE, group=path.stem)
    times, values, working, table = _table(path.with_name(path.stem + _FAULTS), rows)
    faults, severities = (table[name].to_numpy(zero_copy_only=False) for name in ("fault", "severity"))
    shown = times[table["shows"].to_numpy(zero_copy_only=False)]
    days = times.astype("datetime64[D]")
    for day in np.unique(days):
        mine = days == day
        useful = working[mine] & _near(times[mine], shown)
        if not useful.any():  # nothing of the fault shows, so there is nothing to learn it from
            continue
        yield Frame(
            name=f"{path.stem} {day}",
            values=values[mine],
            times=times[mine],
            columns=columns,
            working=useful,
            label=str(faults[mine][0]),
            severity=f"{severities[mine][0]:.2f}",
            group=path.stem,
        )


def _table(path: Path, rows: int | None) -> "tuple[np.ndarray, np.ndarray, np.ndarray, pyarrow.Table]":
    """Times, (T, 9) points, when the unit works, and the whole table."""
    import pyarrow.parquet  # a start with prepared data reads no file

    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(
            f"{path}: cannot be read ({' '.join(str(error).split())[:120]}); simulate the fleet again"
        ) from None
    table = table.slice(0, rows) if rows else table
    times = table["Datetime"].to_numpy().astype("datetime64[s]")
    points = {name: table[name].to_numpy().copy() for name in POINTS if name != _ONE_SET_POINT}
    alone = np.isnan(points["SA_TEMPSPT_HTG"])  # with one set point, that is both
    points["SA_TEMPSPT_HTG"][alone] = points["SA_TEMPSPT"][alone]
    working = working_mask(times, table[CONTROL].to_numpy(), value=1, settle_seconds=SETTLE)
    return times, np.stack(list(points.values()), 1), working, table


def _near(times: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(T,) bool: times at most `_AROUND` from one at which the fault shows."""
    if not len(shown):
        return np.zeros(len(times), bool)
    after = np.searchsorted(shown, times)
    ahead = np.abs(shown[np.minimum(after, len(shown) - 1)] - times)
    behind = np.abs(times - shown[np.maximum(after - 1, 0)])
    return np.minimum(ahead, behind) <= _AROUND
