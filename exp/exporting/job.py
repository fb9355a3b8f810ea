"""The work of `export`: what a file is to hold, writing it beside its place, checking it, and keeping it.

Letters: n windows, C signals, L steps of a window.
"""

import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_provider import Prepared, load_data
from data_provider.datasets import DATASETS
from data_provider.prepare import REPOSITORY
from exp.evaluation.decision import MOST_OUTSIDE, DecisionRule, verdict_names
from exp.exporting import check
from exp.exporting.formats import FORMATS
from exp.exporting.graph import INPUT, OUTPUTS
from exp.runs.artifact import Artifact
from exp.runs.cache_place import with_known_cache
from utils.errors import UserError
from utils.files import sha256_of, write_text
from utils.options import Options

logger = logging.getLogger(__name__)

FORMAT = 2  # of what is said of a file, in it and beside it
MARK = "export_format"
OWN = {"root_path", "cache_path"}  # options of the data that are not part of the model


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to export, and what to check it by.

    Attributes:
        artifact: the trained network.
        rule: how it comes to verdicts, by default and in the file.
        rates: what the rule's thresholds were chosen by, option -> share.
        precision: of the weights.
        data: what it was trained on, None where that is not there.
        readings: (n, L, C) to compare answers for.
    """

    artifact: Artifact
    rule: DecisionRule
    rates: Mapping[str, float]
    precision: str
    data: Prepared | None
    readings: np.ndarray


def job_of(options: Options, artifact: Artifact) -> Job:
    """The job of a loaded network.

    Raises:
        UserError: the data is needed and is not there.
    """
    rates = {"unknown_rate": options.unknown_rate, "false_alarm_rate": options.false_alarm_rate}
    data = _data(options, artifact)
    return Job(
        artifact=artifact,
        rule=artifact.rule(**rates),
        rates=rates,
        precision=options.precision,
        data=data,
        readings=check.check_windows(artifact, data),
    )


def metadata(job: Job) -> dict[str, Any]:
    """What a file says of itself, in plain values."""
    artifact, rule, info = job.artifact, job.rule, job.artifact.info
    plain = artifact.decision.to_dict()
    limits = {"novelty_score": rule.novelty_threshold, "false_alarm": rule.false_alarm_threshold}
    return {
        MARK: FORMAT,
        "model": artifact.options.model,
        "data": info.data,
        "input": f"{INPUT}: float32 (batch, {info.seq_len} steps, {len(info.columns)} signals), as measured",
        "output": f"{', '.join(OUTPUTS[:2])}: float32 (batch, {len(info.classes)} classes); "
        f"{OUTPUTS[2]}: float64 (batch); {OUTPUTS[3]}: int64 (batch); {OUTPUTS[4]}: float32 (batch)",
        "columns": list(info.columns),
        "units": list(info.units),
        "classes": list(info.classes),
        "normal": info.normal,
        "verdicts": list(verdict_names(info)),
        "period_seconds": info.period_seconds,
        "resample": artifact.recipe.resample,
        "seq_len": info.seq_len,
        "temperature": artifact.decision.temperature,
        "score": artifact.decision.score,
        "thresholds": {name: float(value) if value.isfinite() else None for name, value in limits.items()},
        **job.rates,
        "most_missing": rule.most_missing,
        "most_outside": MOST_OUTSIDE,
        "ranges": {name: plain["ranges"][name] for name in ("lower", "upper")},
        "precision": job.precision,
    }


def prepare(output: Path, names: list[str]) -> None:
    """Makes the folder; raises UserError if it cannot, or if a file of these names was not written by export."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {output} ({error.strerror}); name another --output") from None
    for name in names:
        for path in (output / name, _beside(output / name)):
            if path.exists() and not _is_ours(_beside(output / name)):
                raise UserError(f"{path} exists and was not written by export; name another --output")


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _is_ours(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and MARK in content


def _data(options: Options, artifact: Artifact) -> Prepared | None:
    """What the model was trained on, if it is there; a reduced precision must have it, and so must --root_path."""
    needed = options.precision != "fp32" or options.root_path is not None
    own = artifact.options.replace(
        **{name: getattr(options, name) for name in OWN if name in options.explicit}, num_workers=0
    )
    own = with_known_cache(own, options.explicit)
    entry = DATASETS.get(own.data)
    default = entry.root if entry else None
    root = Path(own.root_path) if own.root_path else REPOSITORY / default if default else None
    reason = f"the data of the run is not at {root}"
    if root and root.expanduser().exists():
        try:
            data = load_data(own)
        except UserError as error:
            reason = str(error)
        else:
            if _is_same(data, artifact):
                return data
            reason = f"the data at {root} is not what the model was trained on"
    if needed:
        why = f"--precision {options.precision} is measured by it; " if options.precision != "fp32" else ""
        raise UserError(f"{reason}; {why}name its place with --root_path")
    logger.warning("%s: the file is checked by windows drawn from the training ranges", reason)
    return None


def _is_same(data: Prepared, artifact: Artifact) -> bool:
    """Whether data has the signals, classes, windows and ranges that a model was trained on."""
    facts = ("columns", "classes", "seq_len", "period_seconds", "counts")
    return all(getattr(data.info, name) == getattr(artifact.info, name) for name in facts) and (
        data.scaler.to_dict() == artifact.scaler.to_dict()
    )


def write(job: Job, files: dict[str, str], output: Path) -> None:
    """Writes the files beside their place, checks them, and moves them there if all are as they should be."""
    with tempfile.TemporaryDirectory(prefix=".part-", dir=output) as part:
        for kind, name in files.items():
            record = _write_one(job, kind, Path(part) / name)
            write_text(_beside(Path(part) / name), json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        for name in files.values():
            for path in (_beside(Path(part) / name), Path(part) / name):
                path.replace(output / path.name)


def _write_one(job: Job, kind: str, path: Path) -> dict[str, Any]:
    """Writes a file and checks it; returns what is written beside it.

    Raises:
        UserError: it does not answer as the model does.
    """
    description = metadata(job)
    batches = check.calibration(job.data) if job.data and job.precision == "int8" else []
    try:
        FORMATS[kind].write(job.artifact, job.rule, job.precision, path, description, batches)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"torch cannot write this network as {path.name}: {reason}") from error
    answer = FORMATS[kind].load(path)
    found = check.compare(answer, job.artifact, job.rule, job.readings)
    exact = job.precision == "fp32"
    _refuse(path.name, found, check.TOLERANCE if exact else 1.0, exact=exact)
    record = {**description, "file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    record["check"] = {
        "windows": found.windows,
        "source": f"{'validation, test and ' if job.data else ''}drawn windows, and strange ones",
        "largest_difference": found.largest,
        "allowed": check.TOLERANCE if exact else None,
        "changed_verdicts": found.changed,
        "of_them_at_a_threshold": found.at_a_limit,
    }
    logger.info(
        "%s: %.2f MB; the largest difference of a probability from the model's is %.1e, over %d windows; "
        "%d verdicts differ",
        *(path.name, path.stat().st_size / 1e6, found.largest, found.windows, found.changed),
    )
    if not exact and job.data:
        record["cost"] = check.cost(answer, job.artifact, job.rule, job.data)
        logger.info("%s: %s", path.name, _line(record["cost"]))
    return record


def _refuse(file: str, found: check.Comparison, allowed: float, *, exact: bool) -> None:
    """Raises UserError for a file that does not answer as the model does."""
    if found.largest > allowed:
        raise UserError(
            f"{file} would differ from the model by {found.largest:.1e} in a probability, more than {allowed:.0e}; "
            "nothing is kept"
        )
    if exact and found.changed > found.at_a_limit:
        raise UserError(
            f"{file} would give another verdict than the model for {found.changed - found.at_a_limit} of "
            f"{found.windows} windows; nothing is kept"
        )


def _line(cost: dict[str, Any]) -> str:
    """A cost for a person."""
    accuracy, macro_f1 = cost["accuracy"], cost["macro_f1"]
    return (
        f"on the {cost['windows']} windows of the test part accuracy {accuracy['before']:.4f} -> "
        f"{accuracy['after']:.4f}, macro-F1 {macro_f1['before']:.4f} -> {macro_f1['after']:.4f}, "
        f"{cost['changed_answers']} answers and {cost['changed_verdicts']} verdicts changed, "
        f"probabilities by up to {cost['largest_difference']:.4f}"
    )
