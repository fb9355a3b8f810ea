"""From the options of a run to the windows of its three parts.

Letters: K classes, R runs, n windows.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_provider.datasets import DATASETS
from data_provider.frames import DataInfo
from data_provider.labels import class_of, normal_of, ordered_classes
from data_provider.notes import Notes
from data_provider.partition import Settings, at_random, blocked
from data_provider.run_plan import Sizes
from data_provider.scaler import Scaler
from data_provider.segments import HOLD_STEPS, Recipe
from data_provider.source import DataSet, Source
from data_provider.split import PARTS, TRAIN, Windows
from data_provider.stretches import Stretches, build
from data_provider.times import seconds_of
from data_provider.windows import WindowSet
from utils.errors import UserError, unknown_name
from utils.options import Options

logger = logging.getLogger(__name__)

REPOSITORY = Path(__file__).resolve().parent.parent


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


def load_data(options: Options) -> Prepared:
    """Reads, splits, scales and indexes the data set that the options name.

    Raises:
        UserError: the data cannot be used as asked for; one line says what, where and what to do.
    """
    if options.data not in DATASETS:
        raise unknown_name("data set", options.data, list(DATASETS))
    entry = DATASETS[options.data]
    notes = Notes()
    source = _source(options, entry)
    stretches = _stretches(options, entry, source, notes)
    return _prepared(options, entry, stretches, notes)


def _source(options: Options, entry: DataSet) -> Source:
    if options.root_path is None and entry.root is None:
        raise UserError(f"--data {options.data} needs --root_path with the place of the data")
    root = Path(options.root_path).expanduser() if options.root_path else REPOSITORY / str(entry.root)
    return Source(
        root=root,
        rows=options.rows,
        period_seconds=seconds_of(options.sample_period) if options.sample_period else None,
        label_column=options.label_column,
    )


def _stretches(options: Options, entry: DataSet, source: Source, notes: Notes) -> Stretches:
    if not source.root.exists():
        raise UserError(f"{source.root}: no such file or folder; name the place of the data with --root_path")
    period = source.period_seconds or entry.period_seconds
    assert period is not None
    recipe = Recipe(
        columns=(),
        period_seconds=period,
        resample=options.resample,
        hold_seconds=HOLD_STEPS * period,
        working_column=entry.working_column,
        settle_seconds=entry.settle_seconds,
    )
    return build(entry.read(source, notes), recipe, notes, keep_constant=entry.keep_constant)


def _prepared(options: Options, entry: DataSet, stretches: Stretches, notes: Notes) -> Prepared:
    normal = entry.normal or normal_of([run.label for run in stretches.runs])
    labels = [class_of(run.label, run.severity, how=options.label, normal=normal) for run in stretches.runs]
    published = entry.classes if options.label == "fault" else ()
    classes = ordered_classes(labels, published, normal)
    windows, words = _split(options, entry, stretches, labels, notes)
    target = np.array([classes.index(label) for label in labels])[windows.run]
    step = options.step or entry.steps(options.seq_len)
    _check(classes, target, windows, stretches, labels, options, notes)
    scaler = Scaler.fit(stretches.values[_rows(windows, windows.part == TRAIN, options.seq_len, len(stretches.values))])
    sets = {}
    for number, name in enumerate(PARTS):
        mine = windows.part == number
        sets[name] = WindowSet(
            stretches=stretches,
            windows=Windows(
                first=windows.first[mine], run=windows.run[mine], start=windows.start[mine],
                part=windows.part[mine], block=windows.block[mine],
            ),
            targets=target[mine],
            scaler=scaler,
            seq_len=options.seq_len,
        )  # fmt: skip
    info = DataInfo(
        data=options.data,
        columns=stretches.recipe.columns,
        units=tuple(entry.unit_of(column) for column in stretches.recipe.columns),
        classes=classes,
        normal=normal if normal in classes else None,
        period_seconds=stretches.recipe.period_seconds,
        seq_len=options.seq_len,
        step=step,
        counts={name: tuple(np.bincount(part.targets, minlength=len(classes)).tolist()) for name, part in sets.items()},
        protocol=words,
        leaking=options.split == "random",
        report=notes.plain(),
    )
    return Prepared(**sets, info=info, scaler=scaler, recipe=stretches.recipe)


def _split(
    options: Options, entry: DataSet, stretches: Stretches, labels: list[str], notes: Notes
) -> tuple[Windows, str]:
    sizes = Sizes(
        test_size=options.test_size,
        val_size=options.val_size,
        seq_len=options.seq_len,
        step=options.step or entry.steps(options.seq_len),
        block_days=options.block_days,
    )
    fixed = "block_days" in options.explicit
    settings = Settings(strategy=entry.strategy, sizes=sizes, seed=options.seed, fixed_blocks=fixed)
    if options.split == "random":
        return at_random(stretches, labels, settings)
    return blocked(stretches, labels, settings, notes)


def _rows(windows: Windows, mine: np.ndarray, seq_len: int, total: int) -> np.ndarray:
    """(total,) bool, the rows that some of the windows cover."""
    change = np.zeros(total + 1, np.int64)
    np.add.at(change, windows.first[mine], 1)
    np.add.at(change, windows.first[mine] + seq_len, -1)
    return np.cumsum(change)[:-1] > 0


def _check(
    classes: tuple[str, ...],
    target: np.ndarray,
    windows: Windows,
    stretches: Stretches,
    labels: list[str],
    options: Options,
    notes: Notes,
) -> None:
    """Every class must have windows to learn from, and every part some windows."""
    if len(classes) < 2:
        raise UserError(f"all data has the class '{classes[0]}'; two classes at least are needed to tell apart")
    remedy = "use a smaller --seq_len or --step, or more data"
    for number, name in enumerate(classes):
        mine = windows.part[target == number]
        if not len(mine):
            runs = [run for run, label in enumerate(labels) if label == name]
            longest = stretches.rows[np.isin(stretches.run, runs)].max(initial=0)
            raise UserError(
                f"class '{name}' has no window of {options.seq_len} steps: its longest stretch without a gap "
                f"has {longest}; {remedy}"
            )
        if not (mine == TRAIN).any():
            raise UserError(f"class '{name}' has {len(mine)} windows and none for training; {remedy}")
    for number, part in enumerate(PARTS):
        here = np.unique(target[windows.part == number])
        if not len(here):
            raise UserError(f"no window is left for the {part} part; {remedy}, or change --test_size and --val_size")
        absent = [name for place, name in enumerate(classes) if place not in here]
        if absent:
            notes.warn(f"the {part} part has no window of {', '.join(absent)}")
