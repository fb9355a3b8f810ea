"""A user's own data: a folder with one labelled run a file, or one file with a column of labels.

Letters: T readings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_provider.datasets import lbnl_measured, lbnl_simulated
from data_provider.datasets.labels import read_labels
from data_provider.datasets.source import DataSet, Source
from data_provider.frames import Frame
from data_provider.notes import Notes
from data_provider.segmentation import working_mask
from data_provider.trends.columns import agree
from data_provider.trends.files import NOT_READ, TrendFile, one_file, stem_of, trend_files
from data_provider.trends.table import Table, read_table
from utils.errors import UserError

LABELS = "labels.csv"
WORKING_COLUMNS = (lbnl_simulated.CONTROL, lbnl_measured.OCCUPIED)
NEEDED = (*WORKING_COLUMNS, lbnl_measured.TRUTH)


def folder() -> DataSet:
    """One run a file; its label is the file's name without the ending, or stands in labels.csv."""
    return DataSet(files=_folder_files, read=_read_folder, strategy="auto", group_columns=True)


def csv() -> DataSet:
    """One file; rows that follow each other with the same label are a run."""
    return DataSet(files=_csv_files, read=_read_csv, strategy="days", group_columns=True)


def _folder_files(source: Source) -> list[Path]:
    labels = source.root / LABELS
    return [file.path for file in _runs(source)] + [path for path in [labels] if path.is_file()]


def _runs(source: Source, notes: Notes | None = None) -> list[TrendFile]:
    """The files of a folder and its folders, one labelled run each; archives and workbooks are passed over."""
    if not source.root.is_dir():
        raise UserError(f"{source.root}: no such folder; name the folder of the data with --root_path")
    found = [file for file in trend_files(source.root, trusted=True) if file.path != source.root / LABELS]
    runs = [file for file in found if not file.name.lower().endswith(NOT_READ) or file.name.lower().endswith(".csv.gz")]
    for file in found if notes else ():
        if notes and file not in runs and file.refused:
            notes.warn(file.refused.problem(file.name).line)
    if not runs:
        raise UserError(f"{source.root}: there is no .csv or .parquet file; put one labelled run a file there")
    return runs


def _read_folder(source: Source, notes: Notes) -> Iterator[Frame]:
    runs = _runs(source, notes)
    labels = _labels_of(source, runs)
    first: Table | None = None
    for file in runs:
        label, severity = labels[file.name]
        table = _read(replace(file, name=str(file.path)), source, notes, _texts(source))
        first = first or table
        notes.in_units(table.units)
        agree(first.columns, runs[0].name, table.columns, file.name)
        _same_units(first, table)
        for rows, (group,) in _rows_alike(table, [source.group_column]):
            name = file.stem if rows.all() else f"{file.stem} {_rows(rows)}"
            yield _frame(table, rows, name, label, source, notes, severity=severity, group=group)


def _same_units(first: Table, table: Table) -> None:
    """Raises UserError if two runs state different units for a column."""
    for column, unit in table.units.items():
        if first.units.get(column, unit) != unit:
            raise UserError(
                f"{table.name}: column '{column}' is in {unit}, and in {first.units[column]} in {first.name}; export "
                "both alike"
            )


def _labels_of(source: Source, runs: list[TrendFile]) -> dict[str, tuple[str, str]]:
    """File -> (label, severity): of labels.csv, which may name a file by its path, its name or its stem."""
    if not (source.root / LABELS).is_file():
        return {file.name: (file.stem, "") for file in runs}
    stored = read_labels(source.root / LABELS)
    found = {file.name: stored.get(file.name) or stored.get(file.path.name) or stored.get(file.stem) for file in runs}
    known = {name for file in runs for name in (file.name, file.path.name, file.stem)}
    absent = [name for name in stored if name not in known]
    if absent:
        raise UserError(f"{source.root / LABELS}: there is no file {absent[0]} in that folder; correct the name")
    labels = {name: entry for name, entry in found.items() if entry is not None}
    nameless = [file.name for file in runs if file.name not in labels]
    if nameless:
        raise UserError(f"{source.root / LABELS}: {nameless[0]} has no label; add a line, or move the file away")
    return labels


def _csv_files(source: Source) -> list[Path]:
    if source.root.is_dir():
        raise UserError(f"{source.root}: this is a folder; name one file with --root_path, or use --data folder")
    if not source.root.is_file():
        raise UserError(f"{source.root}: no such file; name the file of the data with --root_path")
    return [source.root]


def _read_csv(source: Source, notes: Notes) -> Iterator[Frame]:
    path = _csv_files(source)[0]
    table = _read(one_file(path), source, notes, (source.label_column, *_texts(source)))
    notes.in_units(table.units)
    labels = np.char.strip(table.texts[source.label_column])
    blank = int((labels == "").sum())
    if blank:
        notes.count({"rows without a label, dropped": blank})
        notes.warn(f"{path}: {blank} of {len(labels)} rows have no label and are not used")
    for rows, (label, group) in _rows_alike(table, [source.label_column, source.group_column]):
        if label:
            name = f"{stem_of(path)} {_rows(rows)}"
            yield _frame(table, rows, name, label, source, notes, group=group)


def _texts(source: Source) -> tuple[str, ...]:
    return (source.group_column,) if source.group_column else ()


def _rows_alike(table: Table, columns: Sequence[str | None]) -> Iterator[tuple[np.ndarray, list[str]]]:
    """(T,) bool rows that follow each other with the same words in some columns, and the words; "" for no column."""
    number = len(table.values)
    texts = [np.char.strip(table.texts[name]) if name else np.full(number, "") for name in columns]
    changes = np.any([text[1:] != text[:-1] for text in texts], axis=0)
    begins = np.flatnonzero(np.append(True, changes))
    for begin, end in zip(begins, np.append(begins[1:], number), strict=True):
        rows = np.zeros(number, bool)
        rows[begin:end] = True
        yield rows, [str(text[begin]) for text in texts]


def _rows(mine: np.ndarray) -> str:
    places = np.flatnonzero(mine)
    return f"rows {places[0] + 1}-{places[-1] + 1}"


def _read(file: TrendFile, source: Source, notes: Notes, texts: tuple[str, ...]) -> Table:
    table = read_table(file, source.reading, rows=source.rows, texts=texts, needed=NEEDED)
    notes.read(table)
    return table


def _frame(
    table: Table,
    rows: np.ndarray,
    name: str,
    label: str,
    source: Source,
    notes: Notes,
    *,
    severity: str = "",
    group: str = "",
) -> Frame:
    """A run: some rows of a table; without times it begins in 1970."""
    times = table.times
    if times is None:
        if source.period_seconds is None:
            raise UserError(
                f"{table.name}: there is no column of times; name the step between rows: --sample_period 5min"
            )
        times = np.datetime64(0, "s") + np.arange(len(table.values)) * np.timedelta64(source.period_seconds, "s")
        notes.facts["times"] = "no column of times: rows are counted from 1970-01-01 at the step of --sample_period"
    control = next((column for column in WORKING_COLUMNS if column in table.columns), None)
    if control:
        notes.works_by(control, settle_seconds=0)
    if lbnl_measured.TRUTH in table.columns:
        notes.drop(lbnl_measured.TRUTH, "the answer")
    signals = tuple(column for column in table.columns if column not in notes.dropped)
    state = table.column(control) if control else None
    working = working_mask(times, state, value=1, settle_seconds=0)
    return Frame(
        name=name,
        values=table.select(signals)[rows],
        times=times[rows],
        columns=signals,
        working=working[rows],
        label=label,
        severity=severity,
        group=group,
    )
