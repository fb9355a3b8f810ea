"""Segments cut into pieces and windows, against the same done reading by reading, on random plans."""

import random

import numpy as np
import pytest

from data_provider.segmentation import Recipe
from data_provider.segments import Run, Segments
from data_provider.splits.split import OUT, PARTS, TEST, TRAIN, VAL, Plan, cut, embargoed, windows_of

PERIOD, LENGTH = 60, 4
BEGIN = np.datetime64("2021-03-01", "s").astype(np.int64)


def drawn(dice: random.Random) -> tuple[Segments, Plan]:
    """A few runs of a few segments, and a plan of intervals that begin anywhere."""
    runs = dice.randrange(1, 4)
    run, rows, start = [], [], []
    for number in range(runs):
        now = BEGIN + PERIOD * dice.randrange(5)
        for _ in range(dice.randrange(1, 4)):
            length = dice.randrange(1, 25)
            run.append(number)
            rows.append(length)
            start.append(now)
            now += PERIOD * (length + dice.randrange(1, 12))
    segments = Segments(
        recipe=Recipe(columns=("a",), period_seconds=PERIOD, hold_seconds=PERIOD),
        values=np.zeros((sum(rows), 1), np.float32),
        runs=tuple(Run(f"run {number}", "x", "", "") for number in range(runs)),
        run=np.array(run),
        first=np.cumsum(rows) - rows,
        rows=np.array(rows),
        start=np.array(start).astype("datetime64[s]"),
    )
    edges, parts = [], []
    for _ in range(runs):
        seconds = sorted(dice.sample(range(-30, 60 * PERIOD, 17), dice.randrange(1, 6)))
        edges.append(np.array([BEGIN + second for second in seconds]).astype("datetime64[s]"))
        parts.append(np.array([dice.choice((TRAIN, TRAIN, VAL, TEST, OUT)) for _ in seconds]))
    return segments, Plan(edges=edges, parts=parts, line=[dice.randrange(2) for _ in range(runs)], words="")


def by_hand(segments: Segments, plan: Plan) -> list[list[tuple[int, int, int, int, int]]]:
    """Pieces as lists of rows: (run, row in the values, second, part, block)."""
    offset = np.cumsum([0] + [len(edges) for edges in plan.edges])
    pieces = []
    for run, first, rows, start in zip(segments.run, segments.first, segments.rows, segments.start, strict=True):
        piece: list[tuple[int, int, int, int, int]] = []
        for row in range(rows):
            second = start.astype(np.int64) + row * PERIOD
            interval = max(0, int((plan.edges[run].astype(np.int64) <= second).sum()) - 1)
            block = int(offset[run] + interval)
            if piece and piece[-1][4] != block:
                pieces.append(piece)
                piece = []
            piece.append((run, first + row, second, plan.parts[run][interval], block))
        pieces.append(piece)
    return pieces


def without_embargo(pieces: list, plan: Plan) -> list:
    """Readings within a window's length of an earlier piece of another part, on the same line, are taken away."""
    kept: dict[int, list] = {}
    order = sorted(range(len(pieces)), key=lambda n: (plan.line[pieces[n][0][0]], pieces[n][0][2], pieces[n][-1][2]))
    ends: list[tuple[int, int, int]] = []
    for number in order:
        piece, part, line = pieces[number], pieces[number][0][3], plan.line[pieces[number][0][0]]
        others = [end for where, what, end in ends if where == line and what != part]
        kept[number] = [row for row in piece if part == OUT or all(row[2] >= end + LENGTH * PERIOD for end in others)]
        if kept[number] and part != OUT:
            ends.append((line, part, piece[-1][2]))
    return [kept[number] for number in range(len(pieces))]


@pytest.mark.parametrize("seed", range(60))
def test_pieces_and_windows_are_those_of_single_readings(seed) -> None:
    dice = random.Random(seed)
    segments, plan = drawn(dice)
    step = dice.randrange(1, 6)
    pieces = cut(segments, plan)
    expected = by_hand(segments, plan)
    assert rows_of(pieces) == [row for piece in expected for row in piece]
    apart = embargoed(pieces, plan, period=PERIOD, seq_len=LENGTH)
    left = without_embargo(expected, plan)
    assert rows_of(apart) == [row for piece in left for row in piece]
    found = windows_of(apart, period=PERIOD, seq_len=LENGTH, step=step)
    begins = [piece[row] for piece in left for row in range(0, len(piece) - LENGTH + 1, step)]
    columns = (found.run, found.first, found.start.astype(np.int64), found.part, found.block)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == begins


def rows_of(pieces) -> list[tuple[int, int, int, int, int]]:
    table = zip(
        *(column.tolist() for column in (pieces.run, pieces.first, pieces.start.astype(np.int64))),
        *(column.tolist() for column in (pieces.part, pieces.block, pieces.rows)),
        strict=True,
    )
    return [
        (run, first + row, second + row * PERIOD, part, block)
        for run, first, second, part, block, rows in table
        for row in range(rows)
    ]


def test_the_parts_have_these_names_and_numbers() -> None:
    """They stand in files: predictions, fingerprints, prepared data."""
    assert (TRAIN, VAL, TEST, OUT) == (0, 1, 2, 3)
    assert PARTS == ("train", "val", "test")
