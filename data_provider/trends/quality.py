"""Columns beside readings that say what a reading is worth: a quality, a status, a reliability.

Letters: T readings.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from data_provider.trends.cells import Cells
from data_provider.trends.problems import listed, shown

WORDS = (
    "trend flags", "point status", "value status", "reliability", "quality", "status", "flags", "state", "qual", "flag",
)  # fmt: skip
_GOOD = frozenset({
    "ok", "good", "normal", "valid", "reliable", "no_fault_detected", "no_fault", "overridden", "alarm",
    "unackedalarm", "in_alarm", "192",
})  # fmt: skip
_BAD = frozenset({
    "bad", "fault", "faulted", "value_fault", "down", "stale", "error", "err", "invalid", "questionable", "uncertain",
    "unreliable", "not_reliable", "missing", "null", "nan", "nodata", "no_data",
    "comm_failure", "communication_failure", "comm_fail", "no_sensor", "open_loop", "shorted_loop", "over_range",
    "under_range", "unreliable_other", "no_output", "failed", "failure",
})  # fmt: skip


class Worth(NamedTuple):
    """What a column of words says about the readings beside it.

    Attributes:
        bad: (T,) bool.
        unknown: a word that is neither good nor bad, "" if there is none.
    """

    bad: np.ndarray
    unknown: str


def quality_places(names: Sequence[str], time: Iterable[int]) -> dict[int, int]:
    """Place of a column -> place of the one beside it whose name says that it tells what readings are worth.

    Such a column is called as the other with a word of `WORDS` behind it, or only by that word. One that is called so
    beside a single column of readings is about that one, wherever it stands.
    """
    plain = [" ".join(re.split(r"[\s_.:-]+", name.strip().casefold())).strip() for name in names]
    taken, found, bare = {*time}, {}, []
    for place, name in enumerate(plain):
        word = next((word for word in WORDS if name == word or name.endswith(f" {word}")), "")
        if not word or place in taken:
            continue
        own = name.removesuffix(word).strip()
        if own and own in plain and plain.index(own) not in taken:
            found[plain.index(own)] = place
        elif not own:
            bare.append(place)
    rest = [place for place in range(len(names)) if place not in {*taken, *found.values(), *bare} and plain[place]]
    for place in bare:
        if len(rest) == 1:
            found[rest[0]] = place
        elif place - 1 in rest:
            found.setdefault(place - 1, place)
    return found


def worth(words: pa.Array) -> Worth | None:
    """What T words say about readings; None if not one of them is such a word, so that they mean something else."""
    coded = words.dictionary_encode()
    known = {word: _worth(word) for word in coded.dictionary.to_pylist()}
    if all(good is None for word, good in known.items() if word):
        return None
    bad = np.array([good is False for good in known.values()], bool)
    unknown = next((word for word, good in known.items() if good is None), "")
    return Worth(bad[coded.indices.to_numpy(zero_copy_only=False)], unknown)


def _worth(word: str) -> bool | None:
    """Whether a word calls a reading good; None if it is not known."""
    text = re.sub(r"[{}()\[\]]", " ", word.casefold()).strip()
    parts = [re.sub(r"[\s-]+", "_", part.strip()) for part in re.split(r"[,;|]", text) if part.strip()]
    if any(part in _BAD for part in parts):
        return False
    return True if all(part in _GOOD for part in parts) else None


def mark_bad(
    cells: Mapping[int, Cells], words: Mapping[int, pa.Array], names: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Makes readings missing that the words beside them call bad.

    Args:
        cells: place of a column -> its T readings, which are changed.
        words: place of a column -> T words about them.
        names: of all columns.

    Returns:
        (kind, what, what to do) that the reader must know.
    """
    bad: dict[str, int] = {}
    unknown: dict[str, str] = {}
    for place, column in words.items():
        said = worth(column)
        if said is not None and said.bad.any():
            cells[place].values = np.where(said.bad, np.nan, cells[place].values)
            cells[place].marked = cells[place].marked | said.bad
            bad[names[place]] = int(said.bad.sum())
        if said is not None and said.unknown:
            unknown[names[place]] = said.unknown
    notes = []
    if bad:
        what = f"{sum(bad.values())} readings are called bad beside them and taken as none: {listed([*bad])}"
        notes.append(("quality", what, "look at these points if that is often"))
    if unknown:
        word = next(iter(unknown.values()))
        what = f"'{shown(word)}' stands beside readings that are taken as good: {listed([*unknown])}"
        notes.append(("quality", what, "leave them out if they are not"))
    return notes
