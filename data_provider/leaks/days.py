"""One day of one unit in training and test."""

import numpy as np

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, Finding
from data_provider.splits.split import TEST, TRAIN


def same_day(evidence: Evidence) -> list[Finding]:
    """Test windows that begin on a day on which training windows of the same unit begin too.

    Rows without times are counted from 1970, and their days are none.
    """
    if "times" in evidence.report:
        return []
    windows = evidence.windows
    day = windows.start.astype("datetime64[D]").astype(np.int64)
    _, key = np.unique(np.stack([_units(evidence)[windows.run], day]), axis=1, return_inverse=True)
    key = key.ravel()
    shared = (windows.part == TEST) & np.isin(key, key[windows.part == TRAIN])
    if not shared.any():
        return []
    share = shared.sum() / (windows.part == TEST).sum()
    runs = sorted({evidence.names[run] for run in set(windows.run[shared].tolist())})
    return [
        Finding(
            check="same_day",
            level=MARK,
            words=f"{share:.0%} of the test windows lie on days of their unit that training knows",
            remedy="hold whole days out with --split day, or give more days of each class",
            files=tuple(runs),
            rows=int(shared.sum()),
        )
    ]


def _units(evidence: Evidence) -> np.ndarray:
    """(R,) the number of each run's unit: one for all, one a group, or one a run where runs lie side by side."""
    if evidence.one_unit:
        return np.zeros(len(evidence.labels), np.int64)
    if evidence.asked.strategy == "units":
        return np.unique([run.group for run in evidence.segments.runs], return_inverse=True)[1]
    return np.arange(len(evidence.labels))
