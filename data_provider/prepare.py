"""From the options of a run to the windows of its three parts: reads or finds the data, then hands it on.

Letters: C signals.
"""

import dataclasses
import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_provider import cache
from data_provider.assemble import Prepared, assemble, folds_of
from data_provider.channel_frames import in_channels
from data_provider.datasets import DATASETS, simulated
from data_provider.datasets.source import DataSet, Source
from data_provider.describe import describe
from data_provider.frames import Frame
from data_provider.leaks.dropped import names_of, without
from data_provider.leaks.finding import Finding
from data_provider.leaks.guard import findings_of
from data_provider.notes import Notes
from data_provider.segmentation import HOLD_STEPS, Recipe
from data_provider.segments import Segments, build
from data_provider.splits.group_file import ENDINGS
from data_provider.times import seconds_of, step_of
from data_provider.trends.read_options import ReadOptions, reading_flags
from data_provider.trends.roles import read_roles
from utils.errors import UserError, unknown_name
from utils.options import Options
from utils.places import home

logger = logging.getLogger(__name__)

REPOSITORY = home()


def load_data(options: Options) -> Prepared:
    """Reads, splits, scales and indexes the data set that the options name.

    Raises:
        UserError: the data cannot be used as asked for; one line says what, where and what to do.
    """
    entry, segments, report = _read(options)
    prepared = assemble(options, entry, segments, report)
    describe(prepared)
    return prepared


def data_files(options: Options) -> dict[str, Path]:
    """The files that the data set is read from, by their names below its root.

    Raises:
        UserError: the data cannot be used as asked for.
    """
    entry = DATASETS[options.data]
    source = _source(options, entry)
    root = source.root if source.root.is_dir() else source.root.parent
    return {path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name: path
            for path in entry.files(source) if path.is_file()}  # fmt: skip


def number_of_folds(options: Options) -> int:
    """How many folds `--folds` of the options stands for.

    Raises:
        UserError: the data cannot be used as asked for.
    """
    entry, segments, _ = _read(options)
    return folds_of(options, entry, segments)


def leaks_of(folds: Sequence[Options]) -> list[Finding]:
    """What the checks for leaks find in any of several folds of the same data.

    Raises:
        UserError: the data cannot be used as asked for.
    """
    entry, segments, report = _read(folds[0])
    found: dict[str, Finding] = {}
    for options in folds:
        leaks: Any = assemble(options, entry, segments, report).info.report["leaks"]
        found |= {one.line: one for one in findings_of(leaks)}
    return list(found.values())


def _read(options: Options) -> tuple[DataSet, Segments, dict[str, Any]]:
    """The data set that the options name, and its readings."""
    if options.data not in DATASETS:
        raise unknown_name("data set", options.data, list(DATASETS))
    entry = DATASETS[options.data]
    segments, report = _segments(options, entry, _source(options, entry))
    return entry, segments.masked() if options.channels == "physical" else segments, report


def _source(options: Options, entry: DataSet) -> Source:
    """Where to read; simulated data where the default place is empty and the data set has a simulator."""
    if options.root_path is not None:
        root = Path(options.root_path).expanduser()
    elif entry.root is None:
        raise UserError(f"--data {options.data} needs --root_path with the place of the data")
    else:
        root = REPOSITORY / entry.root
        root = simulated.ensure(root, options.rows, entry.simulated) if entry.simulated else root
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; name the place of the data with --root_path")
    return Source(
        root=root,
        rows=options.rows,
        period_seconds=seconds_of(options.sample_period) if options.sample_period else None,
        label_column=options.label_column,
        group_column=_group_column(options, entry),
        reading=_reading(options),
    )


def _group_column(options: Options, entry: DataSet) -> str | None:
    """The column that `--group` names, None where it names something else."""
    kinds = {None, "day", "run", "severity"}
    in_file = str(options.group).endswith(ENDINGS)
    return options.group if entry.group_columns and options.group not in kinds and not in_file else None


def _reading(options: Options) -> ReadOptions:
    """How the files are written, as the flags say."""
    roles = read_roles(Path(options.roles).expanduser()) if options.roles else None
    return ReadOptions(roles=roles, **reading_flags(options))


def _segments(options: Options, entry: DataSet, source: Source) -> tuple[Segments, dict[str, Any]]:
    """The readings at an even step, from the cache if they are there."""
    dropped = names_of(options.drop_columns)
    settings = {
        "data": options.data,
        "resample": options.resample,
        **({"channels": options.channels} if options.channels != "raw" else {}),
        **({"drop": dropped} if dropped else {}),
        "source": {**dataclasses.asdict(source), "root": str(source.root.resolve())},
    }
    key = cache.key_of(entry.files(source), settings)

    def make(target: Path | None) -> tuple[Segments, dict[str, Any]]:
        logger.info("reading %s from %s", options.data, source.root)
        notes = Notes()

        def unit_of(column: str) -> str:
            return entry.unit_of(column) or notes.unit_of(column)

        if (source.root / simulated.MARK).is_file():
            notes.facts["simulated"] = True
        physical = options.channels == "physical"
        read = without(entry.read(source, notes), dropped, notes)
        read = (in_channels(frame, unit_of) for frame in read) if physical else read
        frames, period = _with_period(read, source.period_seconds or entry.period_seconds)
        recipe = Recipe(
            columns=(),
            period_seconds=period,
            resample=options.resample,
            hold_seconds=HOLD_STEPS * period,
        )
        keep = physical or entry.keep_constant
        segments = build(frames, recipe, notes, keep_constant=keep, masked=physical, target=target)
        if cache.key_of(entry.files(source), settings) != key:
            raise UserError(f"{source.root} changed while it was read; start again when nothing writes to it")
        return segments, notes.to_dict()

    return cache.load_or_make(cache.folder_of(options.cache_path), f"{options.data}-{key}", make)


def _with_period(frames: Iterator[Frame], period: int | None) -> tuple[Iterator[Frame], int]:
    """The frames, and the step: as asked, or that of the first frame."""
    if period is not None:
        return frames, period
    first = next(frames, None)
    if first is None:
        raise UserError("there is no labelled row in the data")
    return itertools.chain([first], frames), step_of(first.times)
