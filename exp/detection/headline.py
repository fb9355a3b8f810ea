"""A detection in a few sentences: on the page, on the console and in summary.json the same."""

from collections.abc import Sequence

from exp.detection.record import FAULT, UNUSUAL, Unit, counted, outside_events
from exp.detection.status import Status, misfit_words, status_of, with_status


def headline(units: Sequence[Unit], confirm: int) -> str:
    """What was found, in a sentence or a few; faults, unusual operation and a misfit are never added up.

    Args:
        units: that were evaluated.
        confirm: windows in a row that open an event.
    """
    return _of_one(units[0], confirm) if len(units) == 1 else _of_many(units)


def _of_many(units: Sequence[Unit]) -> str:
    found = {status: len(mine) for status, mine in with_status(units).items()}
    if found[Status.SILENT] == len(units):
        return f"Nothing could be evaluated in {len(units)} units; the table below says why."
    faulty, fits = found[Status.FAULTY], len(units) - found[Status.SILENT] - found[Status.MISFIT]
    lines = [f"Faults were found in {faulty} of {len(units)} units."] if faulty else []
    if fits and not faulty:
        lines.append(f"No fault was found in {_units(fits)}." if not found[Status.SINGLE] else "No event of a fault.")
    elif found[Status.NORMAL]:
        lines.append(f"{_units(found[Status.NORMAL])} {_be(found[Status.NORMAL])} normal.")
    if found[Status.STRANGE]:
        lines.append(f"{_units(found[Status.STRANGE])} ran unusually, without a fault that has a name.")
    if found[Status.SINGLE]:
        lines.append(f"In {_units(found[Status.SINGLE])} windows name a fault, but too few in a row for an event.")
    if found[Status.MISFIT]:
        lines.append(f"The model does not fit {_units(found[Status.MISFIT])}: what it says there is no finding.")
    if found[Status.SILENT]:
        lines.append(f"{_units(found[Status.SILENT])} could not be evaluated.")
    return " ".join(lines)


def _of_one(unit: Unit, confirm: int) -> str:
    status, hours = status_of(unit), f"{unit.windows:,} windows of operation"
    faults, unusual = counted(unit.findings, FAULT), counted(unit.findings, UNUSUAL)
    if status is Status.SILENT:
        return "Nothing could be evaluated; the table below says why."
    if status is Status.MISFIT:
        if not unit.windows:
            return f"Nothing could be evaluated, as the model does not fit this unit: {misfit_words(unit)}."
        return f"The model does not fit this unit: {misfit_words(unit)}. What it says of the rest is no finding."
    if status is Status.FAULTY:
        kinds = len({finding.fault for finding in faults})
        beside = f" Beside that the unit ran unusually {_times(len(unusual))}." if unusual else ""
        inside = sum(bool(finding.within) for finding in unit.findings)
        if inside:
            beside = f" {inside} shorter event{'s lie' if inside > 1 else ' lies'} within, under another name.{beside}"
        if len(faults) == 1:
            return f"A fault was found in this unit: {faults[0].words}.{beside}"
        how = f"{len(faults)} events of {kinds} fault{'s' * (kinds > 1)}"
        return f"Faults were found in this unit: {how} in {hours}.{beside}"
    if status is Status.STRANGE:
        return f"No fault was named, but the unit ran unusually {_times(len(unusual))} in {hours}."
    if status is Status.SINGLE:
        return f"No event, but not all is normal in {hours}: {outside_events(unit)}, {_why_none(unit, confirm)}."
    return f"No fault was found: 1 unit was evaluated, {hours}."


def _why_none(unit: Unit, confirm: int) -> str:
    if unit.held:
        return "held back by feedback or too few in a row"
    return "none twice in a row" if confirm == 2 else f"fewer than {confirm} in a row"


def _units(number: int) -> str:
    return f"{number} unit{'s' * (number != 1)}"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
