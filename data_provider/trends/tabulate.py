"""The way from a trend file to the table that training takes.

Training keeps every column of numbers and the readings of a faulty sensor. It refuses what detection may pass over:
a cell that nobody can explain, and times that are there twice with different readings.
Letters: T readings of a file, C columns of numbers.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pyarrow as pa

from data_provider.trends.cells import Cells
from data_provider.trends.checks import Readings, drop_codes
from data_provider.trends.columns import Signal, find_place, require, signals_of, split_unit
from data_provider.trends.files import TrendFile
from data_provider.trends.grid import changes_only
from data_provider.trends.opened import Columns, OpenTrend
from data_provider.trends.order import Clock, merged
from data_provider.trends.problems import Unusable, shown
from data_provider.trends.quality import quality_places
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.table import Table, no_unit
from data_provider.trends.units import TABLE_UNITS, UNITS, Unit, find_unit
from data_provider.trends.zeros import drop_zeros
from utils.errors import UserError


class Tabulation:
    """A trend file on its way to a table.

    Attributes:
        places: name of a column -> its place in the file, in the file's order; without the times.
    """

    def __init__(
        self,
        file: TrendFile,
        options: ReadOptions,
        *,
        rows: int | None = None,
        unit_of: Callable[[str], str] = no_unit,
        needed: Collection[str] = (),
    ) -> None:
        """Opens the file.

        Raises:
            UserError: it cannot be opened, or its columns have no names of their own.
        """
        self._name, self._unit_of, self._needed = file.name, unit_of, needed
        try:
            self._source = OpenTrend(file, options, needs_time=False, rows=rows)
            self.places = self._named()
            self._beside = {*quality_places(self._source.names, self._source.time).values()}
        except Unusable as error:
            raise self._error(error) from None
        self._repaired: Counter[str] = Counter()
        self._left_out: list[tuple[str, str]] = []
        self._units: dict[str, str] = {}

    def table(self, columns: Sequence[str] | None, texts: Sequence[str]) -> Table:
        """The columns wanted, all if None, and those of words.

        Raises:
            UserError: one is not there, or the file cannot be read as a table of numbers with rising times.
        """
        every = [*(self._source.names[place] for place in self._source.time), *self.places]
        require([*(columns or ()), *texts], every, self._name)
        numbers = [name for name in (columns if columns is not None else self.places) if name not in texts]
        if not numbers:
            raise UserError(f"{self._name}: there is no column of readings")
        try:
            return self._table(numbers, texts)
        except Unusable as error:
            raise self._error(error) from None

    def _error(self, error: Unusable) -> UserError:
        return UserError(error.problem(self._name).line)

    def _named(self) -> dict[str, int]:
        """Name -> place; by the role map, else as the file has it."""
        names = {place: name for place, name in enumerate(self._source.names) if place not in self._source.time}
        if not any(self._source.names):
            raise Unusable("line 1 holds no column names", "write them there")
        given = self._source.options.roles
        roles = given.of_unit([*names.values()], self._name) if given else None
        self._stated: dict[str, Unit | None] = {}
        self._states = {role: entry.states for role, entry in roles.entries.items()} if roles else {}
        for role, entry in roles.entries.items() if roles else ():
            place = find_place(entry.column, names)
            if place is None:
                what = f"no column '{shown(entry.column)}', which {roles.source if roles else ''} names for {role}"
                raise Unusable(what, "correct the role map", kind="column")
            self._stated[role] = entry.unit or split_unit(names[place])[1]
            names[place] = role
        twice = [name for name, count in Counter(names.values()).items() if count > 1]
        if "" in names.values() or twice:
            place = next((place for place, name in names.items() if not name), 0)
            what = (
                f"column '{shown(twice[0])}' appears twice" if twice and twice[0] else f"column {place + 1} has no name"
            )
            raise Unusable(what, "give every column a name of its own", kind="column")
        return {name: place for place, name in names.items()}

    def _table(self, numbers: Sequence[str], texts: Sequence[str]) -> Table:
        signals = {name: self._signal(name, self._target(name, None)) for name in numbers}
        of_place = {self.places[name]: signal for name, signal in signals.items()}
        read = self._source.read(
            [*of_place],
            states=lambda place: {**of_place[place].states, **self._states.get(of_place[place].column, {})},
            texts=[self.places[name] for name in texts],
            number=pa.float32(),
        )
        kept = [name for name in numbers if self._holds_numbers(name, read.cells[self.places[name]], signals[name])]
        if not kept:
            raise self._no_number(*self._left_out[0])
        clock, cells, words = self._once(read, kept, texts)
        values = np.empty((len(kept), len(cells[0].values)), np.float32).T  # (T, C), each column in one piece
        for at, name in enumerate(kept):  # each column is let go as soon as it is copied
            values[:, at] = self._readings(name, cells.pop(0), clock)
        self._repaired.update({"empty rows dropped": read.empty})
        absent = np.isnan(values).sum(0)
        return Table(
            name=self._name,
            columns=tuple(kept),
            values=values,
            times=clock.times + clock.shift[0] if clock else None,
            texts=words,
            missing={name: int(number) for name, number in zip(kept, absent, strict=True) if number},
            repaired={what: number for what, number in self._repaired.items() if number},
            problems=tuple(self._source.problems),
            units=self._units,
            left_out=tuple(self._left_out),
        )

    def _signal(self, name: str, unit: Unit | None) -> Signal:
        """What is known of a column in a unit, or in none that is stated: a share may be 0-1 or %."""
        signal = signals_of((split_unit(name)[0],), (unit.name if unit else "",), None)[0]
        known = signal if unit else dataclasses.replace(signal, unit=None, usual=None, possible=None)
        return dataclasses.replace(known, column=name)

    def _holds_numbers(self, name: str, cells: Cells, signal: Signal) -> bool:
        """False for a column of words, which is left out.

        Raises:
            Unusable: some cells are not numbers, or the column is one that must not be left out.
        """
        if name not in self._needed and self.places[name] in self._beside and np.isnan(cells.values).all():
            self._left_out.append((name, next(iter(cells.unread), "words")))
            return False
        self._source.say_absurd(name, cells)
        if not cells.unread:
            return True
        word, (row, _) = min(cells.unread.items(), key=lambda item: item[1][0])
        self._left_out.append((name, word))
        if np.isnan(cells.values).all() and name not in self._needed and signal.role is None:
            return False
        raise self._no_number(name, word, self._source.line(row))

    def _no_number(self, name: str, word: str, line: str = "") -> Unusable:
        what_to_do = (
            "correct it, leave it empty if it is missing, or take the column out (times go in a column named Datetime)"
        )
        what = f"column '{name}': '{shown(word, 40)}' is not a number"
        return Unusable(f"{line}, {what}" if line else what, what_to_do, kind="cell")

    def _once(
        self, read: Columns, kept: Sequence[str], texts: Sequence[str]
    ) -> tuple[Clock | None, list[Cells], dict[str, np.ndarray]]:
        """Every time once.

        Raises:
            Unusable: rows of one time differ.
        """
        cells = [read.cells.pop(self.places[name]) for name in kept]
        words = {name: read.texts[self.places[name]] for name in texts}
        if read.clock is None:
            return None, cells, words
        try:
            clock, cells, _ = merged(self._source.file, read.clock, cells, self._source.place, strict=True)
        except Unusable as error:
            raise self._several_points(error) from None
        fresh = np.append(True, np.diff(read.clock.times).astype(np.int64) > 0)
        for word in words.values():
            differs = np.flatnonzero(~fresh[1:] & (word[1:] != word[:-1]))
            if len(differs):
                row = int(differs[0]) + 1
                what = f"the time {str(read.clock.times[row]).replace('T', ' ')} is there twice with different words"
                raise Unusable(what, "keep one", where=self._source.place(row), kind="order")
        self._repaired["identical rows dropped"] += int((~fresh).sum())
        return clock, cells, {name: word[fresh] for name, word in words.items()}

    def _several_points(self, error: Unusable) -> Unusable:
        """The error for times that contradict each other; a column of names beside them tells why."""
        if not self._left_out:
            return error
        name, word = self._left_out[0]
        what = f"{error.what}; perhaps a row is a reading of the point in column '{name}' ('{shown(word)}')"
        return Unusable(what, "export a column a point", where=error.where, kind=error.kind)

    def _target(self, name: str, unit: Unit | None) -> Unit | None:
        """The unit that a column is wanted in: the data set's, or the usual one if the role map names the column."""
        target = find_unit(self._unit_of(name))
        if target is None and unit and name in self._stated:
            target = UNITS.get(TABLE_UNITS.get(unit.quantity, ""))
        return target or unit

    def _readings(self, name: str, cells: Cells, clock: Clock | None) -> np.ndarray:
        """(T,) a column's readings in the unit that is wanted, without codes."""
        unit = self._stated.get(name) or cells.unit or split_unit(name)[1]
        target = self._target(name, unit)
        if unit and target and unit.quantity != target.quantity:
            what = f"column '{name}' is in {unit.name}, and {target.name} is wanted"
            raise Unusable(what, "name the right column in a role map (--roles)", kind="unit")
        if unit and target:
            self._units[name] = target.name
        readings = Readings(self._signal(name, target), unit or target, cells.values, cells.marked)
        for drop, what in (
            (drop_codes, "codes for no reading taken as missing"),
            (drop_zeros, "zeros far from their neighbours taken as missing"),
        ):
            before = int(readings.marked.sum())
            self._source.problems += drop(self._source.file, readings)
            self._repaired[what] += int(readings.marked.sum()) - before
        self._repaired["infinite readings taken as missing"] += cells.endless
        return self._held(readings, clock)

    def _held(self, readings: Readings, clock: Clock | None) -> np.ndarray:
        """(T,) where a column holds changes of value, each until the next one; readings for --max_age at most."""
        values, marked = readings.in_model_unit(), readings.marked
        silent = np.isnan(values) & ~marked
        if clock is None or not silent.any() or not (clock.step is None or changes_only(values, marked)):
            return values
        last = np.maximum.accumulate(np.where(silent, 0, np.arange(len(values))))
        age = (clock.times - clock.times[last]).astype(np.int64)
        longest = np.inf if readings.signal.stays else self._source.options.max_age_seconds
        held = silent & (age <= longest) & ~np.isnan(values[last])
        self._repaired["changes of value held"] += int(held.sum())
        return np.where(held, values[last], values)
