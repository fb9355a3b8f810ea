"""The verb `detect`: a trained model and unlabelled trend files to windows.csv, events.csv and report.html."""

import heapq
import logging
import re
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from data_provider.trends.database import is_database, shown
from data_provider.trends.files import TrendFile, stem_of, trend_files
from data_provider.trends.unit_files import files_of_units
from exp.detection.database import append, source_of
from exp.detection.detector import Detector
from exp.detection.feedback import read_feedback
from exp.detection.findings import Finder
from exp.detection.following import follow, keep_marks
from exp.detection.headline import headline
from exp.detection.load import detector_of, is_base, model_folder, with_defaults
from exp.detection.record import FAULT, UNUSUAL, Unit, counted, in_order, outside_events
from exp.detection.report import About
from exp.detection.session import Result, about_of, evaluate_files, write
from exp.detection.status import Status, misfit_words, remedies, with_status
from exp.detection.tables import Output
from exp.runs.artifact import load_artifact
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options

logger = logging.getLogger(__name__)

POLL_SECONDS = 5.0
MOST_SHOWN = 10  # events, and units of a kind, on the console
DETECTED = "detected"  # folder of --result_path for what --output does not place


def run(options: Options) -> int:
    """Evaluates the files of `--input` by the model of `--run` and writes to `--output`.

    Returns:
        The exit status.

    Raises:
        UserError: the run, the options or every file cannot be used.
    """
    log_to_screen()
    if options.disable_parallel:
        torch.set_num_threads(1)
    options = _checked(options)
    artifact = load_artifact(model_folder(options))
    options = with_defaults(options, artifact)
    if is_base(options):
        logger.info("no --run is given: the base model, trained on simulated units, decides (docs/BASE_MODEL.md)")
    detector = detector_of(options, artifact)
    with ExitStack() as stack:
        source = stack.enter_context(source_of(options))
        if is_database(str(options.output)):
            output = Output(folder=Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="found-"))))
        else:
            output = _output(options, source)
        return _detect(options, detector, source, output)


def _detect(options: Options, detector: Detector, source: Path, output: Output) -> int:
    units = _units(source, options, detector, output)  # says at once if there is nothing to read
    output.prepare()
    with output.alone():
        return _evaluate(options, detector, source, units, output)


def _evaluate(options: Options, detector: Detector, source: Path, units: list[TrendFile], output: Output) -> int:
    finder = Finder(
        detector=detector,
        confirm=options.confirm,
        hold_hours=options.hold_hours,
        feedback=read_feedback(output.folder),
    )
    keep_marks(output, finder.feedback)
    if options.follow:
        files = partial(_units, source, options, detector, output)
        follow(detector, finder, files, output, pause=lambda: time.sleep(POLL_SECONDS))
        return 0
    result, about = evaluate_files(detector, finder, units), about_of(detector, finder)
    if result.refused and len(result.refused) == len(result.units) and output.shards == 1:
        more = f" (and {len(result.refused) - 1} more files cannot be evaluated)" if len(result.refused) > 1 else ""
        raise UserError(f"{source.parent if source.is_file() else source}/{result.refused[0]}{more}")
    if is_database(str(options.output)):
        append(str(options.output), result)
        _tell(result, about, shown(str(options.output)), None)
    else:
        write(detector, finder, result, output)
        _tell(result, about, str(output.folder), output.path("report"))
    if output.shards == 1 and not any(unit.windows for unit in result.units):
        file, reason = next((unit.file, row[2]) for unit in result.units for row in unit.silent)
        where = source.parent if source.is_file() else source
        raise UserError(f"{where}/{file}: nothing could be evaluated: {reason}")
    return 0


def _checked(options: Options) -> Options:
    """The options with a place to write to.

    Raises:
        UserError: options are missing or do not fit together.
    """
    if not options.input:
        raise UserError("detect needs --input with a trend file or a folder")
    if not options.output:
        name = "database" if is_database(options.input) else stem_of(Path(options.input).expanduser().resolve())
        options = options.replace(output=str(Path(options.result_path) / DETECTED / name))
    if is_database(str(options.output)) and (options.follow or options.shard != "1/1"):
        raise UserError("--follow and --shard write files; name a folder for --output")
    return options


def _output(options: Options, source: Path) -> Output:
    """Where the files go."""
    folder = Path(str(options.output)).expanduser()
    if source.is_dir() and folder.resolve().is_relative_to(source.resolve()):
        raise UserError(f"--output {folder} lies in --input {source}, and would be read as trends; name another")
    match = re.fullmatch(r"(\d+)/(\d+)", options.shard.strip())
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UserError(f"--shard '{options.shard}' is not a part of a whole; write it as 1/8, 2/8, ... 8/8")
    return Output(folder=folder, shard=int(match[1]), shards=int(match[2]))


def _units(source: Path, options: Options, detector: Detector, output: Output) -> list[TrendFile]:
    """The files of a source, those of a unit as one; of a shard every n-th, by name."""
    files = files_of_units(trend_files(source), options.unit_from, detector.request)
    mine = files[output.shard - 1 :: output.shards]
    if not mine:
        raise UserError(f"--shard {output.shard}/{output.shards}: there are only {len(files)} files; use fewer shards")
    return mine


def _tell(result: Result, about: About, place: str, page: Path | None) -> None:
    """A few lines for a person; the page has the rest."""
    logger.info("%s", headline(result.units, about.confirm))
    logger.info("the model was trained on %s", about.trained_on)
    answered = sum(unit.windows for unit in result.units)
    silent = sum(len(unit.silent) for unit in result.units)
    logger.info(
        "%d files, %d windows evaluated, %d spans of time without an answer, %d events of faults, %d unusual ones",
        *(len(result.units), answered, silent),
        *(len(counted(result.findings, kind)) for kind in (FAULT, UNUSUAL)),
    )
    for line in _misfits(result.units, about):
        logger.info("%s", line)
    shown = in_order(heapq.nlargest(MOST_SHOWN, result.findings, key=lambda f: (f.kind == FAULT, f.hours)))
    for finding in shown:
        sure = "no fault" if finding.mean_confidence is None else f"confidence {finding.mean_confidence:.2f}"
        words = f"{finding.words}, {finding.start} to {finding.end}, {finding.hours:.1f} h, {sure}"
        logger.info("  %s: %s%s", finding.file, words, ", within a longer event" * bool(finding.within))
    if len(result.findings) > len(shown):
        logger.info("  and %d more events, in events.csv and on the page", len(result.findings) - len(shown))
    outside = [f"{unit.file}: {outside_events(unit)} outside events" for unit in result.units if unit.single]
    for line in [*(line for unit in result.units for line in unit.held), *outside[:MOST_SHOWN]]:
        logger.info("  %s", line)
    if len(outside) > MOST_SHOWN:
        logger.info("  and %d more units with windows outside events", len(outside) - MOST_SHOWN)
    if page is not None:
        print(f"open in a browser: {page}")
    print(f"detected: {place}")


def _misfits(units: list[Unit], about: About) -> list[str]:
    """Units that the model does not fit, and what to do about them."""
    found = with_status(units)
    misfits, silent = found[Status.MISFIT], found[Status.SILENT]
    lines = [f"  {unit.file}: the model does not fit: {misfit_words(unit)}" for unit in misfits[:MOST_SHOWN]]
    if len(misfits) > MOST_SHOWN:
        lines.append(f"  and {len(misfits) - MOST_SHOWN} more units that the model does not fit")
    return lines + [f"  what to do: {line}" for line in remedies(base=about.by_days) if misfits or silent]
