"""Trainings without what surrounds them: a trainer on small data, fitted in a fraction of a second."""

import functools
from pathlib import Path
from typing import Any

import torch

from data_provider import Prepared, load_data
from exp.runs.run_folder import RunFolder
from exp.training.fit_network import NetworkFit
from exp.training.trainer import Trainer
from tests.data_provider.kit import options
from utils.options import Options
from utils.seeding import seed_everything

CPU = torch.device("cpu")


def asked(root: Path, **changes: Any) -> Options:
    """Options of a network that trains in a moment, on a folder as `tests.kit.write_folder` makes it."""
    small = {"data": "folder", "root_path": str(root), "seq_len": 16, "block_days": 1, "batch_size": 16}
    small |= {"feature_dim": 4, "classifier": "simple", "dropout": 0.2, "train_epochs": 2}
    return options(**{**small, **changes})


@functools.cache
def prepared(root: Path) -> Prepared:
    """The windows of a folder."""
    return load_data(asked(root))


def training(root: Path, place: Path, **changes: Any) -> tuple[Trainer, RunFolder]:
    """A trainer, and the run folder that it may write to."""
    wanted = asked(root, result_path=str(place), **changes)
    seed_everything(wanted.seed)
    return NetworkFit(wanted, prepared(root), CPU).trainer, RunFolder.create(wanted)
