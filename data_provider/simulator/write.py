"""Writes runs to files, two or more at a time, and says beside them how they were made."""

import json
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from tqdm import tqdm

from data_provider.simulator.kinds import SINGLE, Block, Unit
from data_provider.simulator.request import FORMATS, NOTE, Request, in_season, simulated_files
from utils.errors import UserError
from utils.files import whole, write_text

logger = logging.getLogger(__name__)

_MOST_THREADS = 4


def write_all(request: Request, *, progress: bool) -> list[Path]:
    """Simulate and write every run of a request; returns the files in its order.

    Raises:
        UserError: the weather file cannot be used, or the folder cannot be written to.
    """
    simulation = request.kind.simulation()
    source = simulation.blocks(start=request.start, days=request.days, seed=request.seed, file=request.weather)
    logger.info("simulating %d runs of %d days from %s", len(request.specs), request.days, request.start)
    paths = [request.path(spec.name) for spec in request.specs]
    try:
        request.output.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            halves = [stack.enter_context(whole(path)) for path in paths]
            with tqdm(total=len(paths) * request.days, unit="day", desc="Simulating", disable=not progress) as bar:
                _simulate(request, source, halves, bar)
            _note(request)  # before the files: a file without a note would be taken for a measured one
        for path in paths:
            for ending in set(FORMATS) - {request.file_format}:  # what an earlier call wrote would be read instead
                path.with_suffix(f".{ending}").unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to {request.output}: {error}; choose another folder or make room") from error
    return paths


def _simulate(request: Request, source: Iterator[Block], halves: list[Path], bar: tqdm) -> None:
    """All runs go through the same block of days together, so memory does not grow with days or runs."""
    simulation = request.kind.simulation()
    units = [simulation.Unit(spec=spec, seed=request.seed) for spec in request.specs]
    schema = pa.schema([("Datetime", pa.timestamp("s")), *((name, pa.float32()) for name in simulation.POINT_NAMES)])
    threads = min(len(units), _MOST_THREADS, os.cpu_count() or 1)  # threads suffice: the loop lets the others run
    with ExitStack() as stack:
        writers = [stack.enter_context(_writer(half, schema, request.file_format)) for half in halves]
        pool = stack.enter_context(ThreadPoolExecutor(threads))
        for block in source:
            step = partial(_advance, block=block)
            for days in pool.map(step, units, writers):
                if days:
                    bar.update(days)


def _advance(unit: Unit, writer: pa.parquet.ParquetWriter | pa.csv.CSVWriter, *, block: Block) -> int:
    """Advance one run by a block and write it; returns how many days were written."""
    columns = unit.log(block)
    if not block.wanted:
        return 0
    writer.write_table(_table(block.times, columns, in_season(unit.spec, block.times)))
    return len(block.times) // 1440


@contextmanager
def _writer(path: Path, schema: pa.Schema, file_format: str) -> Iterator[pa.parquet.ParquetWriter | pa.csv.CSVWriter]:
    if file_format == "csv":
        options = pa.csv.WriteOptions(quoting_style="none")
        with pa.csv.CSVWriter(path, schema, write_options=options) as writer:
            yield writer
    else:
        with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            yield writer


def _table(times: np.ndarray, columns: dict[str, np.ndarray], keep: np.ndarray) -> pa.Table:
    kept = {"Datetime": times[keep].astype("datetime64[s]")} | {name: of[keep] for name, of in columns.items()}
    return pa.table(kept)


def _note(request: Request) -> None:
    """Write SIMULATED.json; files that an earlier call made stay listed."""
    made = {
        **({"unit": request.unit} if request.unit != SINGLE else {}),
        "simulator_version": request.kind.simulation().VERSION,
        "seed": request.seed,
        "start": str(request.start),
        "days": request.days,
        "weather": request.weather.name if request.weather else "Chicago, from monthly normals",
    }
    names = [spec.name for spec in request.specs]
    before = simulated_files(request.output)
    files = {name: how for name, how in before.items() if Path(name).stem not in names}
    files.update({request.path(name).name: made for name in names})
    note = {"what": "simulated, not measured", **made, "runs": names, "files": dict(sorted(files.items()))}
    write_text(request.output / NOTE, json.dumps(note, indent=1) + "\n")
