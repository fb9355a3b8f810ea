"""A signal whose numbers are rounded otherwise in the files of some classes."""

import numpy as np

from data_provider.leaks.columns import NO_STEP, ColumnFacts, told_apart, told_names
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, REMEDY_COLUMN, STOP, Finding
from data_provider.leaks.ties import tied_to_all

TIMES = 4.9  # coarser at least; neighbours in the list of steps are rounded alike by chance


def digits(evidence: Evidence, facts: ColumnFacts) -> list[Finding]:
    """Signals of which some classes have coarser or finer numbers than all others."""
    size, loose = np.log(facts.step), np.log(facts.loose)
    alone = told_apart(size, loose + np.log(TIMES), evidence.of_run, len(evidence.classes))
    found = []
    for place in np.flatnonzero(alone.any(0)):
        column = evidence.columns[place]
        told = told_names(alone[:, place], evidence.classes)
        mine = np.isin(evidence.labels, told)
        physical = tied_to_all(column, told, evidence.classes, evidence.normal)
        words = f"{column} gives {', '.join(told)} away by its digits: {_steps(facts.step[mine, place])} there, "
        found.append(
            Finding(
                check="digits",
                level=MARK if physical else STOP,
                words=words + f"{_steps(facts.step[~mine, place])} in all other runs",
                remedy=f"export all files with the same digits, or {REMEDY_COLUMN}",
                files=evidence.runs_of(told),
                column=column,
                rows=int(evidence.rows_of_run[mine].sum()),
            )
        )
    return found


def _steps(found: np.ndarray) -> str:
    known = np.unique(found[~np.isnan(found)])
    return " or ".join("no rounding" if step == NO_STEP else f"multiples of {step:g}" for step in known)
