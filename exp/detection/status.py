"""What a detection comes to for each unit: faults, unusual operation, or a model that does not fit the unit."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from exp.detection.record import FAULT, UNUSUAL, Unit, counted
from exp.evaluation.decision import NO_ANSWER, UNKNOWN
from exp.evaluation.over_time import MOST_UNKNOWN


class Status(StrEnum):
    """One of these holds for a unit, the first that does."""

    SILENT = "not evaluated"  # no window came out of the file
    MISFIT = "the model does not fit"  # most windows, or days, are unknown or without an answer
    FAULTY = "faults"  # an event of a fault with a name
    STRANGE = "unusual"  # no such event, but one of unknown windows; it is no fault
    SINGLE = "windows outside events"  # too few windows in a row name a fault
    NORMAL = "normal"


def status_of(unit: Unit) -> Status:
    """What a unit's verdicts come to."""
    if not sum(unit.verdicts.values()):
        return Status.SILENT
    if _share_without(unit) > MOST_UNKNOWN:
        return Status.MISFIT
    if counted(unit.findings, FAULT):
        return Status.FAULTY
    if counted(unit.findings, UNUSUAL):
        return Status.STRANGE
    return Status.SINGLE if set(unit.single) - {UNKNOWN} else Status.NORMAL


def with_status(units: Sequence[Unit]) -> dict[Status, list[Unit]]:
    """The units of each status."""
    found: dict[Status, list[Unit]] = {status: [] for status in Status}
    for unit in units:
        found[status_of(unit)].append(unit)
    return found


def misfit_words(unit: Unit) -> str:
    """Why the model does not fit a unit: "41 of 53 windows are unlike its training data, 3 have no answer"."""
    verdicts, what = _decided(unit)
    unknown, silent, whole = verdicts[UNKNOWN], verdicts[NO_ANSWER], sum(verdicts.values())
    parts = [f"{unknown} of {whole} {what} are unlike its training data"] if unknown else []
    if silent:
        parts.append(f"{silent} have no answer" if parts else f"{silent} of {whole} {what} have no answer")
        reasons = Counter(reason for *_, reason in unit.silent)
        parts.append(f"most often: {reasons.most_common(1)[0][0]}" if reasons else "")
    return ", ".join(part for part in parts if part)


def remedies(*, base: bool) -> list[str]:
    """What to do about units that a model does not fit or cannot evaluate, the cheapest first.

    Args:
        base: whether the model is the one that comes with the program, or made like it.
    """
    lines = [
        "Let python run.py doctor --input FILE say how its points and units are read, correct the role map that it "
        "writes, and give it to detect with --roles."
    ]
    if not base:
        lines.append("Leave --run out: the base model knows a unit by what its points are (docs/BASE_MODEL.md).")
    lines.append("Train on this unit's points: python run.py train --like FILE --roles MAP does so without labels.")
    return lines


def _decided(unit: Unit) -> tuple[Counter[str], str]:
    """Verdicts about what is decided, days or windows, and the word for it."""
    return (Counter(unit.days), "days") if unit.days else (Counter(unit.verdicts), "windows")


def _share_without(unit: Unit) -> float:
    """Share of what is decided that is unknown or has no answer."""
    verdicts, _ = _decided(unit)
    return (verdicts[UNKNOWN] + verdicts[NO_ANSWER]) / sum(verdicts.values())
