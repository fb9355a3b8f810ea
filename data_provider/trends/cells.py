"""Cells of a trend as numbers: missing words, states, units behind a number, and whatever else a cell may hold.

Letters: T readings.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.trends.marks import GROUPS
from data_provider.trends.units import UNITS, Unit, find_unit

MISSING_WORDS = frozenset({
    "-", "--", "---", "----", "null", "none", "nil", "n/a", "na", "#n/a", "nan", "-nan", "+nan", "bad", "missing",
    "comm fail", "commfail", "comm failure", "com fail", "no data", "nodata", "not available", "unreliable", "offline",
    "down", "fault", "error", "err", "invalid", "unknown", "?", "???", "*", "***", "inf", "-inf", "infinity",
    "-infinity", "#value!", "#div/0!", "#ref!", "#num!", "#name?", "#null!",
})  # fmt: skip
ABSURD = 1e15  # no sensor reads that, in any unit; one such number spoils each sum that it goes into
_ENDLESS = ("inf", "-inf", "infinity", "-infinity")
_FLAGS = r"\s*\{([a-z, ]*)\}$"  # Niagara's status behind a value: 72.3 {ok}, 72.3 {stale,down}
_TRUSTED = frozenset({"ok", "overridden", "alarm", "unackedalarm"})


@dataclass
class Cells:
    """A column as numbers.

    Attributes:
        values: (T,) float32 or float64, NaN where there is none.
        marked: (T,) bool, True where a word marks the reading as missing; an empty cell does not.
        unit: the unit behind the numbers, None if there is none.
        strange: words that mean nothing here -> the row of the first and how many.
        foreign: row of the first number whose decimal mark is not the style's, None if there is none.
        endless: how many of them were infinite.
        absurd: row of the first number that no sensor reads, what it was, and how many; None if there is none.
    """

    values: np.ndarray
    marked: np.ndarray
    unit: Unit | None = None
    unread: dict[str, tuple[int, int]] = field(default_factory=dict)
    foreign: int | None = None
    endless: int = 0
    absurd: tuple[int, float, int] | None = None

    @property
    def empty(self) -> np.ndarray:
        """(T,) bool, True where a cell holds nothing at all."""
        return np.isnan(self.values) & ~self.marked

    def at(self, rows: np.ndarray) -> "Cells":
        """Some rows, (T,) bool. Rows of `unread`, `foreign` and `absurd` stay those of the file."""
        return dataclasses.replace(self, values=self.values[rows], marked=self.marked[rows])

    def turned(self) -> "Cells":
        """The last reading first. Rows of `unread`, `foreign` and `absurd` stay those of the file."""
        return dataclasses.replace(self, values=self.values[::-1], marked=self.marked[::-1])


def numbers_of(column: pa.Array, decimal: str, *, states: Mapping[str, float], number: pa.DataType) -> Cells:
    """A column's words, or numbers, as numbers; those beyond `ABSURD` are no readings.

    Args:
        column: T strings without blanks at their ends; or numbers, null where there is none and NaN where a word said
            so.
        decimal: between whole and part of a number.
        states: words that are readings here, in lower case -> what they read. No temperature is "off".
        number: type of the numbers: float32 or float64.
    """
    cells = _numbers_of(column, decimal, states, number)
    beyond = np.abs(cells.values) > ABSURD
    if beyond.any():
        first = int(beyond.argmax())
        cells.absurd = first, float(cells.values[first]), int(beyond.sum())
        cells.values, cells.marked = np.where(beyond, np.nan, cells.values), cells.marked | beyond
    if pa.types.is_string(column.type):
        cells.values = cells.values.astype(number.to_pandas_dtype(), copy=False)
    return cells


def _numbers_of(column: pa.Array, decimal: str, states: Mapping[str, float], number: pa.DataType) -> Cells:
    if not pa.types.is_string(column.type):
        values = column.to_numpy(zero_copy_only=False)
        marked = ~np.isfinite(values)
        if column.null_count:
            marked &= np.array(pc.is_valid(column))
        endless = int(np.isinf(values).sum()) if marked.any() else 0
        if endless:
            values = np.where(marked, np.nan, values)
        return Cells(values, marked, endless=endless)
    words = pc.utf8_lower(column)
    marked = np.array(pc.is_in(words, value_set=pa.array(sorted(MISSING_WORDS))), bool)
    quick = plain_numbers(pc.if_else(pa.array(marked), "", column), decimal, number)
    endless = pc.sum(pc.is_in(words, value_set=pa.array(_ENDLESS))).as_py() if marked.any() else 0
    if quick is not None:
        return Cells(quick.to_numpy(zero_copy_only=False), marked, endless=endless)
    cells = _slowly(column, marked | np.array(pc.equal(column, ""), bool), marked, decimal, states)
    cells.endless = endless
    return cells


def plain_numbers(words: pa.Array, decimal: str, number: pa.DataType) -> pa.Array | None:
    """T numbers where every word is a plain one or empty; None where one is not."""
    if decimal != ".":
        if pc.any(pc.match_substring(words, ".")).as_py():
            return None
        words = pc.replace_substring(words, decimal, ".")
    try:
        numbers = pc.if_else(pc.equal(words, ""), None, words).cast(number)
    except pa.ArrowInvalid:
        return None
    return numbers if pc.all(pc.is_finite(numbers)).as_py() is not False else None


def _slowly(
    column: pa.Array, nothing: np.ndarray, marked: np.ndarray, decimal: str, states: Mapping[str, float]
) -> Cells:
    """Reads every different word of a column once, as float64."""
    coded = column.dictionary_encode()
    words, place = coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)
    count, first = np.bincount(place, minlength=len(words)), np.full(len(words), len(place))
    np.minimum.at(first, place, np.arange(len(place)))
    skip = {*np.unique(place[nothing]).tolist()}
    read = {number: _reading(word, decimal, states) for number, word in enumerate(words) if number not in skip}
    units = Counter[str]()
    for number, reading in read.items():
        units[reading.unit] += int(count[number])
    del units[""]
    own = max(units, key=units.__getitem__, default="")
    result = Cells(np.empty(0), marked, UNITS.get(own))
    meaning, silent = np.full(len(words), np.nan), np.zeros(len(words), bool)
    for number, (value, unit, unread) in read.items():
        if unread or unit not in ("", own):
            result.unread[words[number]] = (int(first[number]), int(count[number]))
            if re.match(rf"[+-]?\d*{'[.]' if decimal == ',' else ','}\d", words[number]):
                result.foreign = min(int(first[number]), len(place) if result.foreign is None else result.foreign)
        meaning[number] = value if unit in ("", own) else np.nan
        silent[number] = np.isnan(meaning[number])
    result.values, result.marked = meaning[place], marked | silent[place]
    return result


class _Reading(NamedTuple):
    """What a word means: a number, perhaps with a unit, or nothing; strange if nobody knows."""

    value: float
    unit: str = ""
    unread: bool = False


def _reading(word: str, decimal: str, states: Mapping[str, float]) -> _Reading:
    text, trusted = _without_flags(word.replace("\u2212", "-"))
    if not trusted or text.casefold() in MISSING_WORDS:
        return _Reading(np.nan)
    state = re.sub(r"\s*\(\d+\)$", "", text.casefold())  # On (1), as systems with numbered states write it
    if state in states:
        return _Reading(states[state])
    mark, groups = re.escape(decimal), f"[{GROUPS[decimal]}]"
    whole = rf"(?:\d{{1,3}}(?:{groups}\d{{3}})+|\d+)"
    match = re.fullmatch(rf"([+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?)\s*(\D.*)?", text)
    unit = find_unit(match[2]) if match and match[2] else None
    if match is None or (match[2] and unit is None):
        return _Reading(np.nan, unread=True)
    value = float(re.sub(groups, "", match[1]).replace(decimal, "."))
    return _Reading(value, unit.name if unit else "") if np.isfinite(value) else _Reading(np.nan, unread=True)


def _without_flags(word: str) -> tuple[str, bool]:
    """A word without the status behind it, and whether the status lets the reading be trusted."""
    flags = re.search(_FLAGS, word.casefold())
    if flags is None:
        return word, True
    marked = {flag.strip() for flag in flags[1].split(",") if flag.strip()}
    return word[: flags.start()].strip(), marked <= _TRUSTED
