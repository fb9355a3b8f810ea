"""What a model card must say against its model, each sentence from facts of the run.

Letters: K classes.
"""

import datetime
from typing import Any

import numpy as np

from data_provider.leaks.guard import CHECKS
from exp.reporting.page import percent
from exp.runs.leak_marks import marking, noted
from exp.runs.record import RunRecord
from models.baselines import BASELINES

EARLIER = "runs with the same readings, a column that alone tells a class, test windows in or beside training"
FEW_DAYS = 10  # of a class: its days are too like each other to say how it does on the next
FEW_BLOCKS = 10
A_YEAR = 330  # days: from here on all seasons were seen


def alarms(run: RunRecord) -> list[str]:
    """Lines that nobody may miss; none where no leak is known."""
    data, lines = run.metrics["data"], []
    if data["leaking"]:
        lines.append(
            "THE SPLIT LEAKS. Windows of one segment of operation may lie in training and in the evaluated part alike "
            f"({data['protocol']}). Every number on this page is too good: do not expect it on new data, and do not "
            "compare it with numbers of a split that does not leak."
        )
    if marks := data.get("marks"):
        lines.append(
            f"LEAKS ARE KNOWN: {', '.join(marks)}. They are listed under the split. The numbers on this page may be "
            "too good for a reason that a new unit does not share."
        )
    return lines


def leaks(run: RunRecord) -> list[str]:
    """What was looked for, and what was found."""
    data = run.metrics["data"]
    found = data["report"].get("leaks", {})
    lines = ["The protocol leaks: windows were dealt to the parts at random."] if data["leaking"] else []
    lines += [f"{leak.check}: {leak.words}." for leak in marking(data)]
    lines += [f"Noted, {leak.check}: {leak.words}." for leak in noted(data) if leak.check != "column_range"]
    lines += [
        f"Runs that hold the same readings whatever their labels say: {', '.join(names)}."
        for names in found.get("identical runs", [])
    ]
    lines += [
        f"{column} alone tells {', '.join(classes)} from all other classes by its mean in a window: the fault itself, "
        "or a slip of whoever made the data."
        for column, classes in found.get("columns that alone tell a class", {}).items()
    ]
    if same := found.get("test windows that are also in training", 0):
        lines.append(f"{same:,} test windows are in the training part too, reading for reading.")
    if near := found.get("test windows within a window of training", 0):
        lines.append(f"{percent(near)} of the test windows touch a training window or lie within one's length of it.")
    if not lines:
        looked = "; ".join(check.words for check in CHECKS.values()) if "findings" in found else EARLIER
        lines.append(f"No leak is known. Looked for, and not found: {looked}.")
    guard = data["report"].get("guard")
    if guard and guard["windows lost"]:
        lines.append(f"{guard['windows lost']:,} windows were given up to keep {guard['steps']} steps between parts.")
    return lines


def limits(run: RunRecord) -> list[str]:
    """Where the numbers of this run end."""
    metrics, data = run.metrics, run.metrics["data"]
    return [*_origin(data), *_days(metrics), *_not_evaluated(run), *_readings(data), *_kind(metrics)]


def span(data: dict[str, Any]) -> tuple[str, str] | None:
    """First and last day of the files; None where they have no times."""
    files = [file for file in data["report"].get("files", []) if "from" in file]
    return (min(f["from"] for f in files)[:10], max(f["to"] for f in files)[:10]) if files else None


def _origin(data: dict[str, Any]) -> list[str]:
    files = len(data["report"].get("files", []))
    lines = [
        f"All windows come from {files} {'file' if files == 1 else 'files'} of {data['data']}. How the model does on "
        "another unit, another building or another control strategy was not measured."
    ]
    if data["report"].get("simulated"):
        lines.append("The data is simulated. A real unit has noise, drift, habits and faults that no simulation has.")
    else:
        lines.append(
            "The files do not come from this program's simulator; whether they were measured on a real unit or "
            "simulated elsewhere is for their source to say, and decides what the numbers are worth."
        )
    days = span(data)
    if days:
        first, last = (datetime.date.fromisoformat(day) for day in days)
        seen = (last - first).days + 1
        if seen < A_YEAR:
            lines.append(f"The files span {seen} days, {first} to {last}: other seasons were not seen.")
    return lines


def _days(metrics: dict[str, Any]) -> list[str]:
    data, days = metrics["data"], metrics["days"]
    least, most = min(days["train"]), max(days["train"])
    of_least = f"; {data['classes'][int(np.argmin(days['train']))]} has the fewest" if least < most else ""
    lines = [f"Training saw {f'{least} to {most}' if of_least else least} days of each class{of_least}."]
    few = [
        f"{name} ({days['train'][k]} to learn from, {days['test'][k]} to evaluate on)"
        for k, name in enumerate(data["classes"])
        if min(days["train"][k], days["test"][k]) < FEW_DAYS
    ]
    if few:
        words = ", ".join(few)
        lines.append(f"Fewer than {FEW_DAYS} days: {words}. One more hard day would move such a class's numbers.")
    return lines


def _not_evaluated(run: RunRecord) -> list[str]:
    data, part = run.metrics["data"], run.metrics[run.evaluated]
    lines = []
    untested = [name for name in data["classes"] if not part["per_class"][name]["support"]]
    if untested:
        lines.append(f"Never tested, for lack of windows: {', '.join(untested)}.")
    if run.evaluated == "val":
        lines.append("No test part was evaluated: the numbers are those of the part that chose the epoch.")
    if part["blocks"] < FEW_BLOCKS:
        blocks = "block" if part["blocks"] == 1 else "blocks"
        lines.append(f"The evaluated part holds {part['blocks']} {blocks} of time: take the intervals as rough.")
    lines.append(
        "Faults that are not among its classes were never shown to it. It may call them unknown, or by a known name."
    )
    return lines


def _readings(data: dict[str, Any]) -> list[str]:
    lines = [
        "It reads the signals listed above, in their units, within the ranges that training covered; beyond them, in "
        "hotter or colder weather for example, it gives no answer. No answer is not a clean bill of health."
    ]
    for part, found in data["report"].get("outside the training range", {}).items():
        share = found["share of readings"]
        if share:
            where = {"val": "validation"}.get(part, part)
            lines.append(f"Of the readings of the {where} part, {percent(share, 2)} lie outside the training range.")
    units = sum(not unit for unit in data["units"])
    if units:
        lines.append(
            f"{units} of {len(data['units'])} signals have no unit on record: a file in others goes unnoticed."
        )
    return lines


def _kind(metrics: dict[str, Any]) -> list[str]:
    name = metrics["model"]["name"]
    lines = []
    if metrics["data"]["normal"] is None:
        lines.append("No class is free of faults, so it cannot call a unit fault-free.")
    if name in BASELINES and not BASELINES[name].stored:
        lines.append("The fitted model is not kept, as it has no form that loads without running code.")
    return lines
