"""Where the header of a text file is, which columns hold the times, and whether the file is in the style named."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from data_provider.times import NAMES
from data_provider.trends.problems import Unusable, shown
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.stamps import advice, bad_time, stamps_of
from data_provider.trends.units import Unit, find_unit
from data_provider.trends.vendors import Stamps

TIME_NAMES = NAMES | {
    "date / time", "time stamp", "time_stamp", "local time", "local_time", "datum", "zeit", "uhrzeit", "datum/zeit",
    "datum / zeit", "zeitstempel",
}  # fmt: skip
_WEAK_NAMES = frozenset({"ts", "times"})  # times only where no other column is called so
_DATES, _CLOCKS = ("date", "datum"), ("time", "zeit", "uhrzeit")
PREAMBLE = 20  # lines of title that an export may have above its header
HEAD = PREAMBLE + 10  # lines that are looked at
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, kw_only=True)
class Header:
    """What stands above the readings.

    Attributes:
        line: index of the line with the names.
        names: of the columns.
        time: places of the times: one column, a date and a clock, or none.
        above: how many lines are not readings: titles, names, perhaps units.
        units: place of a column -> the unit in a line of its own.
        options: how the file is written; of several styles, the one that fits.
    """

    line: int
    names: tuple[str, ...]
    time: tuple[int, ...]
    above: int
    units: dict[int, Unit] = field(default_factory=dict)
    options: ReadOptions


def find_header(head: Sequence[str], options: ReadOptions, *, needs_time: bool, growing: bool) -> Header:
    """The header among the first lines of a file.

    Args:
        head: the lines.
        options: how the file is written.
        needs_time: whether a file without a column of times is refused.
        growing: somebody still writes to the file, so that its last line may not be whole.

    Raises:
        Unusable: there is none, or the first reading is in another style.
    """
    try:
        line, names, time = _names(head, options, needs_time)
    except Unusable as error:
        if options.vendor != "iso" or error.kind != "style":
            raise
        return _by_semicolons(head, options, error, growing)
    separator = options.style.separator
    rest = [index for index in range(line + 1, len(head)) if head[index].strip(separator + " \t")]
    units = _units(cells_of(head[rest[0]], separator), names, time) if rest else {}
    above = rest.pop(0) + 1 if units else line + 1
    header = Header(line=line, names=tuple(names), time=time, above=above, units=units, options=options)
    if rest and (rest[0] + 1 < len(head) or not growing):
        return _checked(header, head[rest[0]], rest[0])
    return header


def _by_semicolons(head: Sequence[str], options: ReadOptions, error: Unusable, growing: bool) -> Header:
    """The header of a file in the default style but for semicolons, where nobody named a style.

    Raises:
        Unusable: the file is another; the error that there was.
    """
    try:
        return find_header(head, replace(options, vendor="iso_semicolon"), needs_time=True, growing=growing)
    except Unusable:
        raise error from None


def _names(head: Sequence[str], options: ReadOptions, needs_time: bool) -> tuple[int, list[str], tuple[int, ...]]:
    """Index of the header's line, its cells, and the places of the times."""
    separator = options.style.separator
    time_column = options.roles.time_column if options.roles else None
    for index, line in enumerate(head[:PREAMBLE]):
        names = cells_of(line, separator)
        time = time_places(names, time_column, f"line {index + 1}")
        if time and len(names) == len(time):
            raise Unusable("there are times but no readings", "export it again", where=f"line {index + 1}")
        if time:
            return index, names, time
    _other_separator(head, options, time_column)
    if time_column is not None:
        what = f"no line has the column '{shown(time_column)}' that the role map names for the times"
        raise Unusable(what, "correct 'time' in the role map", kind="time")
    if not needs_time:
        first = next(index for index, line in enumerate(head) if line.strip())
        return first, cells_of(head[first], separator), ()
    what = f"no column of times among: {shown(head[0], 80)}"
    raise Unusable(what, "call it Datetime, or name it under 'time' in the role map", where="line 1", kind="time")


def _other_separator(head: Sequence[str], options: ReadOptions, time_column: str | None) -> None:
    """Raises Unusable if a line is a header once it is separated by something else than the style's separator."""
    separator = options.style.separator
    for index, line in enumerate(head[:PREAMBLE]):
        for other in SEPARATORS:
            names = cells_of(line, other)
            time = time_places(names, time_column, f"line {index + 1}")
            if other != separator and len(names) > 1 and time:
                what = (
                    f"the columns are separated by {SEPARATORS[other]}, style '{options.vendor}' has "
                    f"{SEPARATORS[separator]}"
                )
                cells = next((cells_of(later, other) for later in head[index + 1 :] if later.strip()), [])
                word = " ".join(cells[place] for place in time) if len(cells) > max(time) else ""
                raise Unusable(what, advice(word, other), where=f"line {index + 1}", kind="style")


def time_places(names: Sequence[str], time_column: str | None, where: str) -> tuple[int, ...]:
    """Places of the times among names: one column, or one with the date and one with the clock; () if there is none.

    Raises:
        Unusable: several columns could be it.
    """
    if time_column is not None:
        return tuple(place for place, name in enumerate(names) if name.strip() == time_column.strip())[:1]
    plain = [re.sub(r"[(\[].*", "", name).strip().casefold() for name in names]
    places = [place for place, name in enumerate(plain) if name in TIME_NAMES]
    date = [place for place in places if plain[place] in _DATES]
    clock = [place for place in places if plain[place] in _CLOCKS]
    if len(places) == 2 and date and clock:
        return date[0], clock[0]
    if len(places) > 1:
        what = f"columns '{shown(names[places[0]])}' and '{shown(names[places[1]])}' both look like times"
        raise Unusable(what, "name one under 'time' in the role map", where=where, kind="time")
    if not places:
        places = [place for place, name in enumerate(plain) if name in _WEAK_NAMES][:1]
    if not places and len(names) > 1 and not plain[0] and all(plain[1:]):
        return (0,)  # as pandas writes an index without a name
    return tuple(places)


def _units(cells: Sequence[str], names: Sequence[str], time: Sequence[int]) -> dict[int, Unit]:
    """Place -> unit, if a line holds units and nothing else; it has no time."""
    if len(cells) != len(names) or not time or any(cells[place] for place in time):
        return {}
    units = {place: find_unit(cell) for place, cell in enumerate(cells) if cell}
    return {place: unit for place, unit in units.items() if unit} if all(units.values()) else {}


def _checked(header: Header, line: str, index: int) -> Header:
    """Compares the first line of readings with the style; of several styles takes the first that fits.

    Raises:
        Unusable: none fits; the message names a style that does.
    """
    error = misfit(line, index + 1, header)
    if error is not None:
        raise error
    if not header.time:
        return header
    cells = cells_of(line, header.options.style.separator)
    word = " ".join(cells[place] for place in header.time)
    for vendor in (header.options.vendor, *header.options.also):
        options = replace(header.options, vendor=vendor)
        if isinstance(stamps_of(pa.array([word]), options), Stamps):
            return replace(header, options=options)
    raise bad_time(word, header.options, f"line {index + 1}")


def misfit(line: str, number: int, header: Header) -> Unusable | None:
    """The error for a line that has not as many cells as the header."""
    separator = header.options.style.separator
    cells = cells_of(line, separator)
    if len(cells) == len(header.names):
        return None
    where, what_to_do = f"line {number}", "mend that line, or export it again"
    for other, words in SEPARATORS.items():
        if other != separator and len(cells_of(line, other)) == len(header.names):
            what = f"it is separated by {words} where line {header.line + 1} is separated by {SEPARATORS[separator]}"
            return Unusable(what, what_to_do, where=where, kind="style")
    what = f"it has {len(cells)} cells where line {header.line + 1} has {len(header.names)}"
    return Unusable(what, what_to_do, where=where, kind="style")


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of a line, without blanks at their ends."""
    if len(line) == 0:
        return []
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []
