"""Which column of a file is which of the model's, and in what unit: by the role map, by name, by Brick or Haystack.

Letters: C signals of the model.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from data_provider.trends.likely_units import likely_units, unit_by_role
from data_provider.trends.point_names import without_unit
from data_provider.trends.problems import Problem, Unusable, listed, shown
from data_provider.trends.role_names import Role, role_of, words_of_role
from data_provider.trends.roles import Entry, Roles
from data_provider.trends.states import STATES
from data_provider.trends.units import POSSIBLE, Unit, find_unit, interval
from utils.errors import UserError

_SHOWN = 8  # names in a message


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One of the model's columns.

    Attributes:
        column: its name.
        role: what it is, None if unknown.
        quantity: "temperature", "flow", ... or "" if unknown.
        unit: the model's unit, None if unknown.
        usual: what it reads most of the time, in the model's unit; None if unknown.
        possible: what such a sensor can read at all, in the model's unit; None if unknown.
        trained: smallest and largest training reading, None if not given.
        likely: what its training readings look like where its unit is unknown; None if that is open. Only readings
            whose own unit is stated are converted to it.
    """

    column: str
    role: Role | None
    quantity: str
    unit: Unit | None
    usual: tuple[float, float] | None
    possible: tuple[float, float] | None
    trained: tuple[float, float] | None
    likely: Unit | None = None

    @property
    def reads_in(self) -> Unit | None:
        """The model's unit, as stated or as its training readings tell it; None if neither is known."""
        return self.unit or self.likely

    @property
    def words(self) -> str:
        """What it is, for people."""
        return words_of_role(self.role) if self.role else self.column

    @property
    def stays(self) -> bool:
        """Whether it is what it is until it is changed: a state, a mode or a set point."""
        return self.quantity == "state" or (self.role is not None and self.role.kind in ("setpoint", "mode", "status"))

    @property
    def states(self) -> Mapping[str, float]:
        """Words that are readings of it, and what they read."""
        return STATES if self.quantity in ("state", "fraction", "") else {}


@dataclass(frozen=True)
class Origin:
    """Where a signal comes from.

    Attributes:
        place: of the column in the file.
        name: of that column.
        unit: as the role map or the header states it, None if neither does.
        by: "map", "name" or "role".
        states: words that the role map gives a meaning.
    """

    place: int
    name: str
    unit: Unit | None
    by: str
    states: Mapping[str, float] = field(default_factory=dict)


def signals_of(
    columns: Sequence[str], units: Sequence[str], ranges: Mapping[str, tuple[float, float]] | None
) -> tuple[Signal, ...]:
    """The model's signals, C of them.

    Args:
        columns: their names.
        units: their units, "" where unknown. What is a share by its role is taken as 0-1 or % by its training range.
        ranges: column -> smallest and largest training reading.
    """
    signals, likely = [], likely_units(columns, ranges or {})
    for column, word in zip(columns, units, strict=True):
        role, trained = role_of(column), (ranges or {}).get(column)
        unit = find_unit(word) if word else unit_by_role(column, role, trained)
        quantity = unit.quantity if unit else role.quantity if role else ""
        usual = role.usual if role and unit and role.quantity == unit.quantity else None
        signals.append(
            Signal(
                column=column,
                role=role,
                quantity=quantity,
                unit=unit,
                usual=interval(usual, quantity, unit) if usual and unit else None,
                possible=interval(POSSIBLE[quantity], quantity, unit) if unit and quantity in POSSIBLE else None,
                trained=trained,
                likely=None if unit or word else likely.get(column),
            )
        )
    return tuple(signals)


def match(
    file: str, names: Sequence[str], signals: Sequence[Signal], roles: Roles | None, time: Sequence[int]
) -> tuple[list[Origin | None], list[Problem]]:
    """Finds the signals among a file's columns.

    Args:
        file: its name, for messages.
        names: its columns.
        signals: the model's, C.
        roles: the role map.
        time: places of the times, which are not signals.

    Returns:
        C origins, None for what is missing; and what the reader should know.

    Raises:
        Unusable: the role map's {unit} may be several units.
    """
    search = _Search(file, names, time)
    roles = roles.of_unit(search.names, file) if roles else None
    for signal in signals if roles else ():
        if roles and signal.column in roles.entries:
            search.by_map(signal, roles.entries[signal.column], roles.source)
    for signal in signals:
        search.by_name(signal)
    search.by_role(signals)
    for signal in signals:
        if not search.is_settled(signal):
            advice = "name its column in a role map (--roles); python run.py doctor writes a first one"
            search.miss(signal, f"no column is {signal.column}", advice)
    return [search.origins.get(signal.column) for signal in signals], search.problems


class _Search:
    """The search for a model's signals among a file's columns; a column is taken once.

    Attributes:
        origins: column of the model -> where it was found.
        problems: what the reader should know.
    """

    def __init__(self, file: str, names: Sequence[str], time: Sequence[int]) -> None:
        self.origins: dict[str, Origin] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._named = {place: name.strip() for place, name in enumerate(names) if place not in time and name.strip()}
        self._free = dict(self._named)
        self._bare = dict(zip(self._named, without_unit([*self._named.values()]), strict=True))

    @property
    def names(self) -> list[str]:
        """The columns without times."""
        return [*self._named.values()]

    def miss(self, signal: Signal, what: str, what_to_do: str) -> None:
        """Notes that the file lacks a signal."""
        self.problems.append(Problem(self._file, signal.column, what, what_to_do, False, "missing", signal.column))

    def is_settled(self, signal: Signal) -> bool:
        """Whether a signal was found, or its lack noted."""
        return signal.column in self.origins or any(
            problem.column == signal.column and problem.kind == "missing" for problem in self.problems
        )

    def by_map(self, signal: Signal, entry: Entry, source: str) -> None:
        """Takes the column that the role map names. Two signals may share it."""
        place = self._place(signal, entry.column.strip(), self._named)
        if place is not None:
            unit = entry.unit or split_unit(self._named[place])[1]
            self.origins[signal.column] = Origin(place, self._named[place], unit, "map", entry.states)
            self._free.pop(place, None)
        elif not self.is_settled(signal):
            what = f"no column '{shown(entry.column)}', which {source} names for {signal.column}"
            self.miss(signal, what, "correct the role map")

    def by_name(self, signal: Signal) -> None:
        """Takes the column of the same name."""
        place = None if self.is_settled(signal) else self._place(signal, signal.column, self._free)
        if place is None and not self.is_settled(signal):
            place = self._place(signal, signal.column, {place: self._bare[place] for place in self._free})
        if place is not None:
            name = self._free.pop(place)
            self.origins[signal.column] = Origin(place, name, split_unit(name)[1], "name")

    def by_role(self, signals: Sequence[Signal]) -> None:
        """Takes columns whose name is another name of the same point, where only one is."""
        stands_for: dict[str, list[int]] = {}
        for place, name in self._free.items():
            role = role_of(split_unit(name)[0]) or role_of(split_unit(self._bare[place])[0])
            if role is not None:
                stands_for.setdefault(role.name, []).append(place)
        wanted = Counter(signal.role.name for signal in signals if signal.role)
        read = []
        for signal in signals:
            if signal.role is None or self.is_settled(signal):
                continue
            places = stands_for.get(signal.role.name, [])
            if len(places) > 1 or (places and wanted[signal.role.name] > 1):
                what = f"{listed([self._free[place] for place in places])} may all be {signal.column}"
                self.miss(signal, what, "name the one meant in a role map (--roles)")
            elif places:
                name = self._free[places[0]]
                self.origins[signal.column] = Origin(places[0], name, split_unit(name)[1], "role")
                read.append(f"'{shown(name)}' as {signal.column}")
        if read:
            what = f"columns read by what their names mean: {listed(read, 40)}"
            advice = "name them in a role map (--roles) if that is wrong"
            self.problems.append(Problem(self._file, "", what, advice, False, "column"))

    def _place(self, signal: Signal, name: str, names: Mapping[int, str]) -> int | None:
        """The place of a column by its name; notes it if several are called so."""
        places = _places(name, names)
        if len(places) > 1:
            self.miss(
                signal, f"{len(places)} columns are called '{shown(name)}'", "give every column a name of its own"
            )
        return places[0] if len(places) == 1 else None


def split_unit(name: str) -> tuple[str, Unit | None]:
    """A header's cell without the unit at its end, and that unit: "SAT (degF)", "SAT [F]", "SAT, F", "SAT degF"."""
    for pattern in (r"\s*[(\[]([^()\[\]]*)[)\]]\s*$", r"\s*,\s*([^,]*)$", r"\s+(\u00b0\s?[FCK]|deg ?[FC]|%)$"):
        match = re.search(pattern, name)
        unit = find_unit(match[1]) if match and match[1].strip() else None
        if match and unit:
            return name[: match.start()].strip(), unit
    return name.strip(), None


def find_place(name: str, names: Mapping[int, str]) -> int | None:
    """The place of a column by its name, None if it is not there: see `_places`.

    Raises:
        Unusable: several columns are called so.
    """
    places = _places(name, names)
    if len(places) > 1:
        raise Unusable(f"{len(places)} columns are called '{shown(name)}'", "give every column a name of its own")
    return places[0] if places else None


def _places(name: str, names: Mapping[int, str]) -> list[int]:
    """Columns of a name: as written, else whatever its case, else without the unit behind it."""
    for plain in (str.strip, str.casefold, lambda word: split_unit(word)[0].casefold()):
        places = [place for place, other in names.items() if plain(other) == plain(name)]
        if places:
            return places
    return []


def require(wanted: Sequence[str], names: Collection[str], where: object) -> None:
    """Raises UserError if a column wanted is not among the names."""
    absent = [name for name in wanted if name not in names]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        some = ", ".join([*names][:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        raise UserError(f"{where}: column '{absent[0]}'{more} is missing; the file has {some}")


def agree(first: Collection[str], first_name: str, other: Collection[str], other_name: str) -> None:
    """Raises UserError if two runs have different columns."""
    for have, lack, where, there in ((first, other, other_name, first_name), (other, first, first_name, other_name)):
        absent = [name for name in have if name not in lack]
        if absent:
            raise UserError(f"{where}: column '{absent[0]}' is missing, which {there} has; runs must agree")
