"""A signal whose range tells a class: a slip of units, or what may be the fault itself."""

import numpy as np

from data_provider.leaks.columns import ColumnFacts, told_apart
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import NOTE, REMEDY_COLUMN, STOP, Finding
from data_provider.leaks.ties import tied

# Factors between units that no fault makes of a reading.
FACTORS = {
    60.0: "a minute and an hour",
    100.0: "a share and percent",
    1000.0: "a unit and a thousand of it",
    249.089: "inches of water and Pa",
    2118.88: "CFM and cubic metres a second",
    3412.14: "kW and BTU an hour",
    6894.76: "psi and Pa",
}
FAHRENHEIT = "degrees F and C"
ROOM = 0.1  # of the others' span


def column_range(evidence: Evidence, facts: ColumnFacts) -> list[Finding]:
    """Signals of which a class has a range of its own."""
    slips = list(_slips(evidence, facts))
    known = {finding.column for finding in slips}
    told = evidence.found.get("columns that alone tell a class", {})
    notes = [
        Finding(
            check="column_range",
            level=NOTE,
            words=f"{column} alone tells {', '.join(classes)} from all other classes by its mean in a window",
            remedy=f"ask whether that is the fault itself; if not, {REMEDY_COLUMN}",
            files=evidence.runs_of(classes),
            column=column,
        )
        for column, classes in told.items()
        if column not in known
    ]
    return slips + notes


def _slips(evidence: Evidence, facts: ColumnFacts) -> list[Finding]:
    """Classes whose readings fall into the range of all others once they are converted from another unit."""
    low, middle, high = facts.quantiles
    alone = told_apart(low, high, evidence.of_run, len(evidence.classes))
    found = []
    for number, place in np.argwhere(alone):
        mine = evidence.of_run == number
        others = low[~mine, place], middle[~mine, place], high[~mine, place]
        column, name = evidence.columns[place], evidence.classes[number]
        units = _conversion(float(np.nanmedian(middle[mine, place])), *others)
        stuck = (facts.low == facts.high)[mine, place].all() and tied(column, name)
        if units and not stuck and (len(evidence.classes) > 2 or number == 0):
            words = f"{column} reads {_range(low[mine, place], high[mine, place])} in {name} and "
            found.append(
                Finding(
                    check="column_range",
                    level=STOP,
                    words=words + f"{_range(others[0], others[2])} in all other runs, as between {units}",
                    remedy=f"convert the files of {name}, or {REMEDY_COLUMN}",
                    files=evidence.runs_of([name]),
                    column=column,
                    rows=int(evidence.rows_of_run[mine].sum()),
                )
            )
    return found


def _conversion(value: float, low: np.ndarray, middle: np.ndarray, high: np.ndarray) -> str:
    """The units between which a conversion brings a typical reading among those of the others; "" for none."""
    begin, end = np.nanmin(low), np.nanmax(high)
    begin, end = begin - ROOM * (end - begin), end + ROOM * (end - begin)
    if value == 0 or np.nanmedian(middle) == 0:
        return ""
    for factor, words in FACTORS.items():
        if begin <= value * factor <= end or begin <= value / factor <= end:
            return words
    warm = np.nanmedian(middle)
    if (10 < value < 40 and warm > 45 and begin <= value * 1.8 + 32 <= end) or (
        10 < warm < 40 and value > 45 and begin <= (value - 32) / 1.8 <= end
    ):
        return FAHRENHEIT
    return ""


def _range(low: np.ndarray, high: np.ndarray) -> str:
    return f"{np.nanmin(low):.4g} to {np.nanmax(high):.4g}"
