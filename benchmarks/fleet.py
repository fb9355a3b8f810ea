"""What detection over a fleet costs, from what it costs here: `python -m benchmarks.fleet --run RUN --input FILES`.

One process on one thread evaluates the files; its rates give the hours, memory and disk of a fleet by multiplication.
"""

import argparse
import json
import platform
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.files import csv_text

if TYPE_CHECKING:
    from exp.detection.detector import Detector

DAY = 86400


def measure(run: str, source: str, **settings: Any) -> dict[str, Any]:
    """Figures of one process that evaluates the files of a folder.

    Returns:
        files, days (of the files, together), windows, events, load_seconds (importing and the model), seconds by the
        clock, cpu_seconds (what counts where others use the machine too), evaluating_seconds (of those, for reading and
        evaluating, without the reasons of events), memory (bytes, at most), and bytes of windows.csv.

    Raises:
        UserError: the run or the files cannot be used.
    """
    started = time.perf_counter()
    import torch

    from data_provider.trends.files import trend_files
    from exp.detection.api import detect_files
    from exp.detection.load import load_detector
    from utils.errors import UserError
    from utils.options import Options

    torch.set_num_threads(1)
    files = [found.path for found in trend_files(Path(source))]
    detect_files(run, files[:1], **settings)  # loads the model, and whatever is loaded once
    loaded, loaded_cpu = time.perf_counter(), time.process_time()
    windows, events = detect_files(run, files, root=source if Path(source).is_dir() else None, **settings)
    seconds, cpu_seconds = time.perf_counter() - loaded, time.process_time() - loaded_cpu
    if not windows:
        raise UserError(f"{source}: no window came out of these files, so there is nothing to measure")
    memory = peak_memory()
    days, evaluating = _days_read(load_detector(Options(verb="detect", run=run)), source)
    evaluated = [row for row in windows if row["confidence"] is not None]
    return {
        "files": len(files),
        "days": days,
        "windows": len(evaluated),
        "events": len(events),
        "load_seconds": loaded - started,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "evaluating_seconds": evaluating,
        "memory": memory,
        "bytes": len(csv_text(list(windows[0]), windows)),
    }


def _days_read(detector: "Detector", source: str | Path) -> tuple[float, float]:
    """Days of all files of a source, and the processor's seconds that reading and evaluating them takes."""
    from data_provider.trends.files import trend_files

    before, days = time.process_time(), 0.0
    for found in trend_files(Path(source)):
        times = detector.read(found).trend.times
        days += (times[-1] - times[0]).astype(int) / DAY if len(times) else 0
    return days, time.process_time() - before


def peak_memory() -> int:
    """Bytes of this process at its largest."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if platform.system() == "Darwin" else largest * 1024


def of_fleet(measured: Mapping[str, Any], *, units: int, days: float, processes: int) -> dict[str, float]:
    """What a fleet needs, by multiplication.

    Returns:
        windows, events, core_hours, hours (with so many processes), memory (bytes, of all processes), bytes (of all
        windows.csv).
    """
    factor = units * days / measured["days"]
    core_seconds = measured["cpu_seconds"] * factor
    return {
        "windows": measured["windows"] * factor,
        "events": measured["events"] * factor,
        "core_hours": core_seconds / 3600,
        "hours": (core_seconds / processes + measured["load_seconds"]) / 3600,
        "memory": float(measured["memory"] * processes),
        "bytes": measured["bytes"] * factor,
    }


def lines(measured: Mapping[str, Any], fleet: Mapping[str, float], *, units: int, days: float, processes: int) -> str:
    """Both for a person."""
    busy = measured["cpu_seconds"]
    windows, unit_days = measured["windows"] / busy, measured["days"] / busy
    return "\n".join(
        [
            f"measured: {measured['files']} files, {measured['days']:.0f} days, {measured['windows']:,} windows, "
            f"{measured['events']:,} events in {measured['seconds']:.1f} s ({busy:.1f} s of one core, "
            f"{measured['evaluating_seconds']:.1f} s of them without the reasons of events)",
            f"          {windows:,.0f} windows, {unit_days:,.1f} days of a unit a second "
            f"of a core; {measured['load_seconds']:.1f} s to begin; {measured['memory'] / 1e6:,.0f} MB",
            f"{units:,} units, {days:g} days: {fleet['windows']:,.0f} windows, {fleet['events']:,.0f} events, "
            f"{fleet['core_hours']:.2f} core hours, {fleet['bytes'] / 1e6:,.0f} MB of windows.csv",
            f"          {processes} processes: {60 * fleet['hours']:.1f} min, {fleet['memory'] / 1e9:.1f} GB of memory",
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Measures, multiplies and prints.

    Returns:
        0, or 2 where the run or the files cannot be used.
    """
    from utils.errors import UserError

    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--run", required=True, help="run folder")
    parser.add_argument("--input", required=True, help="a trend file, or a folder of them, one a unit")
    parser.add_argument("--units", type=int, default=1000, help="units of the fleet [1000]")
    parser.add_argument("--days", type=float, default=30, help="days of each [30]")
    parser.add_argument("--processes", type=int, default=8, help="processes that share the work [8]")
    parser.add_argument("--json", help="file to write the figures to")
    given = parser.parse_args(arguments)
    try:
        measured = measure(given.run, given.input)
    except UserError as error:
        print(f"benchmarks.fleet: {error}", file=sys.stderr)
        return 2
    sizes = {"units": given.units, "days": given.days, "processes": given.processes}
    fleet = of_fleet(measured, **sizes)
    print(lines(measured, fleet, **sizes))
    if given.json:
        Path(given.json).write_text(json.dumps({"measured": measured, "fleet": fleet, **sizes}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
