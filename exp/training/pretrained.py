"""`--init`: a training that starts from the base model, or from another run, instead of from random weights.

Everything but the last layer is taken over; of that, the rows of classes that both know by the same name.
"""

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from data_provider.datasets.labels import fault_kind
from data_provider.frames import DataInfo
from utils.errors import UserError
from utils.options import ModelSettings, Options
from utils.places import rooms

if TYPE_CHECKING:
    from exp.runs.artifact import Artifact

logger = logging.getLogger(__name__)

BASE = "base"
_OF_DATA = ("channels", "seq_len", "sample_period", "resample")
_HEAD = "head."


def like_init(options: Options) -> Options:
    """The options with the windows and the network of the model that `--init` names.

    Raises:
        UserError: there is no such model, or a flag on the line asks for another network or other windows.
    """
    if not options.init:
        return options
    own = _artifact(options).options
    names = ["model", *_OF_DATA, *(field.name for field in dataclasses.fields(ModelSettings))]
    wanted = {name: getattr(own, name) for name in names}
    for name, value in wanted.items():
        if name in options.explicit and getattr(options, name) != value:
            raise UserError(f"--{name} {getattr(options, name)} does not fit --init {options.init}, whose is {value}; "
                            "leave one of the two out")  # fmt: skip
    return options.replace(**wanted)


def take_over(model: nn.Module, options: Options, info: DataInfo) -> None:
    """Puts the weights of the model that `--init` names into a network.

    Raises:
        UserError: they do not fit, because the signals differ.
    """
    artifact = _artifact(options)
    if info.columns != artifact.info.columns:
        raise UserError(f"--init {options.init} was trained on other signals; start from random weights instead")
    stored = {name: tensor.float() for name, tensor in artifact.model.state_dict().items()}
    mine = model.state_dict()
    kept = {name: tensor for name, tensor in stored.items() if not name.startswith(_HEAD)}
    same = _same_classes(info, artifact.info)
    for name in [name for name in mine if name.startswith(_HEAD)]:
        rows = mine[name].clone()
        for here, there in same:
            rows[here] = stored[name][there]
        kept[name] = rows
    model.load_state_dict(kept)
    logger.info(
        "starts from %s: every layer, and %d of %d classes in the last", options.init, len(same), len(info.classes)
    )


def _same_classes(info: DataInfo, other: DataInfo) -> list[tuple[int, int]]:
    """Numbers of the classes that both know by the same name, as the same kind of fault, or as the fault-free one."""
    there = {name: number for number, name in enumerate(other.classes)}
    there |= {kind: number for number, name in enumerate(other.classes) if (kind := fault_kind(name))}
    if info.normal is not None and other.normal is not None:
        there[info.normal] = other.classes.index(other.normal)
    named = [there.get(name, there.get(fault_kind(name))) for name in info.classes]
    return [(here, number) for here, number in enumerate(named) if number is not None]


def _artifact(options: Options) -> "Artifact":
    # Most trainings start from nothing, and do not wait for what loading a model needs.
    from exp.runs.artifact import DESCRIPTION, load_artifact
    from exp.runs.run_folder import RunFolder

    given = rooms() / "models" / BASE if options.init == BASE else Path(str(options.init)).expanduser()
    if (given / DESCRIPTION).is_file():
        return load_artifact(given)
    return load_artifact(RunFolder.find(str(given), options).model)
