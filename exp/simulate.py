"""The verb `simulate`: write a labelled data set of an air-handling unit."""

import logging
from pathlib import Path

from data_provider.simulator import NINE, RUNS, simulate
from data_provider.simulator.fleet import simulate_fleet
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options
from utils.places import home

logger = logging.getLogger(__name__)

DEFAULT_OUTPUT = home() / "dataset" / "SAHU"  # where the default data set is read
FLEET_OUTPUT = home() / "dataset" / "fleet"
FLEET_DAYS = 30


def run(options: Options) -> int:
    """Simulates the runs that `--runs` names, or a fleet of `--fleet` units."""
    log_to_screen()
    if options.fleet is not None:
        return _fleet(options, options.fleet)
    sets = {"nine": list(NINE), "all": list(RUNS)}
    runs = sets.get(options.runs) or [name.strip() for name in options.runs.split(",") if name.strip()]
    output = Path(options.output) if options.output else DEFAULT_OUTPUT
    written = simulate(
        output=output,
        runs=runs,
        start=options.start,
        days=options.days,
        seed=options.seed,
        file_format=options.file_format,
        weather=Path(options.weather) if options.weather else None,
    )
    logger.info("%d runs of %d days written", len(written), options.days)
    print(f"simulated data: {output}")
    return 0


def _fleet(options: Options, units: int) -> int:
    for name in ("runs", "start", "weather", "file_format"):
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
