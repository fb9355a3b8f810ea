"""The model card: `model/README.md`, written from the files of a finished run, every number from there.

Letters: K classes, C signals.
"""

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import yaml

from exp.evaluation.decision import MARGIN, MOST_OUTSIDE
from exp.reporting import model_card_limits as limits
from exp.reporting import rates
from exp.reporting.markdown import Markdown, render_markdown
from exp.reporting.page import cell, duration, missing, number, save
from exp.reporting.sentences import interval
from exp.reporting.training_report import MEANINGS, effective_batch
from exp.runs.model_files import checked_description
from exp.runs.record import RunRecord, read_run
from exp.runs.run_folder import RunFolder
from models.baselines import BASELINES
from utils.files import sha256_of
from utils.options import Options
from utils.safe_reading import refuse_links_out
from utils.verbs import VERBS

logger = logging.getLogger(__name__)

NAME = "README.md"
CHOSEN = {"loss": "the lowest validation loss", "accuracy": "validation accuracy", "macro_f1": "validation macro-F1"}
MOST_FILES = 60  # listed one by one
PARTS = {"train": "training", "val": "validation", "test": "test"}
KEPT_ALONE = "To detect, this folder is enough: --run takes the folder of this page, or the run folder around it."
PLACES = ("root_path", "result_path", "cache_path", "config", "run", "resume", "like")  # say nothing of the model


def write(folder: RunFolder) -> Path | None:
    """Writes `model/README.md` of a finished run.

    Returns:
        The card's path; None where the run is of a program that did not yet note what a card tells.

    Raises:
        UserError: a file of the run is missing or damaged.
    """
    run = read_run(folder.path)
    if not {"answers", "days", "loss"} <= set(run.metrics):
        logger.warning("no model card: metrics.json lacks what it tells, as an older program wrote it; train again")
        return None
    refuse_links_out(folder.model, folder.path)
    model = checked_description(folder.model)  # no checksum of a damaged file is told
    path = folder.model / NAME
    folder.checksums.forget(path)
    save(path, render_markdown("model_card.md.j2", **_context(run, model, folder)))
    return path


def _context(run: RunRecord, model: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    metrics, data = run.metrics, run.metrics["data"]
    options, name = folder.options(), metrics["model"]["name"]
    baseline, not_kept = name in BASELINES, name in BASELINES and not BASELINES[name].stored
    files = data["report"].get("files", [])
    return {
        "front": Markdown(_front(run)),
        "model": name,
        "size": metrics["model"]["parameters"],
        "size_of": "numbers kept of its fit" if baseline else "parameters",
        "data": data,
        "run_name": run.path.name,
        "started": f"{run.started:%Y-%m-%d %H:%M}",
        "alarms": limits.alarms(run),
        "inputs": list(_inputs(data)),
        "data_facts": list(_data_facts(data, options)),
        "files": [_file(file) for file in files[:MOST_FILES]],
        "more_files": max(0, len(files) - MOST_FILES),
        "signals": list(_signals(model)),
        "dropped": list(data["report"].get("columns dropped", {}).items()),
        "repaired": list(data["report"].get("counts", {}).items()),
        "windows": list(_windows(metrics)),
        "totals": {part: f"{sum(data['counts'][part]):,}" for part in PARTS},
        "leaks": limits.leaks(run),
        "training": list(_training(run, options, model["versions"])),
        "command": _command(options),
        "evaluated_words": _evaluated(run),
        "measures": list(_measures(metrics)),
        "per_class": list(metrics[run.evaluated]["per_class"].items()),
        "rates": rates.rows(run, number),
        "rates_header": rates.HEADER,
        "evaluated_part": PARTS[run.evaluated],
        "delay": rates.delay(run),
        "answers": metrics["answers"],
        "calibrated_ece": _with_interval(metrics["answers"][run.evaluated]["ece"]),
        "left_out": ", ".join(f"{name} {number(area)}" for name, area in metrics["answers"]["left_out"].items()),
        "rejected": list(_rejected(metrics["answers"])),
        "most_outside": MOST_OUTSIDE,
        "margin": MARGIN,
        "limits": limits.limits(run),
        "usage": _usage(not_kept),
        "enough": KEPT_ALONE if not not_kept else "The run folder and its data are needed: see the limits.",
        "kept": [_kept(path) for path in sorted(folder.model.iterdir()) if _is_kept(path)],
    }


def _front(run: RunRecord) -> str:
    """The YAML front matter that model hubs read."""
    metrics, data = run.metrics, run.metrics["data"]
    part = metrics[run.evaluated]
    found = [
        {"type": kind, "name": title, "value": part[name]["value"], **({"args": arguments} if arguments else {})}
        for kind, title, name, arguments in (
            ("accuracy", "Accuracy", "accuracy", {}),
            ("f1", "Macro-F1", "macro_f1", {"average": "macro"}),
        )
        if not missing(part[name]["value"])
    ]
    result = {
        "task": {"type": "tabular-classification", "name": "Naming the fault that a window of trends shows"},
        "dataset": {
            "name": data["data"],
            "type": data["data"],
            "split": {"val": "validation"}.get(run.evaluated, run.evaluated),
        },
        "metrics": found,
    }
    tags = ["hvac", "fault-detection", "air-handling-unit", "time-series-classification", "gramian-angular-field"]
    if data["leaking"]:
        tags.append("leaking-split")
    if data.get("marks"):
        tags.append("known-leaks")
    front = {
        "language": "en",
        "license": "other",
        "pipeline_tag": "tabular-classification",
        "tags": tags,
        "datasets": [data["data"]],
        "metrics": ["accuracy", "f1"],
        "model-index": [{"name": metrics["model"]["name"], "results": [result]}],
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True).strip()


def _inputs(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "window", f"{data['seq_len']} steps, one every {duration(data['period_seconds'])}"
    yield "signals", str(len(data["columns"]))
    yield "scale", "each signal's training range becomes -1 to 1; readings beyond are clipped"
    yield "answers", ", ".join(data["classes"])


def _data_facts(data: dict[str, Any], options: Options) -> Iterator[tuple[str, str]]:
    files = data["report"].get("files", [])
    yield "data set", data["data"]
    yield "origin", "simulated by this program" if data["report"].get("simulated") else "files given to the program"
    yield "files", f"{len(files)}, {sum(file['rows'] for file in files):,} rows"
    if span := limits.span(data):
        yield "period", f"{span[0]} to {span[1]}"
    yield (
        "a class is",
        {"fault": "a kind of fault", "severity": "a fault and its intensity"}.get(options.label, "faulty or not"),
    )
    taken = "the mean of the readings in it" if options.resample == "mean" else "the reading at its time"
    yield "a step is", f"{duration(data['period_seconds'])}, {taken}"


def _file(file: dict[str, Any]) -> dict[str, Any]:
    """A row of the table of files; of its place only the name, which is nobody's home folder."""
    begin, end = (str(file.get(key, "")).replace("T", " ") for key in ("from", "to"))
    return {"name": PurePath(file["name"]).name, "rows": file["rows"], "begin": begin, "end": end}


def _signals(model: dict[str, Any]) -> Iterator[dict[str, str]]:
    scaler = model["scaler"]
    for name, unit, least, most in zip(
        model["columns"], model["units"], scaler["minimum"], scaler["maximum"], strict=True
    ):
        yield {"name": name, "unit": unit or "not known", "least": f"{least:.6g}", "most": f"{most:.6g}"}


def _windows(metrics: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for k, name in enumerate(metrics["data"]["classes"]):
        parts = [f"{metrics['data']['counts'][part][k]:,} ({metrics['days'][part][k]})" for part in PARTS]
        yield {"name": name, "parts": parts}


def _training(run: RunRecord, options: Options, versions: dict[str, str]) -> Iterator[tuple[str, str]]:
    metrics = run.metrics
    if run.epochs:
        last = run.epochs[-1]
        of_loss = {name: value for name, value in metrics["loss"].items() if name != "name"}
        settings = ", ".join(f"{name} {value:g}" for name, value in of_loss.items())
        yield "effective batch", f"{effective_batch(run.epochs)} windows an optimizer step"
        yield "micro-batch", f"{options.batch_size} windows"
        yield "loss", metrics["loss"]["name"] + (f" ({settings})" if settings else "")
        yield (
            "optimizer",
            f"{options.optimizer}, learning rate {options.learning_rate:g}, "
            + (f"weight decay {options.weight_decay:g}, schedule {options.lr_scheduler}"),
        )
        yield "optimizer steps", f"{int(float(last['optimizer_steps'])):,}"
        yield "epochs", f"{metrics['epochs']}; that of the best validation, {metrics['best_epoch']}, is kept"
        noise = [options.augment] + ([f"mixup {options.mixup:g}"] if options.mixup else [])
        if any(noise):
            yield "noise", ", ".join(filter(None, noise))
    weights = options.class_weights or ("inverse to their windows" if options.enable_class_weights else "all alike")
    yield "classes weigh", weights
    yield "ended by", metrics["stopped"]
    yield "time", duration(metrics["seconds"])
    yield "seed", str(options.seed)
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items())


def _command(options: Options) -> str:
    defaults = {field.name: field.default for field in dataclasses.fields(Options) if field.name in PLACES}
    return options.replace(**defaults).command()


def _evaluated(run: RunRecord) -> str:
    part = run.metrics[run.evaluated]
    chosen = f"by epoch {run.metrics['best_epoch']}, which validation chose" if run.epochs else "when the fit was done"
    words = f"The {PARTS[run.evaluated]} part was evaluated once, {chosen}: "
    words += f"{part['windows']:,} windows in {part['blocks']:,} blocks of time. "
    return words + rates.how_bounded(part)


def _measures(metrics: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, (title, meaning) in MEANINGS.items():
        cells = {part: (metrics[part] or {}).get(name) for part in ("val", "test")}
        if any(cells.values()):
            shown = {part: _with_interval(value) if value else "-" for part, value in cells.items()}
            yield {"title": title, "meaning": meaning, **shown}


def _with_interval(measure: dict[str, float | None]) -> str:
    if missing(measure["value"]):
        return "not defined"
    within = "" if missing(measure["low"]) else f" ({interval(measure, number)})"
    return f"{number(measure['value'])}{within}"


def _rejected(answers: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in ("val", "test"):
        found = answers[part]
        total, unknown, silent = found["windows"], found["unknown"], found["no answer"]
        row = {"part": PARTS[part], "windows": total, "unknown": cell(unknown), "silent": cell(silent)}
        yield row | {"unknown_share": unknown / total, "silent_share": silent / total}


def _usage(not_kept: bool) -> str:
    lines = ["# does a file fit, and which of its columns is which signal?"]
    lines += ["python run.py doctor --run RUN_FOLDER --input FILE"]
    if not_kept:
        lines += ["# the fitted model is not in this folder: this fits it again and evaluates it, given the same data"]
        return "\n".join([*lines, "python run.py test --run RUN_FOLDER"])
    lines += ["# windows.csv, events.csv and report.html of unlabelled trend files"]
    lines += ["python run.py detect --run RUN_FOLDER --input FILES --output FOLDER"]
    lines += ["# the numbers of this page once more, given the same data", "python run.py test --run RUN_FOLDER"]
    if "export" in VERBS:
        lines += [f"# {VERBS['export']}", "python run.py export --run RUN_FOLDER"]
    return "\n".join(lines)


def _is_kept(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.name != NAME


def _kept(path: Path) -> dict[str, Any]:
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
