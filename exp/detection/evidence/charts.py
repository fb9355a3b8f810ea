"""Trends as a chart of the page holds them: so few numbers that a page of many events stays small.

Letters: N readings of a file, m readings of a chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

BUCKETS = 400  # of a chart, each with its lowest and its highest reading: about one a pixel
UNIT_WORDS = {"F": "\u00b0F", "C": "\u00b0C", "0-1": "0 to 1"}
_DIGITS = 4


class Shown(NamedTuple):
    """A quantity of an event: what it is, by role; in words; the file's name of it, "" for one that is made of others;
    and (N,) values in the unit named, "" where unknown."""

    role: str
    label: str
    name: str
    quantity: str
    unit: str
    values: np.ndarray


@dataclass(frozen=True)
class Chart:
    """Lines over one axis of time, in a panel a quantity.

    Attributes:
        start: seconds of the clock since 1970 at the first of m readings.
        step: seconds between them.
        marked: (from, to) seconds, the spans to shade.
        panels: the unit, and for each line role, label and (m,) values, None where there is no reading.
    """

    start: int
    step: float
    marked: tuple[tuple[int, int], ...]
    panels: tuple[tuple[str, tuple[tuple[str, str, tuple[float | None, ...]], ...]], ...]

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        panels = [
            {
                "unit": UNIT_WORDS.get(unit, unit),
                "lines": [{"role": role, "label": label, "v": v} for role, label, v in lines],
            }
            for unit, lines in self.panels
        ]
        return {"start": self.start, "step": self.step, "marked": self.marked, "panels": panels}


def chart_of(clock: np.ndarray, shown: Sequence[Shown], rows: np.ndarray, marked: np.ndarray, hours: float) -> Chart:
    """A chart of some readings.

    Args:
        clock: (N,) datetime64[s].
        shown: what to draw.
        rows: (N,) bool, the readings to draw; at least one.
        marked: (N,) bool, the readings to shade.
        hours: of a reading.
    """
    period = max(1, round(3600 * hours))
    seconds = clock[rows].astype("datetime64[s]").astype(np.int64)
    start = int(seconds.min())
    places = (seconds - start) // period
    length = int(places.max()) + 1
    each = 1 if length <= 2 * BUCKETS else -(-length // BUCKETS)
    panels: dict[tuple[str, str], list[tuple[str, str, tuple[float | None, ...]]]] = {}
    for line in shown:
        grid = np.full(-(-length // each) * each, np.nan)
        grid[places] = line.values[rows]
        panels.setdefault((line.quantity, line.unit), []).append((line.role, line.label, _short(extremes(grid, each))))
    return Chart(
        start=start,
        step=period * each / (1 if each == 1 else 2),
        marked=_spans(seconds[marked[rows]], period),
        panels=tuple((unit, tuple(lines)) for (_, unit), lines in panels.items()),
    )


def extremes(grid: np.ndarray, each: int) -> np.ndarray:
    """The lowest and the highest of every `each` readings, in the order in which they come.

    Args:
        grid: (n * each,), NaN where there is no reading.
        each: 1 leaves the readings as they are.

    Returns:
        (2 * n,), or (n,) for 1.
    """
    if each == 1:
        return grid
    table = grid.reshape(-1, each)
    low, high = np.where(np.isnan(table), np.inf, table), np.where(np.isnan(table), -np.inf, table)
    least, most = low.min(1), high.max(1)
    rising = low.argmin(1) <= high.argmax(1)
    pairs = np.where(rising[:, None], np.stack([least, most], 1), np.stack([most, least], 1))
    return np.where(np.isfinite(pairs), pairs, np.nan).reshape(-1)


def _short(values: np.ndarray) -> tuple[float | None, ...]:
    """To four digits, which a page shows."""
    return tuple(None if not np.isfinite(v) else _plain(float(f"{v:.{_DIGITS}g}")) for v in values.tolist())


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value


def _spans(seconds: np.ndarray, period: int) -> tuple[tuple[int, int], ...]:
    """Times without a gap, (from, to)."""
    if not len(seconds):
        return ()
    breaks = np.flatnonzero(np.diff(seconds) > period)
    begins, ends = np.append(0, breaks + 1), np.append(breaks, len(seconds) - 1)
    return tuple((int(seconds[a]), int(seconds[b]) + period) for a, b in zip(begins, ends, strict=True))
