"""Which window goes to which part: chooses the plan, and sees to it that every part has what it needs.

Letters: n windows, R runs, K classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_provider.segments import Segments
from data_provider.splits.calendar import DAY, calendar_plan, share_calendar
from data_provider.splits.group import Sizes, run_plan
from data_provider.splits.split import OUT, PARTS, TEST, VAL, Pieces, Plan, Windows, cut, embargoed, windows_of

RANDOM = "random windows (leaks: neighbouring windows of one run lie in different parts)"
SHORTER = (3, 2, 1)  # days
PIECES = (10, 5, 3)  # of all the time there is, where whole days are too few


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the split is told.

    Attributes:
        strategy: "calendar", "days", "units" or "auto".
        sizes: shares and lengths.
        seed: of everything random in it.
        fixed_blocks: the user named the length of a block, so it is kept.
        bond: what the groups of runs are called.
    """

    strategy: str
    sizes: Sizes
    seed: int
    fixed_blocks: bool
    bond: str = "group"


def blocked(segments: Segments, labels: list[str], settings: Settings, report: dict[str, Any]) -> tuple[Windows, str]:
    """Windows of parts that lie apart in time, and the split in words.

    Args:
        segments: the data.
        labels: class of each of R runs.
        settings: how to split.
        report: warnings and the guard's price go there.
    """
    strategy, sizes = settings.strategy, settings.sizes
    if strategy == "auto":
        strategy = "calendar" if len(set(labels)) > 1 and share_calendar(segments) else "runs"
    if strategy == "calendar":
        plan = _best_calendar(segments, labels, settings, report)
    else:
        rng = np.random.default_rng(settings.seed)
        one_unit = strategy == "days" or (strategy != "units" and not overlap(segments))
        plan, shared = run_plan(segments, labels, sizes=sizes, one_unit=one_unit, rng=rng)
        words = "whole runs"
        if strategy == "units":
            words = "whole units"
        elif strategy == "days" and _keeps_days(segments, plan, sizes):
            words = "whole days"
        if strategy != "units" and any(run.group for run in segments.runs):
            words += f", {settings.bond.replace('_', ' ')}s together"
        if shared:
            report["warnings"].append(_shared_words(shared))
            words += f", {len(shared)} of {len(labels)} cut into blocks"
        plan = Plan(edges=plan.edges, parts=plan.parts, line=plan.line, words=words)
    return divided(segments, plan, sizes, report)


def divided(segments: Segments, plan: Plan, sizes: Sizes, report: dict[str, Any]) -> tuple[Windows, str]:
    """The windows of a plan with an embargo gap between parts, whose price goes into the report; the split in words."""
    period = segments.recipe.period_seconds
    pieces = cut(segments, plan)
    without = windows_of(pieces, period=period, seq_len=sizes.seq_len, step=sizes.step)
    windows = _windows(pieces, plan, period, sizes)
    windows = windows.where(windows.part != OUT)
    lost = int((without.part != OUT).sum()) - len(windows)
    report["guard"] = {"steps": sizes.seq_len, "windows lost": lost}
    return windows, f"{plan.words}, a guard of one window between parts"


def at_random(
    segments: Segments, labels: list[str], settings: Settings, *, fold: tuple[int, int] | None = None
) -> tuple[Windows, str]:
    """The published protocol: windows dealt to the parts at random, class by class.

    Args:
        segments: the data.
        labels: class of each run.
        settings: how to split.
        fold: which of how many folds is the test part, counted from 0; None for a single split.
    """
    sizes, rng = settings.sizes, np.random.default_rng(settings.seed)
    block = sizes.block_days * DAY
    plan = calendar_plan(segments, block_seconds=block, test_size=sizes.test_size, val_size=sizes.val_size, rng=rng)
    whole = Plan(
        edges=[edges[:1] for edges in plan.edges], parts=[parts[:1] for parts in plan.parts], line=plan.line, words=""
    )
    windows = windows_of(
        cut(segments, whole), period=segments.recipe.period_seconds, seq_len=sizes.seq_len, step=sizes.step
    )
    target = np.array(labels)[windows.run]
    part = np.zeros(len(windows), np.int64)
    for label in sorted(set(labels)):
        mine = rng.permutation(np.flatnonzero(target == label))
        test = max(1, round(len(mine) * sizes.test_size)) if len(mine) >= 3 else 0
        val = max(1, round(len(mine) * sizes.val_size)) if len(mine) >= 3 else 0
        if fold is not None and len(mine) >= 3:
            mine = np.roll(mine, -(len(mine) * fold[0] // fold[1]))
            test = len(mine) * (fold[0] + 1) // fold[1] - len(mine) * fold[0] // fold[1]
        part[mine[:test]], part[mine[test : test + val]] = TEST, VAL
    interval = np.searchsorted(plan.edges[0], windows.start, side="right")
    _, numbers = np.unique(np.stack([windows.run, interval]), axis=1, return_inverse=True)
    return (
        Windows(first=windows.first, run=windows.run, start=windows.start, part=part, block=numbers.ravel()),
        RANDOM,
    )


def _windows(pieces: Pieces, plan: Plan, period: int, sizes: Sizes) -> Windows:
    apart = embargoed(pieces, plan, period=period, seq_len=sizes.seq_len)
    return windows_of(apart, period=period, seq_len=sizes.seq_len, step=sizes.step)


def _best_calendar(segments: Segments, labels: list[str], settings: Settings, report: dict[str, Any]) -> Plan:
    """Blocks of the length asked for; shorter ones where those starve a part and nobody asked for a length."""
    sizes, classes = settings.sizes, np.unique(labels, return_inverse=True)[1]
    asked: Plan | None = None
    best, best_score = None, (-1.0, -1.0)
    for block, from_midnight in _lengths(segments, settings):
        plan = calendar_plan(
            segments,
            block_seconds=block,
            test_size=sizes.test_size,
            val_size=sizes.val_size,
            rng=np.random.default_rng(settings.seed),
            from_midnight=from_midnight,
        )
        windows = _windows(cut(segments, plan), plan, segments.recipe.period_seconds, sizes)
        asked = asked or plan
        score = _score(windows, classes, sizes)
        if score > best_score:
            best, best_score = plan, score
        if score == (1, 1):
            break
    assert best is not None
    if best is not asked:
        report["warnings"].append(
            f"blocks of {sizes.block_days} days are too few to give every part its share of every class; {best.words} "
            "are used (--block_days sets the length)"
        )
    return best


def _score(windows: Windows, classes: np.ndarray, sizes: Sizes) -> tuple[float, float]:
    """How many of the pairs of class and part have windows, and whether each part has half its share; 1 is best."""
    pairs = {*zip(classes[windows.run].tolist(), windows.part.tolist(), strict=True)}
    number = np.bincount(windows.part, minlength=len(PARTS))
    wanted = np.array([1 - sizes.test_size - sizes.val_size, sizes.val_size, sizes.test_size]) * max(1, len(windows))
    return len(pairs) / ((classes.max() + 1) * len(PARTS)), min(1.0, 2 * float((number / wanted).min()))


def _lengths(segments: Segments, settings: Settings) -> Iterator[tuple[int, bool]]:
    """Seconds of a block, and whether blocks begin at midnight: as asked, then whatever is worth trying."""
    asked = settings.sizes.block_days
    yield asked * DAY, True
    if not settings.fixed_blocks:
        yield from ((days * DAY, True) for days in SHORTER if days < asked)
        span = int((segments.end.max() - segments.start.min()).astype(np.int64)) + segments.recipe.period_seconds
        yield from ((-(-span // pieces), False) for pieces in PIECES if span < asked * pieces * DAY)


def _keeps_days(segments: Segments, plan: Plan, sizes: Sizes) -> bool:
    """True if no day has windows in two parts."""
    windows = _windows(cut(segments, plan), plan, segments.recipe.period_seconds, sizes)
    windows = windows.where(windows.part != OUT)
    day = windows.start.astype("datetime64[D]").astype(np.int64)
    return len(np.unique(np.stack([day, windows.part]), axis=1).T) == len(np.unique(day))


def overlap(segments: Segments) -> bool:
    """True if two runs share some time, and so cannot come from one unit."""
    order = np.lexsort((segments.end, segments.start))
    start, end, run = segments.start[order], np.maximum.accumulate(segments.end[order]), segments.run[order]
    return bool(((start[1:] <= end[:-1]) & (run[1:] != run[:-1])).any())


def _shared_words(shared: list[str]) -> str:
    names = ", ".join(shared[:6]) + (f" and {len(shared) - 6} more" if len(shared) > 6 else "")
    return (
        f"{len(shared)} runs belong to classes with too few runs for every part to have its own; they are cut into "
        f"blocks with a guard of one window, so parts share a day there: {names}"
    )
