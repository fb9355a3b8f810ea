"""A trend file in Parquet: numbers as they are, times as timestamps or as words in a named style.

Letters: T readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from data_provider.trends.files import MOST_COLUMNS
from data_provider.trends.problems import Problem, Unusable, shown
from data_provider.trends.text import Rows, time_places

# 475 points for a year of minutes, 2 GB as numbers: beyond it a small file with a large promise is a trap.
MOST_READINGS = 250_000_000
_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


@dataclass(kw_only=True)
class ParquetFile:
    """A .parquet file.

    Attributes:
        file: its name, for messages.
        names: its columns.
        time: places of the times.
        notes: what the reader should know.
    """

    file: str
    source: pa.parquet.ParquetFile
    names: tuple[str, ...]
    time: tuple[int, ...]
    notes: list[Problem] = field(default_factory=list)

    def read(self, places: Sequence[int]) -> Rows:
        """The times and some columns.

        Raises:
            Unusable: the file has no readings, too many, or is damaged.
        """
        rows, wanted = self.source.metadata.num_rows, sorted({*self.time, *places})
        if rows == 0:
            raise Unusable("there are column names but no readings", "export it again")
        if rows * len(wanted) > MOST_READINGS:
            what = f"{rows} rows of {len(wanted)} columns, more than the {MOST_READINGS} readings taken at most"
            raise Unusable(what, "split it, a month a file")
        try:
            table = self.source.read(columns=[self.names[place] for place in wanted])
            columns = {place: table[self.names[place]].combine_chunks() for place in wanted}
            for column in columns.values():
                column.validate(full=True)  # lengths and letters are as the file claims
        except _BROKEN as error:
            raise _damaged(error) from None
        times = _words(columns[self.time[0]])
        for other in self.time[1:]:
            times = pc.binary_join_element_wise(times, _words(columns[other]), " ")
        if times.null_count:
            row = pc.index(pc.is_null(times), True).as_py()
            raise Unusable("there is no time", "give it one, or take the row out", where=self.place(row), kind="time")
        return Rows(times, {place: _column(columns[place], self.names[place]) for place in places})

    def place(self, row: int) -> str:
        """The row of a reading, as messages name it."""
        return f"row {row + 1}"


def open_parquet(path: Path, *, file: str, time_column: str | None) -> ParquetFile:
    """Finds the columns of a file.

    Raises:
        Unusable: it is no Parquet, or has no column of times.
    """
    try:
        source = pa.parquet.ParquetFile(path)
        names = tuple(source.schema_arrow.names)
    except _BROKEN as error:
        raise _damaged(error) from None
    if len(names) > MOST_COLUMNS:
        what = f"{len(names)} columns, more than the {MOST_COLUMNS} read at most"
        raise Unusable(what, "export fewer points a file")
    if len({*names}) < len(names):
        raise Unusable("two columns have the same name", "give every column a name of its own", kind="column")
    time = time_places(names, time_column, "the columns")
    if not time:
        what = f"no column of times among: {shown(', '.join(names), 80)}"
        raise Unusable(what, "call it Datetime, or name it under 'time' in the role map", kind="time")
    return ParquetFile(file=file, source=source, names=names, time=time)


def _damaged(error: Exception) -> Unusable:
    reason = shown(" ".join(str(error).split()), 80)
    return Unusable(f"it cannot be read as Parquet ({reason})", "copy or export it again", kind="text")


def _words(column: pa.Array) -> pa.Array:
    """Times as they are, if they are timestamps; else as words."""
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return column
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s"))
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        what = f"the times are of type {column.type}"
        raise Unusable(what, "store them as timestamps", kind="time")
    return pc.utf8_trim_whitespace(column.cast(pa.string()))


def _column(column: pa.Array, name: str) -> pa.Array:
    """Numbers as float64, words as strings."""
    if isinstance(column.type, pa.DictionaryType):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))
    try:
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.uint8())
        return column.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        what = f"column '{shown(name)}' is of type {shown(str(column.type))}"
        raise Unusable(what, "store numbers", kind="cell") from None
