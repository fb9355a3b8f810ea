"""A signal that never changes within a run, and tells runs of different classes apart by its number."""

import numpy as np

from data_provider.leaks.columns import ColumnFacts, told_apart, told_names
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import NOTE, REMEDY_COLUMN, STOP, Finding
from data_provider.leaks.ties import tied_to_all


def constant_column(evidence: Evidence, facts: ColumnFacts) -> list[Finding]:
    """Signals that are one number in every run, and another in some classes than in the rest."""
    low, high = facts.low, facts.high
    constant = (np.isnan(low) | (low == high)).all(0)  # (C,)
    alone = told_apart(low, high, evidence.of_run, len(evidence.classes)) & constant
    found = []
    for place in np.flatnonzero(alone.any(0)):
        column = evidence.columns[place]
        told = told_names(alone[:, place], evidence.classes)
        physical = tied_to_all(column, told, evidence.classes, evidence.normal)
        mine = np.isin(evidence.labels, told)
        values = sorted({float(value) for value in low[mine, place] if not np.isnan(value)})
        rest = sorted({float(value) for value in low[~mine, place] if not np.isnan(value)})
        found.append(
            Finding(
                check="constant_column",
                level=NOTE if physical else STOP,
                words=f"{column} never changes in any run and tells {', '.join(told)} from all others: "
                f"{_numbers(values)} against {_numbers(rest)}",
                remedy=REMEDY_COLUMN,
                files=evidence.runs_of(told),
                column=column,
                rows=int(evidence.rows_of_run[mine].sum()),
            )
        )
    return found


def _numbers(values: list[float], most: int = 3) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")
