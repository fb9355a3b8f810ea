"""The model of `--run`, and how files are read for it."""

from pathlib import Path

from data_provider.trends.read_options import reading_flags
from data_provider.trends.request import Request
from data_provider.trends.roles import read_roles
from exp.detection.detector import Detector
from exp.runs.artifact import DESCRIPTION, Artifact, load_artifact
from exp.runs.run_folder import RunFolder
from utils import distributed
from utils.options import Options


def model_folder(options: Options) -> Path:
    """The model of a run folder; a model folder that was copied alone will do."""
    given = Path(options.run).expanduser() if options.run else None
    if given and (given / DESCRIPTION).is_file():
        return given
    return RunFolder.find(options.run, options).model


def load_detector(options: Options) -> Detector:
    """The model of `--run`, and how files are read for it.

    Raises:
        UserError: the run or the role map cannot be used.
    """
    return detector_of(options, load_artifact(model_folder(options)))


def detector_of(options: Options, artifact: Artifact) -> Detector:
    """The detector of a loaded model, with the options of `detect`."""
    info, recipe, scaler = artifact.info, artifact.recipe, artifact.scaler
    # The column that says when the unit works is none of the network's, but training used readings only then.
    known = (recipe.working_column,) if recipe.working_column else ()
    ranges = zip(info.columns, scaler.minimum.tolist(), scaler.maximum.tolist(), strict=True)
    columns, units = (*info.columns, *known), (*info.units, *("" for _ in known))
    request = Request(
        columns=columns,
        units=units,
        period_seconds=info.period_seconds,
        roles=read_roles(Path(options.roles).expanduser(), columns=columns, units=units) if options.roles else None,
        **reading_flags(options),
        ranges={name: (low, high) for name, low, high in ranges},
        resample=recipe.resample,
        own_rate=True,
        working_column=recipe.working_column,
        growing=options.follow,
    )
    return Detector(
        artifact=artifact,
        request=request,
        stride=options.stride or info.step,
        unknown_rate=options.unknown_rate,
        false_alarm_rate=options.false_alarm_rate,
        device=distributed.device_of(options.device),
    )
