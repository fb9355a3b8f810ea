"""The same weather in training and test: outdoor readings that agree to the last digit.

Letters: N rows, W rows of a span.
"""

import re

import numpy as np

from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, STOP, Finding
from data_provider.leaks.spans import FACTOR, changes, rolled, within_one
from data_provider.splits.split import TEST, TRAIN
from data_provider.trends.role_names import role_of

SECONDS = 3 * 3600  # of readings that agree
LEAST_DISTINCT = 8  # numbers in them; coarse readings agree by chance
LEAST_SHARE = 0.01  # of the rows of the test
_OUTDOOR = r"outdoor|outside|ambient|\boat?\b"


def same_weather(evidence: Evidence) -> list[Finding]:
    """Outdoor temperatures of test windows that stand, hour by hour, in training windows too."""
    number = max(12, min(evidence.asked.seq_len, SECONDS // evidence.period))
    found = []
    for place in (place for place, column in enumerate(evidence.columns) if _is_outdoor(column)):
        first, hashes = _spans(evidence, place, number)
        train = evidence.covered[TRAIN][first] & evidence.covered[TRAIN][first + number - 1]
        test = evidence.covered[TEST][first] & evidence.covered[TEST][first + number - 1]
        same = np.flatnonzero(test)[np.isin(hashes[test], hashes[train])]
        rows = np.zeros(len(evidence.segments.values), bool)
        for lag in range(number):
            rows[first[same] + lag] = True
        rows &= evidence.covered[TEST]
        if rows.sum() >= LEAST_SHARE * max(1, evidence.covered[TEST].sum()):
            found.append(_finding(evidence, evidence.columns[place], rows))
    return found


def _finding(evidence: Evidence, column: str, rows: np.ndarray) -> Finding:
    runs = sorted({evidence.names[run] for run in set(evidence.run_of_row[rows].tolist())})
    share = rows.sum() / evidence.covered[TEST].sum()
    by_default = evidence.asked.split == "blocked" and evidence.asked.strategy != "units"
    return Finding(
        check="same_weather",
        level=STOP if by_default else MARK,
        words=f"{column} reads the same in training as in {share:.0%} of the test: the weather of the test is known",
        remedy="keep days of the same weather together with --split group --group FILE.yaml",
        files=tuple(runs),
        column=column,
        rows=int(rows.sum()),
    )


def _is_outdoor(column: str) -> bool:
    role = role_of(column)
    if role is not None:
        return role.name == "OA_TEMP"
    plain = re.sub(r"[_\W]+", " ", column.casefold())
    return bool(re.search(_OUTDOOR, plain)) and not re.search(r"damper|dmpr|flow|cfm|fan", plain)


def _spans(evidence: Evidence, place: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """First rows and hashes of every W rows of a segment whose readings vary enough."""
    values = np.ascontiguousarray(evidence.segments.values[:, place])
    if len(values) < number:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    bits = values.view(np.uint32).astype(np.uint64) * FACTOR
    bits ^= bits >> np.uint64(31)
    whole = within_one(evidence.segment_of_row, number) & (changes(values, number) >= LEAST_DISTINCT - 1)
    return np.flatnonzero(whole), rolled(bits, number)[whole]
