"""A run folder: where everything that a run writes lies, and how it is written."""

import csv
import datetime
import io
import json
import logging
import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from exp.evaluation.predictions import Predictions
from exp.runs.checksums import Checksums
from exp.runs.metrics_schema import check_metrics, metrics_of
from exp.runs.names import DECISION, DESCRIPTION, WEIGHTS
from utils.command_line import from_config_text
from utils.csv_safety import harmless
from utils.errors import UserError
from utils.files import write_csv, write_text
from utils.locks import alone
from utils.options import Options
from utils.safe_reading import one_line

logger = logging.getLogger(__name__)

LARGEST_CONFIG = 2**20  # bytes
STAMP = len("20260101-120000")  # of the time in a run folder's name
FOLDS = "-folds"  # ends the name of a cross-validation's folder
LATEST = "latest"  # a link to the run that began last


class RunFolder:
    """`results/<data>/<model>/<des>/<time>-<seed>/` and the names within it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.log = path / "training.log"
        self.epochs = path / "training_metrics.csv"
        self.metrics = path / "metrics.json"
        self.summary = path / "best_model_summary.csv"
        self.search = path / "search.csv"
        self.figures = path / "figures"
        self.samples = self.figures / "samples.npz"
        self.report = path / "report.html"
        self.model = path / "model"
        self.last = path / "checkpoints" / "last.pt"
        self.best = path / "checkpoints" / "best.pt"
        self.checksums = Checksums(path)

    @classmethod
    def create(cls, options: Options, *, model: str | None = None, suffix: str = "") -> "RunFolder":
        """A new folder for a run with these options, with its config.yaml; without a suffix `latest` points at it.

        Args:
            options: of the run.
            model: whose runs it lies beside; the options' own by default.
            suffix: of the folder's name.
        """
        family = family_of(options.replace(model=model or options.model))
        stamp = datetime.datetime.now(tz=datetime.UTC).astimezone().strftime("%Y%m%d-%H%M%S")
        for attempt in range(1, 1000):
            name = f"{stamp}-{options.seed}" + (f"-{attempt}" if attempt > 1 else "") + suffix
            try:
                (family / name).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(
                    f"cannot make the run folder {family / name}: {error.strerror}; name another --result_path"
                ) from None
            break
        folder = cls(family / name)
        folder.write_config(options)
        if not suffix:
            _point(family / LATEST, name)
        return folder

    @classmethod
    def find(cls, given: str | None, options: Options, *, ended: bool = True) -> "RunFolder":
        """The run folder that `--run` or `--resume` names, or the latest run of the options' data and model.

        Args:
            given: the flag's value, None where it was left out.
            options: of the call.
            ended: where the latest run has not ended, take the latest that has.

        Raises:
            UserError: there is none.
        """
        path = Path(given) if given else family_of(options) / LATEST
        if path.name == "last.pt" or path.name == "best.pt":
            path = path.parent.parent
        if ended and path.name == LATEST and not cls(path).metrics.is_file():
            path = _newest_ended(path)
        if not cls(path).config.is_file():
            raise UserError(f"{path} is not a run folder (it has no config.yaml); train first, or name one with --run")
        return cls(path.resolve())

    def predictions(self, part: str) -> Path:
        """The predictions of "val" or "test"."""
        return self.path / f"predictions_{part}.csv"

    @property
    def results(self) -> Path:
        """The folder of all run folders that this one lies in."""
        return self.path.parents[3]

    def options(self, **changes: Any) -> Options:
        """The options that the run was made with."""
        content = self.checksums.read(self.config, largest=LARGEST_CONFIG)
        return from_config_text(content, str(self.config), **changes)

    def write_config(self, options: Options) -> None:
        """Writes config.yaml."""
        self.checksums.forget(self.config)
        write_text(self.config, yaml.safe_dump(options.to_dict(), sort_keys=False, allow_unicode=True))
        self.checksums.note(self.config)

    def write_epochs(self, rows: Sequence[dict[str, Any]]) -> None:
        """Writes training_metrics.csv, a row an epoch; equal runs write equal bytes."""
        self.checksums.forget(self.epochs)
        write_csv(self.epochs, rows)

    def read_epochs(self) -> list[dict[str, float]]:
        """The rows of training_metrics.csv.

        Raises:
            UserError: it is damaged.
        """
        try:
            rows = self.rows_of(self.epochs)
            return [{name: float(value) for name, value in row.items()} for row in rows]
        except (TypeError, ValueError, csv.Error) as error:
            reason = one_line(str(error))[:80]
            raise UserError(f"{self.epochs} cannot be used ({reason}); copy it again, or train again") from None

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes metrics.json."""
        self.checksums.forget(self.metrics)
        write_text(self.metrics, json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def read_metrics(self) -> dict[str, Any]:
        """What metrics.json holds.

        Raises:
            UserError: the run has not ended, or the file is damaged.
        """
        if not self.metrics.is_file():
            raise UserError(
                f"{self.path} has no metrics.json: its training has not ended; go on with --resume {self.path}"
            )
        repair = "copy it again, or train again"
        try:
            metrics = metrics_of(self.checksums.read(self.metrics))
        except (ValueError, RecursionError) as error:
            raise UserError(f"{self.metrics} is not JSON ({one_line(str(error))[:80]}); {repair}") from None
        if not isinstance(metrics, dict):
            raise UserError(f"{self.metrics} holds no measures; {repair}")
        check_metrics(metrics, self.metrics, repair)
        return metrics

    def write_predictions(self, predictions: Predictions) -> Path:
        """Writes predictions_<part>.csv: a row a window, in the order of the part, probabilities rounded."""
        path = self.predictions(predictions.part)
        self.checksums.forget(path)
        write_csv(path, prediction_rows(predictions))
        return path

    def read_predictions(self, part: str, classes: tuple[str, ...]) -> Predictions:
        """What predictions_<part>.csv holds, of K classes.

        Raises:
            UserError: there is no such file, or it holds something else.
        """
        path = self.predictions(part)
        number = {harmless(name): place for place, name in enumerate(classes)}
        try:
            rows = list(self.rows_of(path))
            return Predictions(
                part=part,
                classes=classes,
                probabilities=np.array([[float(row[f"p_{name}"]) for name in classes] for row in rows]),
                target=np.array([number[row["target"]] for row in rows], np.int64),
                file=np.array([row["file"] for row in rows]),
                start=np.array([row["start"] for row in rows], "datetime64[s]"),
                end=np.array([row["end"] for row in rows], "datetime64[s]"),
                block=np.array([int(row["block"]) for row in rows], np.int64),
            )
        except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
            repair = f"write it with: python run.py test --run {self.path}"
            raise UserError(f"{path} cannot be used ({one_line(str(error))[:80]}); {repair}") from None

    def rows_of(self, path: Path) -> csv.DictReader:
        """The rows of a table in the folder; `csv.Error` or ValueError where it is none."""
        return csv.DictReader(io.StringIO(self.checksums.read(path).decode("utf-8"), newline=""))

    def made(self) -> list[Path]:
        """What `report` makes again from the other files."""
        return [self.report, self.model / "README.md", *sorted(self.figures.glob("*.png"))]

    def kept(self) -> list[Path]:
        """What cannot be made again, but for logs, which grow, and checkpoints, which begin with their own sum."""
        parts = [self.predictions(part) for part in ("val", "test")]
        tables = [self.config, self.metrics, self.epochs, self.summary, self.search, *parts, self.samples]
        return [*tables, *(self.model / name for name in (DESCRIPTION, WEIGHTS, DECISION))]

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other programs from working on this run while a block runs; raises UserError where one does."""
        return alone(self.path / ".lock", f"{self.path} is in use by another program; wait until it has ended")

    def sweep(self) -> None:
        """Removes what a killed program was writing."""
        for part in self.path.rglob(".*.part"):
            part.unlink(missing_ok=True)

    def note(self) -> None:
        """Records the checksums of everything that a finished run left."""
        self.checksums.note(*self.kept(), *self.made())

    def note_made(self) -> None:
        """Records the checksums of what a report made again; of an earlier version's folder, none."""
        if self.checksums.path.is_file():
            self.checksums.note(*self.made())

    def check(self) -> None:
        """Raises UserError where a file that cannot be made again is missing or not as it was written."""
        self.checksums.check(*self.kept())


def prediction_rows(predictions: Predictions) -> list[dict[str, Any]]:
    """A row a window: where it lies, truth, answer and probabilities."""
    rows = []
    for i in range(len(predictions.target)):
        row: dict[str, Any] = {
            "file": predictions.file[i],
            "start": predictions.start[i],
            "end": predictions.end[i],
            "target": predictions.classes[predictions.target[i]],
            "predicted": predictions.classes[predictions.top[i]],
            "confidence": float(predictions.confidence[i]),
            "block": int(predictions.block[i]),
        }
        row |= {f"p_{name}": float(p) for name, p in zip(predictions.classes, predictions.written[i], strict=True)}
        rows.append(row)
    return rows


def family_of(options: Options) -> Path:
    """The folder that holds all runs of one data set, model and description."""
    for name in ("data", "model", "des"):
        value = getattr(options, name)
        if not re.fullmatch(r"[\w][\w .+=,@-]*", value):
            raise UserError(f"--{name} '{value}' cannot name a folder; use letters, digits, '-', '_', '.'")
    return Path(options.result_path) / options.data / options.model / options.des


def _newest_ended(latest: Path) -> Path:
    """The newest run beside a link that has ended, by the time in its name; the link itself where none has."""
    ended = [run for run in latest.parent.glob("*-*") if not run.is_symlink() and _is_ended(RunFolder(run))]
    if not ended:
        return latest
    newest = max(ended, key=lambda run: (run.name[:STAMP], run.stat().st_mtime))
    logger.info("the latest run has not ended; this is of the one before it, %s", newest)
    return newest


def _is_ended(run: RunFolder) -> bool:
    """Whether a folder is a single run's and holds its results; that of all folds together is none."""
    return not run.path.name.endswith(FOLDS) and run.config.is_file() and run.metrics.is_file()


def _point(link: Path, name: str) -> None:
    """Makes `link` point at the folder beside it; where links are not allowed, a text file holds the name."""
    part = link.with_name(f".{link.name}-{os.getpid()}")
    try:
        part.symlink_to(name, target_is_directory=True)
        os.replace(part, link)
    except OSError:
        part.unlink(missing_ok=True)
        link.with_suffix(".txt").write_text(name + "\n", encoding="utf-8")
