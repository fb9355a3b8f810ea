"""Makes the base model of a network trained on a fleet: how its windows and the rules become verdicts about days.

    python scripts/fit_base_model.py --run RUN --fleet dataset/fleet --output models/base

The regression and its threshold are fitted to the units of the run's validation part, read from the fleet's files as
`detect` reads them; then the units of its test part are scored once. Nothing measured is touched.

Letters: D days, K classes, J rules.
"""

import argparse
import csv
import dataclasses
import functools
import json
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from data_provider.channels import POINTS
from data_provider.simulator.fleet.faults import FAULT_FREE, OUTAGE
from data_provider.simulator.fleet.write import FAULTS
from data_provider.simulator.request import NOTE
from data_provider.trends.files import one_file
from exp.detection.day_features import day_features
from exp.detection.inputs import ChannelInputs
from exp.detection.load import UNKNOWN_RATE, detector_of
from exp.evaluation.days import DayDecision, fit_days
from exp.runs.artifact import Artifact, load_artifact, save_artifact
from models.rules import RULES
from utils.files import write_text
from utils.options import Options

LEAST_SHOWN = 2.0  # hours of a day in which a fault must show for the day to count
RATE = 0.05  # of fault-free days, at which detection is told
FEW = 8  # units for which no processes are started
MOST_WORTH = 60  # units on which the worth of points is measured
logger = logging.getLogger("base model")


class Days(NamedTuple):
    """Days of many units: mean log-probabilities (D, K), shares of rules (D, J), unknown windows, class, unit."""

    log_p: np.ndarray
    shares: np.ndarray
    unknown: np.ndarray
    target: np.ndarray
    unit: np.ndarray


def main(arguments: Sequence[str] | None = None) -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--run", required=True, help="run folder of the training on the fleet")
    words.add_argument("--fleet", required=True, help="the fleet that it was trained on")
    words.add_argument("--output", default="models/base", help="where the base model goes")
    given = words.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    run, fleet, output = Path(given.run), Path(given.fleet), Path(given.output)
    artifact = load_artifact(run / "model")
    parts = {part: units_of(run / f"predictions_{part}.csv") for part in ("val", "test")}
    logger.info("%d units fit the verdict about days, %d score it", *(len(units) for units in parts.values()))
    found = {part: days_of(run / "model", fleet, units) for part, units in parts.items()}
    decision = fitted(artifact, found["val"])
    told: dict[str, Any] = {
        "units": {"val": len(parts["val"]), "test": len(parts["test"])},
        "unseen": scored(artifact, decision, found["test"]),
        "worth": worth(artifact, decision, run / "model", fleet, parts["test"][:MOST_WORTH]),
    }
    for line in json.dumps(told, indent=1).splitlines():
        logger.info("%s", line)
    save_artifact(
        output,
        model=artifact.model,
        info=artifact.info,
        scaler=artifact.scaler,
        recipe=artifact.recipe,
        decision=artifact.decision,
        options=artifact.options,
        days=dataclasses.replace(decision, worth=told["worth"]),
    )
    write_text(output / "unseen_units.json", json.dumps(told, indent=1) + "\n")
    write_text(output / "CARD.md", card(artifact, told, fleet))
    logger.info("base model: %s", output)
    return 0


def units_of(predictions: Path) -> list[str]:
    """The units of a part of the split."""
    with predictions.open(encoding="utf-8", newline="") as file:
        return sorted({row["file"].split(" ")[0] for row in csv.DictReader(file)})


def days_of(model: Path, fleet: Path, units: Sequence[str], without: str = "") -> Days:
    """The days of units of a fleet, without and with faults, as far as those show."""
    work = functools.partial(_days_of_unit, str(model), str(fleet), without)
    if len(units) <= FEW:
        parts = [part for unit in units for part in work(unit)]
    else:
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            parts = [part for parts in pool.map(work, units, chunksize=4) for part in parts]
    return Days(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@functools.cache
def _artifact(model: str) -> Artifact:
    import torch

    torch.set_num_threads(1)  # every process has a unit of its own
    return load_artifact(Path(model))


def _days_of_unit(model: str, fleet: str, without: str, unit: str) -> list[Days]:
    artifact = _artifact(model)
    inputs = ChannelInputs(frozenset({without}))
    options = Options(verb="detect", unknown_rate=UNKNOWN_RATE, false_alarm_rate=1.0)
    detector = detector_of(options, artifact, inputs)
    classes, found = artifact.info.classes, []
    for faulty in (False, True):
        path = Path(fleet) / f"{unit}{FAULTS if faulty else ''}.parquet"
        features = day_features(detector, one_file(path), tuple(RULES))
        if features is None:
            continue
        shown = _shown(path) if faulty else {}
        names = [shown.get(day, "") if faulty else FAULT_FREE for day in features.days]
        keep = np.array([name != "" for name in names])
        target = np.array([classes.index(name) for name in names if name], np.int64)
        own = np.full(len(target), unit)
        found.append(Days(features.log_p[keep], features.shares[keep], features.unknown[keep], target, own))
    return found


def _shown(path: Path) -> dict[np.datetime64, str]:
    """Day -> its fault, of the days on which that shows for long enough."""
    table = pyarrow.parquet.read_table(path, columns=["Datetime", "fault", "shows"])
    times = table["Datetime"].to_numpy().astype("datetime64[s]")
    fault, shows = table["fault"].to_numpy(zero_copy_only=False), table["shows"].to_numpy(zero_copy_only=False)
    days, first, number = np.unique(times.astype("datetime64[D]"), return_index=True, return_inverse=True)
    hours = np.bincount(number, shows) * float(np.median(np.diff(times).astype(np.int64))) / 3600
    return {day: str(fault[row]) for day, row, long in zip(days, first, hours, strict=True) if long >= LEAST_SHOWN}


def fitted(artifact: Artifact, days: Days) -> DayDecision:
    """The decision about days."""
    classes = artifact.info.classes
    return fit_days(
        days.log_p,
        days.shares,
        days.target,
        days.unit.tolist(),
        rules=tuple(RULES),
        harmless=np.isin(classes, (FAULT_FREE, OUTAGE)),
        normal=classes.index(FAULT_FREE),
    )


def scored(artifact: Artifact, decision: DayDecision, days: Days) -> dict[str, Any]:
    """How well days of unseen units are told apart: with model and rules, with the rules alone, and a kind each."""
    from sklearn.metrics import roc_auc_score

    classes = artifact.info.classes
    normal = days.target == classes.index(FAULT_FREE)
    fault = ~np.isin(days.target, np.flatnonzero(decision.harmless))
    likely = decision.probabilities(days.log_p, days.shares)
    score, kind = decision.fault(likely), decision.kinds(likely)
    caught = score > decision.threshold(RATE)
    rules = days.shares[:, [rule.startswith("FC") for rule in decision.rules]].any(1)
    kinds = {
        name: {
            "days": int(mine.sum()),
            "found": round(float(caught[mine].mean()), 3),
            "right": round(float((caught & (kind == number))[mine].mean()), 3),
        }
        for number, name in enumerate(classes)
        if (mine := (days.target == number) & fault).any()
    }
    return {
        "days without a fault": int(normal.sum()),
        "days with one that shows": int(fault.sum()),
        "auroc": round(float(roc_auc_score(fault[normal | fault], score[normal | fault])), 4),
        "false alarms": round(float(caught[normal].mean()), 4),
        "found": round(float(caught[fault].mean()), 4),
        "right kind": round(float((caught & (kind == days.target))[fault].mean()), 4),
        "Guideline 36 alone": {
            "false alarms": round(float(rules[normal].mean()), 4),
            "found": round(float(rules[fault].mean()), 4),
        },
        "unknown windows of fault-free days": round(float(days.unknown[normal].mean()), 4),
        "kinds": kinds,
    }


def worth(
    artifact: Artifact, decision: DayDecision, model: Path, fleet: Path, units: Sequence[str]
) -> dict[str, float]:
    """Point -> share of the days found that a unit without it loses, the most valuable first."""
    points = [name for name in POINTS if name not in ("SA_TEMP", "SA_TEMPSPT_CLG", "SA_TEMPSPT_HTG")]
    whole = float(scored(artifact, decision, days_of(model, fleet, units))["found"])
    lost = {}
    for name in points:
        found = float(scored(artifact, decision, days_of(model, fleet, units, name))["found"])
        lost[name] = round(1 - found / whole, 3)
    return dict(sorted(lost.items(), key=lambda entry: -entry[1]))


def card(artifact: Artifact, told: dict[str, Any], fleet: Path) -> str:
    """What the base model is, for whoever finds its folder."""
    made, unseen, options = json.loads((fleet / NOTE).read_text())["fleet"], told["unseen"], artifact.options
    kinds = "".join(
        f"| {name} | {of['days']} | {of['found']:.0%} | {of['right']:.0%} |\n" for name, of in unseen["kinds"].items()
    )
    size = sum(parameter.numel() for parameter in artifact.model.parameters())
    return f"""# The base model

A {options.model} of {size:,} parameters, trained on days of {made["units"]} simulated \
air-handling units ({made["days"]} days each, without and with a fault; seed {made["seed"]}) and on nothing else. It \
decides about units that it has never seen, by {len(artifact.info.columns)} physical channels that any unit's points \
give, a day at a time, together with rules of Guideline 36 and APAR.

`bash scripts/train_base_model.sh` makes it again from nothing. `docs/BASE_MODEL.md` says how, what it was measured \
on, and what it cannot do. `model.json` holds the SHA-256 of every file, which is compared when it is loaded; no code \
runs from these files.

On {told["units"]["test"]} simulated units that neither training nor the verdict about days has seen, at \
{unseen["false alarms"]:.1%} false alarms on {unseen["days without a fault"]} days without a fault: \
{unseen["found"]:.1%} of {unseen["days with one that shows"]} days found on which a fault shows, the right kind on \
{unseen["right kind"]:.1%} of them, area under the ROC curve {unseen["auroc"]:.3f}. Guideline 36 alone: \
{unseen["Guideline 36 alone"]["found"]:.1%} at {unseen["Guideline 36 alone"]["false alarms"]:.1%} false alarms.

| kind | days | found | right kind |
|---|---|---|---|
{kinds}
Its intended use is a first look at a unit without labels, by a person who checks the trends. It is simulated \
knowledge: a real unit may differ from all of these, and what its loops make good cannot be seen in the channels.
"""


if __name__ == "__main__":
    sys.exit(main())
