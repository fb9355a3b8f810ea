"""A training's record for MLflow, in a SQLite file: no server, and nothing is sent anywhere."""

import json
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils.errors import UserError
from utils.trackers.base import CARD, DONE, FAILED, STOPPED, Tracker

logger = logging.getLogger(__name__)

STATES = {DONE: "FINISHED", STOPPED: "KILLED", FAILED: "FAILED"}
SHOWN = (CARD, "report.html", "metrics.json")  # of a run folder, beside its figures


class Mlflow(Tracker):
    """`mlflow.db` (SQLite) and `mlartifacts/` beside the runs; `mlflow.json` of a run folder says which run it is.

    `mlflow ui --backend-store-uri sqlite:///results/mlflow.db` shows it (package mlflow).
    """

    modules = ("mlflow", "sqlalchemy", "alembic")
    requirements = ("mlflow-skinny>=3.4,<4", "sqlalchemy>=2", "alembic>=1.13")

    def __init__(self, *, results: Path) -> None:
        super().__init__(results=results.resolve())
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when mlflow is imported
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        path = self.results / "mlflow.db"
        self.results.mkdir(parents=True, exist_ok=True)
        try:
            self._client = MlflowClient(tracking_uri=f"sqlite:///{path.as_posix()}")
            self._client.search_experiments(max_results=1)  # opens the database
        except (MlflowException, SQLAlchemyError) as error:
            reason = str(error).splitlines()[0][:160]
            raise UserError(f"--tracker mlflow: cannot use {path} ({reason}); move it away or repair it") from None

    def begin(self, run: Path, options: Mapping[str, Any]) -> None:
        """Goes on with the run that mlflow.json names if the database has it; else begins one."""
        from mlflow.exceptions import MlflowException

        mark = run / "mlflow.json"
        self._run = ""
        if mark.is_file():
            named = str(json.loads(mark.read_text(encoding="utf-8"))["run_id"])
            try:
                self._client.update_run(named, status="RUNNING")
                self._run = named
            except MlflowException:
                logger.warning("--tracker mlflow: %s names a run that %s lacks; a new one begins", mark, self.results)
        if not self._run:
            tags = {"run_folder": str(run), "des": str(options["des"])}
            experiment = self._experiment(f"{options['data']}/{options['model']}")
            self._run = self._client.create_run(experiment, run_name=run.name, tags=tags).info.run_id
            mark.write_text(json.dumps({"run_id": self._run}) + "\n", encoding="utf-8")
        stored = self._client.get_run(self._run).data
        for key in stored.metrics:
            self.known |= {(key, metric.step) for metric in self._client.get_metric_history(self._run, key)}
        for name, value in options.items():
            if name not in stored.params:
                self._client.log_param(self._run, name, value)
            elif stored.params[name] != str(value):  # what was recorded of a run is never changed
                self._client.set_tag(self._run, f"resumed.{name}", value)

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Metrics."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(self._run, metrics=[Metric(name, value, now, step) for name, value in values.items()])

    def show(self, run: Path, step: int) -> None:
        """Copies of the card, the report, the numbers and the figures."""
        for name in SHOWN:
            self._client.log_artifact(self._run, str(run / name), str(Path(name).parent) if "/" in name else None)
        self._client.log_artifacts(self._run, str(run / "figures"), "figures")

    def end(self, state: str) -> None:
        """Sets the run's status."""
        self._client.set_terminated(self._run, STATES[state])

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found:
            return found.experiment_id
        return self._client.create_experiment(name, artifact_location=(self.results / "mlartifacts" / name).as_uri())
