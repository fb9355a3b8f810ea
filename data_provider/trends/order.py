"""The times of a file in the order of time, each of them once.

Letters: T readings, G different times among them.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.trends.cells import Cells
from data_provider.trends.grid import even_step
from data_provider.trends.problems import Problem, Unusable
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.stamps import bad_time, stamps_of
from data_provider.trends.vendors import TIMES, VENDORS, Stamps
from data_provider.trends.zones import Elapsed, elapsed

MOST_CONFLICTS = 0.01  # of the times of an even file: more, and two units or an unnamed clock change are mixed in it
_BACKWARD = 0.9  # of the steps, for a file with the newest reading first


@dataclass(frozen=True, kw_only=True)
class Clock:
    """When the readings were taken.

    Attributes:
        times: (T,) datetime64[s] that never go back, in UTC; without any zone, on the file's clock as if it were
            never changed.
        shift: (T,) seconds to add for what the file's clock showed.
        utc: whether the times are UTC.
        flipped: the file has the newest reading first, and its rows must be turned around.
        step: seconds between readings, None where they come at uneven times.
        style: the way in which times are written, of `vendors.TIMES`; "" where the file has timestamps.
        problems: what the reader should know.
    """

    times: np.ndarray
    shift: np.ndarray
    utc: bool
    flipped: bool
    step: int | None
    style: str = ""
    problems: list[Problem] = field(default_factory=list)


def clock_of(file: str, column: pa.Array, options: ReadOptions, place: Callable[[int], str]) -> Clock:
    """The times of a file.

    Args:
        file: its name, for messages.
        column: T words in the file's style, or timestamps.
        options: how they are written, and the zone of the file's clock.
        place: names the line of a reading.

    Raises:
        Unusable: a word is not a time, or times go backward.
    """
    stamps, known = _stamps(column, options, place)
    problems = _style_problems(file, stamps, options)
    flipped = _newest_first(stamps.wall)
    if flipped:
        stamps = Stamps(stamps.wall[::-1], stamps.zone[::-1])
        known = known[::-1] if known is not None else None
    last = len(stamps.wall) - 1
    line = (lambda row: place(last - row)) if flipped else place
    step = even_step(stamps.wall)
    moved = Elapsed(known, True) if known is not None else elapsed(stamps, options.zone, step=step, place=line)
    back = np.flatnonzero(np.diff(moved.times).astype(np.int64) < 0)
    if len(back):
        row = int(back[0]) + 1
        what = f"the time {_words(stamps.wall[row])} comes after {_words(stamps.wall[row - 1])}"
        raise Unusable(what, "sort the file by time, and name the zone of its clock", where=line(row), kind="order")
    problems += [Problem(file, line(row), *note, False, "zone") for row, note in moved.notes.items()]
    if flipped:
        what = "the newest reading comes first; turned around"
        problems.append(Problem(file, "", what, "nothing needs to be done", False, "order"))
    shift = (stamps.wall - moved.times).astype(np.int64)
    return Clock(
        times=moved.times, shift=shift, utc=moved.utc, flipped=flipped, step=step, style=stamps.style, problems=problems
    )


def _stamps(column: pa.Array, options: ReadOptions, place: Callable[[int], str]) -> tuple[Stamps, np.ndarray | None]:
    """What the file's clock shows, and the times in UTC where the file itself knows them."""
    if pa.types.is_timestamp(column.type):
        wall = column if column.type.tz is None else pc.local_timestamp(column)
        shown = wall.to_numpy(zero_copy_only=False).astype("datetime64[s]")
        utc = column.cast(pa.timestamp("us", "UTC")).to_numpy(zero_copy_only=False) if column.type.tz else None
        nothing = np.full(len(shown), "", "U1")
        return Stamps(shown, nothing), utc.astype("datetime64[s]") if utc is not None else None
    stamps = stamps_of(column, options)
    if isinstance(stamps, Stamps):
        return stamps, None
    raise bad_time(column[stamps].as_py(), options, place(stamps), first=column[0].as_py())


def _style_problems(file: str, stamps: Stamps, options: ReadOptions) -> list[Problem]:
    """That times are written in another way than the named one, and only in that."""
    if not stamps.style or stamps.style in VENDORS[options.vendor].times:
        return []
    what = f"times are not written as {options.vendor} writes them, but as {TIMES[stamps.style].example}: read so"
    return [Problem(file, "", what, "leave --vendor out", False, "style")]


def _newest_first(wall: np.ndarray) -> bool:
    steps = np.diff(wall).astype(np.int64)
    return len(steps) > 0 and bool(wall[0] > wall[-1]) and bool((steps <= 0).mean() >= _BACKWARD)


def merged(
    file: str, clock: Clock, columns: Sequence[Cells], place: Callable[[int], str], *, strict: bool = False
) -> tuple[Clock, list[Cells], list[Problem]]:
    """Times that are there twice become one, where their readings agree or complete each other.

    Args:
        file: its name, for messages.
        clock: of T readings, some at the same time.
        columns: of T readings each.
        place: names the line of a reading.
        strict: whether a single contradiction is too much.

    Returns:
        Clock and columns of G readings, and what the reader should know. Readings that contradict each other become
        unknown; among changes of value the last one counts.

    Raises:
        Unusable: too many contradict each other.
    """
    fresh = np.append(True, np.diff(clock.times).astype(np.int64) > 0)
    if fresh.all():
        return clock, list(columns), []
    first = np.flatnonzero(fresh)  # (G,)
    conflicts = np.zeros(len(first), bool)
    result = []
    for cells in columns:
        values, clash = _one_of_each(cells.values, first)
        conflicts |= clash
        if clock.step is not None:
            values[clash] = np.nan
        marked = (np.add.reduceat(cells.marked.astype(np.int64), first) > 0) & np.isnan(values)
        result.append(dataclasses.replace(cells, values=values, marked=marked | (clash & np.isnan(values))))
    problems = []
    if conflicts.any():
        problems.append(_conflict(file, clock, first, conflicts, place, strict))
    agreeing = len(fresh) - len(first) - int(conflicts.sum())
    if agreeing > 0:
        what = f"{agreeing} rows repeat a time with nothing new and are dropped"
        problems.append(Problem(file, "", what, "nothing needs to be done", False, "order"))
    once = dataclasses.replace(clock, times=clock.times[first], shift=clock.shift[first])
    return once, result, problems


def _conflict(
    file: str, clock: Clock, first: np.ndarray, conflicts: np.ndarray, place: Callable[[int], str], strict: bool
) -> Problem:
    """What to say about times whose readings contradict each other.

    Raises:
        Unusable: they are too many.
    """
    number, row = int(conflicts.sum()), int(first[conflicts.argmax()])
    if strict:
        what = f"the time {_words(clock.times[row])} is there twice with different readings"
        raise Unusable(what, "keep one", where=place(row + 1), kind="order")
    what = f"{number} times are there twice with different readings, the first {_words(clock.times[row])}"
    if clock.step is not None and number > max(1, MOST_CONFLICTS * len(first)):
        advice = "export one unit a file, and name the building's --time_zone if clocks changed"
        raise Unusable(what, advice, where=place(row), kind="order")
    taken = "the last is taken" if clock.step is None else "taken as no reading"
    return Problem(file, place(row), f"{what}: {taken}", "keep one of them", False, "order")


def _one_of_each(values: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(G,) last reading of each time, NaN if it has none; and whether its readings differ."""
    there = np.where(np.isnan(values), -1, np.arange(len(values)))
    last = np.maximum.reduceat(there, first)
    kept = np.where(last >= 0, values[last], np.nan)
    with np.errstate(invalid="ignore"):
        clash = np.fmax.reduceat(values, first) != np.fmin.reduceat(values, first)
    return kept, clash & (last >= 0)


def _words(time: np.datetime64) -> str:
    return str(time).replace("T", " ")
