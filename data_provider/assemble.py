"""Evenly spaced readings to windows in three parts: classes, split, scaler, index.

Letters: C signals, K classes, R runs, N steps of all segments, n windows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_provider.channel_frames import channel_scaler
from data_provider.datasets.labels import class_of, normal_of, ordered_classes
from data_provider.datasets.source import DataSet
from data_provider.frames import DataInfo
from data_provider.leaks.evidence import Asked, Evidence
from data_provider.leaks.guard import survey
from data_provider.scaler import Scaler
from data_provider.segmentation import Recipe
from data_provider.segments import Segments
from data_provider.splits.folds import Folds
from data_provider.splits.group import Sizes
from data_provider.splits.group_file import ENDINGS, read_groups
from data_provider.splits.protocols import Protocol, count_folds, split_windows
from data_provider.splits.split import PARTS, TEST, TRAIN, VAL, Windows
from data_provider.splits.strategy import Settings
from data_provider.windows import WindowSet
from utils.errors import UserError
from utils.options import Options

UNIT = re.compile(r"unit|ahu|rtu|equip|asset|device|machine", re.IGNORECASE)  # what a column of units is called
USUAL_BLOCK_DAYS = 7  # of a calendar block, unless the data needs shorter ones


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Data ready for training.

    Attributes:
        train: windows to learn from.
        val: windows that choose the epoch.
        test: windows to be touched once.
        info: what the data is.
        scaler: fitted on the readings of the training windows.
        recipe: how files became evenly spaced readings; with the scaler, it prepares new files the same way.
    """

    train: WindowSet
    val: WindowSet
    test: WindowSet
    info: DataInfo
    scaler: Scaler
    recipe: Recipe


def assemble(options: Options, entry: DataSet, segments: Segments, report: dict[str, Any]) -> Prepared:
    """Classes, split, scaler and index of the readings.

    Args:
        options: the run's options.
        entry: the data set.
        segments: its readings.
        report: what was noted while they were read; a longer copy goes into the result's info.

    Raises:
        UserError: a class or a part would be empty.
    """
    report = {**report, "warnings": list(report["warnings"])}
    step = options.stride or entry.steps(options.seq_len)
    labels, classes, normal = _classes(options, entry, segments)
    windows, words = _split(options, entry, segments, labels, step, report)
    target = np.array([classes.index(label) for label in labels])[windows.run]
    _check(classes, target, windows, segments, labels, options, report)
    scaler = _scaler(segments, windows, options, report)
    known_normal = normal if normal in classes else None
    report["leaks"], marks = survey(
        Evidence(
            segments=segments, windows=windows, target=target, classes=classes, labels=labels, normal=known_normal,
            scaler=scaler if options.channels == "raw" else None, report=report, asked=_asked(options, entry),
        )
    )  # fmt: skip
    sets = _sets(segments, windows, target, scaler, options.seq_len)
    info = DataInfo(
        data=options.data,
        columns=segments.recipe.columns,
        units=_units(options, entry, segments.recipe.columns, report.get("units stated", {})),
        classes=classes,
        normal=known_normal,
        period_seconds=segments.recipe.period_seconds,
        seq_len=options.seq_len,
        step=step,
        counts={name: tuple(np.bincount(mine.targets, minlength=len(classes)).tolist()) for name, mine in sets.items()},
        protocol=words,
        leaking=options.split == "random",
        report=report,
        marks=tuple(marks),
    )
    return Prepared(**sets, info=info, scaler=scaler, recipe=segments.recipe)


def _sets(
    segments: Segments, windows: Windows, target: np.ndarray, scaler: Scaler, seq_len: int
) -> dict[str, WindowSet]:
    return {
        name: WindowSet(
            segments=segments,
            windows=windows.where(windows.part == number),
            targets=target[windows.part == number],
            scaler=scaler,
            seq_len=seq_len,
        )
        for number, name in enumerate(PARTS)
    }


def _asked(options: Options, entry: DataSet) -> Asked:
    """What the options have to do with leaks."""
    return Asked(
        seq_len=options.seq_len,
        split=options.split,
        strategy=entry.strategy,
        units_named=entry.group_columns and bool(UNIT.search(options.group or "")),
        means=options.resample == "mean",
    )


def _units(options: Options, entry: DataSet, columns: tuple[str, ...], stated: Mapping[str, str]) -> tuple[str, ...]:
    """Of the signals: the data set's, else as its files or the role map state them; channels have none."""
    if options.channels == "physical":
        return tuple("" for _ in columns)
    return tuple(entry.unit_of(column) or stated.get(column, "") for column in columns)


def _scaler(segments: Segments, windows: Windows, options: Options, report: dict[str, Any]) -> Scaler:
    """The scaler of the training windows' readings; how far the other parts leave their range goes into the report."""
    report["outside the training range"] = {}
    if options.channels == "physical":
        return channel_scaler()
    covered = [_rows(windows, windows.part == number, options.seq_len, len(segments.values)) for number in range(3)]
    scaler = Scaler.fit(segments.values[covered[TRAIN]], options.scaling)
    report["outside the training range"] = {
        PARTS[part]: _outside(scaler, segments.values[covered[part]], segments.recipe.columns) for part in (VAL, TEST)
    }
    return scaler


def _classes(options: Options, entry: DataSet, segments: Segments) -> tuple[list[str], tuple[str, ...], str | None]:
    """The class of each run, the K classes in order, and the one without fault."""
    normal = entry.normal or normal_of([run.label for run in segments.runs])
    labels = [class_of(run.label, run.severity, how=options.label, normal=normal) for run in segments.runs]
    classes = ordered_classes(labels, entry.classes, normal)
    if len(classes) < 2:
        more = "more --rows" if options.rows else "data of another class"
        raise UserError(f"all data has the class '{classes[0]}'; two at least are needed to tell apart: give {more}")
    return labels, classes, normal


def _split(
    options: Options, entry: DataSet, segments: Segments, labels: list[str], step: int, report: dict[str, Any]
) -> tuple[Windows, str]:
    return split_windows(segments, labels, _protocol(options, entry), _settings(options, entry, step), report)


def folds_of(options: Options, entry: DataSet, segments: Segments) -> int:
    """How many folds `--folds` asks for, which the data decides where it says all.

    Raises:
        UserError: the data does not allow the split.
    """
    labels, _, _ = _classes(options, entry, segments)
    step = options.stride or entry.steps(options.seq_len)
    return count_folds(segments, labels, _protocol(options, entry), _settings(options, entry, step))


def _protocol(options: Options, entry: DataSet) -> Protocol:
    if options.group and options.split not in ("group", "blocked"):
        raise UserError(f"--group {options.group} goes with --split group, not with --split {options.split}")
    named = options.group or ""
    return Protocol(
        split=options.split,
        group=options.group,
        folds=Folds.parse(options.folds) if options.folds else None,
        bond=entry.bond or (named if entry.group_columns else ""),
        from_file=read_groups(Path(named).expanduser()) if named.endswith(ENDINGS) else None,
    )


def _settings(options: Options, entry: DataSet, step: int) -> Settings:
    sizes = Sizes(
        test_size=options.test_size,
        val_size=options.val_size,
        seq_len=options.seq_len,
        step=step,
        block_days=options.block_days or USUAL_BLOCK_DAYS,
    )
    fixed = options.block_days is not None
    seed = options.seed if options.split_seed is None else options.split_seed
    bond = entry.bond or options.group or Settings.bond
    return Settings(strategy=entry.strategy, sizes=sizes, seed=seed, fixed_blocks=fixed, bond=bond)


def _rows(windows: Windows, mine: np.ndarray, seq_len: int, total: int) -> np.ndarray:
    """(N,) bool, the rows that some of the windows cover."""
    change = np.zeros(total + 1, np.int64)
    np.add.at(change, windows.first[mine], 1)
    np.add.at(change, windows.first[mine] + seq_len, -1)
    return np.cumsum(change)[:-1] > 0


def _outside(scaler: Scaler, values: np.ndarray, columns: tuple[str, ...]) -> dict[str, Any]:
    """How much of a part lies outside the training range; the columns where more than 1 % does."""
    share = scaler.outside(values).mean(0)  # (C,)
    much = {column: round(float(part), 4) for column, part in zip(columns, share, strict=True) if part > 0.01}
    return {"share of readings": round(float(share.mean()), 6), "columns above 1 %": much}


def _check(
    classes: tuple[str, ...],
    target: np.ndarray,
    windows: Windows,
    segments: Segments,
    labels: list[str],
    options: Options,
    report: dict[str, Any],
) -> None:
    """Every class must have windows to learn from, and every part some windows."""
    remedy = f"use a smaller --seq_len or --stride, or {'more --rows' if options.rows else 'more data'}"
    for number, name in enumerate(classes):
        mine = windows.part[target == number]
        if not len(mine):
            runs = [run for run, label in enumerate(labels) if label == name]
            longest = segments.rows[np.isin(segments.run, runs)].max(initial=0)
            raise UserError(
                f"class '{name}' has no window of {options.seq_len} steps: its longest segment without a gap has "
                f"{longest}, and parts are kept a window apart; {remedy}"
            )
        if not (mine == TRAIN).any() and "fold" in report:
            report["warnings"].append(f"class '{name}' occurs in this fold's test alone, so nothing can learn it")
        elif not (mine == TRAIN).any():
            raise UserError(f"class '{name}' has {len(mine)} windows and none for training; {remedy}")
    for number, part in enumerate(PARTS):
        here = np.unique(target[windows.part == number])
        if not len(here):
            raise UserError(f"no window is left for the {part} part; {remedy}, or change --test_size and --val_size")
        absent = [name for place, name in enumerate(classes) if place not in here]
        if absent and not ("fold" in report and part == "test"):
            report["warnings"].append(f"the {part} part has no window of {', '.join(absent)}")
