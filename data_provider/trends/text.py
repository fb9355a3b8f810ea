"""A trend file of text: its cells as numbers, column by column.

A clean column is parsed to numbers at once; only columns with other cells are read as words, some at a time, so that
no file is ever held as words as a whole.
Letters: T readings.
"""

import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from data_provider.trends.cells import Cells, plain_numbers
from data_provider.trends.files import GRIDS, MOST_COLUMNS, read_text
from data_provider.trends.header import HEAD, Header, cells_of, find_header, misfit, records
from data_provider.trends.marks import find_decimal
from data_provider.trends.order import Clock
from data_provider.trends.problems import Unusable, shown
from data_provider.trends.quality import mark_bad, quality_places
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.stamps import stamps_of
from data_provider.trends.vendors import VENDORS, Stamps

_SAMPLE = 2**16  # bytes that tell which columns hold words
_AT_ONCE = 8  # columns read as words at a time
_LAST_LINES = 5  # of a footer

Convert = Callable[[int, pa.Array], Cells]


@dataclass(frozen=True)
class Rows:
    """What a file holds.

    Attributes:
        times: T words in the file's style, timestamps, or the times themselves; None if the file has no times.
        columns: place of a column in the file -> its T cells.
        texts: place of a column -> T words.
        notes: (kind, what, what to do) that reading brought to light.
    """

    times: pa.Array | Clock | None
    columns: dict[int, Cells]
    texts: dict[int, pa.Array]
    notes: list[tuple[str, str, str]] = field(default_factory=list)


@dataclass(kw_only=True)
class TextFile:
    """A .csv or .csv.gz file whose header has been found.

    Attributes:
        text: all of it, or its head.
        header: what stands above the readings.
        end: where the readings end in the text.
        notes: (kind, what, what to do) for the reader to know.
    """

    text: bytes
    header: Header
    end: int
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    def read(self, places: Sequence[int], texts: Collection[int], convert: Convert, number: pa.DataType) -> Rows:
        """The times, and some columns as numbers or as words.

        Args:
            places: of the columns of numbers.
            texts: places of the columns of words.
            convert: makes cells of a column's words or numbers.
            number: the type of the numbers.

        Raises:
            Unusable: the file has no readings, or a line with too few or too many cells.
        """
        body = self._body()
        if not re.compile(rb"\S").search(self.text, self.end - body.size, self.end):
            raise Unusable("there are column names but no readings", "export it again")
        try:
            return self._read(body, places, texts, convert, number)
        except pa.ArrowInvalid as error:
            raise self._bad_line(str(error)) from None

    def _read(
        self, body: pa.Buffer, places: Sequence[int], texts: Collection[int], convert: Convert, number: pa.DataType
    ) -> Rows:
        said = quality_places(self.header.names, self.header.time)
        beside = {place: said[place] for place in places if place in said}
        words_of = {*self.header.time, *texts, *beside.values()}
        worded = {*words_of, *self._worded(body, places, number)}
        clean = [place for place in places if place not in worded]
        try:
            table = self._table(body, dict.fromkeys(clean, number), words_of)
        except pa.ArrowInvalid:  # a word further down, or a broken line, which the next attempt tells
            clean = []
            table = self._table(body, {}, words_of)
        columns = {place: convert(place, table.pop(place)) for place in clean}
        rest = [place for place in places if place not in columns]
        for first in range(0, len(rest), _AT_ONCE):
            words = self._table(body, {}, rest[first : first + _AT_ONCE])
            columns |= {place: convert(place, words.pop(place)) for place in [*words]}
        notes = mark_bad(columns, {place: table[column] for place, column in beside.items()}, self.header.names)
        times = self.joined_times(table)
        return Rows(times, columns, {place: table[place] for place in texts}, notes)

    def words(self, places: Sequence[int]) -> dict[int, pa.Array]:
        """Place -> T words.

        Raises:
            Unusable: the file has no readings, or a line with too few or too many cells.
        """
        body = self._body()
        if not body.size:
            raise Unusable("there are column names but no readings", "export it again")
        try:
            return self._table(body, {}, places)
        except pa.ArrowInvalid as error:
            raise self._bad_line(str(error)) from None

    def joined_times(self, table: dict[int, pa.Array]) -> pa.Array | None:
        """T words: the times, the date and the clock in one; None if the file has none."""
        if not self.header.time:
            return None
        times = table[self.header.time[0]]
        for other in self.header.time[1:]:
            times = pc.binary_join_element_wise(times, table[other], " ")
        return pc.utf8_trim_whitespace(times)

    def _table(self, body: pa.Buffer, numbers: dict[int, pa.DataType], words: Collection[int]) -> dict[int, pa.Array]:
        """Place -> column; words have no blanks at their ends."""
        wanted = sorted({*numbers, *words})
        if not wanted:
            return {}
        table = pa.csv.read_csv(
            pa.BufferReader(body),
            read_options=pa.csv.ReadOptions(
                column_names=[str(place) for place in range(self.header.width)], block_size=2**22
            ),
            parse_options=pa.csv.ParseOptions(delimiter=self.header.separator),
            convert_options=pa.csv.ConvertOptions(
                column_types={str(place): numbers.get(place, pa.string()) for place in wanted},
                include_columns=[str(place) for place in wanted],
                null_values=[""],
                strings_can_be_null=False,
                decimal_point=self.header.options.decimal,
            ),
        )
        pieces, columns = dict(zip(wanted, table.columns, strict=True)), {}
        del table
        for place in wanted:  # each piece is let go as soon as it is joined
            column = pieces.pop(place).combine_chunks()
            columns[place] = column if place in numbers else pc.utf8_trim_whitespace(column)
        return columns

    def some_cells(self) -> Iterator[str]:
        """Cells of the first readings and of some in the middle, empty ones too, but for the times."""
        middle = self.text.find(b"\n", (self.after(self.header.above) + self.end) // 2) + 1
        for start in (self.after(self.header.above), middle):
            for line in self.text[start : min(start + _SAMPLE, self.end)].split(b"\n")[:-1]:
                cells = cells_of(line.decode(errors="replace"), self.header.separator)
                yield from (cell for place, cell in enumerate(cells) if place not in self.header.time)

    def _worded(self, body: pa.Buffer, places: Sequence[int], number: pa.DataType) -> list[int]:
        """Columns with other cells than plain numbers among the first."""
        sample = body.slice(0, min(body.size, _SAMPLE)).to_pybytes()
        sample = sample[: sample.rfind(b"\n") + 1] or sample
        decimal = self.header.options.decimal or "."
        table = self._table(pa.py_buffer(sample), {}, places)
        return [place for place, words in table.items() if plain_numbers(words, decimal, number) is None]

    def place(self, row: int) -> str:
        """The line of a reading, as messages name it."""
        seen = -1
        for number, line in self._lines(self.header.above):
            seen += bool(line)
            if seen == row:
                return f"line {number}"
        return f"row {row + 1}"

    def _body(self) -> pa.Buffer:
        """The readings, not copied."""
        start = self.after(self.header.above)
        return pa.py_buffer(self.text).slice(start, max(self.end - start, 0))

    def after(self, lines: int) -> int:
        """Where the text goes on after so many lines."""
        start = 0
        for _ in range(lines):
            start = self.text.find(b"\n", start) + 1
            if start == 0:
                return len(self.text)
        return start

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
        for number, line in self._lines(self.header.above):
            if line and (error := misfit(line.decode(), number, self.header)):
                return error
        return Unusable(f"it cannot be read as CSV ({shown(reason, 80)})", "export it again", kind="cell")


def open_text(
    path: Path, options: ReadOptions, *, growing: bool = False, needs_time: bool = True, rows: int | None = None
) -> TextFile:
    """Finds header and times of a file, and checks that it is in the style that is named.

    Args:
        path: a file of text, a workbook or a Haystack grid.
        options: how it is written.
        growing: somebody still writes to the file, so that a last line without an end is not whole.
        needs_time: whether a file without a column of times is refused.
        rows: how many readings are needed, all if None.

    Raises:
        Unusable: it is not text, has no times, or another style.
    """
    if path.name.lower().endswith((".xlsx", ".xlsm", *GRIDS)):  # numbers that a program wrote
        options = replace(options, separator=",", decimal=".")
    text, encoding = read_text(path, None if rows is None else rows + HEAD, sheet=options.sheet)
    lines = [line.decode(errors="replace").rstrip("\n") for line in itertools.islice(io.BytesIO(text), HEAD)]
    header = find_header(records(lines), options, needs_time=needs_time, growing=growing)
    if len(header.names) > MOST_COLUMNS:
        what = f"{len(header.names)} columns, more than the {MOST_COLUMNS} read at most"
        raise Unusable(what, "export fewer points a file", where=f"line {header.line + 1}")
    result = TextFile(text=text, header=header, end=len(text))
    result.notes += header.left_out
    if rows is None:
        _blank_headers(result)
        _cut_end(result, growing)
    else:
        result.end = result.after(header.above + rows)
    if options.decimal is None:
        decimal = find_decimal(result.some_cells(), VENDORS[options.vendor].decimal, separator=header.separator)
        result.header = replace(header, options=replace(header.options, decimal=decimal.mark))
        result.notes += decimal.notes
    if encoding == "Windows-1252":
        what = f"the file is not in UTF-8 and was read as {encoding}"
        result.notes.append(("text", what, "check names with other than English letters"))
    return result


def _blank_headers(file: TextFile) -> None:
    """Empties lines that repeat the header among the readings; lines keep their numbers."""
    begin = file.after(file.header.line)
    line = file.text[begin : file.after(file.header.line + 1)]
    again = file.text.count(b"\n" + line, file.after(file.header.above) - 1) if file.header.time else 0
    if again:
        start = file.after(file.header.above)
        file.text = file.text[:start] + file.text[start - 1 :].replace(b"\n" + line, b"\n\n")[1:]
        file.end = len(file.text)
        file.notes.append(("cell", f"the header is there {again + 1} times", "nothing to be done"))


def _cut_end(file: TextFile, growing: bool) -> None:
    """Leaves out a last line that is not whole, and lines of text below the readings."""
    text, width = file.text, file.header.width
    separator = file.header.separator
    if not text.endswith(b"\n"):
        cut = text.rfind(b"\n") + 1
        last = cells_of(text[cut:].decode(), separator)
        if growing:
            file.end = cut
        elif cut and len(last) < width and text[cut : cut + 1].isdigit():
            what = f"the last line is cut off after {len(last)} of {width} cells and is left out"
            file.notes.append(("cell", what, "export it again to have it"))
            file.end = cut
    for _ in range(_LAST_LINES if file.header.time else 0):
        end = len(text[max(0, file.end - 2**16) : file.end].rstrip(b"\n ")) + max(0, file.end - 2**16)
        cut = text.rfind(b"\n", 0, end) + 1
        line = text[cut:end].decode(errors="replace")
        if not cut or not _is_footer(file, cells_of(line, separator)):
            return
        file.notes.append(("cell", f"the line '{shown(line)}' below the readings is left out", "nothing to be done"))
        file.end = cut


def _is_footer(file: TextFile, cells: Sequence[str]) -> bool:
    """Whether a line is text below the readings: too few cells, and no time where times stand."""
    if len(cells) >= file.header.width or not any(cells) or not file.header.time:
        return False
    if len(cells) <= max(file.header.time):
        return True
    word = " ".join(cells[place] for place in file.header.time)
    return not isinstance(stamps_of(pa.array([word]), file.header.options), Stamps)
