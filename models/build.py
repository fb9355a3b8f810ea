"""A model by name, for the signals and classes of the data."""

from typing import Protocol

from torch import nn

from models import MODELS
from models.baselines import BASELINES, Baseline
from utils.errors import unknown_name
from utils.options import Options


class DataFacts(Protocol):
    """What a model has to know of the data: names of C signals, names of K classes, steps of a window."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def seq_len(self) -> int: ...


def model_of(options: Options, info: DataFacts) -> nn.Module:
    """The network or the baseline that the options choose, for the signals and classes of the data.

    Raises:
        UserError: an option is not one of its choices.
    """
    if options.model in BASELINES:
        return BASELINES[options.model](signals=len(info.columns), classes=len(info.classes), seed=options.seed)
    if options.model not in MODELS:
        raise unknown_name("model", options.model, [*MODELS, *BASELINES])
    return MODELS[options.model](columns=info.columns, length=info.seq_len, classes=len(info.classes), settings=options)


def parameter_count(model: nn.Module) -> int:
    """Trained parameters; of a baseline, the numbers that are kept of its fit."""
    if isinstance(model, Baseline):
        return model.numbers
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
