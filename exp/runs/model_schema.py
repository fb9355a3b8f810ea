"""What model.json and the tensors beside it must be, before a model is built from them.

A matching checksum says that nobody altered the files on the way, not that whoever wrote them meant well.

Letters: K classes, C signals, L steps of a window, J rules, P features, M components.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from data_provider.channels import CHANNELS
from exp.evaluation.calibration import RATES
from exp.evaluation.decision import SCORES
from models.rules import RULES
from utils.errors import UserError
from utils.schema import anything, fits, mapping, maybe, number, one_of, several, text, truth

LONGEST_WINDOW = 65_536  # steps; a Gramian image of one has this number squared
MOST_NAMES = 65_536  # signals or classes
LONGEST_SPAN = 10 * 366 * 86400  # seconds
REMEDY = "copy the model folder again"

_count = number(0, 2**53, whole=True)
_any_number = number()
_span = number(0, LONGEST_SPAN, whole=True)
_name = text(1000)


def check_description(description: dict[str, Any], source: object) -> None:
    """Holds what model.json says to its form.

    Args:
        description: the content, with "format" and "sha256" known to be right.
        source: the file, for messages.

    Raises:
        UserError: in one line, the first place that does not fit.
    """
    facts = {
        "model": _name,
        "data": _name,
        "columns": several(_name, least=1, most=MOST_NAMES, unique=True),
        "classes": several(_name, least=1, most=MOST_NAMES, unique=True),
        "normal": maybe(_name),
        "period_seconds": number(1, LONGEST_SPAN, whole=True),
        "seq_len": number(1, LONGEST_WINDOW, whole=True),
        "step": number(1, LONGEST_SPAN, whole=True),
        "protocol": text(),
        "leaking": truth,
        "options": mapping({}, other=anything),
        "versions": mapping({}, other=text()),
    }
    fits(description, mapping(facts, other=anything), source, REMEDY)
    signals, classes = len(description["columns"]), len(description["classes"])
    rest = {
        "units": several(_name, signals),
        "counts": mapping({}, other=several(_count, classes)),
        "scaler": _scaler(signals),
        "recipe": _recipe(),
        "decision": _decision(signals),
    }
    optional = {"marks": several(_name), "days": _days(description, classes)}
    fits(description, mapping(rest, optional, other=anything), source, REMEDY)
    if description["normal"] is not None and description["normal"] not in description["classes"]:
        raise UserError(f"{source}: normal is none of the {classes} classes; {REMEDY}")
    for name in ("columns", "period_seconds"):
        if description["recipe"][name] != description[name]:
            raise UserError(f"{source}: recipe.{name} is not the model's; {REMEDY}")


def check_channels(description: Mapping[str, Any], source: object) -> None:
    """Raises UserError where a model of physical channels takes others than this version makes."""
    known = [channel.name for channel in CHANNELS]
    if description["columns"] != known:
        raise UserError(f"{source}: its {len(description['columns'])} physical channels are not the {len(known)} "
                        "that this version makes; use the version that trained it")  # fmt: skip


def check_tensors(tensors: Mapping[str, Tensor], description: Mapping[str, Any], source: object) -> None:
    """Holds the tensors of decision.safetensors to the signals, classes and steps that model.json names.

    Raises:
        UserError: one is missing, of another size or type, or not finite where it must be.
    """
    signals, classes = len(description["columns"]), len(description["classes"])
    score = description["decision"]["unknown"]["score"]
    shapes: dict[str, tuple[int | None, ...]] = {"usual": (signals, description["seq_len"])}
    if score == "distance":
        shapes |= {"means": (classes, None), "whitener": (None, None)}
    if score == "readings":
        shapes |= {"means": (classes, None, signals), "roots": (classes, None, signals, signals)}
        shapes |= {"weights": (classes, None)}
    for name, shape in shapes.items():
        if name not in tensors:
            raise UserError(f"{source} lacks '{name}'; {REMEDY}")
        found = tensors[name]
        same = len(found.shape) == len(shape) and all(
            wanted is None or wanted == size for wanted, size in zip(shape, found.shape, strict=True)
        )
        if not same or found.dtype != torch.float32:
            raise UserError(
                f"{source}: '{name}' is {found.dtype} {tuple(found.shape)}, not as model.json says; {REMEDY}"
            )
    _check_sizes(tensors, score, source)
    for name in set(shapes) - {"weights"} - ({"means"} if score == "distance" else set()):
        if not bool(tensors[name].isfinite().all()):
            raise UserError(f"{source}: '{name}' holds what is not a number; {REMEDY}")


def _check_sizes(tensors: Mapping[str, Tensor], score: str, source: object) -> None:
    """Raises UserError where tensors that belong together differ in size."""
    same = True
    if score == "distance":
        width = tensors["means"].shape[1]
        same = tensors["whitener"].shape == (width, width) and width > 0
        same = same and bool((~tensors["means"].isnan().any(1)).any())
    if score == "readings":
        most = tensors["weights"].shape[1]
        same = most > 0 and tensors["means"].shape[1] == most == tensors["roots"].shape[1]
        same = same and bool((tensors["weights"] < torch.inf).all()) and bool((tensors["weights"] > -torch.inf).any())
    if not same:
        raise UserError(f"{source}: its tensors do not fit each other; {REMEDY}")


def _scaler(signals: int) -> Any:
    numbers = several(number(-3.5e38, 3.5e38), signals)
    return mapping({"minimum": numbers, "maximum": numbers}, {"low": numbers, "high": numbers})


def _recipe() -> Any:
    return mapping(
        {
            "columns": anything,
            "period_seconds": anything,
            "resample": one_of(("direct", "mean")),
            "hold_seconds": _span,
            "working_column": maybe(_name),
            "working_value": _any_number,
            "settle_seconds": _span,
        }
    )


def _decision(signals: int) -> Any:
    bounds = several(maybe(_any_number), signals)
    unknown = {
        "score": one_of(SCORES),
        "quantiles": several(_any_number, RATES),
        "compared": mapping({}, other=anything),
    }
    return mapping(
        {
            "temperature": number(1e-9, 1e9),
            "unknown": mapping(unknown),
            "alarm": mapping({"quantiles": _quantiles}),
            "ranges": mapping({"lower": bounds, "upper": bounds}, {"margin": _any_number}),
        },
        {"lacking": _lacking(signals)},
    )


def _lacking(signals: int) -> Any:
    """Tables by the number of sensors that windows lack."""
    tables = mapping({"unknown": several(_any_number, RATES), "alarm": _quantiles})
    return mapping({}, {str(number): tables for number in range(1, signals)})


def _quantiles(value: Any, where: str) -> None:
    """None where there were too few windows, else a full table."""
    several(_any_number, 0 if value == [] else RATES)(value, where)


def _days(description: Mapping[str, Any], classes: int) -> Any:
    days = description.get("days")
    rules = days.get("rules") if isinstance(days, dict) else None
    rows = classes + (len(rules) if isinstance(rules, list) else 0)
    return mapping(
        {
            "rules": several(one_of(RULES), most=MOST_NAMES, unique=True),
            "weights": several(several(_any_number, classes), rows),
            "bias": several(_any_number, classes),
            "harmless": several(truth, classes),
            "quantiles": several(_any_number, RATES),
            "worth": mapping({}, other=_any_number),
        }
    )
