"""The figures of a run, drawn from its folder alone."""

import csv
import functools
from pathlib import Path

import numpy as np

from data_provider import Prepared
from exp.reporting import plots
from exp.reporting.style import stamp
from exp.runs.leak_marks import mark_of
from exp.runs.run_folder import RunFolder


def save_samples(folder: RunFolder, data: Prepared) -> None:
    """Keeps one training window a class for the Gramian figure.

    Where the classes were measured at the same times, as in simulated runs, the windows begin at the same moment, so
    that only the fault differs; of such moments, the liveliest of up to 40. Elsewhere it is each class's liveliest.
    """
    folder.figures.mkdir(exist_ok=True)
    starts, targets = data.train.start, data.train.targets
    present = [number for number in range(len(data.info.classes)) if (targets == number).any()]
    shared = functools.reduce(np.intersect1d, (starts[targets == number] for number in present))
    if len(shared):
        moments = shared[np.linspace(0, len(shared) - 1, min(40, len(shared))).astype(int)]
        choices = np.array([[_first(starts, targets, t, number) for number in present] for t in moments])  # (m, K)
        movement = [data.train.gather(row).x.std(-1).mean() for row in choices]
        chosen = choices[int(np.argmax(movement))]
    else:
        chosen = np.array([_liveliest(data, np.flatnonzero(targets == number)[:200]) for number in present])
    windows = data.train.gather(chosen).x.numpy()
    samples = {f"class {data.info.classes[number]}": x for number, x in zip(present, windows, strict=True)}
    np.savez_compressed(folder.samples, **samples)


def _first(starts: np.ndarray, targets: np.ndarray, moment: np.datetime64, number: int) -> int:
    return int(np.flatnonzero((starts == moment) & (targets == number))[0])


def _liveliest(data: Prepared, indices: np.ndarray) -> int:
    return int(indices[int(data.train.gather(indices).x.std(-1).mean(1).argmax())])


def draw_figures(folder: RunFolder) -> list[Path]:
    """Draws every figure of a finished run into its `figures/`."""
    folder.figures.mkdir(exist_ok=True)
    metrics = folder.read_metrics()
    classes = metrics["data"]["classes"]
    drawn = []
    if metrics["epochs"]:  # 0 where the model was fitted at once
        best = metrics["best_epoch"]
        drawn.append(plots.curves(folder.read_epochs(), folder.figures / "curves.png", best_epoch=best))
    drawn.append(
        plots.confusion_matrix(
            np.asarray(metrics["test"]["confusion"]), classes, folder.figures / "confusion_matrix.png", "Test part"
        )
    )
    confidence, correct = _confidences(folder.predictions("test"))
    drawn.append(plots.reliability(confidence, correct, folder.figures / "reliability.png"))
    drawn.append(plots.class_bars(metrics["test"]["per_class"], folder.figures / "class_bars.png"))
    samples = folder.samples
    if samples.is_file():
        with np.load(samples, allow_pickle=False) as stored:
            windows = {name.removeprefix("class "): stored[name] for name in stored.files}
        drawn.append(plots.gramian_samples(windows, metrics["data"]["columns"], folder.figures / "gramian_samples.png"))
    if mark := mark_of(metrics["data"]):
        for path in drawn:
            stamp(path, mark)
    return drawn


def _confidences(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    confidence = np.array([float(row["confidence"]) for row in rows])
    return confidence, np.array([row["target"] == row["predicted"] for row in rows])
