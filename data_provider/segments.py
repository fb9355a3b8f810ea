"""All runs of a data set as one array of evenly spaced readings, with a table of where each segment lies.

Letters: N steps of all segments together, C signals, S segments, R runs.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_provider.frames import Frame
from data_provider.notes import Notes
from data_provider.segmentation import Recipe, Segment, segments_of
from data_provider.trends.columns import agree
from utils.errors import UserError


class Run(NamedTuple):
    """A frame without its readings."""

    name: str
    label: str
    severity: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Segments:
    """Evenly spaced readings of all runs.

    Attributes:
        recipe: how they were made; its columns are the C signals.
        values: (N, C) float32, one segment after the other; may be mapped from a file.
        runs: R runs.
        run: (S,) int64, the run of a segment.
        first: (S,) int64, its first row in `values`.
        rows: (S,) int64, its length.
        start: (S,) datetime64[s], the time of its first row.
        missing: (N, C) bool, where a reading is missing; None if every reading is there.
    """

    recipe: Recipe
    values: np.ndarray
    runs: tuple[Run, ...]
    run: np.ndarray
    first: np.ndarray
    rows: np.ndarray
    start: np.ndarray
    missing: np.ndarray | None = None

    def masked(self) -> "Segments":
        """The same with missing readings, NaN in `values`, in a mask."""
        missing = np.isnan(self.values)
        return dataclasses.replace(self, values=np.where(missing, np.float32(0), self.values), missing=missing)

    @property
    def end(self) -> np.ndarray:
        """(S,) datetime64[s], the time of each segment's last row."""
        return self.start + (self.rows - 1) * np.timedelta64(self.recipe.period_seconds, "s")


def build(
    frames: Iterable[Frame],
    recipe: Recipe,
    notes: Notes,
    *,
    keep_constant: bool,
    masked: bool = False,
    target: Path | None = None,
) -> Segments:
    """Reads all frames into segments.

    Args:
        frames: the runs; each is let go before the next is read.
        recipe: the way; its columns and when the unit works are filled in from what was read.
        notes: what was dropped is counted there.
        keep_constant: keep signals that never change.
        masked: keep missing readings, as NaN, instead of ending the segment there.
        target: .npy file to put the values into; in memory if None.

    Raises:
        UserError: runs do not agree about their columns, or hold no readings of a working unit.
    """
    columns: tuple[str, ...] = ()
    runs: list[Run] = []
    parts: list[np.ndarray] = []
    table: list[tuple[int, int, np.datetime64]] = []
    for frame in frames:
        columns = columns or frame.columns
        values = _aligned(frame, columns, runs)
        segments = _cut(frame, values, recipe, notes, masked=masked)
        table += [(len(runs), len(segment.values), segment.start) for segment in segments]
        parts += [_with_holes(segment) for segment in segments]
        runs.append(Run(frame.name, frame.label, frame.severity, frame.group))
    _some(parts)
    keep = np.arange(len(columns)) if keep_constant else _changing(parts, columns, notes)
    run, rows, start = (np.array(column) for column in zip(*table, strict=True))
    return Segments(
        recipe=_noted(recipe, tuple(columns[place] for place in keep), notes),
        values=_joined(parts, keep, target),
        runs=tuple(runs),
        run=run,
        first=np.cumsum(rows) - rows,
        rows=rows,
        start=start,
    )


def _some(parts: list[np.ndarray]) -> None:
    if not parts:
        raise UserError("no run holds readings of a working unit; check the column that says when it works")


def _noted(recipe: Recipe, columns: tuple[str, ...], notes: Notes) -> Recipe:
    """The recipe with its columns, and with what reading found of when the unit works."""
    return dataclasses.replace(
        recipe, columns=columns, working_column=notes.working_column, settle_seconds=notes.settle_seconds
    )


def _aligned(frame: Frame, columns: tuple[str, ...], runs: list[Run]) -> np.ndarray:
    """The frame's values in the order of `columns`."""
    if frame.columns == columns:
        return frame.values
    agree(columns, runs[0].name, frame.columns, frame.name)
    return frame.values[:, [frame.columns.index(name) for name in columns]]


def _with_holes(segment: Segment) -> np.ndarray:
    """The values of a segment, NaN where a reading is missing."""
    return segment.values if segment.missing is None else np.where(segment.missing, np.float32(np.nan), segment.values)


def _cut(frame: Frame, values: np.ndarray, recipe: Recipe, notes: Notes, *, masked: bool) -> list[Segment]:
    """The segments of a frame; what was dropped is counted."""
    try:
        segments, counts = segments_of(frame.times, values, frame.working, recipe, masked=masked)
    except UserError as error:
        raise UserError(f"{frame.name}: {error}") from None
    if not segments:
        _why_empty(frame, values, notes)
    notes.count(counts)
    return segments


def _why_empty(frame: Frame, values: np.ndarray, notes: Notes) -> None:
    """A run without a single usable row is an error if a sensor is to blame, a warning if the unit was off."""
    if frame.working.any():
        empty = np.flatnonzero(np.isnan(values[frame.working]).all(0))
        if len(empty):
            name = frame.columns[empty[0]]
            raise UserError(f"{frame.name}: column '{name}' holds no readings; take it out of all files, or fill it")
    notes.warn(f"{frame.name}: nothing to use, the unit was never working with all its readings there")


def _changing(parts: list[np.ndarray], columns: tuple[str, ...], notes: Notes) -> np.ndarray:
    """Places of the signals that are not the same number from the first run to the last."""
    lowest = np.min([part.min(0) for part in parts], axis=0)
    highest = np.max([part.max(0) for part in parts], axis=0)
    for place in np.flatnonzero(lowest == highest):
        notes.drop(columns[place], f"constant ({lowest[place]:g}) while the unit works, in every run")
    keep = np.flatnonzero(lowest < highest)
    if not len(keep):
        raise UserError("every column of readings is constant; there is nothing to learn from")
    return keep


def _joined(parts: list[np.ndarray], keep: np.ndarray, target: Path | None) -> np.ndarray:
    """One array of all parts; each part is let go once it is copied.

    A file is written in the ordinary way, and mapped into memory after that: writing through the map would end in a
    signal where the disk is full.
    """
    shape = (sum(len(part) for part in parts), len(keep))
    if target is None:
        values = np.empty(shape, np.float32)
        for row, part in _in_turn(parts):
            values[row : row + len(part)] = part[:, keep]
        return values
    with target.open("wb") as file:
        header = {"descr": np.dtype(np.float32).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for _, part in _in_turn(parts):
            file.write(np.ascontiguousarray(part[:, keep], np.float32).data)
    return np.load(target, mmap_mode="r", allow_pickle=False)


def _in_turn(parts: list[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Each part with its first row in the whole; it is let go then."""
    row = 0
    for place, part in enumerate(parts):
        yield row, part
        row += len(part)
        parts[place] = part[:0]
