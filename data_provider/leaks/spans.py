"""Rows in a row as numbers, so that spans that read the same are found without comparing every two.

Letters: N rows, W rows of a span.
"""

import numpy as np

FACTOR = np.uint64(0x9E3779B97F4A7C15)


def rolled(hashes: np.ndarray, number: int) -> np.ndarray:
    """(N,) uint64 hashes of rows -> (N - W + 1,) those of every `number` W rows; N is at least W."""
    count = len(hashes) - number + 1
    total = np.zeros(count, np.uint64)
    for lag in range(number):
        total = total * FACTOR + hashes[lag : lag + count]
    return total


def changes(values: np.ndarray, number: int) -> np.ndarray:
    """(N,) values of rows -> (N - W + 1,) how often they change within every `number` W rows."""
    moved = np.cumsum(np.append(False, values[1:] != values[:-1]))
    return moved[number - 1 :] - moved[: len(values) - number + 1]


def within_one(segment: np.ndarray, number: int) -> np.ndarray:
    """(N,) segments of rows -> (N - W + 1,) bool, whether every `number` W rows lie in one."""
    return segment[: len(segment) - number + 1] == segment[number - 1 :]
