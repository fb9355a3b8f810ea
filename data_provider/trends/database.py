"""Readings out of a database: what a query gives, as a file that the reader of tables takes."""

import csv
import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from data_provider.trends.files import LARGEST_FILE
from utils.errors import UserError

NEEDS = "python -m pip install 'dualgafnet[database]', or: pip install sqlalchemy duckdb"
_AT_ONCE = 10_000  # rows


class Answer(NamedTuple):
    """What a query gives: the names of its columns, and its rows."""

    names: Sequence[str]
    rows: Iterable[Sequence[Any]]


def is_database(source: str) -> bool:
    """Whether an --input or --output is the address of a database."""
    return "://" in source


def shown(url: str) -> str:
    """A database's address without what stands before its host, which may be a password."""
    kind, _, rest = url.partition("://")
    return f"{kind}://{rest.rpartition('@')[2]}"


def fetch(url: str, query: str | None, table: str | None, folder: Path) -> Path:
    """Writes what a query gives to a CSV file.

    Args:
        url: of SQLAlchemy, as sqlite:///trends.db or postgresql://host/name; or duckdb:///trends.duckdb.
        query: SQL; or
        table: the name of a table or view, read whole.
        folder: where the file goes.

    Returns:
        The file, called after the table, or "query".

    Raises:
        UserError: the database cannot be reached or asked, or gives nothing.
    """
    if bool(query) == bool(table):
        raise UserError(f"{shown(url)}: name what to read, --table NAME or --query 'SELECT ...', one of the two")
    if url.startswith("duckdb:"):
        return _written(_duckdb(url, query, table), folder, table, url)
    return _sqlalchemy(url, query, table, folder)


def _duckdb(url: str, query: str | None, table: str | None) -> Answer:
    duckdb, path = duckdb_of(url)
    try:
        link = duckdb.connect(path or ":memory:", read_only=bool(path))
        found = link.execute(query or f'SELECT * FROM "{_name(table)}"')
        return Answer([column[0] for column in found.description or ()], iter(found.fetchone, None))
    except duckdb.Error as error:
        raise failed(url, error) from None


def _sqlalchemy(url: str, query: str | None, table: str | None, folder: Path) -> Path:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    engine = engine_of(url)
    try:
        quoted = engine.dialect.identifier_preparer.quote(_name(table)) if table else ""
        with engine.connect().execution_options(stream_results=True) as link:
            found = link.execute(text(query or f"SELECT * FROM {quoted}"))
            rows = (row for block in found.partitions(_AT_ONCE) for row in block)
            return _written(Answer([*found.keys()], rows), folder, table, url)
    except (SQLAlchemyError, ImportError) as error:
        raise failed(url, error) from None
    finally:
        engine.dispose()


def duckdb_of(url: str) -> tuple[Any, str]:
    """The package duckdb, and the file of an address.

    Raises:
        UserError: the package is not installed.
    """
    try:
        import duckdb
    except ImportError:
        raise UserError(f"{shown(url)} needs the package duckdb; {NEEDS}") from None
    return duckdb, url.removeprefix("duckdb:///")


def engine_of(url: str) -> Any:
    """SQLAlchemy's engine for an address.

    Raises:
        UserError: the package, or the one for this kind of database, is not installed, or the address is none.
    """
    try:
        import sqlalchemy
    except ImportError:
        raise UserError(f"{shown(url)} needs the package sqlalchemy; {NEEDS}") from None
    try:
        return sqlalchemy.create_engine(url)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise failed(url, error) from None


def _name(table: str | None) -> str:
    if not table or '"' in table:
        raise UserError(f"--table '{table}' is not the name of a table")
    return table


def failed(url: str, error: Exception, what_to_do: str = "check the address, --table and --query") -> UserError:
    """What a database refuses, in a line."""
    reason = " ".join(str(getattr(error, "orig", None) or error).split())[:150]
    return UserError(f"{shown(url)}: {reason}; {what_to_do}")


def _written(answer: Answer, folder: Path, table: str | None, url: str) -> Path:
    path, number = folder / f"{table or 'query'}.csv", 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(answer.names)
        for number, row in enumerate(answer.rows, 1):
            writer.writerow([_cell(value) for value in row])
            if number % _AT_ONCE == 0 and file.tell() > LARGEST_FILE:
                what = f"more than the {LARGEST_FILE // 2**20} MiB read at most"
                raise UserError(f"{shown(url)}: the query gives {what}; ask for less, a month at a time")
    if not number:
        raise UserError(f"{shown(url)}: the query gives no row")
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return "" if value is None else float(value) if isinstance(value, Decimal) else value
