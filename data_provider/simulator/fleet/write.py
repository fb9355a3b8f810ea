"""Writes a fleet: units side by side on all processors, each as two Parquet files, and two tables about them."""

import json
import logging
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from tqdm import tqdm

from data_provider.simulator.fleet.draw import as_row, draw_unit
from data_provider.simulator.fleet.unit import LOGGED, Day, days_of
from data_provider.simulator.request import NOTE
from utils.errors import UserError
from utils.files import csv_text, whole, write_text

logger = logging.getLogger(__name__)

VERSION = "1"  # changes whenever the same arguments give other numbers
FAULTS = "_faults"  # behind a unit's name, in the name of its file with faults
MOST_UNITS, MOST_DAYS = 10_000, 365
_AHEAD = 4  # units a process that may wait to be written, so that memory does not grow with their number
SCHEMA = pa.schema([("Datetime", pa.timestamp("s"))] + [(name, pa.float32()) for name in LOGGED])
FAULT_SCHEMA = pa.schema(
    [*SCHEMA, ("fault", pa.string()), ("severity", pa.float32()), ("shows", pa.bool_())]
)  # fmt: skip


class FleetRequest(NamedTuple):
    """A fleet to write: folder, number of units, days of each, seed."""

    output: Path
    units: int
    days: int
    seed: int


def write_fleet(request: FleetRequest, *, progress: bool) -> list[Path]:
    """Simulates and writes every unit; see `simulate_fleet`."""
    _check(request)
    logger.info("simulating %d units of %d days, without and with faults", request.units, request.days)
    rows: list[dict[str, Any]] = []
    paths: list[Path] = []
    try:
        request.output.mkdir(parents=True, exist_ok=True)
        with tqdm(total=request.units, unit="unit", desc="Simulating", disable=not progress) as bar:
            for names, days in _simulated(request):
                paths += [request.output / name for name in names]
                rows += days
                bar.update()
        drawn = [as_row(draw_unit(request.seed, number)) for number in range(request.units)]
        write_text(request.output / "units.csv", csv_text(tuple(drawn[0]), drawn))
        write_text(request.output / "days.csv", csv_text(tuple(rows[0]), rows))
        write_text(request.output / NOTE, json.dumps(_note(request), indent=1) + "\n")
    except OSError as error:
        raise UserError(f"cannot write to {request.output}: {error}; choose another folder or make room") from error
    return paths


def _note(request: FleetRequest) -> dict[str, Any]:
    made = {"fleet_version": VERSION, "units": request.units, "days": request.days, "seed": request.seed}
    return {"what": "simulated, not measured", "fleet": made}


def _check(request: FleetRequest) -> None:
    if not 1 <= request.units <= MOST_UNITS:
        raise UserError(f"cannot simulate a fleet of {request.units} units; give --fleet a number to {MOST_UNITS}")
    if not 1 <= request.days <= MOST_DAYS:
        raise UserError(f"cannot simulate {request.days} days of every unit; give --days a number to {MOST_DAYS}")
    output = request.output
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file; give a folder to write to")
    if output.is_dir() and any(output.iterdir()) and not _is_fleet(output):
        raise UserError(f"{output} holds something else than a fleet, which is left alone; write to another folder")


def _is_fleet(folder: Path) -> bool:
    """Whether a folder holds a fleet, or what an interrupted call left of one."""
    try:
        return "fleet" in json.loads((folder / NOTE).read_text(encoding="ascii"))
    except FileNotFoundError:
        return all(path.name.startswith("unit_") or path.name in ("units.csv", "days.csv") for path in folder.iterdir())
    except (OSError, ValueError):
        return False


def _simulated(request: FleetRequest) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """Names of the files and rows of days.csv of every unit, in order; a few units are ahead of the one asked for."""
    processes = min(request.units, os.cpu_count() or 1)
    with _pool(processes) as pool:
        waiting: list[Future[tuple[list[str], list[dict[str, Any]]]]] = []
        for number in range(request.units):
            waiting.append(pool.submit(write_unit, request, number))
            if len(waiting) >= processes * _AHEAD:
                yield waiting.pop(0).result()
        for left in waiting:
            yield left.result()


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are stopped at once if this one is interrupted."""
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def write_unit(request: FleetRequest, number: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Simulates a unit and writes its two files; returns their names and its rows of days.csv."""
    unit = draw_unit(request.seed, number)
    days = days_of(unit, seed=request.seed, days=request.days)
    names = [f"{unit.name}.parquet", f"{unit.name}{FAULTS}.parquet"]
    _write(request.output / names[0], _table([day.fault_free for day in days], days, SCHEMA))
    _write(request.output / names[1], _table([day.faulty for day in days], days, FAULT_SCHEMA))
    rows = [
        {
            "unit": unit.name,
            "day": str(day.times[0].astype("datetime64[D]")),
            "fault": day.fault.kind,
            "severity": f"{day.fault.severity:.3f}",
            "hours_shown": f"{day.shows.sum() * unit.step / 60:.2f}",
        }
        for day in days
    ]
    return names, rows


def _table(logs: list[dict[str, np.ndarray]], days: list[Day], schema: pa.Schema) -> pa.Table:
    lengths = [len(day.times) for day in days]
    columns: list[Any] = [np.concatenate([day.times for day in days]).astype("datetime64[s]")]
    columns += [np.concatenate([log[name] for log in logs]) for name in LOGGED]
    if schema is FAULT_SCHEMA:
        columns.append(np.repeat([day.fault.kind for day in days], lengths))
        columns.append(np.repeat(np.array([day.fault.severity for day in days], np.float32), lengths))
        columns.append(np.concatenate([day.shows for day in days]))
    return pa.table(columns, schema=schema)


def _write(path: Path, table: pa.Table) -> None:
    with whole(path) as half:
        pyarrow.parquet.write_table(table, half, compression="zstd")
