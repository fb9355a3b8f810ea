"""A signal whose range tells a class: a slip of units, or what may be the fault itself."""

import numpy as np

from data_provider.leaks.columns import ColumnFacts, told_apart
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import NOTE, REMEDY_COLUMN, STOP, Finding
from data_provider.leaks.ties import carries_flow, tied

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
ROOM = 0.5  # of the others' span


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
    low, high = facts.quantiles
    alone = told_apart(low, high, evidence.of_run, len(evidence.classes))
    found = []
    for number, place in np.argwhere(alone):
        mine = evidence.of_run == number
        others = low[~mine, place], high[~mine, place]
        column, name = evidence.columns[place], evidence.classes[number]
        units = _conversion(low[mine, place], high[mine, place], *others)
        if units == FAHRENHEIT and carries_flow(column):
            continue  # a shut damper leaves a flow a few CFM, which is no temperature
        stuck = (facts.low == facts.high)[mine, place].all() and tied(column, name)
        if units and not stuck and (len(evidence.classes) > 2 or number == 0):
            words = f"{column} reads {_range(low[mine, place], high[mine, place])} in {name} and "
            found.append(
                Finding(
                    check="column_range",
                    level=STOP,
                    words=words + f"{_range(*others)} in all other runs, as between {units}",
                    remedy=f"convert the files of {name}, or {REMEDY_COLUMN}",
                    files=evidence.runs_of([name]),
                    column=column,
                    rows=int(evidence.rows_of_run[mine].sum()),
                )
            )
    return found


def _conversion(low: np.ndarray, high: np.ndarray, others_low: np.ndarray, others_high: np.ndarray) -> str:
    """The units between which a conversion brings a class's range into that of the others; "" for none.

    The ranges must lie far apart before, or every factor fits a range that begins near zero.
    """
    least, most = float(np.nanmin(low)), float(np.nanmax(high))
    begin, end = float(np.nanmin(others_low)), float(np.nanmax(others_high))
    if least > 0 and begin > 0:
        for factor, words in FACTORS.items():
            for one, other, times in (((least, most), (begin, end), 1 / factor), ((begin, end), (least, most), factor)):
                if one[0] > other[1] * factor**0.5 and _inside(least * times, most * times, begin, end):
                    return words
    celsius, fahrenheit = (least > 10 and most < 40), (begin > 10 and end < 40)
    if (celsius and begin > 45 and _inside(least * 1.8 + 32, most * 1.8 + 32, begin, end)) or (
        fahrenheit and least > 45 and _inside((least - 32) / 1.8, (most - 32) / 1.8, begin, end)
    ):
        return FAHRENHEIT
    return ""


def _inside(least: float, most: float, begin: float, end: float) -> bool:
    room = ROOM * (end - begin)
    return begin - room <= least and most <= end + room


def _range(low: np.ndarray, high: np.ndarray) -> str:
    return f"{np.nanmin(low):.4g} to {np.nanmax(high):.4g}"
