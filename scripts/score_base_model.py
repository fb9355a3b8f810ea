"""Scores a base model, and the rules alone, on the measured units of the LBNL 2020 data: the tables of BASE_MODEL.md.

    python scripts/score_base_model.py --data dataset/lbnl-2020 [--model models/base ...] [--json FILE]

Every call is a look at the measured units: docs/BASE_MODEL.md lists each. With several models, figures are means.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data_provider.datasets import DATASETS
from data_provider.datasets.labels import fault_kind
from data_provider.datasets.source import Source
from data_provider.notes import Notes
from data_provider.trends.files import one_file
from data_provider.trends.read_options import ReadOptions
from exp.detection.load import detector_of, with_defaults
from exp.evaluation.decision import NO_ANSWER, NORMAL, UNKNOWN
from exp.runs.artifact import load_artifact
from utils.options import Options

UNITS = ("MZVAV-2-1", "MZVAV-2-2", "SZCAV", "SZVAV")
ALARM = 0.5  # hours that a rule must hold on a day, beyond its delays, for the rules to call the day faulty


class ScoredDay(NamedTuple):
    """A measured day: its truth, what the base model says, its score, and whether each set of rules alarms."""

    unit: str
    day: str
    truth: str
    verdict: str
    score: float
    guideline: bool
    apar: bool


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", default="dataset/lbnl-2020", help="folder of the measured data")
    words.add_argument("--model", nargs="+", default=["models/base"], help="base models, one a fleet seed")
    words.add_argument("--json", help="file to write every figure to")
    given = words.parse_args()
    models = [[day for unit in UNITS for day in days_of(Path(model), Path(given.data), unit)] for model in given.model]
    told = {
        "models": given.model,
        "tables": [tables(days) for days in models],
        "days": [d._asdict() for d in models[0]],
    }
    for days in models:
        print("\n".join(lines(tables(days))))
    if given.json:
        Path(given.json).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def days_of(model: Path, data: Path, unit: str) -> list[ScoredDay]:
    """The occupied days of a unit."""
    artifact = load_artifact(model)
    detector = detector_of(with_defaults(Options(verb="detect", vendor="webctrl"), artifact), artifact)
    source = Source(root=data, reading=ReadOptions(vendor="webctrl"))
    frames = DATASETS[f"LBNL_{unit.replace('-', '_')}"].read(source, Notes())
    truth = {frame.name.split(" ")[1]: kind_of(frame.label) for frame in frames}
    evaluated = detector.read(one_file(data / f"{unit}.csv"))
    found = []
    for day in evaluated.days:
        hours = {name: held for name, (held, _) in day.held.items()}
        score = day.fault if np.isfinite(day.fault) else 0.0
        alarms = [sum(h for name, h in hours.items() if name.startswith(kind)) >= ALARM for kind in ("FC", "APAR")]
        found.append(ScoredDay(unit, str(day.day), truth.get(str(day.day), ""), day.verdict, score, *alarms))
    return [day for day in found if day.truth]


def kind_of(label: str) -> str:
    """A fault of the schedule in the words of the base model."""
    return fault_kind(label) or label


def tables(days: Sequence[ScoredDay]) -> dict[str, Any]:
    """All figures of one model."""
    whole: dict[str, Any] = {"all": figures(days)}
    whole |= {unit: figures([day for day in days if day.unit == unit]) for unit in UNITS}
    whole["kinds"] = {
        kind: figures([day for day in days if day.truth == kind])
        for kind in sorted({day.truth for day in days} - {NORMAL})
    }
    return whole


def figures(days: Sequence[ScoredDay]) -> dict[str, Any]:
    """Found, right kind and false alarms of some days, by the model and by the rules alone."""
    from sklearn.metrics import roc_auc_score

    faulty = [day for day in days if day.truth != NORMAL]
    free = [day for day in days if day.truth == NORMAL]
    alarms = [day for day in days if day.verdict not in (NORMAL, UNKNOWN, NO_ANSWER)]
    both = bool(faulty) and bool(free)
    return {
        "fault days": len(faulty),
        "fault-free days": len(free),
        "found": sum(day in alarms for day in faulty),
        "right kind": sum(day.verdict == day.truth for day in faulty),
        "false alarms": sum(day in alarms for day in free),
        "unknown": sum(day.verdict == UNKNOWN for day in days),
        "no answer": sum(day.verdict == NO_ANSWER for day in days),
        "auroc": round(float(roc_auc_score([d.truth != NORMAL for d in days], [d.score for d in days])), 3)
        if both
        else None,
        "Guideline 36": [sum(d.guideline for d in faulty), sum(d.guideline for d in free)],
        "APAR": [sum(d.apar for d in faulty), sum(d.apar for d in free)],
    }


def wilson(hits: int, of: int) -> str:
    """The 95 % interval of a share (Wilson, 1927), in percent."""
    if not of:
        return ""
    z, p = 1.96, hits / of
    middle, half = p + z * z / (2 * of), z * np.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    low, high = ((middle + sign * half) / (1 + z * z / of) for sign in (-1, 1))
    return f"{100 * max(low, 0):.0f} to {100 * min(high, 1):.0f} %"


def lines(table: dict[str, Any]) -> list[str]:
    """The tables as Markdown."""
    head = ["| | fault days found | right kind | false alarms | AUROC | Guideline 36 alone | APAR alone |",
            "|---|---|---|---|---|---|---|"]  # fmt: skip
    rows = {**{name: table[name] for name in (*UNITS, "all")}, **table["kinds"]}
    return head + [
        f"| {name} | {f['found']} of {f['fault days']} ({wilson(f['found'], f['fault days'])}) | {f['right kind']} | "
        + (f"{f['false alarms']} of {f['fault-free days']} ({wilson(f['false alarms'], f['fault-free days'])})"
           if f["fault-free days"] else "")
        + f" | {f['auroc'] or ''} | {f['Guideline 36'][0]} found, {f['Guideline 36'][1]} false | "
        f"{f['APAR'][0]} found, {f['APAR'][1]} false |"
        for name, f in rows.items()
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
