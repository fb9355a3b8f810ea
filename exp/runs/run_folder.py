"""A run folder: where everything that a run writes lies, and how it is written."""

import csv
import datetime
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from exp.evaluation.predictions import Predictions
from utils.command_line import from_config
from utils.csv_safety import harmless
from utils.errors import UserError
from utils.files import write_csv, write_text
from utils.options import Options


class RunFolder:
    """`results/<data>/<model>/<des>/<time>-<seed>/` and the names within it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.yaml"
        self.log = path / "training.log"
        self.epochs = path / "training_metrics.csv"
        self.metrics = path / "metrics.json"
        self.summary = path / "best_model_summary.csv"
        self.figures = path / "figures"
        self.samples = self.figures / "samples.npz"
        self.report = path / "report.html"
        self.model = path / "model"
        self.last = path / "checkpoints" / "last.pt"
        self.best = path / "checkpoints" / "best.pt"

    @classmethod
    def create(cls, options: Options, *, suffix: str = "") -> "RunFolder":
        """A new folder for a run with these options, with its config.yaml; without a suffix `latest` points at it."""
        family = family_of(options)
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
            _point(family / "latest", name)
        return folder

    @classmethod
    def find(cls, given: str | None, options: Options) -> "RunFolder":
        """The run folder that `--run` or `--resume` names, or the latest run of the options' data and model.

        Raises:
            UserError: there is none.
        """
        path = Path(given) if given else family_of(options) / "latest"
        if path.name == "last.pt" or path.name == "best.pt":
            path = path.parent.parent
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
        return from_config(self.config, **changes)

    def write_config(self, options: Options) -> None:
        """Writes config.yaml."""
        write_text(self.config, yaml.safe_dump(options.to_dict(), sort_keys=False, allow_unicode=True))

    def write_epochs(self, rows: Sequence[dict[str, Any]]) -> None:
        """Writes training_metrics.csv, a row an epoch; equal runs write equal bytes."""
        write_csv(self.epochs, rows)

    def read_epochs(self) -> list[dict[str, float]]:
        """The rows of training_metrics.csv."""
        with self.epochs.open(newline="", encoding="utf-8") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes metrics.json."""
        write_text(self.metrics, json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False) + "\n")

    def read_metrics(self) -> dict[str, Any]:
        """What metrics.json holds."""
        if not self.metrics.is_file():
            raise UserError(
                f"{self.path} has no metrics.json: its training has not ended; go on with --resume {self.path}"
            )
        return json.loads(self.metrics.read_text(encoding="utf-8"))

    def write_predictions(self, predictions: Predictions) -> Path:
        """Writes predictions_<part>.csv: a row a window, in the order of the part, probabilities rounded."""
        path = self.predictions(predictions.part)
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
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
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
            raise UserError(f"{path} cannot be used ({' '.join(str(error).split())[:80]}); {repair}") from None


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


def _point(link: Path, name: str) -> None:
    """Makes `link` point at the folder beside it; where links are not allowed, a text file holds the name."""
    part = link.with_name(f".{link.name}-{os.getpid()}")
    try:
        part.symlink_to(name, target_is_directory=True)
        os.replace(part, link)
    except OSError:
        part.unlink(missing_ok=True)
        link.with_suffix(".txt").write_text(name + "\n", encoding="utf-8")
