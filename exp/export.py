"""The verb `export`: a trained network to files that need nothing of this project.

Scaling, clipping, fields, statistics, temperature and softmax are inside. Every file is read again and compared with
the model before it is kept.
"""

import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data_provider import Prepared, load_data
from data_provider.datasets import DATASETS
from data_provider.prepare import REPOSITORY
from exp.exporting import check as check
from exp.exporting.example import example
from exp.exporting.formats import FORMATS
from exp.exporting.graph import INPUT, OUTPUTS
from exp.runs.artifact import Artifact, load_artifact
from exp.runs.run_folder import RunFolder
from models.baselines import Rival
from utils.errors import UserError
from utils.files import sha256_of, write_text
from utils.logs import log_to_screen
from utils.options import Options, flags

logger = logging.getLogger(__name__)

FORMAT = 1  # of what is said of a file, in it and beside it
MARK = "export_format"
OWN = {"root_path", "cache_path"}  # options of the data that are no part of the model


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to export, and what to check it by.

    Attributes:
        artifact: the trained network.
        precision: of the weights.
        data: what it was trained on, None where that is not there.
        readings: (n, L, C) to compare answers for.
    """

    artifact: Artifact
    precision: str
    data: Prepared | None
    readings: np.ndarray


def run(options: Options) -> int:
    """Writes the model of `--run` to `--output`.

    Returns:
        The exit status.

    Raises:
        UserError: the run cannot be exported, or a file would not answer as the model does.
    """
    log_to_screen()
    if options.disable_parallel:
        torch.set_num_threads(1)
    kinds = list(FORMATS) if options.format == "both" else [options.format]
    for kind in kinds:
        FORMATS[kind].check()
    source, model_folder = _source(options)
    artifact = load_artifact(model_folder)
    _check(options, artifact)
    files = {kind: _name(kind, options.precision) for kind in kinds}
    output = Path(options.output).expanduser() if options.output else source / "export"
    _prepare(output, list(files.values()))
    data = _data(options, artifact)
    readings = check.check_windows(artifact, data)
    job = Job(artifact=artifact, precision=options.precision, data=data, readings=readings)
    try:
        _write(job, files, output)
    except OSError as error:
        raise UserError(f"cannot write to {output} ({error.strerror or error}); name another --output") from None
    for kind, name in files.items():
        logger.info("\n%s without this project:\n\n%s", name, example(kind, name))
    print(f"exported: {output}")
    return 0


def about(artifact: Artifact, precision: str) -> dict[str, Any]:
    """What a file says of itself, in plain values."""
    info, plain = artifact.info, artifact.decision.to_dict()
    return {
        MARK: FORMAT,
        "model": artifact.options.model,
        "data": info.data,
        "input": f"{INPUT}: float32 (batch, {info.seq_len} steps, {len(info.columns)} signals), as measured",
        "output": f"{', '.join(OUTPUTS)}: float32 (batch, {len(info.classes)} classes)",
        "columns": list(info.columns),
        "units": list(info.units),
        "classes": list(info.classes),
        "normal": info.normal,
        "period_seconds": info.period_seconds,
        "resample": artifact.recipe.resample,
        "seq_len": info.seq_len,
        "temperature": artifact.decision.temperature,
        "ranges": {name: plain["ranges"][name] for name in ("lower", "upper")},
        "precision": precision,
    }


def _source(options: Options) -> tuple[Path, Path]:
    """The folder that `--run` names, and the model folder in it; a model folder that was copied alone will do."""
    given = Path(options.run).expanduser() if options.run else None
    if given and (given / "model.json").is_file():
        return given, given
    folder = RunFolder.find(options.run, options)
    return folder.path, folder.model


def _check(options: Options, artifact: Artifact) -> None:
    """Raises UserError for a model that is no network, and for options that would be another model's."""
    if isinstance(artifact.model, Rival):
        raise UserError(
            f"{artifact.options.model} is no network, and only networks can be exported; "
            "python run.py detect uses it as it is"
        )
    for field in flags("data"):
        name = field.name
        if name in options.explicit - OWN:
            asked, own = getattr(options, name), getattr(artifact.options, name)
            if asked != own:
                raise UserError(f"--{name} {asked} is not the run's, which is {own}; export takes it from the run")


def _name(kind: str, precision: str) -> str:
    mark = "" if precision == "fp32" else f"-{precision}"
    return f"model{mark}{FORMATS[kind].suffix}"


def _prepare(output: Path, names: list[str]) -> None:
    """Makes the folder; raises UserError if it cannot, or if a file of these names is none that export wrote."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {output} ({error.strerror}); name another --output") from None
    for name in names:
        for path in (output / name, _beside(output / name)):
            if path.exists() and not _is_ours(_beside(output / name)):
                raise UserError(f"{path} is there and is none that export wrote; name another --output")


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


def _write(job: Job, files: dict[str, str], output: Path) -> None:
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
    description = about(job.artifact, job.precision)
    batches = check.calibration(job.data) if job.data and job.precision == "int8" else []
    try:
        FORMATS[kind].write(job.artifact, job.precision, path, description, batches)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"torch cannot write this network as {path.name}: {reason}") from error
    answer = FORMATS[kind].load(path)
    difference = check.parity(answer, job.artifact, job.readings)
    exact = job.precision == "fp32"
    if difference > (check.TOLERANCE if exact else 1.0):
        raise UserError(
            f"{path.name} would differ from the model by {difference:.1e} in a probability, more than "
            f"{check.TOLERANCE:.0e}; nothing is kept"
        )
    record = {**description, "file": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
    record["check"] = {
        "windows": len(job.readings),
        "source": "validation, test and drawn windows" if job.data else "drawn windows",
        "largest_difference": difference,
        "allowed": check.TOLERANCE if exact else None,
    }
    logger.info(
        "%s: %.2f MB; the largest difference of a probability from the model's is %.1e, over %d windows",
        *(path.name, path.stat().st_size / 1e6, difference, len(job.readings)),
    )
    if not exact and job.data:
        record["cost"] = check.cost(answer, job.artifact, job.data)
        logger.info("%s: %s", path.name, _line(record["cost"]))
    return record


def _line(cost: dict[str, Any]) -> str:
    """A cost for a person."""
    accuracy, macro_f1 = cost["accuracy"], cost["macro_f1"]
    return (
        f"on the {cost['windows']} windows of the test part accuracy {accuracy['before']:.4f} -> "
        f"{accuracy['after']:.4f}, macro-F1 {macro_f1['before']:.4f} -> {macro_f1['after']:.4f}, "
        f"{cost['changed_answers']} answers changed, probabilities by up to {cost['largest_difference']:.4f}"
    )
