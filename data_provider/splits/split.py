"""Parts of a data set as intervals of time, and the embargo gap that keeps neighbouring parts a window apart.

Letters: S segments, P pieces of segments, n windows, L steps of a window.
"""

from dataclasses import dataclass, fields

import numpy as np

from data_provider.segments import Segments

TRAIN, VAL, TEST = 0, 1, 2
OUT = 3  # of no part
PARTS = ("train", "val", "test")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Which time of which run belongs to which part.

    Attributes:
        edges: a run: (k,) datetime64[s], where its intervals begin; time before the first belongs to the first.
        parts: a run: (k,) int64, the part of each interval.
        line: a run: number of the line of time that it lies on; the embargo gap is kept along each line.
        words: the split in words.
    """

    edges: list[np.ndarray]
    parts: list[np.ndarray]
    line: list[int]
    words: str


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Segments cut at the edges of a plan.

    Attributes:
        run: (P,) int64.
        first: (P,) int64, row in the array of values.
        rows: (P,) int64.
        start: (P,) datetime64[s].
        part: (P,) int64.
        block: (P,) int64, pieces of one interval of one run share a number.
    """

    run: np.ndarray
    first: np.ndarray
    rows: np.ndarray
    start: np.ndarray
    part: np.ndarray
    block: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The windows of a data set.

    Attributes:
        first: (n,) int64, row of the first step.
        run: (n,) int64.
        start: (n,) datetime64[s], time of the first step.
        part: (n,) int64.
        block: (n,) int64.
    """

    first: np.ndarray
    run: np.ndarray
    start: np.ndarray
    part: np.ndarray
    block: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def where(self, mine: np.ndarray) -> "Windows":
        """The windows for which (n,) `mine` is True."""
        return Windows(**{field.name: getattr(self, field.name)[mine] for field in fields(self)})


def cut(segments: Segments, plan: Plan) -> Pieces:
    """The segments, cut where a new interval begins."""
    period = segments.recipe.period_seconds
    found: list[tuple[int, ...]] = []
    offset = np.cumsum([0] + [len(edges) for edges in plan.edges])
    for run, first, rows, start in zip(segments.run, segments.first, segments.rows, segments.start, strict=True):
        begins = np.ceil((plan.edges[run] - start).astype(np.int64) / period).astype(np.int64)  # rows
        begins = np.append(np.clip(begins, 0, rows), rows)
        begins[0] = 0
        for interval in np.flatnonzero(np.diff(begins)):
            row, end = begins[interval], begins[interval + 1]
            seconds = start.astype(np.int64) + row * period
            found.append((run, first + row, end - row, seconds, plan.parts[run][interval], offset[run] + interval))
    table = np.array(found, np.int64).reshape(-1, 6)
    run_, first_, rows_, start_, part_, block_ = table.T
    return Pieces(run=run_, first=first_, rows=rows_, start=start_.astype("datetime64[s]"), part=part_, block=block_)


def embargoed(pieces: Pieces, plan: Plan, *, period: int, seq_len: int) -> Pieces:
    """Takes from the start of every piece what lies within a window's length of an earlier piece of another part.

    Args:
        pieces: of `cut`.
        plan: says which runs share a line of time.
        period: seconds of a step.
        seq_len: L, the embargo gap's length in steps.
    """
    line = np.array(plan.line)[pieces.run]
    start = pieces.start.astype(np.int64)
    end = start + (pieces.rows - 1) * period
    lost = np.zeros(len(start), np.int64)
    last: dict[int, list[int]] = {}
    for place in np.lexsort((end, start, line)):
        ends = last.setdefault(int(line[place]), [np.iinfo(np.int64).min // 2] * 3)
        part = pieces.part[place]
        if part == OUT:
            continue
        free = max(ends[other] for other in (TRAIN, VAL, TEST) if other != part) + seq_len * period
        lost[place] = np.clip(-((start[place] - free) // period), 0, pieces.rows[place])
        if lost[place] < pieces.rows[place]:
            ends[part] = max(ends[part], int(end[place]))
    return Pieces(
        run=pieces.run, first=pieces.first + lost, rows=pieces.rows - lost,
        start=pieces.start + lost * np.timedelta64(period, "s"), part=pieces.part, block=pieces.block,
    )  # fmt: skip


def windows_of(pieces: Pieces, *, period: int, seq_len: int, step: int) -> Windows:
    """Every window that fits into a piece, `step` steps apart."""
    number = np.where(pieces.rows >= seq_len, (pieces.rows - seq_len) // step + 1, 0)
    piece = np.repeat(np.arange(len(number)), number)
    place = (np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)) * step
    return Windows(
        first=pieces.first[piece] + place,
        run=pieces.run[piece],
        start=pieces.start[piece] + place * np.timedelta64(period, "s"),
        part=pieces.part[piece],
        block=pieces.block[piece],
    )
