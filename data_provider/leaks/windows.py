"""What would let a model score without having learned anything, looked for and reported.

Letters: R runs, n windows, C signals, K classes, L steps of a window.
"""

import hashlib
from collections import defaultdict
from typing import Any

import numpy as np

from data_provider.segments import Segments
from data_provider.splits.split import TEST, TRAIN, Windows

CHUNK = 512


def find_leaks(
    segments: Segments, windows: Windows, target: np.ndarray, classes: tuple[str, ...], seq_len: int
) -> dict[str, Any]:
    """Every check of this file.

    Args:
        segments: the data.
        windows: n windows of all parts.
        target: (n,) class numbers.
        classes: K names.
        seq_len: L.

    Returns:
        Plain values: "identical runs" (lists of names), "columns that alone tell a class" (column -> classes),
        "test windows that are also in training", "test windows within a window of training" (share).
    """
    views = np.lib.stride_tricks.sliding_window_view(segments.values, seq_len, axis=0)  # (N - L + 1, C, L)
    means, digests = [], []
    for begin in range(0, len(windows), CHUNK):
        x = np.ascontiguousarray(views[windows.first[begin : begin + CHUNK]])  # (CHUNK, C, L)
        means.append(x.mean(2))
        moved = (x[:, :, 1:] != x[:, :, :-1]).any((1, 2))  # a unit at rest looks alike at all times
        digests += [
            hashlib.blake2b(window.data, digest_size=16).digest() if mine else b""
            for window, mine in zip(x, moved, strict=True)
        ]
    return {
        "identical runs": identical_runs(segments),
        "columns that alone tell a class": leaking_features(
            np.concatenate(means), target, classes, segments.recipe.columns
        ),
        "test windows that are also in training": _shared(digests, windows),
        "test windows within a window of training": near_training(windows, seq_len, segments.recipe.period_seconds),
    }


def identical_runs(segments: Segments) -> list[list[str]]:
    """Names of runs that hold the same readings, in groups."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    for number, run in enumerate(segments.runs):
        mine = np.flatnonzero(segments.run == number)
        if len(mine):
            rows = slice(segments.first[mine[0]], segments.first[mine[-1]] + segments.rows[mine[-1]])
            digest = hashlib.blake2b(np.ascontiguousarray(segments.values[rows]).data).digest()
            groups[digest].append(run.name)
    return [names for names in groups.values() if len(names) > 1]


def leaking_features(
    means: np.ndarray, target: np.ndarray, classes: tuple[str, ...], columns: tuple[str, ...]
) -> dict[str, list[str]]:
    """Columns whose window means in one class never occur in another: physics, or a slip of whoever made the data.

    Args:
        means: (n, C) means of the windows.
        target: (n,) class numbers.
        classes: K names.
        columns: C names.
    """
    low = np.stack([means[target == number].min(0) for number in range(len(classes))])  # (K, C)
    high = np.stack([means[target == number].max(0) for number in range(len(classes))])
    alone = np.ones(low.shape, bool)  # (K, C)
    for number in range(len(classes)):
        others = np.arange(len(classes)) != number
        alone[number] = ((low[number] > high[others]) | (high[number] < low[others])).all(0)
    return {
        column: [classes[number] for number in np.flatnonzero(alone[:, place])]
        for place, column in enumerate(columns)
        if alone[:, place].any()
    }


def _shared(digests: list[bytes], windows: Windows) -> int:
    """Number of test windows whose readings, to the last bit, are those of a training window."""
    known = {digests[place] for place in np.flatnonzero(windows.part == TRAIN)} - {b""}
    return sum(digests[place] in known for place in np.flatnonzero(windows.part == TEST))


def near_training(windows: Windows, seq_len: int, period: int) -> float:
    """Share of test windows that overlap a training window of their run, or whose first or last step is less than a
    window's length away from it.

    Args:
        windows: n windows.
        seq_len: L.
        period: seconds of a step.
    """
    start = windows.start.astype(np.int64)
    near = 0
    for run in np.unique(windows.run):
        mine = windows.run == run
        train = np.sort(start[mine & (windows.part == TRAIN)])
        test = start[mine & (windows.part == TEST)]
        if len(train) and len(test):
            after = np.clip(np.searchsorted(train, test), 0, len(train) - 1)
            before = np.clip(after - 1, 0, len(train) - 1)
            distance = np.minimum(np.abs(train[after] - test), np.abs(train[before] - test))
            near += int((distance < (2 * seq_len - 1) * period).sum())
    return near / max(1, int((windows.part == TEST).sum()))
