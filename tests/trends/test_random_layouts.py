"""Random tables in random layouts are read back to the same readings at the same times."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_provider.trends.read_options import ReadOptions
from data_provider.trends.table import Table, read_table

WAYS = {
    "iso": "%Y-%m-%d %H:%M:%S",
    "iso without seconds": "%Y-%m-%dT%H:%M",
    "twelve hours": "%Y-%m-%d %I:%M:%S %p",
    "year first": "%Y/%m/%d %H:%M",
    "month first": "%m/%d/%Y %H:%M",
    "month first, twelve hours": "%m/%d/%y %I:%M %p",
    "day first": "%d/%m/%Y %H:%M:%S",
    "day first with dots": "%d.%m.%Y %H:%M",
    "named month": "%d-%b-%y %I:%M:%S %p",
    "excel": "",
}
NAMES = ("signal a", "B", "flow of air", "Klappe", "p")  # no kind of reading is known, so that none is doubted


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Times, readings with gaps, and how they are written."""
    rows, columns = draw(st.integers(3, 40)), draw(st.integers(2, len(NAMES)))
    day, month = draw(st.integers(13, 25)), draw(st.integers(1, 12))  # a day that is no month tells the order
    start = np.datetime64(f"2018-{month:02}-{day:02}T00:00", "s")
    step = draw(st.sampled_from((60, 300, 900, 3600)))
    cell = st.integers(-99_999, 99_999).map(lambda number: number / 100)
    values = np.array(draw(st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows)))
    values[0] = np.round(values[0]) + 0.25  # a cell that shows the decimal mark
    gaps = draw(st.lists(st.tuples(st.integers(1, rows - 1), st.integers(0, columns - 1)), max_size=4))
    for row, column in gaps:
        values[row, column] = np.nan
    values[1:, 0] = np.where(np.isnan(values[1:, 0]), 1.25, values[1:, 0])  # every row has a reading
    return {
        "times": start + np.arange(rows) * np.timedelta64(step, "s"),
        "values": values,
        "way": draw(st.sampled_from(sorted(WAYS))),
        "separator": draw(st.sampled_from(",;\t|")),
        "decimal": draw(st.sampled_from(".,")),
        "layout": draw(st.sampled_from(("wide", "long", "paired"))),
        "newest first": draw(st.booleans()),
        "titles": draw(st.integers(0, 3)),
        "footer": draw(st.booleans()),
        "again": draw(st.booleans()),
        "quoted": draw(st.booleans()),
        "encoding": draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16"))),
        "line": draw(st.sampled_from(("\n", "\r\n"))),
    }


def said(time: np.datetime64, way: str) -> str:
    if not WAYS[way]:
        return f"{time.astype(np.int64) / 86400 + 25569:.9f}"
    return time.item().strftime(WAYS[way])


def cells(table: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """The header and the rows."""
    names, mark = NAMES[: table["values"].shape[1]], table["decimal"]
    words = [said(time, table["way"]) for time in table["times"]]
    values = [["" if np.isnan(v) else f"{v:.2f}".replace(".", mark) for v in row] for row in table["values"].tolist()]
    if table["layout"] == "long":
        pairs = zip(words, values, strict=True)
        rows = [[word, name, value] for word, row in pairs for name, value in zip(names, row, strict=True) if value]
        return ["Timestamp", "point", "value"], rows
    if table["layout"] == "paired":
        rows = [[cell for value in row for cell in (word, value)] for word, row in zip(words, values, strict=True)]
        return [cell for name in names for cell in ("Timestamp", name)], rows
    return ["Timestamp", *names], [[word, *row] for word, row in zip(words, values, strict=True)]


def text(table: dict[str, Any]) -> bytes:
    head, rows = cells(table)
    if table["newest first"]:
        rows = rows[::-1]
    if table["again"] and table["layout"] == "wide":
        rows = [*rows[: len(rows) // 2], head, *rows[len(rows) // 2 :]]
    target = io.StringIO()
    quoting = csv.QUOTE_ALL if table["quoted"] else csv.QUOTE_MINIMAL
    writer = csv.writer(target, delimiter=table["separator"], quoting=quoting, lineterminator=table["line"])
    writer.writerows([head, *rows])
    titles = "".join(f"Trend report {number}{table['line']}" for number in range(table["titles"]))
    footer = f"*** End of Report ***{table['line']}" if table["footer"] else ""
    return (titles + target.getvalue() + footer).encode(table["encoding"])


def compare(found: Table, table: dict[str, Any]) -> None:
    names = NAMES[: table["values"].shape[1]]
    expected = table["values"].astype(np.float32)
    assert found.times is not None
    np.testing.assert_array_equal(found.times, table["times"])
    np.testing.assert_array_equal(found.select(names), expected)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=tables())
def test_a_table_comes_back(table: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(text(table))
    named = {} if table["decimal"] == "." or table["separator"] != "," else {"decimal": ","}
    compare(read_table(path, ReadOptions(max_age_seconds=1e-3, **named)), table)
