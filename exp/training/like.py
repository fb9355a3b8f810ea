"""`--like`: a training on simulated data that has the points and the step of a building's own files."""

import dataclasses
import logging
from pathlib import Path

from data_provider.datasets.lbnl_simulated import CONTROL, SINGLE_DUCT_SIGNALS, unit_of
from data_provider.leaks.dropped import names_of
from data_provider.times import words_of
from utils.errors import UserError
from utils.option_sections import ReadingOptions
from utils.options import Options

logger = logging.getLogger(__name__)

DATA = ("DualGAF", "SAHU")  # names of the unit that is simulated where no data is
STEPS = (300, 600, 900)  # seconds that windows may have; that of the files, or the next longer one
HOURS = 8 * 3600  # seconds of a window, where --seq_len does not say
FEWEST = 4  # points; fewer show no fault
MOST_FILES = 200


def like_files(options: Options) -> Options:
    """The options of a training with the points that every file of `--like` has, at their step.

    The flags that say how files are written are those of `--like`, and not of the simulated data.

    Raises:
        UserError: the files cannot be read or have too few points, or other data was asked for.
    """
    if options.like is None:
        return options
    if options.data not in DATA:
        raise UserError(f"--like trains on simulated data, and --data {options.data} is other data; leave one out")
    found, step = _points(options)
    lacking = [name for name in SINGLE_DUCT_SIGNALS if name not in found]
    logger.info(
        "like %s: %d of %d simulated points are in every file, windows have a step of %s; left out: %s",
        *(options.like, len(found), len(SINGLE_DUCT_SIGNALS), words_of(step), ", ".join(lacking) or "none"),
    )
    changes = {
        **{field.name: field.default for field in dataclasses.fields(ReadingOptions)},
        "drop_columns": ",".join(dict.fromkeys([*names_of(options.drop_columns), *lacking])) or None,
    }
    if "sample_period" not in options.explicit:
        changes["sample_period"] = f"{step}s"
    if "seq_len" not in options.explicit:
        changes["seq_len"] = max(4, HOURS // step)
    return options.replace(**changes)


def _points(options: Options) -> tuple[list[str], int]:
    """The simulated points that every file has, and the longest step of a file in seconds."""
    # Other trainings do not wait for the reader of files.
    from data_provider.trends.files import trend_files
    from data_provider.trends.read_options import reading_flags
    from data_provider.trends.request import Request
    from data_provider.trends.roles import read_roles
    from data_provider.trends.trend import read_trend
    from data_provider.trends.unit_files import files_of_units

    columns = (*SINGLE_DUCT_SIGNALS, CONTROL)
    units = tuple(unit_of(name) for name in columns)
    roles = read_roles(Path(options.roles).expanduser(), columns=columns, units=units) if options.roles else None
    requests = [
        Request(
            columns=columns, units=units, period_seconds=step, own_rate=True, roles=roles, takes_percent=True,
            working_column=CONTROL, **reading_flags(options),
        )
        for step in STEPS
    ]  # fmt: skip
    source = Path(str(options.like)).expanduser()
    files = files_of_units(trend_files(source), "auto", requests[0])
    if len(files) > MOST_FILES:
        raise UserError(f"--like {source}: more than {MOST_FILES} units; name a few that have the same points")
    found, step = list(SINGLE_DUCT_SIGNALS), STEPS[0]
    for entry in files:
        for request in (request for request in requests if request.period_seconds >= step):
            trend, step = read_trend(entry, request), request.period_seconds
            if not (trend.fatal and trend.fatal.kind == "rate"):
                break
        if trend.fatal:
            raise UserError(f"--like {source}: {trend.fatal.line}")
        found = [name for name in found if name not in trend.missing]
    if len(found) < FEWEST:
        there = ", ".join(found) or "none"
        raise UserError(
            f"--like {source}: its files have {len(found)} of the simulated unit's points in common ({there}), and "
            f"{FEWEST} are needed; name them in --roles"
        )
    return found, step
