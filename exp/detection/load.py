"""The model of `--run`, or the base model, and how files are read for it."""

import logging
from pathlib import Path

from data_provider.trends.read_options import reading_flags
from data_provider.trends.request import Request
from data_provider.trends.roles import read_roles
from exp.detection.detector import Detector
from exp.detection.inputs import Inputs, inputs_of
from exp.runs.artifact import Artifact, load_artifact
from exp.runs.names import DESCRIPTION
from exp.runs.run_folder import RunFolder
from utils import distributed
from utils.options import Options
from utils.places import rooms

logger = logging.getLogger(__name__)

BASE = rooms() / "models" / "base"  # trained on a simulated fleet, for units without labels
_NAMES_A_RUN = frozenset({"run", "model", "data", "des", "result_path"})
CONFIRM_DAYS = 1  # windows that open an event where a whole day was decided about
UNKNOWN_RATE, FALSE_ALARM_RATE = 0.01, 0.02  # of the base model, unless others are asked for


def is_base(options: Options) -> bool:
    """Whether the base model is meant: no flag names a run."""
    return not _NAMES_A_RUN & options.explicit and options.run is None and (BASE / DESCRIPTION).is_file()


def model_folder(options: Options) -> Path:
    """The model of a run folder; a model folder that was copied alone will do; the base model where no run is named."""
    given = Path(options.run).expanduser() if options.run else BASE if is_base(options) else None
    if given and (given / DESCRIPTION).is_file():
        return given
    return RunFolder.find(options.run, options).model


def with_defaults(options: Options, artifact: Artifact) -> Options:
    """The options with what is usual for a model that decides by days, where nothing else is asked for."""
    if artifact.days is None:
        return options
    usual = {"confirm": CONFIRM_DAYS, "unknown_rate": UNKNOWN_RATE, "false_alarm_rate": FALSE_ALARM_RATE}
    return options.replace(**{name: value for name, value in usual.items() if name not in options.explicit})


def load_detector(options: Options) -> Detector:
    """The model of `--run`, and how files are read for it.

    Raises:
        UserError: the run or the role map cannot be used.
    """
    artifact = load_artifact(model_folder(options))
    return detector_of(with_defaults(options, artifact), artifact)


def detector_of(options: Options, artifact: Artifact, inputs: Inputs | None = None) -> Detector:
    """The detector of a loaded model, with the options of `detect`; `inputs` stand in for the model's own."""
    if artifact.info.marks:
        logger.warning("this model was trained on data with known leaks: %s", ", ".join(artifact.info.marks))
    info, recipe, inputs = artifact.info, artifact.recipe, inputs or inputs_of(artifact)
    # The column that says when the unit works is none of the network's, but training used readings only then.
    known = (recipe.working_column,) if recipe.working_column else ()
    columns, units = (*inputs.columns, *known), (*inputs.units, *("" for _ in known))
    request = Request(
        columns=columns,
        units=units,
        period_seconds=info.period_seconds,
        roles=read_roles(Path(options.roles).expanduser(), columns=columns, units=units) if options.roles else None,
        **reading_flags(options),
        ranges=inputs.ranges,
        resample=recipe.resample,
        own_rate=True,
        working_column=recipe.working_column,
        takes_percent=inputs.takes_percent,
        longest_step=inputs.longest_step,
        growing=options.follow,
    )
    return Detector(
        artifact=artifact,
        inputs=inputs,
        request=request,
        stride=options.stride or info.step,
        unknown_rate=options.unknown_rate,
        false_alarm_rate=options.false_alarm_rate,
        device=distributed.device_of(options.device),
    )
