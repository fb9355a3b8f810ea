"""What stands above the readings of a text file: its names, its times, its units; and what separates its columns."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from data_provider.trends.point_names import without_unit
from data_provider.trends.problems import Unusable, shown
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.stamps import bad_time, is_time
from data_provider.trends.time_columns import are_apart, is_date_and_clock, time_places
from data_provider.trends.units import Unit, find_unit

PREAMBLE = 400  # lines of title, or of a key to the points, that an export may have above its header
HEAD = PREAMBLE + 10  # lines that are looked at
_BELOW = 5  # lines of units and remarks below the names
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class Record(NamedTuple):
    """A line of a table; a quoted cell may hold several lines of text.

    Attributes:
        line: index of its first line of text.
        after: index of the line behind it.
        text: of it.
    """

    line: int
    after: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Header:
    """What stands above the readings.

    Attributes:
        line: index of the line with the names.
        names: of the columns.
        time: places of the times: one column, a date and a clock, one for each of several points, or none.
        above: how many lines are not readings: titles, names, perhaps units.
        width: cells of a line; empty ones may follow the named ones.
        units: place of a column -> the unit in a line of its own.
        options: how the file is written, with the separator that it has.
        notes: what was left out -> one of those lines.
    """

    line: int
    names: tuple[str, ...]
    time: tuple[int, ...]
    above: int
    width: int
    units: dict[int, Unit] = field(default_factory=dict)
    options: ReadOptions
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def separator(self) -> str:
        """Between columns."""
        assert self.options.separator is not None
        return self.options.separator

    @property
    def left_out(self) -> list[tuple[str, str, str]]:
        """(kind, what, what to do) about lines that were left out."""
        said = "nothing to be done"
        return [("cell", f"the line '{shown(line)}' {where} is left out", said) for where, line in self.notes.items()]

    @property
    def paired(self) -> bool:
        """Whether each point has times of its own beside it."""
        return len(self.time) > 1 and self.time[1] > self.time[0] + 1


def records(lines: Iterable[str]) -> list[Record]:
    """Lines of text as lines of a table: quotes that are open at an end of line go on in the next."""
    found: list[Record] = []
    held: list[str] = []
    first = 0
    for index, line in enumerate(lines):
        held.append(line)
        if sum(part.count('"') for part in held) % 2 == 0:
            found.append(Record(first, index + 1, " ".join(held)))
            held, first = [], index + 1
    return found + [Record(first + at, first + at + 1, line) for at, line in enumerate(held)]


def find_header(head: Sequence[Record], options: ReadOptions, *, needs_time: bool, growing: bool) -> Header:
    """The header among the first lines of a file.

    Args:
        head: the lines.
        options: how the file is written, as far as somebody said so.
        needs_time: whether a file without a column of times is refused.
        growing: somebody still writes to the file, so that its last line may not be whole.

    Raises:
        Unusable: there is none, or the first reading has no time.
    """
    at, separator, names, time = _names(head, options, needs_time)
    options = replace(options, separator=separator)
    rest = [record for record in head[at + 1 :] if record.text.strip(separator + " \t")]
    units: dict[int, Unit] = {}
    notes: dict[str, str] = {}
    above = head[at].after
    while time and rest and len(notes) < _BELOW and _is_remark(rest[0].text, separator, time, options):
        cells = cells_of(rest[0].text, separator)
        units = units or {place: unit for place, cell in enumerate(cells) if (unit := find_unit(cell))}
        if not any(map(find_unit, cells)):
            notes["below the names"] = rest[0].text
        above = rest.pop(0).after
    width = max(len(names), _width(names, rest, separator))
    first = cells_of(rest[0].text, separator) if rest else []
    while names and not names[-1] and len(names) - 1 > max(time, default=0) and not any(first[len(names) - 1 :]):
        names = names[:-1]
    names = _keyed(names, head[:at], separator, options)
    header = Header(
        line=head[at].line, names=tuple(names), time=time, above=above, width=width, units=units, options=options,
        notes=notes,
    )  # fmt: skip
    if rest and (rest[0].after < head[-1].after or not growing):
        _check(header, rest[0])
    return header


def _names(
    head: Sequence[Record], options: ReadOptions, needs_time: bool
) -> tuple[int, str, list[str], tuple[int, ...]]:
    """Place of the header's line, the separator, its cells, and the places of the times."""
    time_column = options.roles.time_column if options.roles else None
    separators = [options.separator] if options.separator else [*SEPARATORS]
    lonely = None
    for at, record in enumerate(head[:PREAMBLE]):
        found = []
        for separator in separators:
            names = cells_of(record.text, separator)
            time = _times(names, head[at + 1 :], separator, options, time_column, f"line {record.line + 1}")
            if time and len(names) > len(time):
                found.append((at, separator, names, time))
            elif time and time_column is None:
                lonely = lonely or record
        if found:
            return max(found, key=lambda entry: len(entry[2]))
    if time_column is not None:
        what = f"no line has the column '{shown(time_column)}' that the role map names for the times"
        raise Unusable(what, "correct 'time' in the role map", kind="time")
    for separator in separators:
        if (content := _by_content(head, separator, options)) is not None:
            return content
    if lonely is not None:
        raise Unusable("there are times but no readings", "export it again", where=f"line {lonely.line + 1}")
    first = next(at for at, record in enumerate(head) if record.text.strip())
    if not needs_time:
        separator = max(separators, key=lambda mark: len(cells_of(head[first].text, mark)))
        return first, separator, cells_of(head[first].text, separator), ()
    what = f"no column of times among: {shown(head[first].text, 80)}"
    what_to_do = "call it Datetime, or name it under 'time' in the role map"
    raise Unusable(what, what_to_do, where=f"line {head[first].line + 1}", kind="time")


def _times(
    names: Sequence[str],
    below: Sequence[Record],
    separator: str,
    options: ReadOptions,
    time_column: str | None,
    where: str,
) -> tuple[int, ...]:
    """Places of the times among the cells of a line; () if it is no header.

    Raises:
        Unusable: several columns could be it.
    """
    if time_column is None and any(is_time(name, options) for name in names[:3]):
        return ()  # a reading, or a title with a date
    places = time_places(names, time_column)
    if len(places) < 2 or are_apart(places, len(names)) or is_date_and_clock(names, places):
        return places
    cells = next((cells_of(record.text, separator) for record in below if record.text.strip()), [])
    words = {place: cells[place] for place in places if place < len(cells)}
    clocks = [
        place for place, word in words.items() if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?", word)
    ]
    worded = [place for place, word in words.items() if is_time(word, options)]
    if len(worded) == 1:
        return (*worded, *clocks) if ":" not in words[worded[0]] and len(clocks) == 1 else tuple(worded)
    what = f"columns '{shown(names[places[0]])}' and '{shown(names[places[1]])}' both look like times"
    raise Unusable(what, "name one under 'time' in the role map", where=where, kind="time")


def _by_content(
    head: Sequence[Record], separator: str, options: ReadOptions
) -> tuple[int, str, list[str], tuple[int, ...]] | None:
    """The header above the first two lines that have a time in the same column, and only there."""
    rows = [(at, cells_of(record.text, separator)) for at, record in enumerate(head[: PREAMBLE + 2])]
    rows = [(at, cells) for at, cells in rows if any(cells)]
    for (above, names), (_, first), (_, second) in zip(rows, rows[1:], rows[2:], strict=False):
        if len(names) < 2 or abs(len(first) - len(names)) > 1 or len(first) != len(second):
            continue
        places = [
            place
            for place, (a, b) in enumerate(zip(first, second, strict=True))
            if is_time(a, options) and is_time(b, options)
        ]
        if len(places) == 1 and not any(is_time(name, options) for name in names):
            return above, separator, names, (places[0],)
    return None


def _is_remark(line: str, separator: str, time: Sequence[int], options: ReadOptions) -> bool:
    """Whether a line below the names holds units or remarks: it has no number, and no time where times stand."""
    cells = cells_of(line, separator)
    if any(place < len(cells) and re.search(r"\d", cells[place]) for place in time):
        return False
    return any(cells) and not any(re.match(r"[+-]?[.,]?\d", cell) for cell in cells)


def _width(names: Sequence[str], rest: Sequence[Record], separator: str) -> int:
    """Cells of the first line of readings, where those behind the last name are empty."""
    cells = cells_of(rest[0].text, separator) if rest else []
    return len(cells) if len(cells) > len(names) and not any(cells[len(names) :]) else len(names)


def _keyed(names: list[str], above: Sequence[Record], separator: str, options: ReadOptions) -> list[str]:
    """Names of columns that a key above the header explains, as "Point_1:","AHU1.SAT"; not those in the role map."""
    mapped = {entry.column for entry in options.roles.entries.values()} if options.roles else set()
    key = {}
    for record in above:
        cells = cells_of(record.text, separator)
        if len(cells) > 1 and cells[1]:
            key[cells[0].removesuffix(":").strip()] = cells[1]
    explained = [place for place, name in enumerate(names) if name in key and name not in mapped]
    points = without_unit([key[names[place]] for place in explained])
    return [points[explained.index(place)] if place in explained else name for place, name in enumerate(names)]


def _check(header: Header, record: Record) -> None:
    """Raises Unusable if the first line of readings is not one."""
    error = misfit(record.text, record.line + 1, header)
    if error is not None:
        raise error
    cells = cells_of(record.text, header.separator)
    word = " ".join(cells[place] for place in header.time[: 1 if header.paired else None])
    counted = re.fullmatch(r"\d{5,13}(?:[.,]\d+)?", word) and not header.options.time_format
    if header.time and not counted and not is_time(word, header.options):
        raise bad_time(word, header.options, f"line {record.line + 1}")


def misfit(line: str, number: int, header: Header) -> Unusable | None:
    """The error for a line that has not as many cells as the header."""
    cells = cells_of(line, header.separator)
    if len(cells) == header.width:
        return None
    where, what_to_do = f"line {number}", "correct that line, or export it again"
    for other, words in SEPARATORS.items():
        if other != header.separator and len(cells_of(line, other)) == header.width:
            own = SEPARATORS.get(header.separator, f"'{header.separator}'")
            what = f"it is separated by {words} where line {header.line + 1} is separated by {own}"
            return Unusable(what, what_to_do, where=where, kind="style")
    what = f"it has {len(cells)} cells where line {header.line + 1} has {header.width}"
    return Unusable(what, what_to_do, where=where, kind="style")


def cells_of(line: str, separator: str) -> list[str]:
    """The cells of a line, without blanks at their ends."""
    if len(line) == 0:
        return []
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return [cell.strip() for cell in line.split(separator)]
