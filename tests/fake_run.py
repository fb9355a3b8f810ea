"""A run folder as a training run leaves it, made of invented but plausible numbers.

Letters: K classes, C signals, T time steps, n windows.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

CLASSES = (
    "AHU_annual",
    "coi_bias_-4",
    "coi_bias_4",
    "oa_bias_4",
    "coi_leakage_010",
    "coi_stuck_025",
    "coi_stuck_075",
    "damper_stuck_025",
    "damper_stuck_075",
)
COLUMNS = ("SA_TEMP", "OA_TEMP", "MA_TEMP", "RA_TEMP", "OA_CFM", "SA_CFM", "SF_SPD", "CHWC_VLV", "OA_DMPR", "SA_SP")


def confusion(classes: tuple[str, ...], each: int = 60, seed: int = 0) -> np.ndarray:
    """(K, K) counts: mostly right, some classes near each other."""
    random = np.random.default_rng(seed)
    matrix = np.zeros((len(classes), len(classes)), dtype=int)
    for row in range(len(classes)):
        chances = np.full(len(classes), 0.01)
        chances[row] = 0.75 + 0.2 * random.random()
        chances[(row + 1) % len(classes)] += 0.15 * random.random()
        matrix[row] = random.multinomial(each, chances / chances.sum())
    return matrix


def windows(classes: tuple[str, ...] = CLASSES, columns: tuple[str, ...] = COLUMNS) -> dict[str, np.ndarray]:
    """Class name -> (C, T = 96) in [-1, 1]: a working day, its shape depending on class and signal."""
    time = np.linspace(0, 1, 96)
    random = np.random.default_rng(1)
    result = {}
    for k, name in enumerate(classes):
        level = 0.5 * np.sin(1.7 * k + np.arange(len(columns)))[:, None]
        swing = np.sin(2 * np.pi * (1 + np.arange(len(columns)) % 3)[:, None] * time + 0.4 * k)
        noise = random.normal(0, 0.04, (len(columns), 96)).cumsum(1) * 0.3
        result[name] = np.clip(level + 0.45 * swing + noise, -1, 1)
    return result


def part(matrix: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """What metrics.json says about one part."""
    hits, support, taken = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    recall, precision = hits / np.maximum(support, 1), hits / np.maximum(taken, 1)
    f1 = 2 * hits / np.maximum(support + taken, 1)
    values = {"accuracy": hits.sum() / matrix.sum(), "macro_f1": f1.mean(), "balanced_accuracy": recall.mean()}
    values |= {"ece": 0.041, "log_loss": 0.62}
    rows = zip(classes, precision, recall, f1, support, strict=True)
    return {
        **{name: {"value": float(v), "low": float(v) * 0.95, "high": float(v) * 1.03} for name, v in values.items()},
        "per_class": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for name, p, r, f, s in rows
        },
        "confusion": matrix.tolist(),
        "windows": int(matrix.sum()),
        "blocks": 24,
    }


def metrics(classes: tuple[str, ...] = CLASSES, leaking: bool = False, seed: int = 0) -> dict[str, Any]:
    """The whole of metrics.json."""
    val, test = confusion(classes, 48, seed + 1), confusion(classes, 60, seed)
    parts = {"train": [288] * len(classes), "val": val.sum(1).tolist(), "test": test.sum(1).tolist()}
    data = {
        "data": "DualGAF",
        "columns": list(COLUMNS),
        "units": ["F", "F", "F", "F", "CFM", "CFM", "", "", "", "in. w.g."],
        "classes": list(classes),
        "normal": classes[0],
        "period_seconds": 300,
        "seq_len": 96,
        "step": 96,
        "counts": parts,
        "protocol": "random split of windows" if leaking else "calendar blocks of 7 days, the same in every run",
        "leaking": leaking,
        "report": {
            "folder": "dataset/SAHU",
            "rows_read": 4730400,
            "rows_kept": 473040,
            "dropped": {"unit not occupied": 2365200, "first rows after a start": 11232, "not a number": 3},
            "segments": 2781,
            "runs": [{"file": f"{name}.csv", "rows": 525600, "windows": 396} for name in classes],
        },
    }
    return {
        "data": data,
        "model": {"name": "DualGAFNet", "parameters": 412873},
        "val": part(val, classes),
        "test": part(test, classes),
        "best_epoch": 14,
        "epochs": 20,
        "stopped": "early stopping: validation loss did not fall for 6 epochs",
        "seconds": 278.4,
        "command": f"python run.py --batch_size 4 --enable_auto_gradient_accumulation --des baseline --seed {seed}",
    }


def history(epochs: int = 20) -> list[dict[str, float]]:
    """Rows of training_metrics.csv."""
    random = np.random.default_rng(3)
    rows = []
    for epoch in range(1, epochs + 1):
        train = 0.55 + 1.6 * np.exp(-epoch / 5)
        val = 0.75 + 1.45 * np.exp(-epoch / 4.5) + 0.004 * max(0, epoch - 14) ** 1.5 + random.normal(0, 0.02)
        accuracy = 1 - 0.42 * val
        row = {"epoch": epoch, "train_loss": train, "train_accuracy": 1 - 0.36 * train + 0.07, "val_loss": val}
        row |= {"val_accuracy": accuracy, "val_macro_f1": accuracy - 0.02 - 0.01 * random.random()}
        rate = 1e-3 * 0.5 ** ((epoch > 9) + (epoch > 16))
        row |= {"learning_rate": rate, "seconds": 13.9, "effective_batch_size": 16, "optimizer_steps": 162 * epoch}
        rows.append(row)
    return rows


def predictions(matrix: np.ndarray, classes: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of predictions_test.csv that agree with the confusion matrix."""
    random = np.random.default_rng(4)
    rows = []
    for truth, taken in np.argwhere(matrix):
        for number in range(matrix[truth, taken]):
            sure = 0.55 + 0.44 * random.random() if truth == taken else 0.35 + 0.5 * random.random()
            probabilities = np.full(len(classes), (1 - sure) / max(len(classes) - 1, 1))
            probabilities[taken] = sure
            day = f"2018-{1 + (number * 7) % 12:02d}-{1 + (number * 3 + truth + taken) % 28:02d}"
            row = {
                "file": classes[truth],
                "start": f"{day} 06:00:00",
                "end": f"{day} 13:55:00",
                "block": str(number % 24),
            }
            row |= {"target": classes[truth], "predicted": classes[taken], "confidence": f"{sure:.6f}"}
            rows.append(row | {f"p_{name}": f"{p:.6f}" for name, p in zip(classes, probabilities, strict=True)})
    return rows


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def config(**changes: Any) -> dict[str, Any]:
    """config.yaml: every option of the run (here some of them)."""
    options: dict[str, Any] = {"data": "DualGAF", "model": "DualGAFNet", "des": "baseline", "seed": 0, "itr": 1}
    options |= {"batch_size": 4, "gradient_accumulation_steps": 4, "enable_auto_gradient_accumulation": True}
    options |= {"cross_epoch_accumulation": False, "train_epochs": 20, "learning_rate": 0.001, "loss_preset": None}
    options |= {"optimizer": "radam", "lr_scheduler": "plateau", "seq_len": 96, "split": "blocked", "test_size": 0.2}
    return options | changes


def make(
    folder: Path, *, classes: tuple[str, ...] = CLASSES, leaking: bool = False, draw: bool = True, **options: Any
) -> Path:
    """Write the folder and return it; `options` change config.yaml."""
    folder.mkdir(parents=True)
    settings = config(**options)
    facts = metrics(classes, leaking, settings["seed"])
    (folder / "config.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(facts), encoding="utf-8")
    (folder / "training.log").write_text("epoch 1\n", encoding="utf-8")
    (folder / "model").mkdir()
    (folder / "model" / "weights.safetensors").write_bytes(bytes(1_651_492))
    write_csv(folder / "training_metrics.csv", history())
    matrix = np.array(facts["test"]["confusion"])
    rows = predictions(matrix, classes)
    write_csv(folder / "predictions_test.csv", rows)
    if draw:
        figures(folder, facts, rows)
    return folder


def figures(folder: Path, facts: dict[str, Any], rows: list[dict[str, str]]) -> None:
    """Draw the figures that a run draws."""
    from exp.reporting import plots

    classes, test = tuple(facts["data"]["classes"]), facts["test"]
    plots.curves(history(), folder / "figures" / "curves.png", best_epoch=facts["best_epoch"])
    plots.confusion_matrix(test["confusion"], classes, folder / "figures" / "confusion_matrix.png", "Test part")
    sure = np.array([float(row["confidence"]) for row in rows])
    right = np.array([row["target"] == row["predicted"] for row in rows])
    plots.reliability(sure, right, folder / "figures" / "reliability.png")
    plots.gramian_samples(windows(classes), COLUMNS, folder / "figures" / "gramian_samples.png")
    plots.class_bars(test["per_class"], folder / "figures" / "class_bars.png")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
