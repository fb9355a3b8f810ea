"""Air flows that cannot be what their unit says: one number in all runs, or sixty times too large."""

import numpy as np

from data_provider.leaks.columns import ColumnFacts
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import NOTE, REMEDY_COLUMN, Finding
from data_provider.trends.role_names import role_of

FANS = {"SA_CFM": "SF_WAT", "RA_CFM": "RF_WAT"}  # a flow and the power of its fan
POWER = (0.05, 5.0)  # W a CFM, of any fan that moves air through a unit
TIMES = 60


def flows(evidence: Evidence, facts: ColumnFacts) -> list[Finding]:
    """Flows that never change, and flows that the power of their fan contradicts."""
    roles = {role.name: place for place, column in enumerate(evidence.columns) if (role := role_of(column))}
    found = []
    for place, column in enumerate(evidence.columns):
        role = role_of(column)
        low, high = np.nanmin(facts.low[:, place]), np.nanmax(facts.high[:, place])
        if role is not None and role.quantity == "flow" and low == high:
            found.append(_finding(evidence, column, f"{column} is {low:g} in every row of every run"))
    for flow, power in FANS.items():
        if flow in roles and power in roles:
            mine = _power(evidence, roles[flow], roles[power])
            if mine < POWER[0] <= mine * TIMES <= POWER[1]:
                column = evidence.columns[roles[flow]]
                words = f"{column} makes its fan use {mine:.2g} W a CFM, so it is {TIMES} times too large or no CFM"
                found.append(_finding(evidence, column, words))
    return found


def _finding(evidence: Evidence, column: str, words: str) -> Finding:
    return Finding(
        check="flows",
        level=NOTE,
        words=words,
        remedy=f"it is the same in all classes and tells none; correct it, or {REMEDY_COLUMN}",
        files=tuple(evidence.names),
        column=column,
        rows=len(evidence.segments.values),
    )


def _power(evidence: Evidence, flow: int, power: int) -> float:
    """The median power a flow, where both are positive; NaN if they never are."""
    values = evidence.segments.values[:: max(1, len(evidence.segments.values) // 100_000), [flow, power]]
    values = values[(values > 0).all(1)]
    return float(np.median(values[:, 1] / values[:, 0])) if len(values) else float("nan")
