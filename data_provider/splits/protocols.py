"""The splits that `--split`, `--group` and `--folds` name, beside the default one of `strategy`.

Letters: R runs, G groups, K classes, F folds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_provider.segments import Segments
from data_provider.splits.folds import Folds, as_many, deal, parts_of_fold
from data_provider.splits.grouping import Grouping, blocked_groups, calendar_blocks, days, named_groups
from data_provider.splits.split import OUT, TEST, TRAIN, VAL, Plan, Windows
from data_provider.splits.strategy import Settings, at_random, blocked, divided, overlap
from utils.errors import UserError

USUAL_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How to split, in the user's words.

    Attributes:
        split: a choice of `--split`.
        group: what `--group` names.
        folds: what `--folds` asks for; None for a single split.
        bond: what the data set calls its groups, "" where it has none.
        from_file: run -> group, where `--group` names a file.
    """

    split: str
    group: str | None
    folds: Folds | None
    bond: str
    from_file: Mapping[str, str] | None = None


def split_windows(
    segments: Segments, labels: Sequence[str], protocol: Protocol, settings: Settings, report: dict[str, Any]
) -> tuple[Windows, str]:
    """The windows of all parts, and the split in words.

    Args:
        segments: the data.
        labels: class of each of R runs.
        protocol: which split.
        settings: shares, lengths and seed.
        report: warnings, the price of the guard and the fold go there.

    Raises:
        UserError: the data does not allow the split.
    """
    single = protocol.folds is None
    if protocol.split == "random":
        number, of = (1, None) if single else (_number(protocol), count_folds(segments, labels, protocol, settings))
        windows, words = at_random(segments, list(labels), settings, fold=(number - 1, of) if of else None)
        return windows, words if single else f"{words}, {_of(number, of, report)}"
    if protocol.split == "blocked" and single:
        return blocked(segments, list(labels), settings, report)
    return divided(segments, _plan(segments, labels, protocol, settings, report), settings.sizes, report)


def count_folds(segments: Segments, labels: Sequence[str], protocol: Protocol, settings: Settings) -> int:
    """F of a protocol with folds."""
    assert protocol.folds is not None
    if protocol.folds.of is not None:
        return protocol.folds.of
    if protocol.split == "day":
        return as_many(len(days(segments).names), "days")
    if protocol.split == "group" and protocol.group == "severity":
        return max(2, *(len(names) for names in _severities(segments, labels).values()))
    if protocol.split == "group":
        return as_many(len(_grouping(segments, labels, protocol, settings, 0).names), "groups")
    return USUAL_FOLDS


def _number(protocol: Protocol) -> int:
    assert protocol.folds is not None
    return protocol.folds.number or 1


def _of(number: int, of: int | None, report: dict[str, Any]) -> str:
    report["fold"] = {"number": number, "of": of}
    return f"fold {number} of {of}"


def _plan(
    segments: Segments, labels: Sequence[str], protocol: Protocol, settings: Settings, report: dict[str, Any]
) -> Plan:
    """The plan of one fold; a single split takes the first of as many folds as give the test its share."""
    sizes = settings.sizes
    if protocol.split == "chronological" and protocol.folds is None:
        return _chronological(segments, labels, 1 - sizes.test_size - sizes.val_size, 1 - sizes.test_size, 1.0)
    many = protocol.folds is not None
    of = count_folds(segments, labels, protocol, settings) if many else max(2, round(1 / sizes.test_size))
    number = _number(protocol) if many else 1
    words = f", {_of(number, of, report)}" if many else ""
    if protocol.split == "chronological":
        begin, end = number / (of + 1), (number + 1) / (of + 1)
        plan = _chronological(segments, labels, begin * (1 - sizes.val_size), begin, end)
    elif protocol.split == "group" and protocol.group == "severity":
        plan = _by_severity(segments, labels, settings, number - 1, of)
    else:
        grouping = _grouping(segments, labels, protocol, settings, of)
        dealt = of if many else min(of, len(grouping.names))
        plan, held_out = _by_group(segments, labels, settings, grouping, number - 1, dealt)
        if many:
            report["fold"]["tested on"] = held_out
    return Plan(edges=plan.edges, parts=plan.parts, line=plan.line, words=plan.words + words)


def _grouping(
    segments: Segments, labels: Sequence[str], protocol: Protocol, settings: Settings, folds: int
) -> Grouping:
    if protocol.split == "blocked":
        block_days = settings.sizes.block_days if settings.fixed_blocks else None
        return blocked_groups(segments, labels, strategy=settings.strategy, block_days=block_days, folds=folds)
    if protocol.split == "day":
        return days(segments)
    name = protocol.group or protocol.bond or "run"
    return named_groups(segments, name, bond=protocol.bond, from_file=protocol.from_file)


def _by_group(
    segments: Segments, labels: Sequence[str], settings: Settings, grouping: Grouping, fold: int, of: int
) -> tuple[Plan, list[str]]:
    """The plan of a fold of whole groups, and the names of those that it tests on."""
    classes = np.unique(np.array(labels), return_inverse=True)[1]
    holding = grouping.holding(segments, classes)
    dealt = deal(holding, of, in_turn=grouping.in_turn, rng=np.random.default_rng(settings.seed))
    share = min(0.5, settings.sizes.val_size * of / (of - 1))
    part = parts_of_fold(
        holding,
        dealt == fold,
        val_share=share,
        in_turn=grouping.in_turn,
        rng=np.random.default_rng([settings.seed, fold]),
    )
    names = [grouping.names[place] for place in np.flatnonzero(dealt == fold)]
    return grouping.plan(part, _lines(segments, settings)), names


def _lines(segments: Segments, settings: Settings) -> list[int]:
    """One line of time for the runs of one unit, one a run where runs lie side by side."""
    apart = settings.strategy == "units" or (settings.strategy != "calendar" and overlap(segments))
    return list(range(len(segments.runs))) if apart else [0] * len(segments.runs)


def _chronological(segments: Segments, labels: Sequence[str], train: float, val: float, test: float) -> Plan:
    """Each class in order of time: up to the share `train`, then validation up to `val`, then test up to `test`."""
    period = segments.recipe.period_seconds
    edges: list[np.ndarray] = [np.empty(0)] * len(labels)
    for label in set(labels):
        runs = [place for place, own in enumerate(labels) if own == label]
        mine = np.isin(segments.run, runs)
        if mine.any():
            spans = zip(segments.start[mine].astype(np.int64), segments.rows[mine], strict=True)
            times = np.sort(np.concatenate([start + np.arange(rows) * period for start, rows in spans]))
            ends = [times[min(len(times) - 1, round(share * len(times)))] for share in (train, val)]
            last = times[-1] + period if test >= 1 else times[round(test * len(times))]
            begins = np.array([times[0], *ends, last]).astype("datetime64[s]")
        else:
            begins = np.array([segments.start.min()] * 4)
        for run in runs:
            edges[run] = begins
    order = np.array([TRAIN, VAL, TEST, OUT])
    words = "the first part of each class's time to learn from, the last to be tested on"
    return Plan(edges=edges, parts=[order] * len(labels), line=[0] * len(labels), words=words)


def _severities(segments: Segments, labels: Sequence[str]) -> dict[str, list[str]]:
    """Class -> its severities in order of size, of the classes that have several."""
    found: dict[str, set[str]] = {}
    for run, label in zip(segments.runs, labels, strict=True):
        if run.severity:
            found.setdefault(label, set()).add(run.severity)
    several = {label: sorted(names, key=_size) for label, names in found.items() if len(names) > 1}
    if not several:
        raise UserError("--group severity: no class has faults of two severities, so none can be left out")
    return several


def _size(severity: str) -> tuple[float, str]:
    try:
        return float(severity.rstrip("%")), severity
    except ValueError:
        return float("inf"), severity


def _by_severity(segments: Segments, labels: Sequence[str], settings: Settings, fold: int, of: int) -> Plan:
    """Tests on one severity of each fault, in blocks of the calendar that training does not know either.

    What belongs to neither, a severity of the test in a block of training or the other way round, is left out: it
    would bring the weather of the test, or its fault, into training.
    """
    severities = _severities(segments, labels)
    block_days = settings.sizes.block_days if settings.fixed_blocks else None
    blocks = calendar_blocks(segments, block_days=block_days, folds=of)
    turn = (np.arange(len(blocks.names)) + np.random.default_rng(settings.seed).integers(of)) % of
    if of == 2:
        in_time = np.where(turn == fold, TEST, np.where(np.arange(len(turn)) // 2 % 2, VAL, TRAIN))
    else:
        in_time = np.where(turn == fold, TEST, np.where(turn == (fold + 1) % of, VAL, TRAIN))
    parts = []
    for run, label in zip(segments.runs, labels, strict=True):
        names = severities.get(label, [])
        tested = run.severity in names and names.index(run.severity) % of == fold
        others = run.severity in names and not tested
        mine = np.where((in_time == TEST) & others, OUT, in_time)
        parts.append(np.where((in_time != TEST) & tested, OUT, mine))
    return Plan(edges=blocks.edges, parts=parts, line=[0] * len(parts), words=f"unseen severities, in {blocks.words}")
