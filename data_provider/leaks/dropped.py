"""Columns that `--drop_columns` takes out of the data before anything looks at it."""

import dataclasses
from collections.abc import Iterable, Iterator

from data_provider.frames import Frame
from data_provider.notes import Notes
from utils.errors import UserError

WHY = "taken out by --drop_columns"


def names_of(text: str | None) -> tuple[str, ...]:
    """The names of a list with commas, in order; blanks around them do not count."""
    return tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


def without(frames: Iterable[Frame], names: tuple[str, ...], notes: Notes) -> Iterator[Frame]:
    """The frames without some signals.

    Args:
        frames: the runs.
        names: of the signals to take out.
        notes: they are noted there.

    Raises:
        UserError: a name is no signal's, or none would be left.
    """
    for frame in frames:
        unknown = [name for name in names if name not in frame.columns]
        if unknown:
            known = ", ".join(frame.columns)
            raise UserError(f"--drop_columns {unknown[0]}: {frame.name} has no such signal; its signals are: {known}")
        keep = [place for place, column in enumerate(frame.columns) if column not in names]
        if not keep:
            raise UserError("--drop_columns names every signal; leave one at least")
        columns = tuple(frame.columns[place] for place in keep)
        yield dataclasses.replace(frame, values=frame.values[:, keep], columns=columns)
    for name in names:  # at the end: a reader skips what the notes call dropped
        notes.drop(name, WHY)
