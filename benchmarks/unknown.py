"""What a model makes of a fault that it never met: each fault in turn is left out of the training, and trained again.

Letters: n windows, K classes.
"""

import dataclasses
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.pages import DOCS, markdown, put
from data_provider import Prepared, WindowSet, load_data
from data_provider.held_out_class import leave_out
from exp.evaluation import calibration
from exp.evaluation.decision import SCORES, Decision, outside
from exp.evaluation.fitting import fit_decision, novelty_scores
from exp.evaluation.inference import logits_of, predictions_of
from exp.evaluation.metrics import evaluate
from exp.runs.run_folder import RunFolder
from exp.training.build import loss_for
from exp.training.trainer import Trainer
from models.build import model_of
from utils import distributed
from utils.accumulation_plan import plan
from utils.checkpoints import load_checkpoint
from utils.options import Options
from utils.seeding import seed_everything

logger = logging.getLogger(__name__)

PAGE = DOCS / "RESULTS.md"
RATE = 0.05  # of known windows that may be called unknown
TARGETS = {"auroc": 0.90, "rejected": 0.80, "ece": 0.05}
# How a data set is trained: the simulated one as scripts/quickstart.sh does, the small ones longer.
SIMULATED = {"batch_size": 16, "train_epochs": 5, "loss_preset": "hvac_similar_optimized"}
SMALL = {"batch_size": 4, "train_epochs": 10}
QUICK_FAULTS = 2


def rows(options: Options) -> Iterator[dict[str, Any]]:
    """A row for each fault and seed, as it is measured.

    Args:
        options: data set, first seed, number of seeds (`itr`), device, and `quick` for two faults and a single epoch.

    Returns:
        "fault", "seed", "windows" (unseen ones of the test part), "accuracy" and "ece" of the known classes on the test
        part, the latter with and "raw_ece" without temperature; "scores": score -> "auroc" of known against unseen,
        "rejected" and "false", the shares of unseen and of known test windows beyond the threshold, and "compared";
        "taken_for" the known class that most unseen windows are put into, and "share" of them; "silent", the share of
        unseen windows that get no answer because readings lie outside the training range; "seconds".
    """
    chosen = SIMULATED if options.data == Options.data else SMALL
    with tempfile.TemporaryDirectory() as cache:
        places = _places(options, cache)
        for seed in range(options.seed, options.seed + options.itr):
            mine = dataclasses.replace(options, **chosen, **places, seed=seed, itr=1)
            mine = mine.replace(train_epochs=1) if options.quick else mine
            data = load_data(mine)
            faults = [name for name in data.info.classes if name != data.info.normal]
            for fault in faults[:QUICK_FAULTS] if options.quick else faults:
                yield _row(mine, data, fault)


def _places(options: Options, cache: str) -> dict[str, Any]:
    """Where the data of 2020 lies, if $HVAC_DATA says so; nothing is written beside it."""
    base = os.environ.get("HVAC_DATA")
    if not base or not options.data.startswith("LBNL_"):
        return {}
    return {"root_path": str(Path(base) / "lbnl-2020"), "cache_path": cache}


def _row(options: Options, data: Prepared, fault: str) -> dict[str, Any]:
    started = time.perf_counter()
    known, unseen = leave_out(data, fault)
    device = distributed.device_of(options.device)
    model = trained(options, known, device)
    logits = {name: logits_of(model, part, device) for name, part in _parts(known, unseen).items()}
    top = np.bincount(logits["unseen"].argmax(1).numpy(), minlength=len(known.info.classes))
    decisions = {score: fit_decision(model, known, logits["val"], device, score=score) for score in SCORES}
    first = decisions[SCORES[0]]
    said = {"raw_ece": 1.0, "ece": first.temperature}
    measured = {
        name: evaluate(
            predictions_of("test", known.test, logits["test"] / by, known.info.classes), normal=None, bootstrap=0
        )
        for name, by in said.items()
    }
    places = np.arange(len(unseen))
    return {
        "fault": fault,
        "seed": options.seed,
        "windows": len(unseen),
        "accuracy": measured["ece"]["accuracy"]["value"],
        **{name: figures["ece"]["value"] for name, figures in measured.items()},
        "temperature": first.temperature,
        "scores": {score: _told_apart(decisions[score], model, known, unseen, logits, device) for score in SCORES},
        "taken_for": known.info.classes[int(top.argmax())],
        "share": float(top.max() / top.sum()),
        "silent": float(outside(unseen.readings(places), first.lower, first.upper).any(1).mean()),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _parts(known: Prepared, unseen: WindowSet) -> dict[str, WindowSet]:
    return {"val": known.val, "test": known.test, "unseen": unseen}


def trained(options: Options, data: Prepared, device: torch.device) -> nn.Module:
    """The network that the options choose, trained as `train` does, with the weights of its best epoch."""
    seed_everything(options.seed)
    model, loss = model_of(options, data.info), loss_for(options, data.info)
    steps = plan(batch_size=options.batch_size, steps=1, automatic=False, explicit_steps=True)
    trainer = Trainer(options=options, data=data, model=model, loss=loss, plan=steps, device=device)
    with tempfile.TemporaryDirectory() as place:
        folder = RunFolder(Path(place))
        trainer.fit(folder)
        best = trainer.kept.float()
        best.load_state_dict(load_checkpoint(folder.best, device)["model"])
    return best


def _told_apart(
    decision: Decision,
    model: nn.Module,
    known: Prepared,
    unseen: WindowSet,
    logits: dict[str, torch.Tensor],
    device: torch.device,
) -> dict[str, float]:
    """How well one score tells the known test windows from the unseen ones."""
    found = {
        name: novelty_scores(decision, model, part, np.arange(len(part)), logits[name], device)
        for name, part in (("test", known.test), ("unseen", unseen))
    }
    limit = calibration.threshold(decision.novelty_quantiles, RATE)
    novelty = np.repeat([False, True], [len(found["test"]), len(found["unseen"])])
    return {
        "auroc": calibration.area(np.concatenate(list(found.values())), novelty),
        "rejected": float((found["unseen"] > limit).mean()),
        "false": float((found["test"] > limit).mean()),
        **{f"compared {name}": value for name, value in decision.compared.items()},
    }


def by_fault(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over the seeds: a row a fault, and a last one with the means over the faults."""
    faults = list(dict.fromkeys(row["fault"] for row in found))
    groups = {fault: [row for row in found if row["fault"] == fault] for fault in faults}
    result = [_mean(fault, group) for fault, group in groups.items()]
    return [*result, _mean("mean", result)] if len(result) > 1 else result


def _mean(name: str, group: list[dict[str, Any]]) -> dict[str, Any]:
    plain = ("accuracy", "ece", "raw_ece", "silent")
    kinds = ("auroc", "rejected", "false")
    return {
        "fault": name,
        **{key: statistics.mean(row[key] for row in group) for key in plain},
        "scores": {
            score: {kind: statistics.mean(row["scores"][score][kind] for row in group) for kind in kinds}
            for score in group[0]["scores"]
        },
        "taken_for": " or ".join(dict.fromkeys(row["taken_for"] for row in group)),
    }


def table(found: list[dict[str, Any]]) -> str:
    """The figures as Markdown: the score that is used, then the others."""
    means = by_fault(found)
    best, *others = SCORES
    head = ["left out", "AUROC", f"rejected at {RATE:.0%}", "known rejected", "ECE", "accuracy, known", "taken for"]
    lines = [head]
    for row in means:
        mine = row["scores"][best]
        last = "" if row["fault"] == "mean" else row["taken_for"]
        figures = [_two(mine["auroc"]), f"{mine['rejected']:.0%}", f"{mine['false']:.1%}", _three(row["ece"])]
        lines.append([row["fault"], *figures, _three(row["accuracy"]), last])
    compared = [["left out", *(f"{score}: AUROC, rejected" for score in others)]]
    for row in means:
        shown = (row["scores"][score] for score in others)
        compared.append([row["fault"], *(f"{_two(one['auroc'])}, {one['rejected']:.0%}" for one in shown)])
    seeds = sorted({row["seed"] for row in found})
    words = f"Seeds: {', '.join(map(str, seeds))}. {'Means over them. ' if len(seeds) > 1 else ''}"
    words += f"ECE before the temperature: {_three(means[-1]['raw_ece'])} on average."
    return f"{markdown(lines)}\n\n{words}\n\n{markdown(compared)}"


def line(row: dict[str, Any]) -> str:
    """A row for a person who waits."""
    shown = "  ".join(
        f"{score} {figures['auroc']:.2f} {figures['rejected']:.0%}" for score, figures in row["scores"].items()
    )
    return f"{row['fault']:<28} seed {row['seed']}  ECE {row['ece']:.3f}  {shown}"


def verdict(found: list[dict[str, Any]]) -> list[str]:
    """The means beside what they should be."""
    mean = by_fault(found)[-1]
    mine = {**mean["scores"][SCORES[0]], "ece": mean["ece"]}
    return [
        f"{name:<10} {mine[name]:.3f} of {'at most' if name == 'ece' else 'at least'} {target:g}"
        for name, target in TARGETS.items()
    ]


def write(found: list[dict[str, Any]], data: str, page: Path = PAGE) -> None:
    """Puts the table between the page's markers for the data set.

    Raises:
        ValueError: the page lacks the markers.
    """
    put(f"unknown {data}", table(found), page)


def _two(value: float) -> str:
    return f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3f}"
