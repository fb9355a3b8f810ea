"""The checks by name, and what comes of their findings: a stop, a mark, a note."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from data_provider.leaks.columns import ColumnFacts, column_facts
from data_provider.leaks.commands import command_of_faults
from data_provider.leaks.constants import constant_column
from data_provider.leaks.copies import identical_content, two_labels
from data_provider.leaks.days import same_day
from data_provider.leaks.digits import digits
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import LEVELS, MARK, STOP, Finding
from data_provider.leaks.flows import flows
from data_provider.leaks.hours import working_hours
from data_provider.leaks.overlap import overlapping_windows, repeated_windows
from data_provider.leaks.ranges import column_range
from data_provider.leaks.sampling import sampling
from data_provider.leaks.scaling import scaler_range
from data_provider.leaks.weather import same_weather
from data_provider.leaks.windows import find_leaks
from utils.errors import UserError, unknown_name

ALL = "all"


class Check(NamedTuple):
    """A check: what it looks for in words, and how.

    Attributes:
        words: what it looks for.
        run: of the evidence alone.
        of_columns: of the evidence and the facts of its columns; not for physical channels.
    """

    words: str
    run: Callable[[Evidence], list[Finding]] | None = None
    of_columns: Callable[[Evidence, ColumnFacts], list[Finding]] | None = None


CHECKS: dict[str, Check] = {
    "identical_content": Check("the same readings under different labels", identical_content),
    "two_labels": Check("two labels for one moment of one unit", two_labels),
    "overlapping_windows": Check("windows of two parts that share readings", overlapping_windows),
    "repeated_windows": Check("test windows that training holds too", repeated_windows),
    "scaler_range": Check("a scaler that knows more than training", scaler_range),
    "constant_column": Check("a signal that tells classes by a constant", of_columns=constant_column),
    "digits": Check("a signal that tells classes by its digits", of_columns=digits),
    "sampling": Check("a signal that tells classes by its sampling", of_columns=sampling),
    "column_range": Check("a signal that tells classes by its range", of_columns=column_range),
    "working_hours": Check("a class that begins work at another time", working_hours),
    "command_of_faults": Check("a command held on faulty days only", command_of_faults),
    "same_day": Check("one day of a unit in training and test", same_day),
    "same_weather": Check("the same weather in training and test", same_weather),
    "flows": Check("flows that cannot be true", of_columns=flows),
}


def survey(evidence: Evidence) -> tuple[dict[str, Any], list[str]]:
    """Everything there is to say of leaks, in plain values, and the marks of `marks_of`."""
    found = find_leaks(evidence.segments, evidence.windows, evidence.target, evidence.classes, evidence.asked.seq_len)
    findings = look(dataclasses.replace(evidence, found=found))
    return {**found, "findings": [finding.to_dict() for finding in findings]}, marks_of(findings)


def look(evidence: Evidence) -> list[Finding]:
    """Every check, the serious findings first."""
    facts = None if evidence.physical else column_facts(evidence)
    found: list[Finding] = []
    for check in CHECKS.values():
        if check.run is not None:
            found += check.run(evidence)
        if check.of_columns is not None and facts is not None:
            found += check.of_columns(evidence, facts)
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def accepted_names(text: str | None) -> tuple[str, ...]:
    """The checks that `--accept_leaks` names.

    Raises:
        UserError: a name that no check has.
    """
    names = tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
    for name in names:
        if name not in (*CHECKS, ALL):
            raise unknown_name("leak", name, [*CHECKS, ALL])
    return names


def refuse(findings: Iterable[Finding], accepted: Sequence[str]) -> None:
    """Ends a training whose data leaks.

    Args:
        findings: of `look`.
        accepted: of `accepted_names`.

    Raises:
        UserError: there are serious findings that were not accepted; it lists them all.
    """
    serious = [found for found in findings if found.level == STOP and not {found.check, ALL} & set(accepted)]
    if serious:
        lines = "".join(f"\n  {number}. {found.line}" for number, found in enumerate(serious, 1))
        names = ",".join(dict.fromkeys(found.check for found in serious))
        raise UserError(
            f"the data gives its labels away, so no number of this run would mean anything:{lines}\n"
            f"To train all the same, with a mark on every number: --accept_leaks {names}"
        )


def marks_of(findings: Iterable[Finding]) -> list[str]:
    """Names of the checks whose findings stay on every number of the run."""
    return list(dict.fromkeys(found.check for found in findings if found.level in (STOP, MARK)))


def findings_of(leaks: Mapping[str, Any]) -> list[Finding]:
    """The findings in what `report["leaks"]` holds; none in runs of earlier versions."""
    return [Finding.from_dict(stored) for stored in leaks.get("findings", [])]
