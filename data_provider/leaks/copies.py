"""Readings that stand under two labels: files that are copies, and moments that two runs of a unit share.

Letters: N rows, C signals, W rows of a span that is compared, H spans.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, NOTE, STOP, Finding
from data_provider.leaks.spans import FACTOR, changes, rolled, within_one
from data_provider.trends.problems import listed

CONTENT, MOMENT = "identical_content", "two_labels"
COMPARED = 12  # rows in a row that must agree in every signal; fewer may agree by chance
MOSTLY = 0.9  # of the shorter run
MUCH = 0.1
DAY = 86400
MOST_PAIRS = 8


@dataclass(frozen=True)
class _Pair:
    """Two runs that share rows."""

    one: int
    other: int
    rows: int
    at_one_time: bool


def identical_content(evidence: Evidence) -> list[Finding]:
    """Runs of different classes that hold the same readings.

    Where runs agree in all the time that both cover, and each has more, they are one unit's: `two_labels`.
    """
    found = []
    for pair in _pairs(evidence):
        shorter = int(min(evidence.rows_of_run[pair.one], evidence.rows_of_run[pair.other]))
        names = (evidence.names[pair.one], evidence.names[pair.other])
        labels = (evidence.labels[pair.one], evidence.labels[pair.other])
        moment = pair.at_one_time and _whole_overlap(evidence, pair) and pair.rows < MOSTLY * shorter
        same = f"{pair.rows:,} of {shorter:,} rows of {names[0]} and {names[1]} are the same"
        words = (
            f"{same}, at the same times, under the labels {labels[0]} and {labels[1]}"
            if moment
            else f"{same}, reading for reading, under the labels {labels[0]} and {labels[1]}"
        )
        remedy = "give those rows one label" if moment else "take one of them away, or give both one label"
        found.append(
            Finding(
                check=MOMENT if moment else CONTENT,
                level=_level(evidence, pair.rows, shorter),
                words=words,
                remedy=remedy,
                files=names,
                rows=pair.rows,
            )
        )
    return found


def _whole_overlap(evidence: Evidence, pair: _Pair) -> bool:
    """True if the runs agree wherever they cover the same time, as two exports of one unit do."""
    one, other = (evidence.seconds[evidence.run_of_row == run] for run in (pair.one, pair.other))
    return pair.rows >= MOSTLY * len(np.intersect1d(one, other))


def _level(evidence: Evidence, rows: int, shorter: int) -> str:
    """A share of a run, or a day of it, is a copy; a window of it may be a fault that does not show."""
    if rows >= min(MUCH * shorter, DAY / evidence.period):
        return STOP
    return MARK if rows >= evidence.asked.seq_len else NOTE


def _pairs(evidence: Evidence) -> list[_Pair]:
    """Pairs of runs of different classes with spans in common, those with most rows first."""
    first, hashes = _spans(evidence)
    order = np.argsort(hashes, kind="stable")
    first, new = first[order], np.diff(hashes[order], prepend=np.uint64(0)) != 0
    new[:1] = True
    one = first[new][np.cumsum(new) - 1]  # the first span of the same hash
    differs = evidence.of_run[evidence.run_of_row[one]] != evidence.of_run[evidence.run_of_row[first]]
    one, other = one[differs], first[differs]
    runs = np.stack([evidence.run_of_row[one], evidence.run_of_row[other]], 1)
    names, pair = np.unique(runs, axis=0, return_inverse=True)
    same = evidence.seconds[one] == evidence.seconds[other]
    pairs = []
    for place, (left, right) in enumerate(names.tolist()):
        mine = pair.ravel() == place
        rows = len(np.unique(other[mine, None] + np.arange(COMPARED)))
        pairs.append(_Pair(left, right, rows, bool(same[mine].mean() > 0.5)))
    return sorted(pairs, key=lambda found: -found.rows)[:MOST_PAIRS]


def _spans(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """(H,) first rows and (H,) hashes of every W rows of a segment that are not all the same."""
    rows = np.empty(len(evidence.segments.values), np.uint64)
    for _, mine in evidence.parts_of_runs():
        rows[mine] = _hashed(evidence.segments.values[mine])
    if len(rows) < COMPARED:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    whole = within_one(evidence.segment_of_row, COMPARED) & (changes(rows, COMPARED) > 0)
    return np.flatnonzero(whole), rolled(rows, COMPARED)[whole]


def _hashed(values: np.ndarray) -> np.ndarray:
    """(n,) uint64 of the bits of (n, C) readings."""
    bits = np.ascontiguousarray(values.T).view(np.uint32)  # (C, n)
    found = np.zeros(bits.shape[1], np.uint64)
    for signal in bits:
        found = (found ^ signal) * FACTOR
        found ^= found >> np.uint64(29)
    return found


def two_labels(evidence: Evidence) -> list[Finding]:
    """Runs of a named unit that cover the same time under different labels, whatever they read."""
    if not evidence.asked.units_named:
        return []
    segments, found = evidence.segments, dict[tuple[int, int], int]()
    group = np.unique([run.group for run in segments.runs], return_inverse=True)[1][segments.run]
    start, end = segments.start.astype(np.int64), segments.end.astype(np.int64)
    order = np.lexsort((start, group))
    for place, other in pairwise(order.tolist()):
        one, two = int(segments.run[place]), int(segments.run[other])
        shared = (min(end[place], end[other]) - start[other]) // evidence.period + 1
        if group[place] == group[other] and shared > 0 and evidence.labels[one] != evidence.labels[two]:
            found[one, two] = found.get((one, two), 0) + int(shared)
    return [
        Finding(
            check=MOMENT,
            level=STOP,
            words=(
                f"{evidence.names[one]} and {evidence.names[two]} are of one unit, {segments.runs[one].group}, and "
                f"share {rows:,} moments under the labels {listed([evidence.labels[one], evidence.labels[two]])}"
            ),
            remedy="correct the times, the labels or the groups",
            files=(evidence.names[one], evidence.names[two]),
            rows=rows,
        )
        for (one, two), rows in found.items()
    ]
