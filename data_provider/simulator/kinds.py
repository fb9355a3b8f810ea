"""The kinds of units that `simulate` knows, each with its runs; what simulates one is loaded when it is needed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from data_provider.simulator.dual_duct.faults import PUBLISHED, DualSpec
from data_provider.simulator.dual_duct.faults import RUNS as DUAL_RUNS
from data_provider.simulator.faults import NINE, RUNS, FaultSpec

Spec = FaultSpec | DualSpec


class Block(Protocol):
    """What all runs of a kind share for some days: (n,) datetime64[m] times, and whether they are wanted."""

    @property
    def times(self) -> np.ndarray:
        """(n,) datetime64[m]."""

    @property
    def wanted(self) -> bool:
        """False for the days before the first."""


class Unit(Protocol):
    """A unit under one fault."""

    @property
    def spec(self) -> Spec:
        """The run."""

    def log(self, block: Any) -> dict[str, np.ndarray]:
        """Go on through a block; returns column -> (n,) float32 as a building-automation system stores it."""


class Simulation(Protocol):
    """The module that simulates a kind of unit."""

    POINT_NAMES: tuple[str, ...]
    VERSION: str

    def blocks(self, *, start: np.datetime64, days: int, seed: int, file: Path | None) -> Iterator[Block]:
        """The spin-up, then the days."""

    def Unit(self, *, spec: Any, seed: int) -> Unit:
        """A unit at rest."""


@dataclass(frozen=True)
class Kind:
    """A kind of unit.

    Attributes:
        words: what it is.
        runs: its runs, by name.
        published: the runs that are the classes of its data set.
        days: days of a run that its data set is made of where no published files are.
        module: what simulates it.
    """

    words: str
    runs: Mapping[str, Spec]
    published: tuple[str, ...]
    days: int
    module: str

    def simulation(self) -> Simulation:
        """The module, loaded with its compiler."""
        return cast(Simulation, import_module(self.module))


SINGLE, DUAL = "single_duct", "dual_duct"
KINDS: dict[str, Kind] = {
    SINGLE: Kind("single-duct air-handling unit", RUNS, NINE, 365, "data_provider.simulator.runs"),
    # three fifths of these working days train in the 1492 micro-batches of 4 of the guide (docs/DATA.md)
    DUAL: Kind("dual-duct air-handling unit", DUAL_RUNS, PUBLISHED, 492, "data_provider.simulator.dual_duct.runs"),
}
