"""Readings that nobody has labelled, to windows: by the recipe and the scaler of a trained model.

Letters: T readings, C signals, L steps of a window.
"""

from collections import Counter

import numpy as np

from data_provider.scaler import Scaler
from data_provider.segmentation import Recipe, Segment, segments_of, working_mask
from data_provider.segments import Run, Segments
from data_provider.splits.split import TEST, Plan, cut, windows_of
from data_provider.windows import WindowSet
from utils.errors import UserError


def unlabelled(
    times: np.ndarray,
    values: np.ndarray,
    control: np.ndarray | None,
    *,
    name: str,
    recipe: Recipe,
    scaler: Scaler,
    seq_len: int,
    step: int,
    masked: bool = False,
) -> tuple[WindowSet, Counter[str]]:
    """The windows of a file, prepared exactly as those that the model was trained on.

    Args:
        times: (T,) datetime64[s], strictly increasing.
        values: (T, C) float32 in the order of the recipe's columns, NaN where a reading is missing.
        control: (T,) the column that says when the unit works; None if it always does.
        name: of the file.
        recipe: of the training data.
        scaler: of the training data.
        seq_len: L.
        step: steps between windows.
        masked: note missing readings in the windows' mask, instead of leaving out the time that lacks one.

    Returns:
        The windows (none if the file has no segment that long), whose targets are -1 and whose block is the number
        of the segment; and what was dropped or filled -> how often.

    Raises:
        UserError: the readings are too far apart.
    """
    working = working_mask(times, control, value=recipe.working_value, settle_seconds=recipe.settle_seconds)
    try:
        found, counts = segments_of(times, values, working, recipe, masked=masked)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    segments = _joined(found, name, recipe, masked)
    plan = Plan(edges=[segments.start], parts=[np.full(len(segments.rows), TEST)], line=[0], words="")
    windows = windows_of(cut(segments, plan), period=recipe.period_seconds, seq_len=seq_len, step=step)
    targets = np.full(len(windows), -1)
    return WindowSet(segments=segments, windows=windows, targets=targets, scaler=scaler, seq_len=seq_len), counts


def _joined(found: list[Segment], name: str, recipe: Recipe, masked: bool) -> Segments:
    """The segments of one file as those of a run without a label."""
    rows = np.array([len(segment.values) for segment in found], np.int64)
    none = np.empty((0, len(recipe.columns)))
    masks = [segment.missing for segment in found if segment.missing is not None]
    return Segments(
        recipe=recipe,
        values=np.concatenate([none.astype(np.float32), *(segment.values for segment in found)]),
        runs=(Run(name, "", "", ""),),
        run=np.zeros(len(rows), np.int64),
        first=np.cumsum(rows) - rows,
        rows=rows,
        start=np.array([segment.start for segment in found], "datetime64[s]"),
        missing=np.concatenate([none.astype(bool), *masks]) if masked else None,
    )
