"""Truths, answers and times of windows, in few words."""

import numpy as np

from exp.evaluation.diagnosis import Cases

NAMES = ("normal", "stuck", "leak")  # class numbers 0 to 2; "?" is unknown, "-" no answer
LETTERS = {"n": 0, "s": 1, "l": 2, "?": 3, "-": 4}


def numbers(letters: str) -> np.ndarray:
    """ "nsl?-" -> [0, 1, 2, 3, 4]."""
    return np.array([LETTERS[letter] for letter in letters], np.int64)


def cases(truth: str, answer: str, block: list[int] | None = None) -> Cases:
    """Cases by letters; each a block of its own unless `block` says otherwise."""
    return Cases(numbers(truth), numbers(answer), np.arange(len(truth)) if block is None else np.array(block, np.int64))


def hours(*values: float, day: str = "2021-03-01") -> np.ndarray:
    """datetime64[s] so many hours after midnight."""
    return np.array([np.datetime64(day, "s") + np.timedelta64(round(3600 * value), "s") for value in values])
