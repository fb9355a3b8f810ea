"""The split by whole runs (days, mostly): a run stays in one part wherever its class has runs enough.

Letters: K classes, G groups of runs that must stay together, L steps of a window.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from data_provider.segments import Segments
from data_provider.splits.calendar import DAY, assign, span_of
from data_provider.splits.split import TEST, TRAIN, VAL, Plan

LONG_RUN = 5  # a run of this many blocks is dealt block by block


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a plan of whole runs needs to know.

    Attributes:
        test_size: share of the test part.
        val_size: share of the validation part.
        seq_len: L.
        step: steps between windows.
        block_days: days of a block where a long run is dealt out.
    """

    test_size: float
    val_size: float
    seq_len: int
    step: int
    block_days: int


def run_plan(
    segments: Segments, labels: list[str], *, sizes: Sizes, one_unit: bool, rng: np.random.Generator
) -> tuple[Plan, list[str]]:
    """Whole runs where a class has at least three of them (or of groups of them), blocks within runs elsewhere.

    A class of two runs gives one to training and shares the other between validation and test; a class of one run
    is shared by all three.

    Args:
        segments: the data.
        labels: class of each run.
        sizes: shares and lengths.
        one_unit: all runs lie on one line of time, so that the embargo gap is kept between them too.
        rng: decides which runs go where.

    Returns:
        The plan, and the names of the runs that had to be shared out.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for run, entry in enumerate(segments.runs):
        groups[entry.group or f"run {run}"].append(run)
    assigned = _assign(groups, labels, sizes, rng)
    edges: list[np.ndarray] = [np.empty(0)] * len(labels)
    parts: list[np.ndarray] = [np.empty(0)] * len(labels)
    for group, runs in groups.items():
        offset, order = _share(segments, runs, assigned[group], sizes, rng)
        for run in runs:
            begin, _ = span_of(segments, run)
            edges[run] = begin + offset * np.timedelta64(segments.recipe.period_seconds, "s")
            parts[run] = order
    shared = [segments.runs[run].name for group, runs in groups.items() if len(assigned[group]) > 1 for run in runs]
    line = [0 if one_unit else run for run in range(len(labels))]
    return Plan(edges=edges, parts=parts, line=line, words="whole runs"), shared


def _assign(
    groups: dict[str, list[int]], labels: list[str], sizes: Sizes, rng: np.random.Generator
) -> dict[str, tuple[int, ...]]:
    """The part of every group, or the parts that share it; rare classes choose first."""
    holding: dict[str, list[str]] = defaultdict(list)
    for group, runs in groups.items():
        for label in {labels[run] for run in runs}:
            holding[label].append(group)
    assigned: dict[str, tuple[int, ...]] = {}
    for label in sorted(holding, key=lambda label: (len(holding[label]), label)):
        mine = holding[label]
        free = [mine[place] for place in rng.permutation(len(mine)) if mine[place] not in assigned]
        covered = Counter(part for group in mine if group in assigned for part in assigned[group])
        if len(mine) >= 3:
            wanted = _wanted(len(mine), sizes)
            for part in (TEST, VAL):
                while free and covered[part] < wanted[part]:
                    assigned[free.pop()] = (part,)
                    covered[part] += 1
        elif len(mine) == 2 and len(free) == 2:
            assigned[free.pop()] = (TRAIN,)
            assigned[free.pop()] = (VAL, TEST)
        for group in free:
            absent = tuple(part for part in (TRAIN, VAL, TEST) if not covered[part])
            assigned[group] = absent if absent and len(mine) < 3 else (TRAIN,)
            covered.update(assigned[group])
    return assigned


def _wanted(number: int, sizes: Sizes) -> dict[int, int]:
    test = max(1, round(number * sizes.test_size))
    val = max(1, round(number * sizes.val_size))
    while test + val >= number:
        test, val = max(1, test - 1), max(1, val - 1)
    return {TEST: test, VAL: val}


def _share(
    segments: Segments, runs: list[int], parts: tuple[int, ...], sizes: Sizes, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals for the runs of a group, as steps from each run's beginning, and the parts of the intervals."""
    if len(parts) == 1:
        return np.zeros(1, np.int64), np.array(parts)
    period = segments.recipe.period_seconds
    spans = [span_of(segments, run) for run in runs]
    steps = min(int((end - begin).astype(np.int64)) // period + 1 for begin, end in spans)
    block = sizes.block_days * DAY // period
    if steps >= LONG_RUN * block and len(parts) == 3:
        number = -(-steps // block)
        assigned = assign(number, test_size=sizes.test_size, val_size=sizes.val_size, rng=rng)
        return np.arange(number) * block, assigned
    return _thirds(steps, parts, sizes)


def _thirds(steps: int, parts: tuple[int, ...], sizes: Sizes) -> tuple[np.ndarray, np.ndarray]:
    """One interval a part, in order of time, with room for the guards that follow.

    Validation and test get two windows' room where their share is less and training keeps as much.
    A run too short to be shared goes to training whole, or to the test if its class has another run there.
    """
    gap = sizes.seq_len
    free = steps - gap * (len(parts) - 1)
    shares = {TRAIN: 1 - sizes.test_size - sizes.val_size, VAL: sizes.val_size, TEST: sizes.test_size}
    total = sum(shares[part] for part in parts)
    for least in (sizes.seq_len + sizes.step, sizes.seq_len):
        lengths = {part: max(least, int(free * shares[part] / total)) for part in parts[1:]}
        first = free - sum(lengths.values())
        if first >= least:
            return np.cumsum([0, first] + [lengths[part] + gap for part in parts[1:-1]]), np.array(parts)
    return np.zeros(1, np.int64), np.array([TRAIN if TRAIN in parts else TEST])
