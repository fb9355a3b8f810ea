"""The folder of a cross-validation: which runs it is made of, and what they measured together."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from exp.evaluation.predictions import Predictions
from exp.runs.checksums import Checksums
from exp.runs.run_folder import FOLDS, RunFolder, prediction_rows
from utils.errors import UserError
from utils.files import write_csv, write_text
from utils.options import Options


class FoldsFolder:
    """`results/<data>/<model>/<des>/<time>-<seed>-folds/` and the names within it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table = path / "folds.csv"
        self.metrics = path / "metrics.json"
        self.checksums = Checksums(path)

    @classmethod
    def create(cls, options: Options) -> "FoldsFolder":
        """A new folder with the options of the whole."""
        return cls(RunFolder.create(options, suffix=FOLDS).path)

    @classmethod
    def is_one(cls, path: Path) -> bool:
        """True if a folder is that of a cross-validation."""
        return cls(path).table.is_file()

    def options(self) -> Options:
        """The options of the whole."""
        return RunFolder(self.path).options()

    def begin(self, rows: Sequence[dict[str, Any]]) -> None:
        """Writes the table of the trainings to come, in their order."""
        self._write_table([{**row, "run": ""} for row in rows])

    def rows(self) -> list[dict[str, str]]:
        """The table.

        Raises:
            UserError: it is no such table.
        """
        try:
            rows = list(RunFolder(self.path).rows_of(self.table))
        except (csv.Error, ValueError):
            rows = []
        if not rows or not {"seed", "fold", "run"} <= rows[0].keys() or not all(_is_row(row) for row in rows):
            raise UserError(f"{self.table} is not a table of folds; start the cross-validation again")
        return rows

    def run_of(self, place: int) -> RunFolder | None:
        """The run folder of a training, None where it has not begun."""
        name = self.rows()[place]["run"]
        return RunFolder(self.path.parent / name) if name else None

    def note(self, place: int, run: Path) -> None:
        """Notes the run folder of a training."""
        rows = self.rows()
        rows[place]["run"] = run.name
        self._write_table(rows)

    def write(self, metrics: dict[str, Any], measured: Sequence[dict[str, Any]]) -> None:
        """Writes the measures of the whole, and those of each training into the table."""
        self.checksums.forget(self.metrics)
        write_text(self.metrics, json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        self.checksums.note(self.metrics)
        self._write_table([{**row, **found} for row, found in zip(self.rows(), measured, strict=True)])

    def write_predictions(self, seed: int, predictions: Predictions) -> None:
        """Writes the test windows of all folds with one seed."""
        write_csv(self.path / f"predictions_test_{seed}.csv", prediction_rows(predictions))

    def _write_table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.checksums.forget(self.table)
        write_csv(self.table, rows)
        self.checksums.note(self.table)


def _is_row(row: Mapping[str, str | None]) -> bool:
    """A row whose run, if it has one, lies beside the folder and nowhere else."""
    seed, run = row["seed"] or "", row["run"]
    return seed.isdecimal() and len(seed) < 11 and run is not None and Path(run).name == run
