"""Readings that come point by point, each at its own times: brought together on one line of time.

A file may name its point in each row, have a column of times beside each point, or hold one point alone; a wide file
may have been joined from such. Evenly sampled points are put on the multiples of their steps first, so that seconds of
delay between them do not make a row each.
Letters: T readings of a point, G times of all of them.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from data_provider.trends.cells import Cells
from data_provider.trends.grid import even_step, snapped
from data_provider.trends.header import Header
from data_provider.trends.order import Clock, clock_of, merged
from data_provider.trends.problems import Unusable
from data_provider.trends.quality import mark_bad
from data_provider.trends.stamps import settled
from data_provider.trends.text import Convert, Rows
from data_provider.trends.units import Unit

_FEW = 10  # readings
_LATE, _LATEST = 0.5, 150  # of a step, and seconds: points are read one after the other


class Series(NamedTuple):
    """Points that share their times.

    Attributes:
        times: T words.
        values: place of a point among the file's names -> T words.
        quality: T words about the readings, None if the file has none.
        line: a row -> the line that it stands on.
    """

    times: pa.Array
    values: dict[int, pa.Array]
    quality: pa.Array | None
    line: Callable[[int], str]


class Piece(NamedTuple):
    """Points that share their times, as numbers."""

    clock: Clock
    cells: dict[int, Cells]


@dataclass(kw_only=True)
class PointsFile:
    """A text file whose points have times of their own; to be read as a table with a column a point.

    Attributes:
        file: its name, for messages.
        header: its points as columns; the first column stands for the times.
        series: the readings.
        notes: (kind, what, what to do) for the reader to know.
    """

    file: str
    header: Header
    series: list[Series]
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    def read(self, places: Sequence[int], texts: Collection[int], convert: Convert, number: pa.DataType) -> Rows:
        """The points at some places; see `TextFile.read`.

        Raises:
            Unusable: their times cannot be read, or do not fit together.
        """
        pieces, notes = [], []
        options = settled([series.times for series in self.series], self.header.options)
        for series in self.series:
            wanted = {place: words for place, words in series.values.items() if place in places}
            if not wanted or not len(series.times):
                continue
            clock = clock_of(self.file, series.times, options, series.line)
            cells = {place: convert(place, words) for place, words in wanted.items()}
            if series.quality is not None:
                notes += mark_bad(cells, dict.fromkeys(wanted, series.quality), self.header.names)
            if clock.flipped:
                cells = {place: entry.turned() for place, entry in cells.items()}
            pieces.append(Piece(clock, cells))
        if not pieces:
            raise Unusable("there are column names but no readings", "export it again")
        united = unite(self.file, pieces, places)
        return Rows(united.clock, united.cells, {}, notes)

    def place(self, row: int) -> str:
        """The place of a reading, as messages name it: rows of several points have no line in common."""
        return f"reading {row + 1}"


def unite(file: str, pieces: Sequence[Piece], places: Sequence[int]) -> Piece:
    """Pieces on one line of time.

    Args:
        file: its name, for messages.
        pieces: several may hold the same place, at other times.
        places: of the columns wanted, each in some piece.

    Returns:
        Clock and cells at the G times of all pieces; where a piece has no reading, a cell is empty.

    Raises:
        Unusable: some times are in UTC and others are not, or pieces contradict each other.
    """
    pieces = [_once(file, piece) for piece in pieces]
    if len({piece.clock.utc for piece in pieces}) > 1:
        what = "some points have times with a zone, and others have none"
        raise Unusable(what, "name the zone of the clock: --time_zone", kind="zone")
    pieces = _on_one_clock(pieces)
    times = np.unique(np.concatenate([piece.clock.times for piece in pieces]))  # (G,)
    shift = np.zeros(len(times), np.int64)
    cells = {place: Cells(np.full(len(times), np.nan), np.zeros(len(times), bool)) for place in places}
    conflicts = 0
    for piece in pieces:
        rows = np.searchsorted(times, piece.clock.times)
        shift[rows] = piece.clock.shift
        for place, entry in piece.cells.items():
            before = cells[place].values[rows]
            conflicts += int((~np.isnan(before) & ~np.isnan(entry.values) & (before != entry.values)).sum())
            cells[place].values[rows] = np.where(np.isnan(entry.values), before, entry.values)
            cells[place].marked[rows] |= entry.marked
            cells[place].unit = _one_unit(cells[place].unit, entry.unit)
            cells[place].unread |= entry.unread
            cells[place].foreign = entry.foreign if cells[place].foreign is None else cells[place].foreign
            cells[place].endless += entry.endless
    if conflicts:
        what = f"{conflicts} readings contradict others of the same point and time"
        raise Unusable(what, "give each unit a file or folder of its own (--unit_from)", kind="order")
    problems = list(dict.fromkeys(problem for piece in pieces for problem in piece.clock.problems))
    clock = dataclasses.replace(
        pieces[0].clock, times=times, shift=shift, flipped=False, step=even_step(times), problems=problems
    )
    return Piece(clock, cells)


def _one_unit(first: Unit | None, later: Unit | None) -> Unit | None:
    """The unit of a point that pieces share; raises Unusable if they have two."""
    if first and later and first is not later:
        what = f"a point is in {first.name} first and in {later.name} later"
        raise Unusable(what, "export it in one unit", kind="unit")
    return first or later


def _on_one_clock(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces whose clocks were changed at the same times.

    Without a zone, a missing hour on a Sunday in spring is read as a clock change. In one of many points it is a gap:
    the point with the most readings tells. An hour that is there twice in one piece was there twice for all.
    """
    twice = [piece for piece in pieces if (np.diff(piece.clock.times + piece.clock.shift).astype(np.int64) < 0).any()]
    most = max(twice or pieces, key=lambda piece: len(piece.clock.times)).clock
    wall = np.maximum.accumulate((most.times + most.shift).astype(np.int64)).astype("datetime64[s]")
    changes = {*np.unique(most.shift).tolist()}
    result = []
    for piece in pieces:
        own = piece.clock
        if not own.utc and {*np.unique(own.shift).tolist()} != changes:
            shown = own.times + own.shift
            shift = most.shift[np.maximum(np.searchsorted(wall, shown, side="right") - 1, 0)]
            own = dataclasses.replace(own, times=shown - shift, shift=shift, problems=[])
        result.append(Piece(own, piece.cells))
    return result


def _once(file: str, piece: Piece) -> Piece:
    """A piece with every time once, on the multiples of its step where it has one."""
    clock, places = piece.clock, [*piece.cells]
    clock, columns, problems = merged(file, clock, [piece.cells[place] for place in places], lambda row: "")
    even = clock.step is not None and len(clock.times) >= _FEW  # two changes of a set point are no steps
    step = clock.step or 1
    times = snapped(clock.times, step, within=min(_LATE, _LATEST / step)) if even else clock.times
    last = np.append(np.diff(times).astype(np.int64) > 0, True)  # of readings that fall on one step, the last
    clock = dataclasses.replace(
        clock, times=times[last], shift=clock.shift[last], problems=[*clock.problems, *problems]
    )
    return Piece(clock, {place: cells.at(last) for place, cells in zip(places, columns, strict=True)})
