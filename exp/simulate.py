"""The verb `simulate`: write a labelled data set of an air-handling unit."""

import logging
from pathlib import Path

from data_provider.simulator import NINE, RUNS, simulate
from utils.logs import log_to_screen
from utils.options import Options
from utils.places import home

logger = logging.getLogger(__name__)

DEFAULT_OUTPUT = home() / "dataset" / "SAHU"  # where the default data set is read


def run(options: Options) -> int:
    """Simulates the runs that `--runs` names."""
    log_to_screen()
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
