"""Detection as a function: what Ray, Spark or a job of an array calls for its share of the files of many units."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_provider.trends.files import TrendFile, trend_files
from data_provider.trends.request import Request
from data_provider.trends.unit_files import files_of_units
from exp.detection.detector import Detector
from exp.detection.findings import Finder
from exp.detection.load import BASE, load_detector, model_folder, with_defaults
from exp.detection.session import evaluate_files
from exp.detection.tables import event_row, window_fields
from exp.runs.names import DESCRIPTION
from utils.command_line import checked
from utils.errors import UserError, unknown_name
from utils.options import Options, flags

SETTINGS = (
    "roles",
    "vendor",
    "separator",
    "decimal",
    "unit_from",
    "sheet",
    "time_zone",
    "max_age",
    "confirm",
    "hold_hours",
    "stride",
    "unknown_rate",
    "false_alarm_rate",
    "device",
)

Rows = list[dict[str, Any]]


def detect_files(
    model: str | Path | None, files: Sequence[str | Path], *, root: str | Path | None = None, **settings: Any
) -> tuple[Rows, Rows]:
    """What `run.py detect` finds in some trend files. Nothing is written, and no state is kept but the loaded model.

    The rows are those of windows.csv and events.csv, every row with every column, in the order of the files; a value
    that a window has not (the class of one without an answer) is None. Text is as it is: whoever writes it to CSV for
    a spreadsheet should send it through `utils.csv_safety.harmless`.

    Args:
        model: a run folder, or the model folder of one; None for the base model.
        files: trend files, one a unit, or folders of them. One that cannot be evaluated has a "no answer" row with the
            reason.
        root: the folder from which files are named in the rows; None names them by their last part.
        settings: as the flags of `detect`: stride=12, vendor="niagara", time_zone="Europe/Berlin"...

    Returns:
        The rows of windows.csv, and those of events.csv.

    Raises:
        UserError: the model, a setting or the role map cannot be used, or a file is not there.
    """
    known = {field.name: field for field in flags() if field.name in SETTINGS}
    for name in settings:
        if name not in known:
            raise unknown_name("setting of detection", name, list(SETTINGS))
    chosen = {name: checked(known[name], value) for name, value in settings.items()}
    run = str(BASE if model is None else model)
    options = Options(verb="detect", run=run, explicit=frozenset(chosen), **chosen)
    described = model_folder(options) / DESCRIPTION
    detector = _loaded(options, described.stat().st_mtime_ns if described.is_file() else 0)
    usual = with_defaults(options, detector.artifact)
    result = evaluate_files(
        detector,
        Finder(detector=detector, confirm=usual.confirm, hold_hours=usual.hold_hours),
        _found(files, root, options.unit_from, detector.request),
    )
    fields = window_fields(detector.artifact.info.classes)
    windows = [{name: row.get(name) for name in fields} for row in result.rows]
    return windows, [event_row(finding) for finding in result.events]


@functools.lru_cache(maxsize=2)
def _loaded(options: Options, changed: int) -> Detector:
    """A process that calls this often loads the model once, and again when its file has `changed`."""
    return load_detector(options)


def _found(files: Sequence[str | Path], root: str | Path | None, unit_from: str, request: Request) -> list[TrendFile]:
    """The files, and those in folders, under their names."""
    found = [one for file in files for one in files_of_units(trend_files(Path(file)), unit_from, request)]
    if root is None:
        return found
    home = Path(root).resolve()
    for one in found:
        if not one.path.resolve().is_relative_to(home):
            raise UserError(f"{one.path} does not lie in the root {root}; give the folder that all files lie in")
    return [dataclasses.replace(one, name=one.path.resolve().relative_to(home).as_posix()) for one in found]
