"""A trend file of text: its cells as numbers, column by column.

A clean column is parsed to numbers at once; only columns with other cells are read as words, some at a time, so that
no file is ever held as words as a whole.
Letters: T readings.
"""

import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from data_provider.trends.cells import Cells, plain_numbers
from data_provider.trends.files import MOST_COLUMNS, read_text
from data_provider.trends.header import HEAD, Header, cells_of, find_header, misfit
from data_provider.trends.problems import Unusable, shown
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.stamps import stamps_of
from data_provider.trends.vendors import Stamps

_SAMPLE = 2**16  # bytes that tell which columns hold words
_AT_ONCE = 8  # columns read as words at a time
_LAST_LINES = 5  # of a footer

Convert = Callable[[int, pa.Array], Cells]


@dataclass(frozen=True)
class Rows:
    """What a file holds.

    Attributes:
        times: T words in the file's style, or timestamps; None if the file has no times.
        columns: place of a column in the file -> its T cells.
        texts: place of a column -> T words.
    """

    times: pa.Array | None
    columns: dict[int, Cells]
    texts: dict[int, pa.Array]


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
        as_words = {*self.header.time, *texts, *self._worded(body, places, number)}
        clean = [place for place in places if place not in as_words]
        try:
            table = self._table(body, dict.fromkeys(clean, number), {*self.header.time, *texts})
        except pa.ArrowInvalid:  # a word further down, or a broken line, which the next attempt tells
            clean = []
            table = self._table(body, {}, {*self.header.time, *texts})
        columns = {place: convert(place, table.pop(place)) for place in clean}
        rest = [place for place in places if place not in columns]
        for first in range(0, len(rest), _AT_ONCE):
            words = self._table(body, {}, rest[first : first + _AT_ONCE])
            columns |= {place: convert(place, words.pop(place)) for place in [*words]}
        return Rows(self._times(table), columns, {place: table[place] for place in texts})

    def _times(self, table: dict[int, pa.Array]) -> pa.Array | None:
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
        style = self.header.options.style
        table = pa.csv.read_csv(
            pa.BufferReader(body),
            read_options=pa.csv.ReadOptions(
                column_names=[str(place) for place in range(len(self.header.names))], block_size=2**22
            ),
            parse_options=pa.csv.ParseOptions(delimiter=style.separator),
            convert_options=pa.csv.ConvertOptions(
                column_types={str(place): numbers.get(place, pa.string()) for place in wanted},
                include_columns=[str(place) for place in wanted],
                null_values=[""],
                strings_can_be_null=False,
                decimal_point=style.decimal,
            ),
        )
        pieces, columns = dict(zip(wanted, table.columns, strict=True)), {}
        del table
        for place in wanted:  # each piece is let go as soon as it is joined
            column = pieces.pop(place).combine_chunks()
            columns[place] = column if place in numbers else pc.utf8_trim_whitespace(column)
        return columns

    def _worded(self, body: pa.Buffer, places: Sequence[int], number: pa.DataType) -> list[int]:
        """Columns with other cells than plain numbers among the first."""
        sample = body.slice(0, min(body.size, _SAMPLE)).to_pybytes()
        sample = sample[: sample.rfind(b"\n") + 1] or sample
        decimal = self.header.options.style.decimal
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
        path: a .csv or .csv.gz file.
        options: how it is written.
        growing: somebody still writes to the file, so that a last line without an end is not whole.
        needs_time: whether a file without a column of times is refused.
        rows: how many readings are needed, all if None.

    Raises:
        Unusable: it is not text, has no times, or another style.
    """
    text, encoding = read_text(path, None if rows is None else rows + HEAD)
    head = [line.decode(errors="replace").rstrip("\n") for line in itertools.islice(io.BytesIO(text), HEAD)]
    header = find_header(head, options, needs_time=needs_time, growing=growing)
    if len(header.names) > MOST_COLUMNS:
        what = f"{len(header.names)} columns, more than the {MOST_COLUMNS} read at most"
        raise Unusable(what, "export fewer points a file", where=f"line {header.line + 1}")
    result = TextFile(text=text, header=header, end=len(text))
    if rows is None:
        _cut_end(result, growing)
    else:
        result.end = result.after(header.above + rows)
    if header.options.vendor != options.vendor and header.options.style.separator != options.style.separator:
        what = "the columns are separated by semicolons, so decimals are taken to have commas"
        result.notes.append(("style", what, f"name another style with --vendor, or this one: {header.options.vendor}"))
    if encoding == "Windows-1252":
        what = f"the file is not in UTF-8 and was read as {encoding}"
        result.notes.append(("text", what, "check names with other than English letters"))
    return result


def _cut_end(file: TextFile, growing: bool) -> None:
    """Leaves out a last line that is not whole, and lines of text below the readings."""
    text, names = file.text, file.header.names
    separator = file.header.options.style.separator
    if not text.endswith(b"\n"):
        cut = text.rfind(b"\n") + 1
        last = cells_of(text[cut:].decode(), separator)
        if growing:
            file.end = cut
        elif cut and len(last) < len(names) and text[cut : cut + 1].isdigit():
            what = f"the last line is cut off after {len(last)} of {len(names)} cells and is left out"
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
    if len(cells) >= len(file.header.names) or not any(cells) or not file.header.time:
        return False
    if len(cells) <= max(file.header.time):
        return True
    word = " ".join(cells[place] for place in file.header.time)
    return not isinstance(stamps_of(pa.array([word]), file.header.options), Stamps)
