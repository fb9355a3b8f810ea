"""A trend file opened, whatever it is; and several files of one unit as one table.

Letters: T readings.
"""

import dataclasses
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from data_provider.trends.cells import Cells
from data_provider.trends.files import TrendFile
from data_provider.trends.header import Header
from data_provider.trends.order import Clock, clock_of
from data_provider.trends.parquet import ParquetFile, open_parquet
from data_provider.trends.point_layouts import VALUE_NAMES, points_of
from data_provider.trends.point_names import plain_name
from data_provider.trends.points import Piece, PointsFile, unite
from data_provider.trends.problems import Unusable
from data_provider.trends.quality import WORDS, quality_places
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.stamps import settled
from data_provider.trends.text import Convert, Rows, TextFile, open_text
from data_provider.trends.units import Unit


@dataclass(kw_only=True)
class JoinedFiles:
    """Files of one unit.

    Attributes:
        file: what the unit is called.
        header: the columns of all files; the first stands for the times.
        parts: each file's name, its content, and the place of its columns among all: its own -> the unit's.
        notes: (kind, what, what to do) for the reader to know.
    """

    file: str
    header: Header
    parts: list[tuple[str, "Content", dict[int, int]]]
    notes: list[tuple[str, str, str]] = field(default_factory=list)

    def read(self, places: Sequence[int], texts: Collection[int], convert: Convert, number: pa.DataType) -> Rows:
        """Columns of all files; see `TextFile.read`.

        Raises:
            Unusable: a file cannot be read, or files contradict each other.
        """
        read, notes = [], []
        for name, content, joint in self.parts:
            wanted = [own for own, place in joint.items() if place in places]
            if not wanted:
                continue

            def as_joint(own: int, column: pa.Array, joint: dict[int, int] = joint) -> Cells:
                return convert(joint[own], column)

            try:
                rows = content.read(wanted, (), as_joint, number)
                read.append((name, content, rows, joint))
            except Unusable as error:
                raise Unusable(
                    error.what, error.what_to_do, where=f"{name} {error.where}".strip(), kind=error.kind
                ) from None
            notes += rows.notes
        if not read:
            raise Unusable("there are column names but no readings", "export it again")
        words = [rows.times for _, _, rows, _ in read if isinstance(rows.times, pa.Array)]
        options = settled([column for column in words if pa.types.is_string(column.type)], self.header.options)
        pieces = [self._piece(name, content, rows, joint, options) for name, content, rows, joint in read]
        united = unite(self.file, pieces, places)
        return Rows(united.clock, united.cells, {}, [*dict.fromkeys(notes)])

    def _piece(self, name: str, content: "Content", rows: Rows, joint: dict[int, int], options: ReadOptions) -> Piece:
        times = rows.times
        assert times is not None
        clock = times if isinstance(times, Clock) else clock_of(name, times, options, content.place)
        cells = {joint[own]: entry.turned() if clock.flipped else entry for own, entry in rows.columns.items()}
        return Piece(clock, cells)

    def place(self, row: int) -> str:
        """The place of a reading, as messages name it: rows of several files have no line in common."""
        return f"reading {row + 1}"


Content = TextFile | PointsFile | ParquetFile | JoinedFiles


def content_of(
    file: TrendFile, options: ReadOptions, *, growing: bool = False, needs_time: bool = True, rows: int | None = None
) -> Content:
    """Opens a file, or the files of a unit; for the arguments and errors see `open_text`."""
    if file.refused:
        raise file.refused
    if file.parts:
        return _joined(file, options, growing=growing, rows=rows)
    if file.path.name.lower().endswith(".parquet"):
        return open_parquet(file.path, options, needs_time=needs_time, rows=rows)
    text = open_text(file.path, options, growing=growing, needs_time=needs_time, rows=rows)
    return points_of(file.name, text) or text


def point_in(header: Header) -> int | None:
    """The place of the only column of readings, if its name says no more than that it holds values."""
    aside = {*header.time, *quality_places(header.names, header.time).values()}
    named = [(place, name) for place, name in enumerate(header.names) if name and place not in aside]
    rest = [place for place, name in named if name.strip().casefold() not in WORDS]
    return rest[0] if len(rest) == 1 and plain_name(header.names[rest[0]]) in VALUE_NAMES else None


def _joined(file: TrendFile, options: ReadOptions, *, growing: bool, rows: int | None) -> JoinedFiles:
    parts: list[tuple[str, Content, dict[int, int]]] = []
    names, units = [""], dict[int, Unit]()
    notes: list[tuple[str, str, str]] = []
    for part in file.parts:
        try:
            content = content_of(part, options, growing=growing, rows=rows)
        except Unusable as error:
            notes.append(
                ("file", f"{part.name} is left out: {error.problem(part.name).reason}", "correct it, or take it out")
            )
            continue
        header, joint = content.header, dict[int, int]()
        single = point_in(header)
        for own, name in enumerate(header.names):
            if own in header.time or not name or (single is not None and own != single):
                continue
            called = re.sub(r"^[^(\[]*", f"{part.stem} ", name).strip() if own == single else name
            if called not in names:
                names.append(called)
            joint[own] = names.index(called)
            unit = header.units.get(own)
            if unit and units.setdefault(joint[own], unit) is not unit:
                what = f"'{called}' is in {units[joint[own]].name} in one file and in {unit.name} in {part.name}"
                raise Unusable(what, "export it in one unit", kind="unit")
        parts.append((part.name, content, joint))
        notes += content.notes
    if not parts:
        raise Unusable(notes[0][1], notes[0][2])
    decimals = [content.header.options.decimal for _, content, _ in parts]
    if "," in decimals and any(_has_points(content) for _, content, _ in parts):
        raise Unusable("some of its files have decimal commas, others decimal points", "name the mark: --decimal")
    written = dataclasses.replace(parts[0][1].header.options, decimal="," if "," in decimals else decimals[0])
    what = f"{len(file.parts)} files are one unit: {file.parts[0].name} to {file.parts[-1].name}"
    notes = [("layout", what, "--unit_from file keeps them apart"), *dict.fromkeys(notes)]
    header = Header(line=0, names=tuple(names), time=(0,), above=0, width=len(names), units=units, options=written)
    return JoinedFiles(file=file.name, header=header, parts=parts, notes=notes)


def _has_points(content: Content) -> bool:
    """Whether a file of text has numbers with decimal points."""
    if not isinstance(content, TextFile) or content.header.options.decimal == ",":
        return False
    return any(re.match(r"[+-]?\d*\.\d", cell) for cell in content.some_cells())
