"""The verb `export`: a trained network to files that need nothing of this project.

Scaling, clipping, fields, statistics, temperature, softmax and the verdict are inside. Every file is read again and
compared with the model before it is kept.
"""

import logging
from pathlib import Path

import torch

from exp.detection.load import model_folder
from exp.exporting import job
from exp.exporting.example import example
from exp.exporting.formats import FORMATS
from exp.runs.artifact import Artifact, load_artifact
from models.baselines import Baseline
from utils.errors import UserError
from utils.logs import log_to_screen
from utils.options import Options, flags

logger = logging.getLogger(__name__)


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
    folder = model_folder(options)
    artifact = load_artifact(folder)
    _check(options, artifact)
    files = {kind: _name(kind, options.precision) for kind in kinds}
    output = _output(options, folder)
    job.prepare(output, list(files.values()))
    try:
        job.write(job.job_of(options, artifact), files, output)
    except OSError as error:
        raise UserError(f"cannot write to {output} ({error.strerror or error}); name another --output") from None
    for kind, name in files.items():
        logger.info("\n%s without this project:\n\n%s", name, example(kind, name))
    print(f"exported: {output}")
    return 0


def _output(options: Options, folder: Path) -> Path:
    """Where the files go: beside the model in its run folder, or into the model folder if that was named alone."""
    if options.output:
        return Path(options.output).expanduser()
    alone = options.run is not None and folder == Path(options.run).expanduser()
    return (folder if alone else folder.parent) / "export"


def _check(options: Options, artifact: Artifact) -> None:
    """Raises UserError for a model that is not a network, and for options that would be another model's."""
    if isinstance(artifact.model, Baseline):
        raise UserError(
            f"{artifact.options.model} is not a network, and only networks can be exported; "
            "python run.py detect uses it as it is"
        )
    for field in flags("data", "windows"):
        name = field.name
        if name in options.explicit - job.OWN:
            asked, own = getattr(options, name), getattr(artifact.options, name)
            if asked != own:
                raise UserError(f"--{name} {asked} is not the run's, which is {own}; export takes it from the run")


def _name(kind: str, precision: str) -> str:
    mark = "" if precision == "fp32" else f"-{precision}"
    return f"model{mark}{FORMATS[kind].suffix}"
