"""Times of readings: from an Arrow column's words, or its own times, to seconds.

Apart from `times`, which is needed where no file is read: Arrow takes a while to import.
Letters: T readings of a file.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.times import ISO


def parse_times(words: pa.ChunkedArray, formats: tuple[str, ...]) -> tuple[np.ndarray | None, int]:
    """Times from words, in the first format that every word is written in.

    Args:
        words: T strings.
        formats: `ISO` or strptime patterns, tried in this order.

    Returns:
        (T,) datetime64[s] and -1, or None and the place of the first word that fits no format.
    """
    best = 0
    for pattern in formats:
        if pattern == ISO:
            parsed, failed = _parse_iso(words)
        else:
            parsed = pc.strptime(words, format=pattern, unit="s", error_is_null=True)
            failed = _first_null(parsed)
        if failed < 0:
            return to_seconds(parsed), -1
        best = max(best, failed)
    return None, best


def _parse_iso(words: pa.ChunkedArray) -> tuple[pa.ChunkedArray | None, int]:
    try:
        return pc.cast(words, pa.timestamp("us")), -1
    except pa.ArrowInvalid:
        pass
    for place, word in enumerate(words.to_pylist()):  # only to name the culprit
        try:
            pc.cast(pa.scalar(word), pa.timestamp("us"))
        except pa.ArrowInvalid:
            return None, place
    raise AssertionError("a column that cannot be cast holds a word that cannot")


def _first_null(parsed: pa.ChunkedArray) -> int:
    if parsed.null_count == 0:
        return -1
    return int(pc.index(pc.is_null(parsed), True).as_py())


def to_seconds(stamps: pa.ChunkedArray) -> np.ndarray:
    """(T,) datetime64[s] of Arrow timestamps; those with a zone become its clock on the wall."""
    if getattr(stamps.type, "tz", None):
        stamps = pc.local_timestamp(stamps)
    return stamps.to_numpy().astype("datetime64[s]")
