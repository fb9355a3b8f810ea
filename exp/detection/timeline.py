"""The events of units on a line of time, as the report draws them."""

import datetime
from collections.abc import Sequence
from typing import Any

from exp.detection.record import UNUSUAL, Finding, Unit, in_order

_MOST_UNITS = 60
_LONG_GAP = 3 * 86400.0  # seconds without data of any unit that the timeline leaves out
_TICK = 16.0  # percent of the timeline that a day's words take


def timeline(units: Sequence[Unit]) -> dict[str, Any] | None:
    """Bars as shares of the time for which there is data; long times without any are left out."""
    shown = sorted((unit for unit in units if unit.spans), key=lambda unit: not unit.findings)[:_MOST_UNITS]
    if not shown:
        return None
    pieces = _pieces([(instant(start), instant(end)) for unit in shown for start, end in unit.spans])

    def bar(start: str, end: str) -> tuple[float, float]:
        left, right = _place(pieces, instant(start)), _place(pieces, instant(end))
        return round(left, 3), round(right - left, 3)

    rows = []
    for unit in shown:
        faults = dict.fromkeys(finding.words for finding in in_order(unit.findings))
        lanes = [(words, [_bar(f, bar) for f in unit.findings if f.words == words]) for words in faults]
        rows.append({"file": unit.file, "spans": [bar(*span) for span in unit.spans], "lanes": lanes})
    rest = max(0, sum(bool(unit.spans) for unit in units) - _MOST_UNITS)
    return {"rows": rows, "ticks": _ticks(pieces), "rest": rest, "pieces": len(pieces)}


def _pieces(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    """Times with data, (start, end, from percent, to percent); between two of them lies a gap of the page."""
    joined: list[list[float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= _LONG_GAP:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    gap = min(1.2, 30 / len(joined))
    whole = max(sum(end - start for start, end in joined), 1.0)
    scale, left, pieces = (100 - gap * (len(joined) - 1)) / whole, 0.0, []
    for start, end in joined:
        width = (end - start) * scale
        pieces.append((start, end, left, left + width))
        left += width + gap
    return pieces


def _place(pieces: Sequence[tuple[float, float, float, float]], time: float) -> float:
    """Percent of the page at a time."""
    for start, end, left, right in pieces:
        if time <= end:
            return left + (right - left) * max(0.0, time - start) / max(end - start, 1.0)
    return 100.0


def _ticks(pieces: Sequence[tuple[float, float, float, float]]) -> list[tuple[float, str]]:
    """Days under the timeline, as far apart as their words are wide."""
    if len(pieces) == 1:
        start, end = pieces[0][:2]
        return [(33.0 * n, day(start + n / 3 * (end - start))) for n in range(3)]
    found: list[tuple[float, str]] = []
    for start, _, left, _ in pieces:
        if left <= 84 and (not found or left - found[-1][0] >= _TICK):
            found.append((left, day(start)))
    return found


def _bar(finding: Finding, bar: Any) -> dict[str, Any]:
    left, width = bar(finding.start, finding.end)
    words = f"{finding.words}, {moment(finding.start)} to {moment(finding.end)}, {finding.hours:.1f} h"
    return {"left": left, "width": width, "words": words, "faint": finding.kind == UNUSUAL}


def moment(time: str) -> str:
    """A time as a person writes it: 2008-05-06T06:48:00 -> 2008-05-06 06:48."""
    return time.replace("T", " ")[:16]


def instant(time: str) -> float:
    """Seconds of a time on its own clock; the distance from UTC is left out, as bars show the clock."""
    return datetime.datetime.fromisoformat(time[:19]).replace(tzinfo=datetime.UTC).timestamp()


def day(seconds: float) -> str:
    """A date as a person writes it."""
    return f"{datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC):%Y-%m-%d}"
