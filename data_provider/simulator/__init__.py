"""Air-handling units simulated minute by minute, without or with a fault: single-duct with five zones, dual-duct.

`docs/SIMULATOR.md` describes the physics, the control sequence and what it is not. Importing this package is cheap:
the compiler is loaded when `simulate` is called.
"""

from collections.abc import Sequence
from pathlib import Path

from data_provider.simulator.faults import NINE, RUNS, FaultSpec
from data_provider.simulator.kinds import DUAL, KINDS, SINGLE
from data_provider.simulator.request import checked

__all__ = ["DUAL", "KINDS", "NINE", "RUNS", "SINGLE", "FaultSpec", "simulate"]


def simulate(
    *,
    output: Path,
    runs: Sequence[str],
    start: str = "2018-01-01",
    days: int = 365,
    seed: int = 2018,
    file_format: str = "parquet",
    weather: Path | None = None,
    unit: str = SINGLE,
    progress: bool = True,
) -> list[Path]:
    """Write one file a run, a row a minute: `Datetime`, then the unit's points (30; 114 of the dual-duct one).

    The same arguments give the same bytes on the same machine. All runs share weather and people; each has noise of
    its own. `SIMULATED.json` beside the files says how they were made. Files appear only when they are complete; an
    earlier simulated file of the same run is replaced, whatever its format.

    Args:
        output: folder to write to, made if absent.
        runs: names from the unit's `KINDS[unit].runs`; `published` are those of the published classes.
        start: first day, as 2018-01-01.
        days: days of a run, 1 to 3660.
        seed: of weather, people and noise.
        file_format: "parquet" or "csv".
        weather: an EPW file whose year is used instead of Chicago's normals.
        unit: one of `KINDS`.
        progress: whether to show a progress bar.

    Returns:
        The files, in the order of `runs`.

    Raises:
        UserError: an unknown unit, run or format, days or a seed or a start that cannot be, a run without a day in the
            span, a missing or broken EPW file, a folder that cannot be written to, or that holds a file of the same
            name which is not simulated.
    """
    request = checked(
        output=output, runs=runs, start=start, days=days, seed=seed, file_format=file_format, weather=weather,
        unit=unit,
    )  # fmt: skip
    from data_provider.simulator.write import write_all

    return write_all(request, progress=progress)
