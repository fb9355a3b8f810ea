"""What several test files share."""

import logging
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from utils.logs import Screen

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors run faster on one thread, and two test processes do not fight for the cores."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _one_server() -> None:
    """Processes that a test starts are copies of one that has imported what they need."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.get_context("forkserver").set_forkserver_preload(["torch.utils.data", "data_provider.prepare"])


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A verb that ran in one test says nothing in the next."""
    yield
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, Screen)]
    root.setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def lbnl_2020() -> Path:
    """The folder with the measured data of 2020, where this machine has it."""
    base = os.environ.get("HVAC_DATA", str(REPOSITORY.parent / "shared" / "data"))
    folder = Path(base) / "lbnl-2020"
    if not folder.is_dir():
        pytest.skip(f"the measured data of 2020 is not at {folder}; set HVAC_DATA to the folder that holds lbnl-2020")
    return folder
