"""What is to be simulated, checked before anything heavy is loaded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_provider.simulator.kinds import KINDS, SINGLE, Kind, Spec
from utils.errors import UserError, unknown_name

FORMATS = ("parquet", "csv")
NOTE = "SIMULATED.json"
MOST_DAYS = 3660


@dataclass(frozen=True)
class Request:
    """A data set to write; the attributes are those of `simulate`, checked.

    Attributes:
        output: folder.
        specs: the runs.
        start: datetime64[D].
        days: days of a run.
        seed: not negative.
        file_format: one of FORMATS.
        weather: EPW file, None for Chicago's normals.
        unit: one of KINDS.
    """

    output: Path
    specs: tuple[Spec, ...]
    start: np.datetime64
    days: int
    seed: int
    file_format: str
    weather: Path | None
    unit: str = SINGLE

    @property
    def kind(self) -> Kind:
        """The kind of unit."""
        return KINDS[self.unit]

    def path(self, name: str) -> Path:
        """The file of a run."""
        return self.output / f"{name}.{self.file_format}"


def checked(
    *,
    output: Path,
    runs: Sequence[str],
    start: str,
    days: int,
    seed: int,
    file_format: str,
    weather: Path | None,
    unit: str = SINGLE,
) -> Request:
    """A request that can be carried out.

    Raises:
        UserError: see `simulate`.
    """
    if unit not in KINDS:
        raise unknown_name("unit", unit, tuple(KINDS))
    known = KINDS[unit].runs
    if isinstance(runs, str) or not runs:
        raise UserError(f"no list of runs to simulate, but {runs!r}; name at least one of: {', '.join(known)}")
    for name in runs:
        if name not in known:
            raise unknown_name("run", name, tuple(known))
    if file_format not in FORMATS:
        raise unknown_name("file format", file_format, FORMATS)
    if not 1 <= days <= MOST_DAYS:
        raise UserError(f"cannot simulate {days} days; give a number from 1 to {MOST_DAYS}")
    if seed < 0:
        raise UserError(f"seed {seed} is negative; give a number from 0 up")
    if weather is not None and not Path(weather).is_file():
        raise UserError(f"no weather file {weather}; give the path of an EPW file")
    specs = tuple(known[name] for name in dict.fromkeys(runs))
    request = Request(Path(output), specs, _day(start), days, seed, file_format, weather and Path(weather), unit)
    _check_seasons(request)
    _check_folder(request)
    return request


def in_season(spec: Spec, times: np.ndarray) -> np.ndarray:
    """(n,) bool, where a run that covers only a part of each year has rows, for (n,) datetime64."""
    if spec.season is None:
        return np.ones(len(times), bool)
    month = times.astype("datetime64[M]")
    day = (times.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64) + 1
    code = (month.astype(np.int64) % 12 + 1) * 100 + day
    first, after = (100 * m + d for m, d in spec.season)
    return (code >= first) & (code < after)


def simulated_files(output: Path) -> dict[str, dict[str, object]]:
    """Name -> how it was made, of the files in a folder that the simulator wrote."""
    try:
        known = json.loads((output / NOTE).read_text(encoding="ascii"))["files"]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"cannot write to {output}: {error}; choose another folder") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{output / NOTE} is not readable ({error!r}); remove it or choose another folder") from error
    return dict(known)


def _day(start: str) -> np.datetime64:
    try:
        day = np.datetime64(start, "D")
    except ValueError as error:
        raise UserError(f"start '{start}' is not a day; write it as 2018-01-01") from error
    if np.isnat(day) or len(start) != 10 or not np.datetime64("1900-01-01") <= day <= np.datetime64("2199-12-31"):
        raise UserError(f"start '{start}' is not a day from 1900 to 2199; write it as 2018-01-01")
    return day


def _check_seasons(request: Request) -> None:
    days = np.arange(request.start, request.start + np.timedelta64(request.days, "D"))
    for spec in request.specs:
        if not in_season(spec, days).any():
            raise UserError(
                f"run {spec.name} has rows from 1 April to 31 October only and {days[0]} to {days[-1]} has no such "
                "day; change start or days, or leave the run out"
            )


def _check_folder(request: Request) -> None:
    output = request.output
    if output.exists() and not output.is_dir():
        raise UserError(f"{output} is a file; give a folder to write to")
    ours = simulated_files(output)
    for spec in request.specs:
        for path in (output / f"{spec.name}.{ending}" for ending in FORMATS):
            if path.exists() and path.name not in ours:
                raise UserError(f"{path} exists and is not simulated, so it is left alone; write to another folder")
