"""A fleet: air-handling units drawn at random, each day of theirs without and with a fault.

`docs/BASE_MODEL.md` says what is drawn, and from where to where.
"""

from pathlib import Path

__all__ = ["simulate_fleet"]


def simulate_fleet(*, output: Path, units: int, days: int = 30, seed: int = 2018, progress: bool = True) -> list[Path]:
    """Write two files a unit: its days without a fault, and the same days each with a fault.

    `units.csv` beside them says how each unit was drawn, `days.csv` which fault each day has and for how long it
    shows. The same arguments give the same bytes on the same machine, and a unit is the same in a fleet of any size.

    Args:
        output: folder to write to, made if absent.
        units: how many, 1 to 10000.
        days: of each unit, 1 to 365.
        seed: of everything drawn.
        progress: whether to show a progress bar.

    Returns:
        The files, unit by unit.

    Raises:
        UserError: a number that cannot be, or a folder that cannot be written to or holds something else.
    """
    from data_provider.simulator.fleet.write import FleetRequest, write_fleet

    return write_fleet(FleetRequest(Path(output), units, days, seed), progress=progress)
