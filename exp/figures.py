"""The figures of a run, drawn from its folder alone."""

import csv
from pathlib import Path

import numpy as np

from data_provider import Prepared
from exp.run_folder import RunFolder
from utils import plots


def save_samples(folder: RunFolder, data: Prepared) -> None:
    """Keeps one typical training window a class, the one nearest to its class's median, for the Gramian figure."""
    folder.figures.mkdir(exist_ok=True)
    samples = {}
    for number, name in enumerate(data.info.classes):
        indices = np.flatnonzero(np.asarray(data.train.targets) == number)
        if len(indices):
            x = data.train.gather(indices[:200]).x.numpy()  # (n, C, L)
            distance = np.abs(x - np.median(x, axis=0)).mean((1, 2))
            samples[name] = x[distance.argmin()]
    np.savez_compressed(folder.figures / "samples.npz", **{f"class {name}": x for name, x in samples.items()})


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
    confidence, correct = _confidences(folder.path / "predictions_test.csv")
    drawn.append(plots.reliability(confidence, correct, folder.figures / "reliability.png"))
    drawn.append(plots.class_bars(metrics["test"]["per_class"], folder.figures / "class_bars.png"))
    samples = folder.figures / "samples.npz"
    if samples.is_file():
        with np.load(samples, allow_pickle=False) as stored:
            windows = {name.removeprefix("class "): stored[name] for name in stored.files}
        drawn.append(plots.gramian_samples(windows, metrics["data"]["columns"], folder.figures / "gramian_samples.png"))
    return drawn


def _confidences(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    confidence = np.array([float(row["confidence"]) for row in rows])
    return confidence, np.array([row["target"] == row["predicted"] for row in rows])
