"""Fitting a baseline: the same data, split and run folder as a network, without epochs."""

import logging
from collections.abc import Callable
from typing import Any

import torch

from data_provider import Prepared
from exp.runs.run_folder import RunFolder
from exp.training.build import class_weights_of
from exp.training.fitted import Fitted
from exp.training.rule_signals import signals_of
from models.baselines import BASELINES, Baseline
from models.baselines.rules import Guideline36
from models.build import parameter_count
from utils import distributed
from utils.errors import UserError
from utils.options import Options, flags

logger = logging.getLogger(__name__)

# Of these groups of flags a baseline reads nothing but what stands in READ.
OF_NETWORKS = ("model", "loss", "training", "accumulation")
READ = ("class_weights", "enable_class_weights", "tracker")


class BaselineFit:
    """A fit of the baseline that the options choose, in the form of `NetworkFit`.

    Raises:
        UserError: there are several processes, or what `baseline_of` raises.
    """

    def __init__(self, options: Options, data: Prepared, device: torch.device) -> None:
        if distributed.world_size() > 1:
            raise UserError(f"{options.model} is fitted by one process; start run.py without torchrun")
        if unread := unread_flags(options):
            logger.warning("%s has no use for %s", options.model, ", ".join(f"--{name}" for name in unread))
        self.options, self.data, self.device = options, data, device
        self.model = baseline_of(options, data)

    def announce(self) -> None:
        """Logs nothing: what is known of a baseline before its fit is known from its name."""

    def resume(self, folder: RunFolder) -> None:
        """Raises UserError: a baseline has no checkpoint."""
        raise UserError(f"{self.options.model} is fitted at once, so there is nothing to --resume; train it again")

    def fit(self, folder: RunFolder, on_epoch: Callable[[list[dict[str, Any]]], None]) -> Fitted:
        """Fits the baseline to the training windows."""
        model = fitted(self.model, self.options, self.data).to(self.device)
        logger.info(
            "%s fitted at once to %d windows of %d signals; %s numbers are kept",
            *(self.options.model, len(self.data.train), len(self.data.info.columns), f"{parameter_count(model):,}"),
        )
        return Fitted(model, 0, [], "fitted at once to the training part", None)


def baseline_of(options: Options, data: Prepared) -> Baseline:
    """The baseline that the options choose, to be fitted.

    Raises:
        UserError: it is made of rules, and the data's columns are not the points that they need.
    """
    info = data.info
    baseline = BASELINES[options.model](signals=len(info.columns), classes=len(info.classes), seed=options.seed)
    if isinstance(baseline, Guideline36):
        baseline.look_at(signals_of(data))
    return baseline


def fitted(baseline: Baseline, options: Options, data: Prepared) -> Baseline:
    """The baseline, fitted to the training windows: the same again with the same seed."""
    batch = data.train.__getitems__(range(len(data.train)))
    importance = class_weights_of(options, data.info)
    baseline.fit(batch.x, batch.y, None if importance is None else importance[batch.y])
    return baseline.eval()


def unread_flags(options: Options) -> list[str]:
    """Flags on the line that only a network reads."""
    of_networks = {field.name for field in flags(*OF_NETWORKS)}
    return sorted(options.explicit & of_networks - set(READ))
