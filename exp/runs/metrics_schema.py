"""What metrics.json must hold, before a report or a comparison relies on it.

Letters: K classes, C signals.
"""

import json
from typing import Any

from utils.errors import UserError
from utils.schema import Rule, anything, fits, mapping, maybe, misfit, number, one_of, several, text, truth

_COUNT = number(0, 2**53, whole=True)
_VALUE = maybe(number())
_MEASURE = mapping({"value": _VALUE, "low": _VALUE, "high": _VALUE}, other=anything)
_NAMES = several(text())
_PARTS = ("train", "val", "test")
_SCORES = ("readings", "distance", "energy", "confidence")
_CLOSE = 1e-4  # measures are written with six decimals; programs before wrote all
_SECONDS = number(0, 1e12)
_TEXTS = mapping({}, other=text())
_FILE = mapping({"name": text(), "rows": _COUNT}, {"from": text(), "to": text()}, other=anything)
_OUTSIDE = mapping(
    {"share of readings": number(0, 1), "columns above 1 %": mapping({}, other=number(0, 1))}, other=anything
)
_FINDING = mapping(
    {**dict.fromkeys(("check", "level", "words", "remedy", "column"), text()), "files": _NAMES, "rows": _COUNT}
)
_LEAKS = mapping(
    {},
    {
        "identical runs": several(_NAMES),
        "columns that alone tell a class": mapping({}, other=_NAMES),
        "test windows that are also in training": _COUNT,
        "test windows within a window of training": number(0, 1),
        "findings": several(_FINDING),
    },
    other=anything,
)
_REPORT = mapping(
    {},
    {
        "files": several(_FILE),
        "columns dropped": _TEXTS,
        "counts": mapping({}, other=_COUNT),
        "warnings": _NAMES,
        "guard": mapping({"steps": _COUNT, "windows lost": _COUNT}, other=anything),
        "outside the training range": mapping({}, other=_OUTSIDE),
        "leaks": _LEAKS,
    },
    other=anything,
)

_INTERVAL = mapping(
    {"level": number(0, 1), "reason": maybe(text()), "draws": _COUNT}, {"wilson": mapping({}, other=_COUNT)},
    other=anything,
)  # fmt: skip
_RATES = mapping({"interval": _INTERVAL}, {"days": _COUNT}, other=_MEASURE)  # of windows or of days
_TIME = mapping({"episodes": _COUNT, "median_hours": _MEASURE, "never_detected": _MEASURE})


def _data() -> Rule:
    return mapping(
        {
            "data": text(),
            "columns": several(text(), least=1),
            "units": _NAMES,
            "classes": several(text(), least=1, unique=True),
            "normal": maybe(text()),
            "period_seconds": number(1, 1e9),
            "seq_len": number(1, 2**31, whole=True),
            "step": number(1, 2**31, whole=True),
            "counts": mapping(dict.fromkeys(_PARTS, several(_COUNT))),
            "protocol": text(),
            "leaking": truth,
            "report": _REPORT,
        },
        {"marks": _NAMES},
        other=anything,
    )


def _part(classes: list[str]) -> Rule:
    size = len(classes)
    row = mapping({"precision": _VALUE, "recall": _VALUE, "f1": _VALUE, "support": _COUNT}, other=anything)

    def scored(value: Any, where: str) -> None:
        row(value, where)
        if value["support"] and value["f1"] is None:
            raise misfit(None, f"{where}.f1", "a number")

    return mapping(
        {
            "accuracy": _MEASURE,
            "macro_f1": _MEASURE,
            "per_class": mapping(dict.fromkeys(classes, scored)),
            "confusion": several(several(_COUNT, size), size),
            "windows": _COUNT,
            "blocks": _COUNT,
        },
        {
            "auroc_classes": _NAMES,
            "interval": _INTERVAL,
            "per_day": _RATES,
            "time_to_detection": _TIME,
        },
        other=_MEASURE,
    )


def _answers() -> Rule:
    part = mapping(
        {"windows": number(1, 2**53, whole=True), "unknown": _COUNT, "no answer": _COUNT, "ece": _MEASURE},
        {"per_window": _RATES, "per_day": _RATES, "time_to_detection": _TIME},
    )
    return mapping(
        {
            "temperature": number(0, 1e12),
            "score": one_of(_SCORES),
            "threshold": number(),
            "unknown_rate": number(0, 1),
            "left_out": mapping({}, other=_VALUE),
            "val": part,
            "test": part,
        },
        other=anything,
    )


def metrics_of(content: bytes) -> Any:
    """What the bytes of metrics.json hold; ValueError or RecursionError where that is not JSON of proper text."""
    metrics = json.loads(content)
    json.dumps(metrics, ensure_ascii=False).encode()  # half a character can be read, and written nowhere
    return metrics


def check_metrics(metrics: Any, source: object, remedy: str) -> None:
    """Holds what metrics.json says to its form.

    Args:
        metrics: the content, with all keys that a report needs.
        source: the file, for messages.
        remedy: what to do, for messages.

    Raises:
        UserError: in one line, the first place that does not fit.
    """
    fits(metrics.get("data"), _data(), f"{source}: data", remedy)
    data = metrics["data"]
    size = len(data["classes"])
    part = _part(data["classes"])
    rule = mapping(
        {
            "data": anything,
            "model": mapping({"name": text(), "parameters": _COUNT}, other=anything),
            "val": part,
            "test": maybe(part),
            "best_epoch": maybe(_COUNT),
            "epochs": _COUNT,
            "stopped": text(),
            "seconds": _SECONDS,
            "command": text(),
        },
        {
            "digits": number(0, 17, whole=True),
            "days": mapping(dict.fromkeys(_PARTS, several(_COUNT, size))),
            "answers": _answers(),
            "loss": maybe(mapping({"name": text()}, other=anything)),
        },
        other=anything,
    )
    fits(metrics, rule, source, remedy)
    if metrics["epochs"] and metrics.get("loss", {}) is None:
        raise UserError(f"{source}: loss is missing, and {metrics['epochs']} epochs were trained; {remedy}")
    lengths = mapping({"units": several(text(), len(data["columns"]))}, other=anything)
    fits(data, lengths, f"{source}: data", remedy)
    fits(data["counts"], mapping({}, other=several(_COUNT, size)), f"{source}: data.counts", remedy)
    if data["normal"] is not None and data["normal"] not in data["classes"]:
        raise UserError(f"{source}: data.normal is none of the {size} classes; {remedy}")


def check_accuracy(metrics: dict[str, Any], source: object, remedy: str) -> None:
    """Raises UserError where an accuracy is not that of its confusion matrix: somebody has edited one of the two."""
    for name in ("val", "test"):
        if metrics[name] is not None:
            _agrees(metrics[name], f"{source}: {name}", remedy)


def _agrees(part: dict[str, Any], where: str, remedy: str) -> None:
    total = sum(map(sum, part["confusion"]))
    right = sum(row[place] for place, row in enumerate(part["confusion"]))
    said = part["accuracy"]["value"]
    if total != part["windows"] or (total and (said is None or abs(said - right / total) > _CLOSE)):
        raise UserError(f"{where}: accuracy and windows are not those of the confusion matrix; {remedy}")
