"""A trend file in Parquet: numbers as they are, times as timestamps or as words in a named style.

Letters: T readings.
"""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from data_provider.trends.files import MOST_COLUMNS, MOST_READINGS
from data_provider.trends.header import Header
from data_provider.trends.problems import Unusable, shown
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.text import Convert, Rows
from data_provider.trends.time_columns import is_date_and_clock, time_places

_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


@dataclass(kw_only=True)
class ParquetFile:
    """A .parquet file.

    Attributes:
        header: its columns, and which of them hold the times.
        rows: how many readings are needed, all if None.
        notes: (kind, what, what to do) for the reader to know.
    """

    source: pa.parquet.ParquetFile
    header: Header
    rows: int | None
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    def read(self, places: Sequence[int], texts: Collection[int], convert: Convert, number: pa.DataType) -> Rows:
        """The times, and some columns as numbers or as words; as `TextFile.read`.

        Raises:
            Unusable: the file has no readings, too many, or is damaged.
        """
        names, time = self.header.names, self.header.time
        rows, wanted = self.source.metadata.num_rows, sorted({*time, *places, *texts})
        if rows == 0:
            raise Unusable("there are column names but no readings", "export it again")
        if rows * len(wanted) > MOST_READINGS:
            what = f"{rows} rows of {len(wanted)} columns, more than the {MOST_READINGS} readings taken at most"
            raise Unusable(what, "split it, a month a file")
        try:
            table = self._table([self.source.schema_arrow.names[place] for place in wanted])
            columns = {place: table.column(at).combine_chunks() for at, place in enumerate(wanted)}
            for column in columns.values():
                column.validate(full=True)  # lengths and letters are as the file claims
        except _BROKEN as error:
            raise _damaged(error) from None
        return Rows(
            self._times(columns),
            {place: convert(place, _column(columns[place], names[place], number)) for place in places},
            {place: _text(columns[place], names[place]) for place in texts},
        )

    def _table(self, names: list[str]) -> pa.Table:
        if self.rows is None:
            return self.source.read(columns=names)
        batches = self.source.iter_batches(batch_size=self.rows, columns=names)
        return pa.Table.from_batches(itertools.islice(batches, 1))

    def _times(self, columns: dict[int, pa.Array]) -> pa.Array | None:
        if not self.header.time:
            return None
        times = _words(columns[self.header.time[0]])
        for other in self.header.time[1:]:
            times = pc.binary_join_element_wise(times, _words(columns[other]), " ")
        if times.null_count:
            row = pc.index(pc.is_null(times), True).as_py()
            raise Unusable("there is no time", "give it one, or take the row out", where=self.place(row), kind="time")
        return times

    def place(self, row: int) -> str:
        """The row of a reading, as messages name it."""
        return f"row {row + 1}"


def open_parquet(path: Path, options: ReadOptions, *, needs_time: bool = True, rows: int | None = None) -> ParquetFile:
    """Finds the columns of a file.

    Args:
        path: a .parquet file.
        options: names the column of the times.
        needs_time: whether a file without a column of times is refused.
        rows: how many readings are needed, all if None.

    Raises:
        Unusable: it is not Parquet, or has no column of times.
    """
    try:
        source = pa.parquet.ParquetFile(path)
        schema = source.schema_arrow
    except _BROKEN as error:
        raise _damaged(error) from None
    names = tuple(name.strip() for name in schema.names)
    if len(names) > MOST_COLUMNS:
        what = f"{len(names)} columns, more than the {MOST_COLUMNS} read at most"
        raise Unusable(what, "export fewer points a file")
    if len({*names}) < len(names):
        raise Unusable("two columns have the same name", "give every column a name of its own", kind="column")
    time = _time(names, schema, options)
    if not time and needs_time:
        what = f"no column of times among: {shown(', '.join(names), 80)}"
        raise Unusable(what, "call it Datetime, or name it under 'time' in the role map", kind="time")
    return ParquetFile(
        source=source,
        header=Header(line=0, names=names, time=time, above=0, width=len(names), options=options),
        rows=rows,
    )


def _time(names: Sequence[str], schema: pa.Schema, options: ReadOptions) -> tuple[int, ...]:
    """Places of the times: by name, else the only timestamps; pandas gives an index without a name an odd one."""
    column = options.roles.time_column if options.roles else None
    time = time_places(names, column)
    if len(time) == 1 or is_date_and_clock(names, time) or column is not None:
        return time[:2]
    if time:
        what = f"columns '{shown(names[time[0]])}' and '{shown(names[time[1]])}' both look like times"
        raise Unusable(what, "name one under 'time' in the role map", where="the columns", kind="time")
    found = [place for place, kind in enumerate(schema.types) if pa.types.is_timestamp(kind)]
    return tuple(found) if len(found) == 1 else ()


def _damaged(error: Exception) -> Unusable:
    reason = shown(" ".join(str(error).split()), 80)
    return Unusable(f"it cannot be read as Parquet ({reason})", "copy or export it again", kind="text")


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(column.type.value_type) if isinstance(column.type, pa.DictionaryType) else column


def _words(column: pa.Array) -> pa.Array:
    """Times as they are, if they are timestamps; else as words."""
    column = _plain(column)
    if pa.types.is_timestamp(column.type):
        return _in_known_zone(column)
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s"))
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        what = f"the times are of type {column.type}"
        raise Unusable(what, "store them as timestamps", kind="time")
    return pc.utf8_trim_whitespace(column.cast(pa.string()))


def _in_known_zone(column: pa.Array) -> pa.Array:
    """Timestamps, of which a zone says something only where this machine knows it."""
    if column.type.tz is not None:
        try:
            pc.local_timestamp(pa.array([0], column.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            what = f"the times have an unknown zone, '{shown(column.type.tz)}'"
            raise Unusable(what, "store them in UTC, or in a zone as Europe/Berlin", kind="zone") from None
    return column


def _text(column: pa.Array, name: str) -> pa.Array:
    """Words, "" where there is none."""
    try:
        return pc.fill_null(_plain(column).cast(pa.string()), "")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        what = f"column '{shown(name)}' is of type {shown(str(column.type))}"
        raise Unusable(what, "store one word a row", kind="cell") from None


def _column(column: pa.Array, name: str, number: pa.DataType) -> pa.Array:
    """Numbers, null where there is none; words as strings."""
    column = _plain(column)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    try:
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        column = column.cast(number, safe=False)
        absent = pc.is_nan(column)
        return pc.if_else(absent, None, column) if pc.any(absent).as_py() else column
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        what = f"column '{shown(name)}' is of type {shown(str(column.type))}"
        raise Unusable(what, "store numbers", kind="cell") from None
