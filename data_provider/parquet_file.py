"""Reads a Parquet file into Arrow: numbers as float32, texts as words, times as they are."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from data_provider.columns import checked, time_of, wanted
from data_provider.csv_file import Loaded
from utils.errors import UserError


def load(path: Path, rows: int | None, columns: Sequence[str] | None, texts: Sequence[str]) -> Loaded:
    """The columns wanted, the name of the one with the times, and what was repaired (nothing).

    Raises:
        UserError: the file is no Parquet with these columns.
    """
    file = _open(path)
    names = checked(file.schema_arrow.names, path)
    stored = dict(zip(names, file.schema_arrow.names, strict=True))
    time = time_of(names, path) or _time_by_type(file.schema_arrow, names)
    read = wanted(names, columns, texts, time, path)
    try:
        if rows is None:
            table = file.read(columns=[stored[name] for name in read])
        else:
            batches = itertools.islice(file.iter_batches(batch_size=rows, columns=[stored[name] for name in read]), 1)
            table = pa.Table.from_batches(batches) if file.metadata.num_rows else file.schema_arrow.empty_table()
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, error) from None
    content = {}
    for name in read:
        column = table[stored[name]]
        if isinstance(column.type, pa.DictionaryType):
            column = column.cast(column.type.value_type)
        content[name] = _time(column, path) if name == time else _converted(column, name, name in texts, path)
    return pa.table(content), time, {}


def names_of(path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        UserError: the file is no Parquet, or a name is there twice.
    """
    return checked(_open(path).schema_arrow.names, path)


def _open(path: Path) -> pa.parquet.ParquetFile:
    try:
        return pa.parquet.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); write it again")


def _time_by_type(schema: pa.Schema, names: Sequence[str]) -> str | None:
    """The only column of timestamps, whatever it is called: pandas gives an index without a name an odd one."""
    found = [name for name, kind in zip(names, schema.types, strict=True) if pa.types.is_timestamp(kind)]
    return found[0] if len(found) == 1 else None


def _time(column: pa.ChunkedArray, path: Path) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.string()).fill_null("")
    if pa.types.is_date(column.type):
        return column.cast(pa.timestamp("s"))
    raise UserError(f"{path}: the column of times holds {column.type}, not times; store them as timestamps")


def _converted(column: pa.ChunkedArray, name: str, text: bool, path: Path) -> pa.ChunkedArray:
    if text:
        return column.cast(pa.string()).fill_null("")
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        raise UserError(f"{path}: column '{name}' holds {column.type}, not numbers; leave it out or store numbers")
    return column.cast(pa.float32(), safe=False)
