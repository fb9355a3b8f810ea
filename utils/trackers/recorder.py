"""Trackers by name, and the recording of a training by several of them.

They are given the rows of training_metrics.csv after every epoch, all of them, and record those that they do not hold
yet. So a resumed run goes on in the same record, without a gap or a step twice, however it was stopped.
"""

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from utils.errors import UserError, unknown_name
from utils.trackers.base import DONE, FAILED, STOPPED, Tracker
from utils.trackers.mlflow import Mlflow
from utils.trackers.tensorboard import TensorBoard

NONE = "none"
TRACKERS: dict[str, type[Tracker]] = {"tensorboard": TensorBoard, "mlflow": Mlflow}


def chosen(spec: str) -> list[str]:
    """The trackers that `--tracker` names.

    Args:
        spec: "none", a name, or several with commas.

    Raises:
        UserError: an unknown tracker, or a package that is not installed.
    """
    names = list(dict.fromkeys(word.strip() for word in spec.split(",")))
    if names == [NONE]:
        return []
    for name in names:
        if name not in TRACKERS:
            raise unknown_name("tracker", name, [NONE, *TRACKERS])
        if any(importlib.util.find_spec(module) is None for module in TRACKERS[name].modules):
            wanted = " ".join(f'"{requirement}"' for requirement in TRACKERS[name].requirements)
            raise UserError(f"--tracker {name} needs packages that are not installed; python -m pip install {wanted}")
    return names


class Recorder:
    """The trackers of a training as one; of other processes than the first it has none.

    Args:
        names: of `TRACKERS`.
        results: folder of all run folders.

    Raises:
        UserError: a record that cannot be used.
    """

    def __init__(self, names: Sequence[str], *, results: Path) -> None:
        self._trackers = [TRACKERS[name](results=results) for name in names]
        self._run, self._state = Path(), FAILED

    @contextmanager
    def recording(
        self, run: Path, options: Mapping[str, Any], *, stops: tuple[type[BaseException], ...] = ()
    ) -> Iterator[None]:
        """While the context is open, the records of a run are.

        Args:
            run: its folder.
            options: every option by name.
            stops: exceptions that mean that the user stopped the training; any other means that it failed.
        """
        self._run = run.resolve()
        stopped: tuple[type[BaseException], ...] = (KeyboardInterrupt, *stops)
        with ExitStack() as stack:
            self._state = FAILED
            for tracker in self._trackers:
                tracker.begin(self._run, options)
                stack.callback(self._end, tracker)
            try:
                yield
            except stopped:
                self._state = STOPPED
                raise
            self._state = DONE

    def _end(self, tracker: Tracker) -> None:
        tracker.end(self._state)

    def epochs(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Records the rows of training_metrics.csv that are not recorded yet, each at its epoch."""
        for tracker in self._trackers:
            for row in rows:
                tracker.values(int(row["epoch"]), {name: value for name, value in row.items() if name != "epoch"})

    def finish(self, rows: Sequence[Mapping[str, float]] = ()) -> None:
        """Records what an evaluated run's folder holds: metrics.json, the model card, the figures.

        Args:
            rows: all of training_metrics.csv; none where the model was fitted at once.
        """
        self.epochs(rows)
        if not self._trackers:
            return
        metrics = json.loads((self._run / "metrics.json").read_text(encoding="utf-8"))
        for tracker in self._trackers:
            tracker.values(metrics["epochs"], final_values(metrics))
            tracker.show(self._run, metrics["epochs"])


def final_values(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The measures of metrics.json under flat names, "final/test_macro_f1", "final/test_f1.stuck"; undefined ones not.

    Signs that MLflow does not allow in a name become their number: "a|b" is "a-7c-b".
    """
    found: dict[str, float | None] = {}
    for part in ("val", "test"):
        for name, measure in (metrics[part] or {}).items():
            if isinstance(measure, Mapping) and "value" in measure:
                found[f"{part}_{name}"] = measure["value"]
                found |= {f"{part}_{name}_{side}": measure[side] for side in ("low", "high")}
        for name, row in (metrics[part] or {}).get("per_class", {}).items():
            plain = re.sub(r"[^\w .:-]", lambda sign: f"-{ord(sign[0]):x}-", name)
            found |= {f"{part}_{key}.{plain}": row[key] for key in ("precision", "recall", "f1")}
    return {f"final/{name}": value for name, value in found.items() if value is not None}
