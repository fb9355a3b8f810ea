"""What a tracker is: the record of one training, for programs that show many; offline, in files beside the runs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DONE, STOPPED, FAILED = "done", "stopped", "failed"
CARD = "model/README.md"


class Tracker(ABC):
    """One training's record.

    Args:
        results: folder of all run folders, where records that several runs share lie.

    Attributes:
        modules: what must be importable.
        requirements: what pip must be asked for; also an extra of this name in pyproject.toml.
        known: (name, step) of every value that the record holds.
    """

    modules: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()

    def __init__(self, *, results: Path) -> None:
        self.results = results
        self.known: set[tuple[str, int]] = set()

    @abstractmethod
    def begin(self, run: Path, options: Mapping[str, Any]) -> None:
        """Opens the record of a run folder, the one it has if it has one, and fills `known`."""

    @abstractmethod
    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Records values that are not known yet."""

    @abstractmethod
    def show(self, run: Path, step: int) -> None:
        """Records what a finished run folder has for people."""

    @abstractmethod
    def end(self, state: str) -> None:
        """Closes the record: `DONE`, `STOPPED` or `FAILED`."""

    def values(self, step: int, values: Mapping[str, float]) -> None:
        """Records those of the values that the record does not hold."""
        new = {name: value for name, value in values.items() if (name, step) not in self.known}
        if new:
            self.write(step, new)
            self.known |= {(name, step) for name in new}
