"""Simulated data in the default place, for whoever has not downloaded the measured set."""

import logging
import math
import os
import shutil
import tempfile
from pathlib import Path

from data_provider.simulator.kinds import KINDS, SINGLE
from data_provider.trends.files import ENDINGS
from utils.errors import UserError

logger = logging.getLogger(__name__)

MARK = "SIMULATED.json"


def ensure(root: Path, rows: int | None, unit: str = SINGLE) -> Path:
    """The folder to read: the default one if it holds data, else one with simulated data, made now if need be.

    Args:
        root: the default folder.
        rows: how many rows of each file are wanted; few rows need few days, which go to a folder of their own, so
            that the default folder only ever holds whole runs.
        unit: the kind of unit to simulate, one of `KINDS`.
    """
    if holds_data(root):
        return root
    whole = KINDS[unit].days
    days = min(whole, math.ceil(rows / 1440)) if rows else whole
    target = root if days == whole else root.parent / ".cache" / f"{root.name}-simulated-{days}-days"
    if holds_data(target):
        logger.info("%s holds no data: %d days of simulated data from %s are used", root, days, target)
        return target
    logger.info(
        "%s holds no data: %d days of a simulated %s are made now, in %s (this is NOT measured data; "
        "docs/DATA.md says where to get that)",
        root,
        days,
        KINDS[unit].words,
        target,
    )
    try:
        _make(target, days, unit)
    except OSError as error:
        raise UserError(f"cannot write simulated data to {target} ({error}); name a folder with --root_path") from None
    return target


def holds_data(folder: Path) -> bool:
    """True if a folder has a trend file in it."""
    return folder.is_dir() and any(path.name.lower().endswith(ENDINGS) for path in folder.iterdir())


def _make(target: Path, days: int, unit: str) -> None:
    """Simulates beside the target and moves the finished files, so that nobody reads half of them."""
    from data_provider.simulator import simulate

    target.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(prefix=".simulating-", dir=target.parent))
    half.chmod(0o755)  # others may read what one user simulated
    try:
        simulate(output=half, runs=KINDS[unit].published, days=days, unit=unit)
        if not target.exists():
            try:
                half.rename(target)
                return
            except OSError:
                logger.debug("%s has appeared in the meantime", target)
        for path in sorted(half.iterdir()):
            os.replace(path, target / path.name)
    finally:
        shutil.rmtree(half, ignore_errors=True)
