"""How long rules held on each day of a file.

Letters: N readings, D days, J rules.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from data_provider.trends.trend import Trend
from models.rules import RULES, UnitPoints, evaluate, infer


class DayRules(NamedTuple):
    """How long rules held on the days of a file.

    Attributes:
        days: (D,) datetime64[D] on the file's clock.
        hours: (D, J) in which each rule held.
        shares: (D, J) of the hours in which the unit worked.
        most: (D, J) by how much each rule was exceeded in the median reading in which it held, NaN where it never did.
    """

    days: np.ndarray
    hours: np.ndarray
    shares: np.ndarray
    most: np.ndarray


def no_rules() -> DayRules:
    """Of a file for which no rule was evaluated."""
    none = np.zeros((0, 0))
    return DayRules(np.zeros(0, "datetime64[D]"), none, none, none)


def day_rules(trend: Trend, points: Mapping[str, np.ndarray], working: np.ndarray, names: Sequence[str]) -> DayRules:
    """How long rules held, by name, on the days of a file whose unit works where (N,) bool says so."""
    days, number = np.unique(trend.clock.astype("datetime64[D]"), return_inverse=True)
    values = {name: readings.astype(np.float64) for name, readings in points.items()}
    unit = UnitPoints(trend.times, working, values)
    found = evaluate(unit, [RULES[name] for name in names], infer(unit))
    hour = trend.period_seconds / 3600
    worked = np.maximum(np.bincount(number, working, minlength=len(days)) * hour, hour)
    hours = np.zeros((len(days), len(names)))
    most = np.full(hours.shape, np.nan)
    for column, rule in enumerate(found):
        hours[:, column] = np.bincount(number, rule.held, minlength=len(days)) * hour
        for day in np.flatnonzero(hours[:, column]):
            most[day, column] = np.median(rule.margin[(number == day) & rule.held])
    return DayRules(days, hours, hours / worked[:, None], most)


def aligned(days: np.ndarray, rules: DayRules, number: int) -> DayRules:
    """The same for other days; J is `number`, and nothing held on a day without rules."""
    place = {day: row for row, day in enumerate(rules.days)}
    rows = [place.get(day) for day in days]

    def of(table: np.ndarray, nothing: float) -> np.ndarray:
        empty = np.full(number, nothing)
        return np.array([empty if row is None else table[row] for row in rows]).reshape(len(days), number)

    return DayRules(days, of(rules.hours, 0.0), of(rules.shares, 0.0), of(rules.most, np.nan))
