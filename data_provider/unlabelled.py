"""A trend file that nobody has labelled, to windows: by the recipe and the scaler of a trained model.

Letters: C signals, L steps of a window.
"""

from typing import Any

import numpy as np

from data_provider.scaler import Scaler
from data_provider.segments import Recipe, stretches_of, working_mask
from data_provider.splits.split import TEST, Plan, cut, windows_of
from data_provider.stretches import Run, Stretches
from data_provider.trends.table import Table
from data_provider.windows import WindowSet
from utils.errors import UserError


def unlabelled(
    table: Table, recipe: Recipe, scaler: Scaler, *, seq_len: int, step: int
) -> tuple[WindowSet, dict[str, Any]]:
    """The windows of a file, prepared exactly as those that the model was trained on.

    Args:
        table: the file; rows without times are taken to be the recipe's step apart, from 1970-01-01 on.
        recipe: of the training data.
        scaler: of the training data.
        seq_len: L.
        step: steps between windows.

    Returns:
        The windows (none if the file has no stretch that long), whose targets are -1 and whose block is the number
        of the stretch; and what was dropped or filled -> how often.

    Raises:
        UserError: a signal is missing, or its readings are too far apart.
    """
    values = table.select(recipe.columns)
    times = table.times
    if times is None:
        times = np.datetime64(0, "s") + np.arange(len(values)) * np.timedelta64(recipe.period_seconds, "s")
    known = recipe.working_column in table.columns if recipe.working_column else False
    control = table.column(str(recipe.working_column)) if known else None
    working = working_mask(times, control, value=recipe.working_value, settle_seconds=recipe.settle_seconds)
    try:
        found, counts = stretches_of(times, values, working, recipe)
    except UserError as error:
        raise UserError(f"{table.name}: {error}") from None
    report: dict[str, Any] = dict(counts)
    if recipe.working_column and not known:
        report["taken as always working, there is no column"] = recipe.working_column
    rows = np.array([len(stretch.values) for stretch in found], np.int64)
    stretches = Stretches(
        recipe=recipe,
        values=np.concatenate([np.empty((0, len(recipe.columns)), np.float32), *(entry.values for entry in found)]),
        runs=(Run(table.name, "", "", ""),),
        run=np.zeros(len(rows), np.int64),
        first=np.cumsum(rows) - rows,
        rows=rows,
        start=np.array([stretch.start for stretch in found], "datetime64[s]"),
    )
    plan = Plan(edges=[stretches.start], parts=[np.full(len(rows), TEST)], line=[0], words="")
    windows = windows_of(cut(stretches, plan), period=recipe.period_seconds, seq_len=seq_len, step=step)
    targets = np.full(len(windows), -1)
    return WindowSet(stretches=stretches, windows=windows, targets=targets, scaler=scaler, seq_len=seq_len), report
