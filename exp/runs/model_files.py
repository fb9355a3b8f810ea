"""Reading the files of a model folder: bounded, checked against their sums and their form, never as code."""

import hashlib
import json
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from exp.runs.checksums import Checksums
from exp.runs.model_schema import REMEDY, check_description
from exp.runs.names import DECISION, DESCRIPTION, WEIGHTS
from models.baselines import BASELINES, Baseline
from models.build import DataFacts, model_of
from utils.errors import UserError
from utils.options import Options
from utils.safe_reading import one_line, read_bounded

FORMAT = 1
LARGEST_JSON = 16 * 2**20  # bytes
LARGEST_WEIGHTS = 4 * 2**30


def described(folder: Path) -> dict[str, Any]:
    """What model.json holds, once it is known to be whole and of the right form.

    Raises:
        UserError: it is missing, altered, or of another format.
    """
    path = folder / DESCRIPTION
    description = _read_json(folder)
    if description.get("format") != FORMAT:
        shown = one_line(str(description.get("format")))[:40]
        raise UserError(f"{path} has format {shown}, this program reads {FORMAT}; update the program or train again")
    if "decision" not in description:
        raise UserError(f"{path} has no decision settings: an older program wrote it; train again")
    sums = description.get("sha256")
    if not isinstance(sums, dict) or DESCRIPTION not in sums:
        raise UserError(f"{path} has no SHA-256 of its own: an older program wrote it; train again")
    if sums[DESCRIPTION] != own_sha256(description):
        raise UserError(f"{path} was altered (its SHA-256 differs); {REMEDY}")
    check_description(description, path)
    return description


def checked_description(folder: Path) -> dict[str, Any]:
    """What model.json holds, once the files beside it are known to be those that it describes.

    Raises:
        UserError: a file is missing, altered or damaged.
    """
    sums = _read_json(folder).get("sha256")
    old = not isinstance(sums, dict) or DESCRIPTION not in sums  # that an older program wrote; a report still tells it
    description = _read_json(folder) if old else described(folder)
    for name in (WEIGHTS, DECISION):
        if name in description.get("sha256", {}):
            tensors_of(folder, name, description)
    return description


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    try:
        description = json.loads(read_model_file(folder, DESCRIPTION, LARGEST_JSON))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {one_line(str(error))[:80]}; {REMEDY}") from None
    if not isinstance(description, dict):
        raise UserError(f"{path} does not describe a model; {REMEDY}")
    return description


def tensors_of(folder: Path, name: str, description: dict[str, Any]) -> dict[str, Tensor]:
    """What a file of tensors holds, once its sum is that in model.json.

    Raises:
        UserError: it is missing, altered, or holds no tensors.
    """
    path = folder / name
    content = read_model_file(folder, name, LARGEST_WEIGHTS)
    if hashlib.sha256(content).hexdigest() != description["sha256"].get(name):
        raise UserError(f"{path} is not the file that model.json describes (its SHA-256 differs); copy it again")
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} does not hold tensors ({one_line(str(error))[:80]}); {REMEDY}") from None


def read_model_file(folder: Path, name: str, largest: int) -> bytes:
    """A file of a model folder, held to the sums of the run folder around it, where it lies in one."""
    path = folder / name
    if not path.is_file() and not path.exists():
        raise UserError(f"no {name} in {folder}; give --run a run folder whose training has ended")
    around = Checksums(folder.absolute().parent)
    if folder.name == "model" and around.path.is_file():
        return around.read(folder.absolute() / name, largest=largest)
    return read_bounded(path, largest=largest, within=folder)


def own_sha256(description: dict[str, Any]) -> str:
    """Of everything in model.json but this sum itself."""
    sums = {name: value for name, value in description["sha256"].items() if name != DESCRIPTION}
    return hashlib.sha256(json.dumps({**description, "sha256": sums}, sort_keys=True).encode()).hexdigest()


def with_weights(folder: Path, description: dict[str, Any], options: Options, info: DataFacts) -> nn.Module:
    """The model that options and data choose, with its stored weights.

    Raises:
        UserError: the weights are damaged or another model's, which is found before anything of its size is made.
    """
    path, weights = folder / WEIGHTS, tensors_of(folder, WEIGHTS, description)
    try:
        if options.model not in BASELINES:
            with torch.device("meta"):  # sizes alone, without any memory
                outline = model_of(options, info)
            _check_outline(outline, weights)
        model = model_of(options, info)
        model.load_state_dict(weights)
        if isinstance(model, Baseline):
            _try(model, info)
    except (RuntimeError, ValueError, IndexError, TypeError, OverflowError, MemoryError) as error:
        reason = one_line(str(error).split("\n")[0])[:120]
        raise UserError(f"{path} does not fit the model that model.json describes: {reason}; {REMEDY}") from None
    return model


def _check_outline(outline: nn.Module, weights: dict[str, Tensor]) -> None:
    """Raises ValueError where stored weights are not those of a model of which the sizes alone are known."""
    wanted = outline.state_dict()
    if missing := sorted(wanted.keys() ^ weights.keys()):
        raise ValueError(f"'{missing[0]}' is in one of the two only")
    for name, tensor in wanted.items():
        found = weights[name]
        if found.shape != tensor.shape:
            raise ValueError(f"'{name}' is {tuple(found.shape)} and would be {tuple(tensor.shape)}")
        if found.is_floating_point() != tensor.is_floating_point():
            raise ValueError(f"'{name}' is {found.dtype} and would be {tensor.dtype}")
        if found.is_floating_point() and not bool(found.isfinite().all()):
            raise ValueError(f"'{name}' holds what is not a number")


def _try(model: Baseline, info: DataFacts) -> None:
    """One window through a baseline, whose tensors have no sizes of their own to be held to."""
    with torch.no_grad():
        found = model.eval()(torch.zeros(1, len(info.columns), info.seq_len))
    if found.shape != (1, len(info.classes)):
        raise ValueError(f"it answers with {tuple(found.shape)}")
