"""A signal that stands at one value on nearly all faulty days and on no fault-free one.

Letters: C signals, D days of a run, N rows.
"""

import numpy as np

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, NOTE, REMEDY_COLUMN, STOP, Finding
from data_provider.leaks.ties import commands, moves, tied

DAY = 86400
MOST_ROWS = 400_000  # that are looked at
AT = 0.01  # of the signal's range: so near counts as at the value
DAY_LONG = 0.9  # of a day's rows at the value
NEARLY_ALL = 0.7  # of the faulty days
LEAST_DAYS = 5
VALUES = 3  # commonest values of each signal that are tried


def command_of_faults(evidence: Evidence) -> list[Finding]:
    """Signals held on faulty days only; serious where it drives a fan or pump that the faults have no part in."""
    if evidence.normal not in evidence.classes:
        return []
    every = max(1, len(evidence.segments.values) // MOST_ROWS)
    run, day = evidence.run_of_row[::every], evidence.seconds[::every] // DAY
    begins = np.flatnonzero((np.diff(run, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0))
    rows = np.diff(np.append(begins, len(run)))
    label = evidence.of_run[run[begins]]  # (D,)
    faulty = label != evidence.classes.index(str(evidence.normal))
    if min(faulty.sum(), (~faulty).sum()) < LEAST_DAYS:
        return []
    values = evidence.segments.values[::every]
    names = [evidence.names[place] for place in run[begins]]
    found = []
    for place, column in enumerate(evidence.columns):
        mine = np.ascontiguousarray(values[:, place])
        span = float(mine.max()) - float(mine.min())
        moved = (np.diff(mine) != 0)[np.diff(run) == 0].any()  # else constant_column has it
        for value in _common(mine[np.repeat(faulty, rows)]) if moved else ():
            at = np.add.reduceat(np.abs(mine - value) <= AT * span, begins) / rows >= DAY_LONG
            if at[faulty].mean() >= NEARLY_ALL and not at[~faulty].any():
                labels = {evidence.classes[number] for number in label[at]}
                days = tuple(name for name, held in zip(names, at, strict=True) if held)
                found.append(_finding(column, value, at, faulty, labels, days))
                break
    return found


def _finding(
    column: str, value: float, at: np.ndarray, faulty: np.ndarray, labels: set[str], files: tuple[str, ...]
) -> Finding:
    untied = not any(tied(column, label) for label in labels)
    always = at[faulty].all()
    level = (STOP if always and moves(column) else MARK) if untied and commands(column) else NOTE
    return Finding(
        check="command_of_faults",
        level=level,
        words=f"{column} stays at {value:.4g} on {int(at.sum())} of {int(faulty.sum())} faulty days and on none of "
        f"{int((~faulty).sum())} fault-free days",
        remedy=f"ask whether the fault does that; if not, {REMEDY_COLUMN}",
        files=tuple(dict.fromkeys(files)),
        column=column,
        rows=int(at.sum()),
    )


def _common(values: np.ndarray) -> list[float]:
    """The commonest values of a signal, to a hundredth of its range."""
    low, high = float(values.min()), float(values.max())
    number = np.bincount(np.round((values - low) / max(high - low, 1e-9) * 100).astype(np.int64), minlength=101)
    return [low + place * (high - low) / 100 for place in np.argsort(number)[::-1][:VALUES]]
