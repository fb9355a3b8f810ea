"""The split by calendar block: the same blocks in every run, so that no part knows another's weather.

Letters: S segments, R runs, k blocks.
"""

import numpy as np

from data_provider.segments import Segments
from data_provider.splits.split import TEST, TRAIN, VAL, Plan

DAY = 86400


def calendar_plan(
    segments: Segments,
    *,
    block_seconds: int,
    test_size: float,
    val_size: float,
    rng: np.random.Generator,
    from_midnight: bool = True,
) -> Plan:
    """Blocks of one calendar for all runs, dealt to the parts in turn so that each part sees every season.

    Args:
        segments: the data.
        block_seconds: length of a block.
        test_size: share of the test part.
        val_size: share of the validation part.
        rng: decides which part begins the turn.
        from_midnight: blocks are counted from the first day's midnight, else from the first reading.
    """
    origin = segments.start.min()
    if from_midnight:
        origin = origin.astype("datetime64[D]").astype("datetime64[s]")
    edges = filled_blocks(segments, origin, block_seconds)
    parts = assign(len(edges), test_size=test_size, val_size=val_size, rng=rng)
    runs, length = len(segments.runs), f"{block_seconds / 3600:.3g} hours"
    if block_seconds % DAY == 0:
        length = "a day" if block_seconds == DAY else f"{block_seconds // DAY} days"
    words = f"calendar blocks of {length}, the same in every run"
    return Plan(edges=[edges] * runs, parts=[parts] * runs, line=[0] * runs, words=words)


def filled_blocks(segments: Segments, origin: np.datetime64, block_seconds: int) -> np.ndarray:
    """(k,) datetime64[s], beginnings of the blocks that hold readings of some run."""
    first = (segments.start - origin).astype(np.int64) // block_seconds
    last = (segments.end - origin).astype(np.int64) // block_seconds
    count = np.zeros(last.max() + 2, np.int64)
    np.add.at(count, first, 1)
    np.add.at(count, last + 1, -1)
    filled = np.flatnonzero(np.cumsum(count) > 0)
    return origin + filled * np.timedelta64(block_seconds, "s")


def assign(number: int, *, test_size: float, val_size: float, rng: np.random.Generator) -> np.ndarray:
    """Parts of `number` blocks in a row: shares as asked, every part as evenly spread as can be.

    The part that is furthest behind its share comes next; the pattern is then turned by a random number of places.

    Returns:
        (number,) int64. Each part is there if number is at least 3, otherwise all is for training.
    """
    if number < 3:
        return np.full(number, TRAIN)
    shares = np.zeros(3)
    shares[[TRAIN, VAL, TEST]] = 1 - test_size - val_size, val_size, test_size
    counts = np.maximum(np.round(shares * number), 1)
    counts[np.argmax(counts)] += number - counts.sum()
    given, pattern = np.zeros(3), np.zeros(number, np.int64)
    for place in range(number):
        behind = counts / number * (place + 1) - given
        behind[given >= counts] = -np.inf
        pattern[place] = np.argmax(behind)
        given[pattern[place]] += 1
    return np.roll(pattern, rng.integers(number))


def span_of(segments: Segments, run: int) -> tuple[np.datetime64, np.datetime64]:
    """First and last reading of a run; a run without any gives the data's first moment."""
    mine = segments.run == run
    if not mine.any():
        return segments.start.min(), segments.start.min()
    return segments.start[mine].min(), segments.end[mine].max()


def share_calendar(segments: Segments) -> bool:
    """True if runs of different classes lie in the same time: every run overlaps the first by half or more."""
    spans = []
    for run in range(len(segments.runs)):
        mine = segments.run == run
        if mine.any():
            spans.append((segments.start[mine].min(), segments.end[mine].max()))
    begin, end = spans[0]
    for start, stop in spans[1:]:
        common = (min(end, stop) - max(begin, start)).astype(np.int64)
        if common * 2 < min((end - begin).astype(np.int64), (stop - start).astype(np.int64)):
            return False
    return len(spans) > 1
