"""What a training run found, in sentences.

A sentence is `Markup` made by `Markup(...).format(...)`, which escapes whatever is put into it.

Letters: K classes.
"""

from typing import Any

import numpy as np
from markupsafe import Markup

from exp.reporting.page import duration, missing, number, percent
from exp.runs.leak_marks import marking
from exp.runs.record import RunRecord

_PART = {"test": "test", "val": "validation"}
NO_INTERVAL = "no interval"
_FEW_BLOCKS = 10
_CONFUSIONS = 8
_MISTAKES = 5


def majority(run: RunRecord) -> tuple[str, float]:
    """The most frequent class in training, and its share of the evaluated part: what always naming it would score."""
    data = run.metrics["data"]
    name = data["classes"][int(np.argmax(data["counts"]["train"]))]
    support = np.sum(run.metrics[run.evaluated]["confusion"], axis=1)  # (K,)
    return name, float(support[data["classes"].index(name)] / max(support.sum(), 1))


def interval(metric: dict[str, float | None], write: Any = percent) -> str:
    """ "83.4 % to 90.4 %", or that no interval exists."""
    if missing(metric["low"]) or missing(metric["high"]):
        return NO_INTERVAL
    return f"{write(metric['low'])} to {write(metric['high'])}"


def summary(run: RunRecord) -> list[Markup]:
    """The findings as short paragraphs, the most important first."""
    part, data = run.metrics[run.evaluated], run.metrics["data"]
    matrix = np.array(part["confusion"])  # (K, K)
    name, baseline = majority(run)
    bounded = interval(part["accuracy"]) != NO_INTERVAL
    sentences = [
        Markup(
            "The network named the right one of {} states in <b>{:,} of {:,}</b> {} windows: an accuracy of <b>{}</b> "
            "({}). Always answering <i>{}</i>, the most frequent state in training, would score {}."
        ).format(
            len(data["classes"]),
            int(np.trace(matrix)),
            int(matrix.sum()),
            _PART[run.evaluated],
            percent(part["accuracy"]["value"]),
            Markup("95&nbsp;% interval {}").format(interval(part["accuracy"])) if bounded else "no interval",
            name,
            percent(baseline),
        )
    ]
    alarms = _alarms(matrix, data["classes"], data["normal"])
    if alarms:
        sentences.append(alarms)
    sentences.append(_weakest(matrix, part["per_class"], data["classes"]))
    window = duration(data["seq_len"] * data["period_seconds"])
    sentences.append(
        Markup("How the data was split: {}. A window is {} steps of {}, {} in all.").format(
            str(data["protocol"]).rstrip("."), data["seq_len"], duration(data["period_seconds"]), window
        )
    )
    return sentences


def _alarms(matrix: np.ndarray, classes: list[str], normal: str | None) -> Markup | None:
    """False alarms and missed faults, where one class means no fault and both kinds were evaluated."""
    if normal is None or normal not in classes:
        return None
    row = classes.index(normal)
    healthy, faulty = int(matrix[row].sum()), int(matrix.sum() - matrix[row].sum())
    if not healthy or not faulty:
        return None
    false, missed = healthy - int(matrix[row, row]), int(matrix[:, row].sum() - matrix[row, row])
    return Markup(
        "Of {:,} fault-free windows {:,} ({}) raised a false alarm; "
        "of {:,} faulty windows {:,} ({}) passed as fault-free."
    ).format(healthy, false, percent(false / healthy), faulty, missed, percent(missed / faulty))


def _weakest(matrix: np.ndarray, per_class: dict[str, dict[str, float]], classes: list[str]) -> Markup:
    evaluated = [name for name in classes if per_class[name]["support"]]
    if not evaluated:
        return Markup("No window was evaluated.")
    name = min(evaluated, key=lambda name: per_class[name]["f1"])
    row = matrix[classes.index(name)].copy()
    row[classes.index(name)] = 0
    taken = Markup(", most often taken for <i>{}</i>").format(classes[int(row.argmax())]) if row.any() else ""
    return Markup("It does worst on <i>{}</i> (F1 {}){}.").format(name, number(per_class[name]["f1"]), taken)


def warnings(run: RunRecord) -> list[tuple[str, Markup]]:
    """What a reader must know before using the numbers: (tone, sentence), tone "bad" or "care"."""
    data, part = run.metrics["data"], run.metrics[run.evaluated]
    found: list[tuple[str, Markup]] = []
    if data["leaking"]:
        words = "<b>This split leaks.</b> Windows of one segment of operation may lie in training and {} part alike "
        words += "({}), so these numbers are too good. Do not expect them on new data, and do not compare them with "
        words += "numbers from a split that does not leak."
        found.append(("bad", Markup(words).format(_PART[run.evaluated], data["protocol"])))
    if leaks := marking(data):
        words = "<b>Leaks are known.</b> {} These numbers may be too good for a reason that a new unit does not share."
        found.append(("bad", Markup(words).format(" ".join(f"{leak.check}: {leak.words}." for leak in leaks))))
    if run.evaluated == "val":
        words = "<b>No test part was evaluated.</b> The numbers are the validation part's, which chose the epoch; "
        words += "they are a little too good."
        found.append(("care", Markup(words)))
    name, baseline = majority(run)
    low = part["accuracy"]["low"]
    if not missing(low) and low <= baseline:
        words = "<b>No better than guessing, as far as this data can tell.</b> The interval of the accuracy reaches "
        words += "down to what always answering <i>{}</i> would score ({})."
        found.append(("care", Markup(words).format(name, percent(baseline))))
    if part["blocks"] < _FEW_BLOCKS:
        words = "<b>Few independent segments.</b> The {} part has {:,} windows but only {} {} of time, "
        words += "and windows of one block resemble each other: take the intervals as rough."
        block = "block" if part["blocks"] == 1 else "blocks"
        found.append(("care", Markup(words).format(_PART[run.evaluated], part["windows"], part["blocks"], block)))
    unseen = [c for c, row in zip(data["classes"], part["confusion"], strict=True) if not sum(row)]
    if unseen:
        words = "<b>Not evaluated:</b> the {} part has no window of {}."
        found.append(("care", Markup(words).format(_PART[run.evaluated], ", ".join(unseen))))
    return found


def confusions(run: RunRecord) -> tuple[list[Markup], Markup]:
    """The commonest mistakes as sentences, and one on the rest."""
    classes = run.metrics["data"]["classes"]
    matrix = np.array(run.metrics[run.evaluated]["confusion"])  # (K, K)
    support = matrix.sum(1)
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        return [], Markup("No {} window was taken for another state.").format(_PART[run.evaluated])
    pairs = sorted(np.argwhere(wrong).tolist(), key=lambda p: (-wrong[p[0], p[1]], support[p[0]], p))
    words = "<i>{}</i> taken for <i>{}</i> in <b>{:,}</b> of {:,} windows ({})"
    lines = [
        Markup(words).format(
            classes[row],
            classes[column],
            int(wrong[row, column]),
            int(support[row]),
            percent(wrong[row, column] / support[row]),
        )
        for row, column in pairs[:_CONFUSIONS]
    ]
    rest = int(sum(wrong[row, column] for row, column in pairs[_CONFUSIONS:]))
    others = len(pairs) - _CONFUSIONS
    if not rest:
        return lines, Markup("These are all {:,} mistakes.").format(int(wrong.sum()))
    return lines, Markup("The other {:,} of {:,} mistakes spread over {:,} more {}.").format(
        rest, int(wrong.sum()), others, "pair" if others == 1 else "pairs"
    )


def surest_mistakes(run: RunRecord) -> list[dict[str, Any]]:
    """The wrong answers given with the highest confidence: file, window, target, predicted, confidence."""
    wrong = [row for row in run.predictions if row["target"] != row["predicted"]]
    wrong.sort(key=lambda row: -float(row["confidence"]))
    return [
        {
            "file": row["file"],
            "window": _window(row["start"].replace("T", " ")[:16], row["end"].replace("T", " ")[:16]),
            "target": row["target"],
            "predicted": row["predicted"],
            "confidence": float(row["confidence"]),
        }
        for row in wrong[:_MISTAKES]
    ]


def _window(start: str, end: str) -> str:
    """ "2018-01-07 06:00 to 13:55", with the day once where it is the same."""
    return f"{start} to {end[11:] if start[:10] == end[:10] else end}"
