"""Networks with random weights that look as if they had been loaded from a run, for the tests of `export`."""

from typing import Any

import numpy as np
import torch

from data_provider import Recipe, Scaler
from data_provider.frames import DataInfo
from exp.evaluation.decision import Decision
from exp.evaluation.inference import exact
from exp.runs.artifact import Artifact
from models.build import model_of
from utils.options import Options

COLUMNS = ("SA_TEMP", "OA_TEMP", "MA_TEMP", "SA_CFM", "CHWC_VLV")
CLASSES = ("normal", "stuck", "leak")
LENGTH = 21
# The last signal never changed in training.
SCALER = Scaler(
    minimum=np.array([50, -10, 45, 0, 0.3], np.float32), maximum=np.array([60.5, 95, 85, 9000, 0.3], np.float32)
)
INFO = DataInfo(
    data="folder",
    columns=COLUMNS,
    units=("F", "F", "F", "CFM", ""),
    classes=CLASSES,
    normal="normal",
    period_seconds=300,
    seq_len=LENGTH,
    step=LENGTH,
    counts={"train": (9, 9, 9), "val": (3, 3, 3), "test": (3, 3, 3)},
    protocol="invented",
    leaking=False,
)


def decision(temperature: float) -> Decision:
    """Decision settings with this temperature, by which no window is unknown and no fault unsure."""
    margin = np.array([1, 10, 4, 900, np.inf], np.float32)
    return Decision(
        temperature=temperature,
        score="energy",
        novelty_quantiles=np.full(401, 1e9),
        false_alarm_quantiles=np.zeros(0),
        compared={},
        lower=SCALER.minimum - margin,
        upper=SCALER.maximum + margin,
        distance=None,
        reference_window=np.zeros((len(COLUMNS), LENGTH), np.float32),
    )


def artifact(*, temperature: float = 0.7, built: dict[str, Any] | None = None, **chosen: Any) -> Artifact:
    """A network.

    Args:
        temperature: of its decision settings.
        built: options that only its building heeds, not what is said of it.
        chosen: options.
    """
    options = Options(**{"dropout": 0.0, "seq_len": LENGTH, "feature_dim": 16, **chosen})
    torch.manual_seed(0)
    return Artifact(
        model=exact(model_of(options.replace(**(built or {})), INFO)),
        info=INFO,
        scaler=SCALER,
        recipe=Recipe(columns=COLUMNS, period_seconds=300, resample="mean", hold_seconds=900),
        decision=decision(temperature),
        options=options,
        description={},
    )
