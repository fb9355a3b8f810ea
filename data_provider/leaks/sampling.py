"""Signals and files that were sampled otherwise in some classes."""

from pathlib import Path

import numpy as np

from data_provider.leaks.columns import ColumnFacts, told_apart, told_names
from data_provider.leaks.evidence import Evidence
from data_provider.leaks.finding import MARK, REMEDY_COLUMN, STOP, Finding
from data_provider.leaks.ties import tied_to_all
from data_provider.times import words_of
from data_provider.trends.files import stem_of


def sampling(evidence: Evidence, facts: ColumnFacts) -> list[Finding]:
    """Signals that change on every k-th step alone in some classes, and files whose rows lie further apart."""
    alone = told_apart(facts.refresh, facts.refresh, evidence.of_run, len(evidence.classes))
    found = []
    for place in np.flatnonzero(alone.any(0)):
        told = told_names(alone[:, place], evidence.classes)
        mine = np.isin(evidence.labels, told)
        column = evidence.columns[place]
        there, elsewhere = (_every(facts.refresh[which, place], evidence.period) for which in (mine, ~mine))
        found.append(
            Finding(
                check="sampling",
                level=MARK if tied_to_all(column, told, evidence.classes, evidence.normal) else STOP,
                words=f"{column} gives {', '.join(told)} away by its sampling: a new number {there} there, "
                f"{elsewhere} in all other runs",
                remedy=f"export all files alike, or {REMEDY_COLUMN}",
                files=evidence.runs_of(told),
                column=column,
                rows=int(evidence.rows_of_run[mine].sum()),
            )
        )
    return found + _files(evidence)


def _every(refresh: np.ndarray, period: int) -> str:
    known = np.unique(refresh[~np.isnan(refresh)]).astype(int)
    return "every " + " or ".join(words_of(int(steps) * period) for steps in known)


def _files(evidence: Evidence) -> list[Finding]:
    """Files of a run each whose rows lie further apart in some classes than in all others."""
    files = evidence.report.get("files", [])
    steps = {stem_of(Path(str(file["name"]))): file.get("seconds of a step") for file in files}
    known = [steps.get(name) for name in evidence.names]
    step = np.array([[np.nan if value is None else float(value)] for value in known])
    alone = told_apart(step, step, evidence.of_run, len(evidence.classes))[:, 0]
    if not alone.any():
        return []
    told = told_names(alone, evidence.classes)
    mine = np.isin(evidence.labels, told)
    here, there = (" or ".join(words_of(int(s)) for s in np.unique(step[which])) for which in (mine, ~mine))
    return [
        Finding(
            check="sampling",
            level=STOP if evidence.asked.means else MARK,
            words=f"the files of {', '.join(told)} have a row every {here}, all others every {there}",
            remedy="export all files with the same step",
            files=evidence.runs_of(told),
            rows=int(evidence.rows_of_run[mine].sum()),
        )
    ]
