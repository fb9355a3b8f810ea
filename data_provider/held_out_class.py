"""Data as if a class had never been met: what a model makes of a fault that it does not know.

Letters: n windows, C signals, K classes.
"""

import dataclasses

import numpy as np

from data_provider.assemble import Prepared
from data_provider.scaler import Scaler
from data_provider.splits.split import PARTS
from data_provider.windows import WindowSet
from utils.errors import unknown_name


def leave_out(data: Prepared, name: str) -> tuple[Prepared, WindowSet]:
    """Takes a class out of all parts; the others stay in the part that they were in.

    Args:
        data: with the class.
        name: of the class.

    Returns:
        The data without it, whose scaler is fitted again; and the class's test windows, scaled likewise, targets -1.

    Raises:
        UserError: there is no such class.
    """
    classes = data.info.classes
    if name not in classes:
        raise unknown_name("class", name, list(classes))
    gone = classes.index(name)
    numbers = np.array([-1 if k == gone else k - (k > gone) for k in range(len(classes))])  # (K,)
    sets = {part: getattr(data, part) for part in PARTS}
    known = {part: np.flatnonzero(windows.targets != gone) for part, windows in sets.items()}
    readings = data.train.readings(known["train"])  # (n, C, L)
    rows = readings.swapaxes(1, 2).reshape(-1, readings.shape[1])
    scaler = Scaler.fit(rows, "range" if data.scaler.low is None else "quantile")
    unseen = np.flatnonzero(data.test.targets == gone)
    kept = {
        part: windows.chosen(known[part], targets=numbers[windows.targets[known[part]]], scaler=scaler)
        for part, windows in sets.items()
    }
    left = tuple(other for other in classes if other != name)
    info = dataclasses.replace(
        data.info,
        classes=left,
        normal=data.info.normal if data.info.normal in left else None,
        counts={part: tuple(np.bincount(mine.targets, minlength=len(left)).tolist()) for part, mine in kept.items()},
    )
    without = dataclasses.replace(data, **kept, info=info, scaler=scaler)
    return without, data.test.chosen(unseen, targets=np.full(len(unseen), -1), scaler=scaler)
