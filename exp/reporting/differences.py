"""Experiments against one of them, the baseline: how much better, how sure that is, and which options differ.

An experiment is a group of runs that differ only in seed or fold. Only runs that were tested on the same windows are
paired; where there are none, a line says so in place of a difference.

Letters: n windows, K classes.
"""

import difflib
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from exp.evaluation.paired import MEASURES, Pair, differences, mcnemar, of_each, over_repeats
from exp.runs.comparable import NOT_THE_EXPERIMENT, ComparedRun, finished
from exp.runs.folds_folder import FoldsFolder
from exp.runs.run_folder import RunFolder
from utils.errors import UserError

_NAMES = frozenset({"des"})  # tells an experiment's name, not what it does
ABSENT = "not noted"
MIXED = "! runs of the tag differ in"
UNLIKE = "not tested on the same windows as the baseline: no difference"


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Difference:
    """An experiment beside the baseline.

    Attributes:
        name: its --des, with the model where several experiments share it.
        runs: finished ones.
        pairs: runs that were tested on the same windows as one of the baseline.
        options: option -> its value in the baseline and here, where they differ.
        measured: as of `differences`; None without a pair.
        windows: as of `mcnemar`; none for the baseline itself.
        repeats: measure -> as of `over_repeats`.
        note: what the reader must know, "" for nothing.
        is_baseline: whether it is the baseline itself.
    """

    name: str
    runs: int
    pairs: int
    options: dict[str, tuple[str, str]]
    measured: dict[str, Any] | None
    windows: dict[str, Any] | None = None
    repeats: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    note: str = ""
    is_baseline: bool = False


@dataclass(frozen=True)
class _Tested:
    """The test part of a run, its n windows in an order that does not depend on the run."""

    run: ComparedRun
    windows: str
    classes: tuple[str, ...]
    truth: np.ndarray
    answer: np.ndarray
    block: np.ndarray


def against(groups: Sequence[Sequence[ComparedRun]], baseline: str | None) -> list[Difference]:
    """The baseline, then the other experiments: the best macro-F1 first, those without a pair last.

    Args:
        groups: runs that differ only in seed or fold stand together.
        baseline: a run folder or a --des; None for the first experiment with a finished run.

    Raises:
        UserError: no experiment, or several, are the baseline; or the predictions of a run cannot be read.
    """
    experiments = [done for group in groups if (done := finished(group))]
    if baseline is None and len(experiments) < 2:
        return []
    names = _names(experiments)
    first = experiments[0] if baseline is None else _chosen(experiments, names, baseline)
    own = _tested(first)
    rows = [_difference(names[i], first, own, group) for i, group in enumerate(experiments)]
    return sorted(rows, key=_order)


def _order(row: Difference) -> tuple[bool, bool, float]:
    return not row.is_baseline, row.measured is None, -(row.measured or {"macro_f1": {"value": 0}})["macro_f1"]["value"]


def _chosen(experiments: Sequence[list[ComparedRun]], names: Sequence[str], baseline: str) -> list[ComparedRun]:
    place = Path(baseline).resolve()
    folders = [place]
    if FoldsFolder.is_one(place):
        whole = FoldsFolder(place)
        folders = [run.path.resolve() for i in range(len(whole.rows())) if (run := whole.run_of(i)) is not None]
    named = [group for group in experiments if any(run.path in folders for run in group)]
    named = named or [group for group in experiments if group[0].config["des"] == baseline]
    named = named or [group for group, name in zip(experiments, names, strict=True) if name == baseline]
    if len(named) == 1:
        return named[0]
    if named:
        raise UserError(f"{len(named)} experiments are tagged '{baseline}'; name a run folder with --baseline")
    tags = sorted({str(group[0].config["des"]) for group in experiments})
    close = difflib.get_close_matches(baseline, tags, 1)
    hint = f"; did you mean {close[0]}?" if close else f"; name a finished run of these, or one of: {', '.join(tags)}"
    raise UserError(f"--baseline '{baseline}' is none of the runs that are compared{hint}")


def _names(experiments: Sequence[list[ComparedRun]]) -> list[str]:
    """A name for each experiment: the tag; with the model, and then the first run, where that is not enough."""
    configs = [group[0].config for group in experiments]
    names = [str(config["des"]) for config in configs]
    for addition in ([str(c["model"]) for c in configs], [group[0].path.name for group in experiments]):
        twice = {name for name in names if names.count(name) > 1}
        names = [f"{name}, {more}" if name in twice else name for name, more in zip(names, addition, strict=True)]
    return names


def _tested(group: Sequence[ComparedRun]) -> list[_Tested]:
    """The test parts of runs that have one."""
    found = []
    for run in group:
        if run.metrics is None or run.metrics["test"] is None:
            continue
        classes = tuple(run.metrics["data"]["classes"])
        try:
            p = RunFolder(run.path).read_predictions("test", classes)
        except UserError as error:
            logger.warning("no difference is told of %s: %s", run.path.name, error)
            continue
        order = np.lexsort((p.target, p.end, p.start, p.file))
        names = np.array(classes)[p.target[order]]
        digest = hashlib.sha256()
        for values in (p.file[order], p.start[order].astype(str), p.end[order].astype(str), names):
            digest.update("\n".join(values.tolist()).encode() + b"\0")
        found.append(_Tested(run, digest.hexdigest(), classes, p.target[order], p.top[order], p.block[order]))
    return found


def _matched(own: Sequence[_Tested], other: Sequence[_Tested]) -> list[tuple[_Tested, _Tested]]:
    """Runs of the baseline and of another experiment on the same windows: of the same seed, else in their order."""
    pairs = []
    for windows in dict.fromkeys(tested.windows for tested in own):
        mine, theirs = ([t for t in side if t.windows == windows] for side in (own, other))
        same = [(a, b) for a in mine for b in theirs if a.run.repeat == b.run.repeat]
        pairs += same or list(zip(mine, theirs, strict=False))
    return pairs


def _difference(name: str, first: list[ComparedRun], own: list[_Tested], group: list[ComparedRun]) -> Difference:
    options = _options(first[0].config, group[0].config)
    is_baseline = group is first
    tested = own if is_baseline else _tested(group)
    matched = [(run, run) for run in own] if is_baseline else _matched(own, tested)
    if not matched:
        why = UNLIKE if tested and own else f"{'the baseline has ' if tested else ''}no test predictions to compare"
        note = "; ".join(filter(None, (_caution(group), _mixed(group), why)))
        return Difference(name, len(group), 0, options, None, note=note, is_baseline=is_baseline)
    classes = tuple(dict.fromkeys(c for a, b in matched for c in (*a.classes, *b.classes)))
    pairs, number = _pairs(matched, classes), len(classes)
    measured = differences(pairs, number)
    if is_baseline:
        note = "; ".join(filter(None, (_caution(group), _mixed(group))))
        return Difference(name, len(group), len(pairs), {}, measured, note=note, is_baseline=True)
    share = float(np.mean([_test_share(a.run) for a, _ in matched]))
    each = of_each(pairs, number)
    repeats = {measure: over_repeats(each[measure], share) for measure in MEASURES}
    part = (
        f"{len(pairs)} of {len(group)} runs were tested on windows of the baseline" if len(pairs) < len(group) else ""
    )
    note = "; ".join(filter(None, (_caution(group), _mixed(group), part)))
    return Difference(name, len(group), len(pairs), options, measured, mcnemar(pairs), repeats, note)


def _pairs(matched: Sequence[tuple[_Tested, _Tested]], classes: tuple[str, ...]) -> list[Pair]:
    """Pairs of K classes; the same windows have the same blocks, others have others."""
    shifts: dict[str, int] = {}
    pairs, beyond = [], 0
    for first, second in matched:
        if first.windows not in shifts:
            shifts[first.windows] = beyond
            beyond += int(first.block.max()) + 1
        own, other = (np.array([classes.index(c) for c in side.classes]) for side in (first, second))
        block = first.block + shifts[first.windows]
        pairs.append(Pair(own[first.truth], own[first.answer], other[second.answer], block, first.run.seed))
    return pairs


def _test_share(run: ComparedRun) -> float:
    """Test windows for each training window."""
    counts = (run.metrics or {})["data"]["counts"]
    return sum(counts["test"]) / max(sum(counts["train"]), 1)


def _caution(group: Sequence[ComparedRun]) -> str:
    """The leaks that stay on a number, in the words of the table of runs."""
    marks = dict.fromkeys(mark for run in group for mark in run.marks)
    split = "! split leaks" if any(run.metrics and run.metrics["data"]["leaking"] for run in group) else ""
    return "; ".join(filter(None, (split, f"! leaks: {', '.join(marks)}" if marks else "")))


def _mixed(group: Sequence[ComparedRun]) -> str:
    """The options in which runs of one tag differ, other than seed and fold."""
    found = dict.fromkeys(name for run in group[1:] for name in _options(group[0].config, run.config))
    return f"{MIXED} {', '.join(found)}" if found else ""


def _options(first: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Options that differ, but for those that repeat an experiment or name it."""
    names = [name for name in dict.fromkeys((*first, *other)) if name not in NOT_THE_EXPERIMENT | _NAMES]
    values = {name: (_shown(first, name), _shown(other, name)) for name in names}
    return {name: pair for name, pair in values.items() if pair[0] != pair[1]}


def _shown(config: dict[str, Any], name: str) -> str:
    if name not in config:
        return ABSENT
    value = config[name]
    return "none" if value in (None, "", []) else ",".join(map(str, value)) if isinstance(value, list) else str(value)
