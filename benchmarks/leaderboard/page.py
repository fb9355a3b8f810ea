"""The leaderboard as a part of docs/RESULTS.md, made of the records alone."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.leaderboard.contest import key_of
from benchmarks.leaderboard.tables import ROWS, TABLES, Row, Table
from benchmarks.pages import markdown

HEADER = ["", "macro-F1", "accuracy", "false alarms", "detected", "right type", "seconds", "parameters", "seeds"]
COLUMNS = ("macro_f1", "accuracy", "false_alarm_rate", "detection_rate", "correct_type_rate")


def text(known: Mapping[str, dict[str, Any]], seeds: Iterable[int]) -> str:
    """The whole leaderboard, a table for each data set and split that has a record.

    Args:
        known: records by their keys.
        seeds: those that count.
    """
    seeds = list(seeds)
    parts = []
    for table in TABLES:
        found = {row.name: _of(known, table, row, seeds) for row in ROWS if not row.only or table.name in row.only}
        if any(found.values()):
            parts.append(_one(table, found))
    return "\n\n".join(parts)


def _of(known: Mapping[str, dict[str, Any]], table: Table, row: Row, seeds: list[int]) -> list[dict[str, Any]]:
    keys = [key_of(table, row, seed) for seed in seeds]
    return [known[key] for key in keys if key in known]


def _one(table: Table, found: Mapping[str, list[dict[str, Any]]]) -> str:
    """A table, the best first, then what has not been run."""
    there = {name: records for name, records in found.items() if records}
    order = sorted(there, key=lambda name: -_mean(there[name], "macro_f1"))
    lines = [HEADER, *([name, *_cells(there[name])] for name in order)]
    first = next(iter(there.values()))[0]
    folds = f"{first['folds']} folds" if first["folds"] > 1 else "one split a seed"
    quick = ", **shortened trainings: the shape of the page, not its numbers**" if first["quick"] else ""
    absent = [name for name, records in found.items() if not records]
    note = f"\n\nNot run: {', '.join(absent)}." if absent else ""
    marks = sorted({mark for records in there.values() for record in records for mark in record.get("marks", [])})
    leaks = f" **Marked: {', '.join(marks)}** (`docs/LEAKS.md`)." if marks else ""
    return f"### {table.title}\n\n{first['windows']:,} test windows, {folds}{quick}.{leaks}\n\n{markdown(lines)}{note}"


def _cells(records: list[dict[str, Any]]) -> list[str]:
    measures = [_spread(records, name) for name in COLUMNS]
    seconds = np.mean([record["seconds"] for record in records])
    return [*measures, f"{seconds:.0f}", f"{records[0]['parameters']:,}", str(len(records))]


def _mean(records: list[dict[str, Any]], name: str) -> float:
    return float(np.mean([record["measures"][name] for record in records]))


def _spread(records: list[dict[str, Any]], name: str) -> str:
    """Mean and deviation over seeds; empty where the measure is undefined."""
    values = [record["measures"].get(name) for record in records]
    if any(value is None for value in values):
        return ""
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"
