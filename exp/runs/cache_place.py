"""Where data of a given run folder may be prepared.

A run folder or a model may come from a stranger, whose options name a folder for prepared data. No file makes this
program create a folder or write into one: a cache that the options name is used only where it is a cache already, which
it is for whoever trained the run there. Any other folder has to be named on the command line.
"""

import logging
from pathlib import Path

from data_provider.cache import MANIFEST
from utils.options import Options

logger = logging.getLogger(__name__)


def with_known_cache(own: Options, explicit: frozenset[str]) -> Options:
    """The options of a run, with its cache where that may be written to.

    Args:
        own: of the run, with what the command line names.
        explicit: names of the flags that the command line names.
    """
    if "cache_path" in explicit or own.cache_path is None or is_cache(Path(own.cache_path).expanduser()):
        return own
    logger.info("the run's cache is no folder of prepared data here, and is left alone; --cache_path names one")
    return own.replace(cache_path=None)


def is_cache(place: Path) -> bool:
    """Whether a folder holds prepared data, with its manifest."""
    try:
        return place.is_dir() and any(place.glob(f"*-*/{MANIFEST}"))
    except (OSError, ValueError):
        return False
