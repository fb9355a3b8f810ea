"""What was read, repaired, dropped and why: kept while data is prepared, for the log and for metrics.json."""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from data_provider.times import step_of
from data_provider.trends.problems import listed
from data_provider.trends.table import Table

logger = logging.getLogger(__name__)


class Notes:
    """A growing report in plain values.

    Attributes:
        files: one entry a file read.
        counts: what was dropped or filled -> how often, over all files.
        dropped: column -> why it is not a signal.
        warnings: lines that a person should read.
        facts: anything else, by name.
        working_column: the column that says when the unit works, None if there is none.
        settle_seconds: readings dropped after each start, in whole readings.
    """

    def __init__(self) -> None:
        self.files: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.dropped: dict[str, str] = {}
        self.warnings: list[str] = []
        self.facts: dict[str, Any] = {}
        self.working_column: str | None = None
        self.settle_seconds = 0

    def read(self, table: Table) -> None:
        """Notes a file, with what its reader found missing or put right."""
        entry: dict[str, Any] = {"name": table.name, "rows": len(table.values)}
        if table.times is not None:
            entry |= {"from": str(table.times[0]), "to": str(table.times[-1])}
            entry["seconds of a step"] = step_of(table.times)
        if table.missing:
            entry["missing readings"] = dict(table.missing)
        if table.repaired:
            entry["repaired"] = dict(table.repaired)
        if table.left_out:
            entry["columns of words left out"] = dict(table.left_out)
            names = listed([column for column, _ in table.left_out])
            self.warn(f"{table.name}: columns that hold words and no number are left out: {names}")
        for problem in table.problems:
            self.warn(problem.line)
        self.files.append(entry)
        logger.debug("read %s: %d rows", table.name, len(table.values))

    def count(self, counts: Mapping[str, int]) -> None:
        """Adds to the counts."""
        self.counts.update(counts)

    def drop(self, column: str, reason: str) -> None:
        """Notes a column that is not a signal."""
        self.dropped[column] = reason

    def works_by(self, column: str, *, settle_seconds: int) -> None:
        """Notes the column that says when the unit works."""
        self.working_column, self.settle_seconds = column, settle_seconds
        self.drop(column, "says when the unit works: only those readings are used")

    def in_units(self, units: Mapping[str, str]) -> None:
        """Notes the units of columns that a file states."""
        if units:
            self.facts["units stated"] = {**self.facts.get("units stated", {}), **units}

    def unit_of(self, column: str) -> str:
        """The unit of a column as the files read so far state it, "" where they do not."""
        return str(self.facts.get("units stated", {}).get(column, ""))

    def warn(self, line: str) -> None:
        """Notes a line that a person should read; it is logged once preparation is done."""
        if line not in self.warnings:
            self.warnings.append(line)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as values that JSON holds."""
        return {
            "files": self.files,
            "counts": dict(self.counts),
            "columns dropped": self.dropped,
            "warnings": self.warnings,
            **self.facts,
        }
