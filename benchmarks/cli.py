"""The verb `benchmark`: speed, accumulation, the whole catalogue, or faults that no training has met."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.pages import check_pages
from utils.errors import UserError
from utils.options import Options


def run(options: Options) -> int:
    """Measures what the word behind the verb says, prints it, and writes it to `--json`.

    Returns:
        0.
    """
    target = Path(options.json) if options.json else None
    if target and (target.is_dir() or not target.absolute().parent.is_dir()):
        raise UserError(f"--json {target}: it must be a file in an existing folder")
    if options.write and options.measure not in WRITTEN:
        raise UserError(f"--write goes with benchmark {' and '.join(WRITTEN)}, not with benchmark {options.measure}")
    if options.write:
        check_pages()
    found = MEASURES[options.measure](options)
    if target:
        target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _speed(options: Options) -> dict[str, Any]:
    import torch

    from benchmarks import gpu, speed

    found = speed.measure(quick=options.quick, compiled=options.compiled)
    print("\n".join(speed.lines(found)))
    if torch.cuda.is_available() and options.device != "cpu":
        found["gpu"] = gpu.training_rates(quick=options.quick, compiled=options.compiled)
        print("\n" + "\n".join(gpu.lines(found["gpu"])))
        found["epoch"] = gpu.epoch(device="cuda", batches=200 if options.quick else None)
        print(gpu.epoch_line(found["epoch"]))
    elif not options.quick:
        found["epoch"] = gpu.epoch(device="cpu", batches=60)
        print(gpu.epoch_line(found["epoch"]))
    return found


def _accumulation(options: Options) -> dict[str, Any]:
    from benchmarks import accumulation, accumulation_overhead
    from utils.distributed import device_of

    device = device_of(options.device).type
    rows = accumulation.measure(quick=options.quick, device=device)
    print(accumulation.table(rows))
    overhead = accumulation_overhead.measure(repeats=5 if options.quick else 30, device=device)
    for text, share in overhead["overhead"].items():
        print(f"{share:+8.2%}  {text}")
    if options.write:
        accumulation.write(accumulation.table(rows))
        print(f"written to {accumulation.PAGE}")
    return {"accumulation": rows, "overhead": overhead}


def _catalogue(options: Options) -> dict[str, Any]:
    from benchmarks import catalogue

    rows = []
    print(_line(catalogue.HEADER))
    for row in catalogue.rows():
        rows.append(dict(zip(catalogue.HEADER, row, strict=True)))
        print(_line(row), flush=True)
    return {"catalogue": rows}


def _unknown(options: Options) -> dict[str, Any]:
    from benchmarks import unknown
    from utils.logs import log_to_screen

    if options.write and options.quick:
        raise UserError("--quick measures two faults, too few to --write; leave one of the two out")
    log_to_screen(logging.WARNING)
    rows = []
    for row in unknown.rows(options):
        rows.append(row)
        print(unknown.line(row), flush=True)
    print(f"\n{unknown.table(rows)}\n")
    print("\n".join(unknown.verdict(rows)))
    if options.write:
        unknown.write(rows, options.data)
        print(f"written to {unknown.PAGE}")
    return {"data": options.data, "unknown": rows, "means": unknown.by_fault(rows)}


def _line(row: tuple[str, ...]) -> str:
    flag, choice, *figures = row
    return f"{flag:<16} {choice:<26}" + "".join(f"{figure:>14}" for figure in figures)


MEASURES: dict[str, Callable[[Options], dict[str, Any]]] = {
    "speed": _speed,
    "accumulation": _accumulation,
    "catalogue": _catalogue,
    "unknown": _unknown,
}
WRITTEN = ("accumulation", "unknown")  # these have a place in the documentation
