"""What a report reads: the files that a training run left in its folder, checked for being there and whole."""

import csv
import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from exp.evaluation.diagnosis import renamed
from exp.runs.metrics_schema import check_accuracy, check_metrics, metrics_of
from exp.runs.run_folder import LARGEST_CONFIG, RunFolder
from utils.errors import UserError
from utils.plain_yaml import load_plain
from utils.safe_reading import one_line
from utils.schema import fits, mapping, number, text

_DATA_KEYS = (
    "data",
    "columns",
    "units",
    "classes",
    "normal",
    "period_seconds",
    "seq_len",
    "step",
    "counts",
    "protocol",
    "leaking",
    "report",
)
_METRICS_KEYS = ("data", "model", "val", "test", "best_epoch", "epochs", "stopped", "seconds", "command")
_PART_KEYS = ("accuracy", "macro_f1", "per_class", "confusion", "windows", "blocks")
_CONFIG_KEYS = ("data", "model", "des", "seed", "itr", "batch_size")
_EPOCH_KEYS = ("epoch", "learning_rate", "effective_batch_size", "optimizer_steps")
_PREDICTION_KEYS = ("file", "start", "end", "target", "predicted", "confidence")
_TEXTS = frozenset({"file", "start", "end", "target", "predicted"})


@dataclass(frozen=True)
class RunRecord:
    """A finished run, as its folder tells it.

    Attributes:
        path: the folder.
        config: config.yaml, every option.
        metrics: metrics.json.
        epochs: rows of training_metrics.csv, as text; none where the model was fitted at once.
        predictions: rows of predictions_test.csv, as text; none where no test part was evaluated.
    """

    path: Path
    config: dict[str, Any]
    metrics: dict[str, Any]
    epochs: list[dict[str, str]]
    predictions: list[dict[str, str]]

    @property
    def started(self) -> datetime.datetime:
        """When the run began, by its folder's name; by config.yaml's date where the folder was renamed."""
        stamp = re.match(r"(\d{8}-\d{6})\b", self.path.name)
        if stamp:
            try:
                return datetime.datetime.strptime(stamp[1], "%Y%m%d-%H%M%S")  # local time, as the name has it
            except ValueError:
                pass
        return datetime.datetime.fromtimestamp(RunFolder(self.path).config.stat().st_mtime)

    @property
    def evaluated(self) -> str:
        """The part whose numbers count: "test", or "val" where no test part was evaluated."""
        return "test" if self.metrics["test"] is not None else "val"


def read_run(folder: Path) -> RunRecord:
    """Everything a report needs from the folder of a finished run.

    Args:
        folder: the run folder, or a link to it.

    Raises:
        UserError: a file is missing, unreadable or incomplete; the message names the command that writes it.
    """
    folder = folder.resolve()
    config = read_config(folder)
    metrics = read_metrics(folder)
    epochs: list[dict[str, str]] = []
    if metrics["epochs"]:
        epochs = _rows(RunFolder(folder).epochs, _EPOCH_KEYS, f"train again: {metrics['command']}")
        if not epochs:
            raise UserError(f"{folder / 'training_metrics.csv'} has no epoch; train again: {metrics['command']}")
    predictions: list[dict[str, str]] = []
    if metrics["test"] is not None:
        path = RunFolder(folder).predictions("test")
        predictions = _rows(path, _PREDICTION_KEYS, f"write it with: python run.py test --run {folder}")
    return RunRecord(path=folder, config=config, metrics=metrics, epochs=epochs, predictions=predictions)


def read_config(folder: Path) -> dict[str, Any]:
    """The options of a run.

    Raises:
        UserError: the folder is not a run folder.
    """
    path = RunFolder(folder).config
    if not path.is_file():
        raise UserError(f"{folder} is not a run folder: it has no config.yaml; python run.py train writes one")
    content = RunFolder(folder).checksums.read(path, largest=LARGEST_CONFIG)
    try:
        config = load_plain(content)
    except (yaml.YAMLError, UserError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML ({_short(error)}); python run.py train writes a new run folder") from error
    repair = "python run.py train writes a new run folder"
    config = _with_keys(config, _CONFIG_KEYS, path, repair)
    whole = number(0, 2**63, whole=True)
    names = dict.fromkeys(("data", "model", "des"), text(255))
    rule = mapping({**names, "seed": whole, "batch_size": number(1, 2**31, whole=True)}, other=lambda *_: None)
    fits(config, rule, path, repair)
    return config


def read_metrics(folder: Path) -> dict[str, Any]:
    """What a finished run measured.

    Raises:
        UserError: the run has not ended, or the file is damaged.
    """
    path = RunFolder(folder).metrics
    if not path.is_file():
        raise UserError(
            f"{folder} has no metrics.json: its training has not ended; go on with: python run.py --resume {folder}"
        )
    repair = f"write it again with: python run.py test --run {folder}"
    try:
        metrics = metrics_of(RunFolder(folder).checksums.read(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({_short(error)}); {repair}") from error
    _with_keys(metrics, _METRICS_KEYS, path, repair)
    _with_keys(metrics["data"], _DATA_KEYS, path, repair)
    classes = metrics["data"]["classes"] if isinstance(metrics["data"]["classes"], list) else []
    for name in ("val", "test"):
        if name == "test" and metrics[name] is None:
            continue
        metrics[name] = renamed(_with_keys(metrics[name], _PART_KEYS, path, repair))
        if not _fits_classes(metrics[name], classes):
            raise UserError(f"{path}: '{name}' does not fit the {len(classes)} classes in 'data'; {repair}")
    check_metrics(metrics, path, repair)
    check_accuracy(metrics, path, repair)
    return metrics


def _fits_classes(part: dict[str, Any], classes: list[Any]) -> bool:
    """Whether the matrix and the table of classes are of these classes."""
    matrix, table = part["confusion"], part["per_class"]
    rows = isinstance(matrix, list) and all(isinstance(row, list) and len(row) == len(classes) for row in matrix)
    return (
        rows
        and len(matrix) == len(classes)
        and isinstance(table, dict)
        and [*sorted(table)] == sorted(map(str, classes))
    )


def _with_keys(found: Any, keys: Iterable[str], path: Path, repair: str) -> dict[str, Any]:
    missing = [key for key in keys if key not in found] if isinstance(found, Mapping) else list(keys)
    if missing:
        raise UserError(f"{path} lacks '{missing[0]}'; {repair}")
    return dict(found)


def _rows(path: Path, keys: Iterable[str], repair: str) -> list[dict[str, str]]:
    if not path.is_file():
        raise UserError(f"{path.parent} has no {path.name}; {repair}")
    try:
        reader = RunFolder(path.parent).rows_of(path)
        rows = list(reader)
        _with_keys(dict.fromkeys(reader.fieldnames or ()), keys, path, repair)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not CSV ({_short(error)}); {repair}") from error
    if any(row[key] is None for row in rows for key in keys):
        raise UserError(f"{path} breaks off in the middle of a row; {repair}")
    for place, row in enumerate(rows):
        for key in set(keys) - _TEXTS:
            if not _is_number(row[key]):
                raise UserError(f"{path}: row {place + 1}: {key} '{one_line(row[key])[:40]}' is not a number; {repair}")
    return rows


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _short(error: Exception) -> str:
    return one_line(str(error))[:120]
