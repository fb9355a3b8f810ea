"""Whether trend files fit a trained model: what fits, what is missing, what looks wrong, and a first role map.

Letters: N steps of a file's even grid, C signals of the model.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from data_provider import WindowSet
from data_provider.segmentation import working_mask
from data_provider.times import words_of
from data_provider.trends.files import TrendFile, trend_files
from data_provider.trends.problems import listed
from data_provider.trends.trend import Trend, read_trend
from data_provider.trends.unit_files import files_of_units
from exp.detection.detector import Detector
from exp.detection.load import load_detector
from exp.detection.occupancy import Occupancy
from exp.diagnosis.role_maps import target_of, write_map
from exp.evaluation.fitting import pieces_of
from utils.errors import UserError
from utils.options import Options
from utils.safe_reading import plain_lines

# Kinds of problems that decide what can be evaluated, told first.
_DECIDING = ("missing", "unit", "quality", "cell", "code", "range", "stuck")
_MOST_FILES = 20  # told about one by one; of the rest only those that cannot be evaluated


@dataclass(frozen=True)
class _Verdict:
    """What is to be said about a file.

    Attributes:
        file: its name.
        reason: why it cannot be evaluated, "" if it can.
        lines: everything else.
    """

    file: str
    reason: str
    lines: list[str]


def examine(options: Options, source: Path) -> int:
    """Prints how the files of a source fit the model of `--run`, or the base model, and writes or updates a role map.

    Returns:
        0: every file can be evaluated.

    Raises:
        UserError: one cannot, or the options cannot be used.
    """
    target = target_of(options)
    detector = load_detector(options)
    request = detector.request
    found = files_of_units(trend_files(source), options.unit_from, request)
    bad: list[_Verdict] = []
    for number, entry in enumerate(found):
        verdict = _verdict(read_trend(entry, request), detector)
        bad += [verdict] if verdict.reason else []
        if number < _MOST_FILES or verdict.reason:
            can = f"cannot be evaluated: {verdict.reason}" if verdict.reason else "can be evaluated"
            print(plain_lines("\n".join([f"{verdict.file}: {can}", *verdict.lines])))
    if len(found) > 1:
        print(f"{len(found) - len(bad)} of {len(found)} files can be evaluated")
    if target is not None and write_map(found, request, target) and bad:
        _with_map(found, options, target)
    if bad:
        raise UserError(f"{source / bad[0].file if source.is_dir() else source}: {bad[0].reason}")
    return 0


def _with_map(found: list[TrendFile], options: Options, target: Path) -> None:
    """Says how many files can be evaluated with the map that was written."""
    mapped = load_detector(options.replace(roles=str(target)))
    can = sum(not _verdict(read_trend(entry, mapped.request), mapped).reason for entry in found)
    print(f"with --roles {target}: {can} of {len(found)} files can be evaluated")


def _verdict(trend: Trend, detector: Detector) -> _Verdict:
    """What fits, what is missing and what looks wrong in a file."""
    said = {detector.artifact.recipe.working_column, *detector.lacks(trend)}  # above the problems
    notes = [
        f"  look at: {problem.reason}"
        for problem in sorted(trend.problems, key=lambda problem: problem.kind not in _DECIDING)
        if not problem.fatal
        and detector.inputs.matters(problem)
        and not (problem.kind == "missing" and problem.column in said)
    ]
    if trend.fatal:
        return _Verdict(trend.file, trend.fatal.reason, notes)
    info, reason, most_missing = detector.artifact.info, "", detector.rule.most_missing
    needed = words_of(info.seq_len * info.period_seconds)
    counted = detector.inputs.counted
    missing = [column for column in trend.missing if column in counted]
    refused = "" if detector.lacks(trend) else detector.refusal(trend)
    notes = [*(f"  look at: {line}" for line in detector.advice(trend)), *notes]
    windows = None if detector.lacks(trend) or refused else len(detector.windows(trend, stride=info.seq_len))
    if refused:
        reason = refused
    elif windows is None:
        rule = f"answers without {most_missing} at most" if most_missing else "needs all of its columns"
        reason = f"it lacks {listed(missing, 40)}, and the model {rule}; name them with --roles"
    elif windows == 0:
        reason = f"no segment of {needed} without a gap while the unit works; give a longer export"
    occupied = detector.occupancy(trend)
    cautions = [f"  look at: {occupied.caution}"] if occupied.caution else []
    return _Verdict(
        trend.file,
        reason,
        [
            *cautions,
            *([] if reason else _silent(trend, detector.windows(trend), detector)),
            *notes,
            f"  read as: {trend.layout}",
            f"  times: {_words(trend.clock[0])} to {_words(trend.clock[-1])}, {_zone(trend)}",
            f"  readings: {len(trend.times)}, one every {words_of(trend.period_seconds)}",
            f"  works: {_hours(trend, occupied, detector)}",
            f"  columns: {len(counted) - len(missing)} of the model's {len(counted)}",
            *([] if windows is None else [f"  windows of {needed} without a gap: {windows}"]),
        ],
    )


def _hours(trend: Trend, occupied: Occupancy, detector: Detector) -> str:
    """How long the unit works, of how long."""
    recipe = detector.artifact.recipe
    working = working_mask(
        trend.times, occupied.control, value=recipe.working_value, settle_seconds=recipe.settle_seconds
    )
    hours, whole = (number * trend.period_seconds / 3600 for number in (working.sum(), len(working)))
    return f"{hours:.1f} h of {whole:.1f} h" + (f", as {occupied.source} says" if occupied.source else "")


def _zone(trend: Trend) -> str:
    return "and when that was in UTC is known" if trend.utc else "in a zone that nobody named (--time_zone)"


def _words(time: np.datetime64) -> str:
    return str(time).replace("T", " ")


def _silent(trend: Trend, windows: WindowSet, detector: Detector) -> list[str]:
    """How many of the windows that `detect` would look at get no answer whatever the model says, and why."""
    rule, scaler, number = detector.rule, detector.artifact.scaler, len(windows)
    outside, poor = np.zeros(len(detector.artifact.info.columns), int), 0
    for places in pieces_of(np.arange(number)):
        readings, mask = windows.readings(places), windows.missing(places)
        missing = torch.from_numpy(np.zeros(readings.shape[:2], bool) if mask is None else mask)
        outside += rule.outside(torch.from_numpy(readings), missing).sum(0).numpy()
        poor += int(rule.lacks(missing).sum())
    lines = []
    for place in np.flatnonzero(outside).tolist():
        values = trend.values[:, place]
        lines.append(
            f"  look at: {detector.artifact.info.columns[place]}: {outside[place]} of {number} windows would get no "
            f"answer, because its readings leave the range of training ({np.nanmin(values):g} to "
            f"{np.nanmax(values):g}; training {scaler.minimum[place]:g} to {scaler.maximum[place]:g})"
        )
    if poor:
        lines.append(
            f"  look at: {poor} of {number} windows would get no answer, because they lack more sensors than "
            f"{rule.most_missing}"
        )
    return lines
