"""The verb `simulate`: write a labelled data set of an air-handling unit."""

import logging
from pathlib import Path

from data_provider.simulator import DUAL, KINDS, SINGLE, simulate
from data_provider.simulator.fleet import simulate_fleet
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options
from utils.places import home

logger = logging.getLogger(__name__)

OUTPUTS = {SINGLE: home() / "dataset" / "SAHU", DUAL: home() / "dataset" / "DDAHU"}  # where the data sets are read
FLEET_OUTPUT = home() / "dataset" / "fleet"
FLEET_DAYS = 30


def run(options: Options) -> int:
    """Simulates the runs that `--runs` names, or a fleet of `--fleet` units."""
    log_to_screen()
    if options.fleet is not None:
        return _fleet(options, options.fleet)
    kind = KINDS[options.unit]
    sets = {"nine" if options.unit == SINGLE else "29": list(kind.published), "all": list(kind.runs)}
    named = options.runs if "runs" in options.explicit else next(iter(sets))
    runs = sets.get(named) or [name.strip() for name in named.split(",") if name.strip()]
    output = Path(options.output) if options.output else OUTPUTS[options.unit]
    written = simulate(
        output=output,
        runs=runs,
        start=options.start,
        days=options.days,
        seed=options.seed,
        file_format=options.file_format,
        weather=Path(options.weather) if options.weather else None,
        unit=options.unit,
    )
    logger.info("%d runs of %d days written", len(written), options.days)
    print(f"simulated data: {output}")
    return 0


def _fleet(options: Options, units: int) -> int:
    for name in ("unit", "runs", "start", "weather", "file_format"):
        if name in options.explicit:
            raise UserError(
                f"--{name} is of the one unit's runs, and every unit of a fleet draws its own; leave it out"
            )
    output = Path(options.output) if options.output else FLEET_OUTPUT
    days = options.days if "days" in options.explicit else FLEET_DAYS
    seed = options.seed
    written = simulate_fleet(output=output, units=units, days=days, seed=seed)
    logger.info("%d units of %d days written, in %d files", units, days, len(written))
    print(f"simulated fleet: {output}")
    return 0
