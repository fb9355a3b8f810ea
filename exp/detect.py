"""The verb `detect`: a trained model and unlabelled trend files to windows.csv, events.csv and report.html."""

import dataclasses
import heapq
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data_provider.trends.files import Found, trend_files
from data_provider.trends.request import Request
from data_provider.trends.roles import read_roles
from exp.detection import report
from exp.detection import tables as tables
from exp.detection.detector import NO_ANSWER, Detector, Judged
from exp.detection.findings import Finder
from exp.detection.record import Finding, Unit
from exp.detection.tables import Output
from exp.runs.artifact import Artifact, load_artifact
from exp.runs.run_folder import RunFolder
from utils import distributed
from utils.errors import UserError
from utils.files import csv_text
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0
MOST_DRAWN = 24  # events that the report draws, those of the most hours
MOST_NOTES = 12  # lines of a file that could be many


@dataclass
class Result:
    """What one pass over the files found."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def run(options: Options) -> int:
    """Judges the files of `--input` by the model of `--run` and writes to `--output`.

    Returns:
        The exit status.

    Raises:
        UserError: the run, the options or every file cannot be used.
    """
    log_to_screen()
    if options.disable_parallel:
        torch.set_num_threads(1)
    source, output = _places(options)
    detector = load_detector(options)
    finder = Finder(detector=detector, confirm=options.confirm)
    _shard_of(trend_files(source), output)  # says at once if there is nothing to read
    output.prepare()
    if options.follow:
        follow(detector, finder, source, output, pause=lambda: time.sleep(POLL_SECONDS))
        return 0
    result = judge_files(detector, finder, _shard_of(trend_files(source), output))
    if result.refused and len(result.refused) == len(result.units) and output.shards == 1:
        more = f" (and {len(result.refused) - 1} more files cannot be judged)" if len(result.refused) > 1 else ""
        raise UserError(f"{source.parent if source.is_file() else source}/{result.refused[0]}{more}")
    _write(detector, finder, result, output)
    _tell(result, output)
    return 0


def follow(detector: Detector, finder: Finder, source: Path, output: Output, *, pause: Callable[[], None]) -> None:
    """Judges the files whenever they have grown, until interrupted; what is written is what one pass would write.

    Args:
        detector, finder, source, output: what, and where to.
        pause: waits for the next look; `KeyboardInterrupt` out of it ends the watch.
    """
    logger.info("following %s; Ctrl-C ends it", source)
    before: list[tuple[str, int, int]] = []
    written = 0
    try:
        while True:
            files = _shard_of(trend_files(source), output)
            now = [(found.name, *_state(found.path)) for found in files]
            if now != before:
                before = now
                result = judge_files(detector, finder, files)
                _write(detector, finder, result, output)
                if len(result.rows) != written:
                    logger.info("%d windows, %d events", len(result.rows), len(result.findings))
                    written = len(result.rows)
            pause()
    except KeyboardInterrupt:
        logger.info("no longer following; everything so far is in %s", output.folder)


def _places(options: Options) -> tuple[Path, Output]:
    """Where to read and where to write."""
    if not options.input or not options.output:
        absent = "--output with a folder to write to" if options.input else "--input with a trend file or a folder"
        raise UserError(f"detect needs {absent}")
    source, folder = Path(options.input).expanduser(), Path(options.output).expanduser()
    inside = source.is_dir() and folder.resolve().is_relative_to(source.resolve())
    if inside:
        raise UserError(f"--output {folder} lies in --input {source}, and would be read as trends; name another")
    match = re.fullmatch(r"(\d+)/(\d+)", options.shard.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"--shard '{options.shard}' is no part of a whole; write it as 1/8, 2/8, ... 8/8")
    return source, Output(folder=folder, shard=int(match[1]), shards=int(match[2]))


def model_folder(options: Options) -> Path:
    """The model of a run folder; a model folder that was copied alone will do."""
    given = Path(options.run).expanduser() if options.run else None
    if given and (given / "model.json").is_file():
        return given
    return RunFolder.find(options.run, options).model


def load_detector(options: Options) -> Detector:
    """The model of `--run`, and how files are read for it.

    Raises:
        UserError: the run or the role map cannot be used.
    """
    return _detector(options, load_artifact(model_folder(options)))


def _detector(options: Options, artifact: Artifact) -> Detector:
    info, recipe, scaler = artifact.info, artifact.recipe, artifact.scaler
    # The column that says when the unit works is none of the network's, but training used readings only then.
    known = (recipe.working_column,) if recipe.working_column else ()
    ranges = zip(info.columns, scaler.minimum.tolist(), scaler.maximum.tolist(), strict=True)
    columns, units = (*info.columns, *known), (*info.units, *("" for _ in known))
    request = Request(
        columns=columns,
        units=units,
        period_seconds=info.period_seconds,
        roles=read_roles(Path(options.roles).expanduser(), columns=columns, units=units) if options.roles else None,
        vendor=options.vendor,
        time_zone=options.time_zone,
        max_age_seconds=options.max_age * 60,
        ranges={name: (low, high) for name, low, high in ranges},
        resample=recipe.resample,
        own_rate=True,
        growing=options.follow,
    )
    return Detector(
        artifact=artifact,
        request=request,
        stride=options.stride or info.step,
        unknown_rate=options.unknown_rate,
        false_alarm_rate=options.false_alarm_rate,
        device=distributed.device_of(options.device),
    )


def _shard_of(files: list[Found], output: Output) -> list[Found]:
    """Every n-th file, by name."""
    mine = files[output.shard - 1 :: output.shards]
    if not mine:
        raise UserError(f"--shard {output.shard}/{output.shards}: there are only {len(files)} files; use fewer shards")
    return mine


def judge_files(detector: Detector, finder: Finder, files: Iterable[Found]) -> Result:
    """Judges every file once; of one only what is written or drawn is kept."""
    result = Result()
    classes = detector.artifact.info.classes
    for found in files:
        judged = detector.read(found)
        findings = finder.find(judged)
        result.rows += tables.window_rows(judged, classes)
        result.units.append(_unit(judged, findings))
        result.findings += findings
        if judged.trend.fatal:
            result.refused.append(f"{judged.file}: {judged.refused}")
        if judged.refused:
            logger.warning("%s: %s", judged.file, judged.refused)
        drawn = heapq.nlargest(MOST_DRAWN, result.findings, key=lambda f: (f.evidence is not None, f.hours))
        kept = {id(finding) for finding in drawn}
        result.findings = [f if id(f) in kept else dataclasses.replace(f, evidence=None) for f in result.findings]
    return result


def _unit(judged: Judged, findings: list[Finding]) -> Unit:
    """A file as the report tells of it."""
    times = judged.trend.times
    span = (judged.clock(times[0]), judged.clock(times[-1])) if len(times) else ("", "")
    silent = [(judged.clock(gap.start), judged.clock(gap.end), gap.reason) for gap in judged.gaps]
    silent += [
        (judged.clock(judged.start[place]), judged.clock(judged.end[place]), str(judged.reason[place]))
        for place in np.flatnonzero(judged.verdict == NO_ANSWER)
    ]
    if judged.refused:
        silent.append((*span, judged.refused))
    notes = [problem.reason for problem in judged.trend.problems if not problem.fatal]
    cautions = [*judged.cautions, *notes[:MOST_NOTES]]
    if len(notes) > MOST_NOTES:
        cautions.append(f"and {len(notes) - MOST_NOTES} more; python run.py doctor lists them")
    return Unit(
        file=judged.file,
        start=span[0],
        end=span[1],
        spans=_spans(judged),
        windows=int((judged.verdict != NO_ANSWER).sum()),
        verdicts=dict(Counter(str(verdict) for verdict in judged.verdict)),
        silent=sorted(silent),
        cautions=cautions,
        findings=findings,
    )


def _spans(judged: Judged) -> list[tuple[str, str]]:
    """Stretches of a file with at most a day between readings."""
    times = judged.trend.times
    if not len(times):
        return []
    breaks = np.flatnonzero(np.diff(times) > np.timedelta64(1, "D"))
    begins, ends = np.append(0, breaks + 1), np.append(breaks, len(times) - 1)
    return [(judged.clock(times[a]), judged.clock(times[b])) for a, b in zip(begins, ends, strict=True)]


def _write(detector: Detector, finder: Finder, result: Result, output: Output) -> None:
    artifact = detector.artifact
    tables.grow(output.path("windows"), csv_text(tables.window_fields(artifact.info.classes), result.rows))
    tables.grow(output.path("events"), csv_text(tables.EVENT_FIELDS, map(tables.event_row, result.findings)))
    drawn = {(f.file, f.fault, f.start): f for f in result.findings}
    units = [
        dataclasses.replace(unit, findings=[drawn[f.file, f.fault, f.start] for f in unit.findings])
        for unit in result.units
    ]
    report.write(output.path("report"), units, _about(detector, finder.confirm))


def _about(detector: Detector, confirm: int) -> report.About:
    """What the report says of the model."""
    artifact = detector.artifact
    info = artifact.info
    return report.About(
        model=artifact.options.model,
        data=info.data,
        classes=len(info.classes),
        has_normal=info.normal is not None,
        window_seconds=info.seq_len * info.period_seconds,
        stride_seconds=detector.stride * info.period_seconds,
        unknown_rate=detector.unknown_rate,
        false_alarm_rate=detector.false_alarm_rate,
        confirm=confirm,
    )


def _tell(result: Result, output: Output) -> None:
    """A few lines for a person."""
    answered = sum(unit.windows for unit in result.units)
    silent = sum(len(unit.silent) for unit in result.units)
    logger.info(
        "%d files, %d windows judged, %d stretches without an answer, %d events",
        *(len(result.units), answered, silent, len(result.findings)),
    )
    for finding in heapq.nlargest(10, result.findings, key=lambda f: f.hours):
        logger.info(
            "  %s: %s, %s to %s, %.1f h, confidence %.2f",
            *(finding.file, finding.fault, finding.start, finding.end, finding.hours, finding.mean_confidence),
        )
    print(f"detected: {output.folder}")


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
