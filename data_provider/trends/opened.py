"""A trend file that is being read, and what is wrong with it: the way to its cells for training and detection alike.

Letters: T readings.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.trends.cells import ABSURD, Cells, numbers_of
from data_provider.trends.files import TrendFile
from data_provider.trends.header import SEPARATORS
from data_provider.trends.joined import content_of
from data_provider.trends.order import Clock, clock_of
from data_provider.trends.point_names import unit_prefix
from data_provider.trends.problems import Problem, Unusable
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.text import Rows
from data_provider.trends.vendors import TIMES


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Columns of a file in the order of time.

    Attributes:
        clock: when; None if the file has no times.
        cells: place of a column in the file -> its T readings.
        texts: place of a column -> T words.
        empty: rows without anything in them, which are left out.
    """

    clock: Clock | None
    cells: dict[int, Cells]
    texts: dict[int, np.ndarray]
    empty: int


class OpenTrend:
    """A trend file whose header has been read.

    Attributes:
        file: its name, for messages.
        options: how it is written.
        names: its columns.
        time: places of the times among them.
        problems: what is wrong with it, as far as it has been read.
        layout: how it turned out to be written, once it has been read.

    Raises:
        Unusable: it cannot be read, or is in another style.
    """

    def __init__(
        self,
        file: TrendFile,
        options: ReadOptions,
        *,
        growing: bool = False,
        needs_time: bool = True,
        rows: int | None = None,
    ) -> None:
        self._content = content_of(file, options, growing=growing, needs_time=needs_time, rows=rows)
        self.layout = ""
        self._kept: np.ndarray | None = None
        self._last: int | None = None
        self.file = file.name
        self.options = self._content.header.options
        self.names, self.time = self._content.header.names, self._content.header.time
        if file.prefix:
            self.names = tuple(name if unit_prefix(name) == file.prefix else "" for name in self.names)
        self.problems: list[Problem] = []
        for kind, what, what_to_do in self._content.notes:
            self.say(what, what_to_do, kind=kind)

    def say(self, what: str, what_to_do: str, *, where: str = "", kind: str = "file", column: str = "") -> None:
        """Notes something about the file that its reader must know."""
        self.problems.append(Problem(self.file, where, what, what_to_do, False, kind, column))

    def say_absurd(self, column: str, cells: Cells) -> None:
        """Notes numbers of a column that no sensor reads."""
        if cells.absurd:
            row, value, number = cells.absurd
            what = f"{number} readings are beyond {ABSURD:g}, the first {value:g}: taken as no reading"
            self.say(what, "look at the sensor and its trend", where=f"{self.line(row)}, {column}", kind="code",
                     column=column)  # fmt: skip

    def place(self, row: int) -> str:
        """The line of a reading, counted in the order of time, as messages name it."""
        row = row if self._last is None else self._last - row
        return self._content.place(row if self._kept is None else int(self._kept[row]))

    def read(
        self,
        places: Sequence[int],
        *,
        states: Callable[[int], Mapping[str, float]],
        texts: Collection[int] = (),
        number: pa.DataType | None = None,
    ) -> Columns:
        """The times and some columns.

        Args:
            places: of the columns of numbers.
            states: words that are readings in the column at a place, see `numbers_of`.
            texts: places of the columns of words.
            number: type of the numbers, float64 if None.

        Raises:
            Unusable: the file has no readings, or its times cannot be read.
        """
        number = number or pa.float64()

        def convert(place: int, column: pa.Array) -> Cells:
            cells = numbers_of(column, self.options.decimal or ".", states=states(place), number=number)
            cells.unit = cells.unit or self._content.header.units.get(place)
            return cells

        rows, empty = self._without_empty(self._content.read(places, texts, convert, number))
        for kind, what, what_to_do in rows.notes:
            self.say(what, what_to_do, kind=kind)
        words = {place: np.array(column.to_pylist(), str) for place, column in rows.texts.items()}
        if rows.times is None:
            return Columns(clock=None, cells=rows.columns, texts=words, empty=empty)
        own = rows.times
        clock = own if isinstance(own, Clock) else clock_of(self.file, own, self.options, self.place)
        self.problems += clock.problems
        self.layout = self._layout(clock)
        if not clock.flipped:
            return Columns(clock=clock, cells=rows.columns, texts=words, empty=empty)
        self._last = len(clock.times) - 1
        turned = {place: cells.turned() for place, cells in rows.columns.items()}
        return Columns(
            clock=clock, cells=turned, texts={place: text[::-1] for place, text in words.items()}, empty=empty
        )

    def _layout(self, clock: Clock) -> str:
        """Separator, decimal mark and times in words."""
        separator = SEPARATORS.get(self.options.separator or "")
        decimal = "decimal commas" if self.options.decimal == "," else "decimal points"
        words = [f"columns separated by {separator}", decimal] if separator else []
        if clock.style:
            words.append(f"times {clock.style} (as {TIMES[clock.style].example})")
        elif self.options.time_format:
            words.append(f"times as {self.options.time_format}")
        return ", ".join(words)

    def line(self, row: int) -> str:
        """The line of a reading, counted as the file has them."""
        return self._content.place(row)

    def _without_empty(self, rows: Rows) -> tuple[Rows, int]:
        """Rows with anything in them, and how many have nothing; spreadsheets leave such behind."""
        number = next((len(cells.values) for cells in rows.columns.values()), 0)
        keep = np.ones(number, bool)
        if isinstance(rows.times, pa.Array) and pa.types.is_string(rows.times.type):
            keep = ~np.array(pc.equal(rows.times, ""), bool)
            for cells in rows.columns.values() if not keep.all() else ():
                keep |= ~cells.empty
            for text in rows.texts.values() if not keep.all() else ():
                keep |= np.array(pc.not_equal(text, ""), bool)
        empty = len(keep) - int(keep.sum())
        if keep.all():
            return rows, 0
        if not keep.any():
            raise Unusable("there are column names but no readings", "export it again")
        self._kept = np.flatnonzero(keep)
        kept = pa.array(keep)
        return (
            Rows(
                rows.times.filter(kept) if isinstance(rows.times, pa.Array) else rows.times,
                {place: cells.at(keep) for place, cells in rows.columns.items()},
                {place: text.filter(kept) for place, text in rows.texts.items()},
                rows.notes,
            ),
            empty,
        )
