"""report.html of a training run: one file that opens offline, made from the run folder alone."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_provider.leaks.guard import findings_of
from exp.reporting import rates
from exp.reporting import sentences as words
from exp.reporting.page import duration, missing, number, percent, picture, render, save, tables
from exp.runs.leak_marks import marked, marks_of
from exp.runs.record import RunRecord, read_run
from exp.runs.run_folder import RunFolder
from utils.errors import UserError
from utils.safe_reading import refuse_links_out

logger = logging.getLogger(__name__)

# Name of a measure -> how it is called, and what it means.
MEANINGS = {
    "accuracy": ("Accuracy", "share of windows named right"),
    "macro_f1": ("Macro-F1", "mean of the classes' F1, each class counts alike"),
    "weighted_f1": ("Weighted F1", "mean of the classes' F1, by their windows"),
    "balanced_accuracy": ("Balanced accuracy", "mean of the classes' recall"),
    "macro_precision": ("Macro precision", "mean of the classes' precision"),
    "macro_recall": ("Macro recall", "mean of the classes' recall"),
    "top2_accuracy": ("Top-2 accuracy", "the right class among the two most probable"),
    "macro_auroc": ("AUROC", "each class against the rest, 0.5 is chance"),
    "mcc": ("Matthews correlation", "1 perfect, 0 chance"),
    "kappa": ("Cohen's kappa", "1 perfect, 0 chance"),
    "ece": ("Calibration error (ECE)", "distance of confidence from accuracy, lower is better"),
    "log_loss": ("Log loss", "lower is better"),
    "brier": ("Brier score", "lower is better"),
    "false_alarm_rate": ("False alarm rate", "fault-free windows called faulty, lower is better"),
    "detection_rate": ("Detection rate", "faulty windows called faulty"),
    "correct_diagnosis_rate": ("Correct diagnosis rate", "faulty windows called by their own name"),
    "correct_of_detected_rate": ("Correct diagnosis of detected", "of faulty windows called faulty, by their own name"),
    "misdiagnosis_rate": ("Misdiagnosis rate", "faulty windows called by another fault's name, lower is better"),
}

# Stem of a figure's file -> title and caption, in the page's order. class_bars is left out: the table of classes
# shows the same bars.
_CAPTIONS = {
    "confusion_matrix": (
        "Confusion matrix",
        "Rows are the truth, columns what the network answered; blue is right, orange is wrong. "
        "Colours are shares of a row.",
    ),
    "gramian_samples": (
        "What the network sees",
        "One window of each class. Above, the trend of a sensor; below, its Gramian sum field (GASF) and difference "
        "field (GADF), the two images that the two branches read. Shown are the sensors that differ most between the "
        "classes: the standard deviation over the classes, averaged over the window.",
    ),
    "curves": (
        "Training",
        "Loss, accuracy and macro-F1 after each epoch. The line marks the epoch that was kept; dotted lines mark "
        "changes of the learning rate.",
    ),
    "reliability": (
        "Calibration",
        "How often the network is right when it is so sure. Bars on the diagonal would mean that its confidence "
        "can be taken at its word.",
    ),
}
_IN_TABLE = "class_bars"


def write(run_folder: Path) -> Path:
    """Build report.html from what lies in a run folder.

    Args:
        run_folder: a finished run: config.yaml, metrics.json, training_metrics.csv, predictions_test.csv, figures/.

    Returns:
        The page's path.

    Raises:
        UserError: something is missing or damaged; the message says what, and which command writes it.
    """
    run = read_run(Path(run_folder))
    page = render("training.html.j2", **_context(run))
    folder = RunFolder(run.path)
    path = folder.report
    folder.checksums.forget(path)
    save(path, page)
    logger.info("wrote %s", path)
    return path


def _context(run: RunRecord) -> dict[str, Any]:
    metrics, config = run.metrics, run.config
    data, part = metrics["data"], metrics[run.evaluated]
    lines, rest = words.confusions(run)
    return {
        "model": metrics["model"]["name"],
        "data": data,
        "des": config["des"],
        "seed": config["seed"],
        "started": f"{run.started:%Y-%m-%d %H:%M}",
        "evaluated": {"test": "test", "val": "validation"}[run.evaluated],
        "part": part,
        "warnings": words.warnings(run),
        "summary": words.summary(run),
        "tiles": _tiles(run),
        "metrics": list(_metrics(metrics)),
        "has_test": metrics["test"] is not None,
        "rates": rates.rows(run),
        "rates_header": rates.HEADER,
        "delay": rates.delay(run),
        "classes": _classes(part["per_class"], data["normal"]),
        "confusions": lines,
        "confusions_rest": rest,
        "mistakes": words.surest_mistakes(run),
        "figures": _figures(run.path),
        "data_facts": _data_facts(data),
        "signals": list(zip(data["columns"], data["units"], strict=True)),
        "counts": _counts(data),
        "data_tables": tables("Read and dropped", _told(data["report"])),
        "training_facts": _training_facts(run),
        "options": [(name, str(value)) for name, value in sorted(config.items())],
        "command": metrics["command"],
        "files": _files(run.path),
        "folder": run.path.name,
    }


def _told(report: dict[str, Any]) -> dict[str, Any]:
    """What was read and dropped, with a line for each leak."""
    leaks = report.get("leaks", {})
    if "findings" not in leaks:
        return report
    lines = [f"{found.level}: {found.check}: {found.words}" for found in findings_of(leaks)]
    return {**report, "leaks": {**leaks, "findings": lines}}


def _tiles(run: RunRecord) -> list[tuple[str, str, str]]:
    part, (_, baseline) = run.metrics[run.evaluated], words.majority(run)
    accuracy, f1, data = part["accuracy"], part["macro_f1"], run.metrics["data"]
    return [
        ("Accuracy", percent(accuracy["value"]), marked(data, words.interval(accuracy))),
        ("Macro-F1", number(f1["value"]), marked(data, words.interval(f1, number))),
        ("Most frequent class", percent(baseline), "accuracy of always answering it"),
        ("Windows evaluated", f"{part['windows']:,}", f"in {part['blocks']:,} blocks of time"),
    ]


def _metrics(metrics: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every metric that carries a value, the known ones first."""
    parts = [metrics["val"], metrics["test"] or {}]
    names = {
        name: None for part in parts for name, value in part.items() if isinstance(value, dict) and "value" in value
    }
    for name in sorted(names, key=lambda name: list(MEANINGS).index(name) if name in MEANINGS else len(MEANINGS)):
        title, meaning = MEANINGS.get(name, (name.replace("_", " "), ""))
        yield {"title": title, "meaning": meaning, "val": parts[0].get(name), "test": parts[1].get(name)}


def _classes(per_class: dict[str, dict[str, float]], normal: str | None) -> list[dict[str, Any]]:
    """A row a class, the worst first; classes that were not evaluated last."""
    rows = [{"name": name, "normal": name == normal, **values} for name, values in per_class.items()]
    return sorted(rows, key=lambda row: (not row["support"], 0.0 if missing(row["f1"]) else row["f1"]))


def _figures(folder: Path) -> list[dict[str, Any]]:
    """The figures in the order of `_CAPTIONS`, those of another name behind them."""
    figures = RunFolder(folder).figures
    refuse_links_out(figures, folder)
    paths = sorted(figures.glob("*.png"))
    if not paths:
        raise UserError(f"{folder} has no figures; draw them with: python run.py report --run {folder}")
    found = []
    for path in paths:
        known = [stem for stem in (*_CAPTIONS, _IN_TABLE) if path.stem == stem or path.stem.startswith(f"{stem}_")]
        if known == [_IN_TABLE]:
            continue
        place = list(_CAPTIONS).index(known[0]) if known else len(_CAPTIONS)
        title, caption = _CAPTIONS[known[0]] if known else (path.stem.replace("_", " "), "")
        kind = path.stem[len(known[0]) + 1 :].replace("_", " ") if known else ""
        try:
            image = picture(path, within=folder)
        except ValueError as error:
            raise UserError(f"{error}; draw it again with: python run.py report --run {folder}") from error
        found.append((place, {"title": f"{title}, {kind}" if kind else title, "caption": caption, "image": image}))
    return [figure for _, figure in sorted(found, key=lambda pair: pair[0])]


def _data_facts(data: dict[str, Any]) -> list[tuple[str, str]]:
    period, length, step = data["period_seconds"], data["seq_len"], data["step"]
    apart = "they do not overlap" if step >= length else f"neighbours share {length - step} steps"
    return [
        ("Data set", data["data"]),
        ("Signals", str(len(data["columns"]))),
        ("Classes", f"{len(data['classes'])}" + (f", fault-free is {data['normal']}" if data["normal"] else "")),
        ("Window", f"{length} steps of {duration(period)}, {duration(length * period)}"),
        ("From window to window", f"{step} steps, {duration(step * period)}; {apart}"),
        ("Split", data["protocol"]),
        *([("Leaks", ", ".join(names))] if (names := marks_of(data)) else []),
    ]


def _counts(data: dict[str, Any]) -> dict[str, Any]:
    """Windows a class and part, with sums."""
    parts = list(data["counts"])
    rows = [[name, *(data["counts"][part][k] for part in parts)] for k, name in enumerate(data["classes"])]
    rows = [[*row, sum(row[1:])] for row in rows]
    total = ["all", *(sum(row[i] for row in rows) for i in range(1, len(parts) + 2))]
    names = {"train": "training", "val": "validation"}
    return {"header": ["class", *(names.get(part, part) for part in parts), "all"], "rows": rows, "total": total}


def effective_batch(epochs: list[dict[str, str]]) -> str:
    """ "16", or "16 to 64" where it changed in training."""
    sizes = sorted({int(float(row["effective_batch_size"])) for row in epochs})
    return str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _training_facts(run: RunRecord) -> list[tuple[str, str]]:
    metrics = run.metrics
    if not run.epochs:
        size = f"{metrics['model']['parameters']:,} numbers"
        kept = [("Model", f"{metrics['model']['name']}, {size} kept"), ("Training", str(metrics["stopped"]))]
        return [*kept, ("Time", duration(metrics["seconds"]))]
    first, last = run.epochs[0], run.epochs[-1]
    rates = [float(first["learning_rate"]), float(last["learning_rate"])]
    batch, effective = run.config["batch_size"], effective_batch(run.epochs)
    return [
        ("Model", f"{metrics['model']['name']}, {metrics['model']['parameters']:,} parameters"),
        ("Batch", f"{effective} windows an optimizer step, read in micro-batches of {batch}"),
        ("Optimizer steps", f"{int(float(last['optimizer_steps'])):,}"),
        ("Learning rate", f"{rates[0]:g}" if rates[0] == rates[1] else f"{rates[0]:g} falling to {rates[1]:g}"),
        ("Epochs", f"{metrics['epochs']}; epoch {metrics['best_epoch']} was kept"),
        ("Ended by", str(metrics["stopped"])),
        ("Time", duration(metrics["seconds"])),
    ]


def _purposes(run: RunFolder) -> dict[Path, str]:
    """What each file and folder of a run is for."""
    return {
        run.config: "every option of the run",
        run.metrics: "all numbers of this page",
        run.log: "what the run said",
        run.epochs: "a row an epoch",
        run.summary: "the headline numbers, one row",
        run.search: "what --auto tried on validation, and kept",
        run.predictions("val"): "every validation window with its probabilities",
        run.predictions("test"): "every test window with its probabilities",
        run.figures: "the pictures as PNG",
        run.model: "weights and settings, to be loaded elsewhere",
        run.last.parent: "the state to go on from, and the best one",
        run.path / "tensorboard": "what TensorBoard shows",
        run.path / "mlflow.json": "which MLflow run this is",
    }


def _files(folder: Path) -> list[tuple[str, str, int]]:
    """Name, purpose and bytes of what lies in the folder; folders with all they hold."""
    run = RunFolder(folder)
    purposes = _purposes(run)
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path in (run.report, run.checksums.path) or path.name.startswith("."):
            continue
        inside = [*path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
        size = sum(inner.lstat().st_size for inner in inside if inner.is_file())
        found.append((path.name + ("/" if path.is_dir() else ""), purposes.get(path, ""), size))
    return found
