"""A training for every fold and seed, and one set of measures of all their test windows.

Each fold leaves a run folder as any training does. The folder of the whole holds the table of the runs, the test
windows of all folds together, and the measures: a fold that tests one day has no meaningful mean over classes, all
folds together have.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_provider.leaks.guard import accepted_names, refuse
from data_provider.prepare import leaks_of, number_of_folds
from data_provider.splits.folds import Folds
from exp.evaluation.diagnosis import renamed
from exp.evaluation.predictions import Predictions
from exp.runs.folds_folder import FoldsFolder
from exp.runs.leak_marks import marked, marks_of
from exp.runs.run_folder import RunFolder
from exp.training.automatic import as_chosen
from exp.training.trainer import Interrupted
from utils import distributed
from utils.errors import UserError
from utils.options import Options

logger = logging.getLogger(__name__)

SHOWN = ("accuracy", "macro_f1", "false_alarm_rate", "detection_rate", "correct_diagnosis_rate")

Train = Callable[[Options, RunFolder | None], RunFolder]


def wanted(options: Options) -> bool:
    """True if the options ask for several folds in turn."""
    return options.folds is not None and Folds.parse(options.folds).number is None


def cross_validate(options: Options, train: Train) -> None:
    """Trains every fold with every seed of `--itr`, the same folds for all seeds.

    Args:
        options: of the whole; `folds` says which.
        train: trains once in a new run folder, or goes on in the one given, and returns it.

    Raises:
        Interrupted: the user stopped; the folder that it names can be resumed.
        UserError: the data does not allow the folds, or leaks, or there are several processes.
    """
    if distributed.world_size() > 1:
        raise UserError("--folds is for one process; give each process group a fold of its own, as --folds 1/5")
    number = number_of_folds(options)
    split_seed = options.seed if options.split_seed is None else options.split_seed
    plan = [
        options.replace(seed=options.seed + i, split_seed=split_seed, folds=f"{fold}/{number}", itr=1)
        for i in range(options.itr)
        for fold in range(1, number + 1)
    ]
    logger.info("%d folds, %d seeds: %d trainings", number, options.itr, len(plan))
    refuse(leaks_of(plan[:number]), accepted_names(options.accept_leaks))  # before a folder is made
    folder = FoldsFolder.create(options)
    folder.begin([{"seed": o.seed, "fold": o.folds} for o in plan])
    _go_on(folder, plan, train)


def resume(folder: FoldsFolder, train: Train) -> None:
    """Goes on with the folds that a folder lacks; one that was interrupted takes up its own checkpoint."""
    options = folder.options()
    split_seed = options.seed if options.split_seed is None else options.split_seed
    plan = [
        options.replace(seed=int(row["seed"]), split_seed=split_seed, folds=row["fold"], itr=1) for row in folder.rows()
    ]
    _go_on(folder, plan, train)


def _go_on(folder: FoldsFolder, plan: list[Options], train: Train) -> None:
    for place, options in enumerate(plan):
        begun = folder.run_of(place)
        if begun is not None and begun.metrics.is_file():
            continue
        logger.info("seed %d, fold %s", options.seed, str(options.folds).replace("/", " of "))
        usable = begun if begun is not None and begun.last.is_file() else None
        try:
            if usable is not None and options.auto:
                options = as_chosen(options, usable.options())
            done = train(options, usable)
        except Interrupted as stopped:
            if str(stopped):  # a search that was stopped has no run yet
                folder.note(place, Path(str(stopped)))
            raise Interrupted(str(folder.path)) from None
        folder.note(place, done.path)
    _conclude(folder)


def _conclude(folder: FoldsFolder) -> None:
    """Writes the measures of all folds, and tells them."""
    from exp.evaluation.measure import line_of, measures_of  # statistics take a second that training does not wait for

    table = folder.rows()
    finished = [RunFolder(folder.path.parent / row["run"]) for row in table]
    metrics = [run.read_metrics() for run in finished]
    seeds = [int(row["seed"]) for row in table]
    data = metrics[0]["data"]
    data["marks"] = list(dict.fromkeys(mark for found in metrics for mark in found["data"].get("marks", [])))
    pooled = {}
    for seed in sorted(set(seeds)):
        mine = [run.read_predictions("test", tuple(data["classes"])) for run, own in zip(finished, seeds, strict=True)
                if own == seed]  # fmt: skip
        together = joined(mine)
        pooled[str(seed)] = measures_of(together, data["normal"])
        folder.write_predictions(seed, together)
    folds = {name: _spread([_value(found["test"], name) for found in metrics]) for name in SHOWN}
    seeds_of = {name: _spread([_value(found, name) for found in pooled.values()]) for name in SHOWN}
    protocol = data["protocol"]
    folder.write(
        {
            "protocol": protocol,
            "leaking": data["leaking"],
            "marks": marks_of(data),
            "folds": folds,
            "pooled": pooled,
            "seeds": seeds_of,
        },
        [{name: _value(found["test"], name) for name in SHOWN} for found in metrics],
    )
    for own, measures in pooled.items():
        logger.info("%s", marked(data, line_of(f"seed {own}, all folds together", measures)))
    for name in SHOWN:
        if folds[name]["mean"] is not None:
            logger.info(
                "%s: %s over folds, %s over seeds of all folds together",
                *(name, _words(folds[name]), _words(seeds_of[name])),
            )
    if data["leaking"]:
        logger.warning("these numbers leak: %s", protocol)
    print(f"folds: {folder.path}")


def joined(parts: list[Predictions]) -> Predictions:
    """The predictions of several folds as one part; blocks of different folds stay different blocks."""
    first = parts[0]
    blocks, shift = [], 0
    for part in parts:
        blocks.append(part.block + shift)
        shift += int(part.block.max(initial=0)) + 1
    return Predictions(
        part=first.part,
        classes=first.classes,
        probabilities=np.concatenate([part.probabilities for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        file=np.concatenate([part.file for part in parts]),
        start=np.concatenate([part.start for part in parts]),
        end=np.concatenate([part.end for part in parts]),
        block=np.concatenate(blocks),
    )


def _value(measures: dict[str, Any], name: str) -> float | None:
    return renamed(measures).get(name, {"value": None})["value"]


def _spread(values: list[float | None]) -> dict[str, float | None]:
    """Mean and deviation of what is defined; no deviation of a single value."""
    known = [value for value in values if value is not None]
    deviation = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return {"mean": float(np.mean(known)) if known else None, "deviation": deviation, "number": len(known)}


def _words(found: dict[str, float | None]) -> str:
    spread = "" if found["deviation"] is None else f" (deviation {found['deviation']:.3f})"
    return f"mean {found['mean']:.4f}{spread}"
