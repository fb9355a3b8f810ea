"""A trend file of text in a named style: where its header is, which column holds the times, and its cells as words.

Letters: T readings.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from data_provider.times import NAMES
from data_provider.trends.files import MOST_COLUMNS, read_text
from data_provider.trends.problems import Problem, Unusable, shown
from data_provider.trends.vendors import VENDORS, Stamps, parse_stamps, styles_of_time

TIME_NAMES = NAMES | {
    "date / time", "time stamp", "time_stamp", "local time", "local_time", "datum", "zeit", "uhrzeit", "datum/zeit",
    "datum / zeit", "zeitstempel",
}  # fmt: skip
_DATES, _CLOCKS = ("date", "datum"), ("time", "zeit", "uhrzeit")
_PREAMBLE = 20  # lines of title that an export may have above its header
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Rows:
    """What a file holds.

    Attributes:
        times: T words in the vendor's style, or timestamps.
        columns: place of a column in the file -> T words, or numbers.
    """

    times: pa.Array
    columns: dict[int, pa.Array]


@dataclass(kw_only=True)
class TextFile:
    """A .csv or .csv.gz file whose header has been found.

    Attributes:
        file: its name, for messages.
        names: the header's cells.
        time: places of the times: one column, or a date and a clock.
        notes: what the reader should know.
    """

    file: str
    text: bytes
    vendor: str
    header: int
    names: tuple[str, ...]
    time: tuple[int, ...]
    growing: bool
    notes: list[Problem] = field(default_factory=list)

    def read(self, places: Sequence[int]) -> Rows:
        """The times and some columns.

        Raises:
            Unusable: the file has no readings, or a line with too few or too many cells.
        """
        body = self._body()
        if not body.strip():
            raise Unusable("there are column names but no readings", "export it again")
        wanted = sorted({*self.time, *places})
        style = VENDORS[self.vendor]
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(body),
                read_options=pa.csv.ReadOptions(
                    column_names=[str(place) for place in range(len(self.names))], block_size=2**24
                ),
                parse_options=pa.csv.ParseOptions(delimiter=style.separator),
                convert_options=pa.csv.ConvertOptions(
                    column_types={str(place): pa.string() for place in wanted},
                    include_columns=[str(place) for place in wanted],
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._bad_line(str(error)) from None
        columns = {place: pc.utf8_trim_whitespace(table[str(place)].combine_chunks()) for place in wanted}
        return self._without_empty(columns, places)

    def place(self, row: int) -> str:
        """The line of a reading, as messages name it."""
        seen = -1
        for number, line in self._lines(self.header + 1):
            seen += bool(line)
            if seen == row:
                return f"line {number}"
        return f"row {row + 1}"

    def _body(self) -> bytes:
        """The readings; without the last line where it is not whole."""
        start = 0
        for _ in range(self.header + 1):
            start = self.text.find(b"\n", start) + 1
            if start == 0:
                return b""
        body = self.text[start:]
        if body.endswith(b"\n") or not body:
            return body
        cut = body.rfind(b"\n") + 1
        last = _cells(body[cut:].decode(), VENDORS[self.vendor].separator)
        if self.growing or (cut and len(last) < len(self.names)):
            what = f"the last line is cut off after {len(last)} of {len(self.names)} cells and is left out"
            if not self.growing:
                self.notes.append(Problem(self.file, "", what, "export it again to have it", False, "cell"))
            return body[:cut]
        return body

    def _without_empty(self, columns: dict[int, pa.Array], places: Sequence[int]) -> Rows:
        """Rows with anything in them; spreadsheets leave others at the end."""
        times = columns[self.time[0]]
        for other in self.time[1:]:
            times = pc.binary_join_element_wise(times, columns[other], " ")
        times = pc.utf8_trim_whitespace(times)
        empty = pc.equal(times, "")
        if pc.any(empty).as_py():
            for place in places:
                empty = pc.and_(empty, pc.equal(columns[place], ""))
            number = pc.sum(empty).as_py()
            if number == len(empty):
                raise Unusable("there are column names but no readings", "export it again")
            if number and pc.index(empty, True).as_py() == len(empty) - number:
                keep = pc.invert(empty)
                return Rows(times.filter(keep), {place: columns[place].filter(keep) for place in places})
        return Rows(times, {place: columns[place] for place in places})

    def _lines(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Lines from the one with this index on, with their numbers from 1; the text is not copied."""
        start = 0
        for index in range(self.text.count(b"\n") + 1):
            end = self.text.find(b"\n", start)
            end = len(self.text) if end < 0 else end
            if index >= first:
                yield index + 1, self.text[start:end]
            start = end + 1

    def _bad_line(self, reason: str) -> Unusable:
        separator = VENDORS[self.vendor].separator
        for number, line in self._lines(self.header + 1):
            if line and (error := _misfit(line.decode(), number, self, separator)):
                return error
        return Unusable(f"it cannot be read as CSV ({shown(reason, 80)})", "export it again", kind="cell")


def _misfit(line: str, number: int, file: TextFile, separator: str) -> Unusable | None:
    """The error for a line that has not as many cells as the header."""
    cells = _cells(line, separator)
    if len(cells) == len(file.names):
        return None
    where, what_to_do = f"line {number}", "mend that line, or export it again"
    for other, words in _SEPARATORS.items():
        if other != separator and len(_cells(line, other)) == len(file.names):
            what = f"it is parted by {words} where line {file.header + 1} is parted by {_SEPARATORS[separator]}"
            return Unusable(what, what_to_do, where=where, kind="style")
    what = f"it has {len(cells)} cells where line {file.header + 1} has {len(file.names)}"
    return Unusable(what, what_to_do, where=where, kind="style")


def open_text(path: Path, *, file: str, vendor: str, time_column: str | None, growing: bool) -> TextFile:
    """Finds header and times of a file, and checks that it is in the vendor's style.

    Args:
        path: a .csv or .csv.gz file.
        file: what to call it.
        vendor: name of the style.
        time_column: the column with the times, found by its name if None.
        growing: somebody still writes to the file, so that a last line without an end is not whole.

    Raises:
        Unusable: it is no text, has no times, or another style.
    """
    text, encoding = read_text(path)
    head = [line.decode(errors="replace") for line in text.split(b"\n", _PREAMBLE + 10)[: _PREAMBLE + 10]]
    separator = VENDORS[vendor].separator
    header, names, time = _find_header(head, vendor, time_column)
    if len(names) > MOST_COLUMNS:
        what = f"{len(names)} columns, more than the {MOST_COLUMNS} read at most"
        raise Unusable(what, "export fewer points a file", where=f"line {header + 1}")
    result = TextFile(
        file=file, text=text, vendor=vendor, header=header, names=tuple(names), time=time, growing=growing
    )
    first = next((n for n in range(header + 1, len(head)) if head[n].strip(separator + " \t")), None)
    if first is not None and (first + 1 < len(head) or not growing):
        _check_first(result, head[first], first)
    if encoding not in ("utf-8", "utf-8-sig", "utf-16"):
        what = f"the file is no UTF-8 and was read as {encoding}"
        result.notes.append(Problem(file, "", what, "check names with other than English letters", False, "text"))
    return result


def _find_header(head: list[str], vendor: str, time_column: str | None) -> tuple[int, list[str], tuple[int, ...]]:
    """Index of the header's line, its cells, and the places of the times."""
    separator = VENDORS[vendor].separator
    for index, line in enumerate(head[:_PREAMBLE]):
        names = _cells(line, separator)
        time = time_places(names, time_column, f"line {index + 1}")
        if time and len(names) == len(time):
            raise Unusable("there are times but no readings", "export it again", where=f"line {index + 1}")
        if time:
            return index, names, time
    for index, line in enumerate(head[:_PREAMBLE]):
        for other in _SEPARATORS:
            names = _cells(line, other)
            time = time_places(names, time_column, f"line {index + 1}")
            if other != separator and len(names) > 1 and time:
                what = f"the columns are parted by {_SEPARATORS[other]}, style '{vendor}' has {_SEPARATORS[separator]}"
                cells = next((_cells(later, other) for later in head[index + 1 :] if later.strip()), [])
                word = " ".join(cells[place] for place in time) if len(cells) > max(time) else ""
                raise Unusable(what, _advice(word, other), where=f"line {index + 1}", kind="style")
    if time_column is not None:
        what = f"no line has the column '{shown(time_column)}' that the role map names for the times"
        raise Unusable(what, "correct 'time' in the role map", kind="time")
    what = f"no column of times among: {shown(head[0], 80)}"
    raise Unusable(what, "call it Datetime, or name it under 'time' in the role map", where="line 1", kind="time")


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
    return tuple(places)


def _check_first(file: TextFile, line: str, index: int) -> None:
    """Compares the first line of readings with the style.

    Raises:
        Unusable: it does not fit; the message names a style that does.
    """
    style = VENDORS[file.vendor]
    error = _misfit(line, index + 1, file, style.separator)
    if error is not None:
        raise error
    cells = _cells(line, style.separator)
    word = " ".join(cells[place] for place in file.time)
    if not isinstance(parse_stamps(pa.array([word]), style), Stamps):
        raise bad_time(word, file.vendor, f"line {index + 1}")


def bad_time(word: str, vendor: str, where: str) -> Unusable:
    """The error for a word that is no time of the style."""
    what = f"'{shown(word)}' is no time as '{vendor}' writes it ({VENDORS[vendor].example})"
    return Unusable(what, _advice(word, VENDORS[vendor].separator), where=where, kind="style" if word else "time")


def _advice(word: str, separator: str) -> str:
    """Which style would fit."""
    fitting = styles_of_time(word, separator)
    if fitting:
        return " or ".join(f"--vendor {name}" for name in fitting) + " would fit"
    return "no style fits: save it with commas and times as 2017-03-11 01:05:00, for --vendor iso"


def _cells(line: str, separator: str) -> list[str]:
    if len(line) == 0:
        return []
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []
