"""Where trends come from and where what was found goes, if one of them is a database."""

import datetime
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_provider.trends.database import duckdb_of, engine_of, failed, fetch, is_database
from exp.detection.feedback import RIGHT
from exp.detection.session import Result
from exp.detection.tables import EVENT_FIELDS, NOVELTY, event_row
from utils.errors import UserError
from utils.options import Options

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = frozenset(
    {"confidence", "hours", "windows", "mean_confidence", "peak_confidence", "mean_novelty", "peak_novelty", *NOVELTY}
)
ADDED = frozenset({*NOVELTY, "kind", "mean_novelty", "peak_novelty", "within", "reason", "rules"})
_ANOTHER = "name another database with --output"
_EVENT_FIELDS = tuple(name for name in EVENT_FIELDS if name != RIGHT)  # nobody marks events in a database
WINDOW_FIELDS = ("file", "start", "end", "class", "confidence", "verdict", "reason", *NOVELTY)


@contextmanager
def source_of(options: Options) -> Iterator[Path]:
    """The trend file or folder of `--input`; what a database gives lies in a file while the context is open.

    Raises:
        UserError: the database cannot be read, or the options do not fit together.
    """
    given = str(options.input)
    if not is_database(given):
        if options.table or options.query:
            raise UserError("--table and --query go with a database for --input, as sqlite:///trends.db")
        yield Path(given).expanduser()
        return
    if options.follow:
        raise UserError("--follow watches files, not a database; run detect again when there is more")
    with tempfile.TemporaryDirectory(prefix="trends-") as folder:
        yield fetch(given, options.query, options.table, Path(folder))


def append(url: str, result: Result) -> None:
    """Appends what was found to the tables `windows` and `events`, which are made where they are missing.

    Tables of an earlier version get the columns that were added since.

    The windows have no probabilities of classes, so that several models may share a table; `evaluated` tells when.

    Raises:
        UserError: the database cannot be written to, or has tables of these names with other columns.
    """
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
    tables = {
        "windows": _table(result.rows, WINDOW_FIELDS, now),
        "events": _table([event_row(finding) for finding in result.events], _EVENT_FIELDS, now),
    }
    if url.startswith("duckdb:"):
        _append_duckdb(url, tables)
        return
    from sqlalchemy import inspect, text
    from sqlalchemy.exc import SQLAlchemyError

    engine = engine_of(url)
    try:
        with engine.begin() as link:
            for name, table in tables.items():
                there = inspect(link)
                known = {column["name"] for column in there.get_columns(name)} if there.has_table(name) else {*ADDED}
                for column in _lacking(table, known):
                    link.execute(text(f'ALTER TABLE "{name}" ADD COLUMN {column}'))
                table.to_sql(name, link, if_exists="append", index=False)
    except SQLAlchemyError as error:
        raise failed(url, error, _ANOTHER) from None
    finally:
        engine.dispose()


def _table(rows: Sequence[Mapping[str, Any]], fields: Sequence[str], now: str) -> "pd.DataFrame":
    import pandas as pd  # a detection into files needs none

    table = pd.DataFrame([{name: row.get(name) for name in fields} for row in rows], columns=[*fields])
    typed = {name: "float64" if name in _NUMBERS else "string" for name in fields}  # also where there is no row
    return table.astype(typed).assign(evaluated=now)


def _lacking(table: "pd.DataFrame", known: set[str]) -> list[str]:
    """Columns, with their types, that a table of an earlier version lacks: those that were added since."""
    new = [name for name in table if name in ADDED and name not in known]
    return [f'"{name}" {"DOUBLE PRECISION" if name in _NUMBERS else "TEXT"}' for name in new]


def _append_duckdb(url: str, tables: Mapping[str, "pd.DataFrame"]) -> None:
    duckdb, path = duckdb_of(url)
    try:
        with duckdb.connect(path) as link:
            link.begin()
            for name, table in tables.items():
                link.register("found", table)
                link.execute(f'CREATE TABLE IF NOT EXISTS "{name}" AS SELECT * FROM found LIMIT 0')
                known = {row[0] for row in link.execute(f'DESCRIBE "{name}"').fetchall()}
                for column in _lacking(table, known):
                    link.execute(f'ALTER TABLE "{name}" ADD COLUMN {column}')
                link.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM found')
            link.commit()
    except duckdb.Error as error:
        raise failed(url, error, _ANOTHER) from None
