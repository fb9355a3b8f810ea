"""Which text files hold points with times of their own, and their readings point by point.

Letters: T readings of a point.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.trends.header import Header
from data_provider.trends.point_names import plain_name, without_unit
from data_provider.trends.points import PointsFile, Series
from data_provider.trends.problems import Unusable
from data_provider.trends.quality import WORDS, quality_places
from data_provider.trends.text import TextFile
from data_provider.trends.units import Unit, find_unit

POINT_NAMES = (
    "name path reference", "point path", "object name", "point name", "pointname", "point", "point id", "pointid",
    "point_id", "name", "tag", "tagname", "tag name", "signal", "sensor", "variable", "object", "item", "series",
    "trend", "trend name", "metric", "messpunkt", "datenpunkt",
)  # fmt: skip
VALUE_NAMES = ("value", "object value", "present value", "presentvalue", "reading", "val", "wert", "messwert")
UNIT_NAMES = ("unit", "units", "uom", "einheit")
_EQUIPMENT_NAMES = (
    "unit name", "device", "device name", "equipment", "equip", "asset", "ahu", "system", "controller", "anlage",
)  # fmt: skip
_EMPTY = 0.6  # of the cells of a table that was joined from points
_AT_ONCE = 4  # columns read as words at a time
_MOST_LONG = 12  # columns of a table that names a point in each row


class LongColumns(NamedTuple):
    """Places of the columns of a table that names a point in each row; unit, quality and equipment may be absent."""

    point: int
    value: int
    unit: int | None
    quality: int | None
    equipment: int | None


def long_columns(header: Header) -> LongColumns | None:
    """The columns of a table that names a point in each row; None if the table is another."""
    plain = [plain_name(name) for name in header.names]
    value = next((place for place, name in enumerate(plain) if name in VALUE_NAMES), None)
    point = next((plain.index(name) for name in POINT_NAMES if name in plain), None)
    if value is None or point is None or len(plain) > _MOST_LONG or not header.time:
        return None
    unit = next((place for place, name in enumerate(plain) if name in UNIT_NAMES), None)
    quality = next((place for place, name in enumerate(plain) if name in WORDS), None)
    equipment = next((place for place, name in enumerate(plain) if name in _EQUIPMENT_NAMES), None)
    return LongColumns(point, value, unit, quality, equipment)


def points_of(file: str, text: TextFile) -> PointsFile | None:
    """The points of a text file that has times for each; None if it is a plain table.

    Raises:
        Unusable: it has no readings.
    """
    columns = long_columns(text.header)
    if columns is not None and (points := _long(file, text, columns)) is not None:
        return points
    if text.header.paired:
        return _paired(file, text)
    return _sparse(file, text) if text.header.time else None


def _long(file: str, text: TextFile, columns: LongColumns) -> PointsFile | None:
    """A table that names a point in each row; None if what should be names are numbers."""
    time = text.header.time
    wanted = [place for place in columns if place is not None]
    words = text.words([*time, *wanted])
    times = text.joined_times(words)
    assert times is not None
    points = words[columns.point]
    if columns.equipment is not None and len(words[columns.equipment].unique()) > 1:
        points = pc.binary_join_element_wise(words[columns.equipment], points, ".")
    coded = points.dictionary_encode()
    known = coded.dictionary.to_pylist()
    if all(re.fullmatch(r"[+-]?[\d.,]*", name) for name in known):
        return None
    order = np.argsort(coded.indices.to_numpy(), kind="stable")
    codes = coded.indices.to_numpy()[order]
    bounds = np.searchsorted(codes, np.arange(len(known) + 1))
    kept = [number for number, name in enumerate(known) if name]
    names = without_unit([known[number] for number in kept])
    notes = [*text.notes]
    if "" in known:
        what = f"{np.diff(bounds)[known.index('')]} rows name no point and are left out"
        notes.append(("layout", what, "name it, or take them out"))
    series: list[Series] = []
    units: dict[int, Unit] = {}
    for place, number in enumerate(kept, 1):
        found = order[bounds[number] : bounds[number + 1]]
        rows = pa.array(found)
        quality = words[columns.quality].take(rows) if columns.quality is not None else None
        said = words[columns.unit].take(rows).unique().to_pylist() if columns.unit is not None else []
        if len([word for word in said if word]) > 1:
            what = f"the point '{known[number]}' is in {said[0]} and in {said[1]}"
            raise Unusable(what, "export it in one unit", kind="unit")
        unit = next((find_unit(word) for word in said if word), None)
        units |= {place: unit} if unit else {}
        values = words[columns.value].take(rows)
        series.append(Series(times.take(rows), {place: values}, quality, _line_of(text, found)))
    what = f"each row is a reading of the point that '{text.header.names[columns.point]}' names: {len(names)} points"
    header = dataclasses.replace(text.header, names=("", *names), time=(0,), width=len(names) + 1, units=units)
    return PointsFile(file=file, header=header, series=series, notes=[*notes, ("layout", what, "nothing to be done")])


def _paired(file: str, text: TextFile) -> PointsFile:
    """A table with a column of times beside each point, or each few points."""
    own, time = text.header, text.header.time
    words = text.words(range(len(own.names)))
    names, series = [""], []
    units: dict[int, Unit] = {}
    for place, end in zip(time, [*time[1:], len(own.names)], strict=True):
        times = pc.utf8_trim_whitespace(words[place])
        rows = np.flatnonzero(np.array(pc.not_equal(times, ""), bool))
        values = {}
        for column in range(place + 1, end):
            if own.names[column]:
                values[len(names)] = words[column].take(pa.array(rows))
                units |= {len(names): own.units[column]} if column in own.units else {}
                names.append(own.names[column])
        series.append(Series(times.take(pa.array(rows)), values, None, _line_of(text, rows)))
    what = f"each of {len(time)} points has a column of times of its own"
    header = dataclasses.replace(own, names=tuple(names), time=(0,), width=len(names), units=units)
    return PointsFile(
        file=file, header=header, series=series, notes=[*text.notes, ("layout", what, "nothing to be done")]
    )


def _sparse(file: str, text: TextFile) -> PointsFile | None:
    """A table that was joined from points with times of their own: most of its cells are empty.

    Only a few columns at a time are held whole.
    """
    empty = [not cell for cell in text.some_cells()]
    beside = quality_places(text.header.names, text.header.time)
    if not _EMPTY * len(empty) <= sum(empty) < len(empty) or beside:
        return None
    own = text.header
    times = text.joined_times(text.words(own.time))
    assert times is not None
    places = [place for place, name in enumerate(own.names) if name and place not in own.time]
    series = []
    for first in range(0, len(places), _AT_ONCE):
        for place, words in text.words(places[first : first + _AT_ONCE]).items():
            rows = np.flatnonzero(np.array(pc.not_equal(words, ""), bool))
            held = pa.array(rows)
            series.append(Series(times.take(held), {place: words.take(held)}, None, _line_of(text, rows)))
    what = "most cells are empty: each point is read at its own times"
    return PointsFile(file=file, header=own, series=series, notes=[*text.notes, ("layout", what, "nothing to be done")])


def _line_of(text: TextFile, rows: np.ndarray) -> Callable[[int], str]:
    return lambda row: text.place(int(rows[row]))
