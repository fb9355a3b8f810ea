"""Random state: set once for a run, saved and restored exactly for a resume."""

import random
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and PyTorch on every device."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that draw from the global state get a fixed one
    torch.manual_seed(seed)


def compute_deterministically(device: torch.device) -> None:
    """Lets a GPU take the one order of sums that it can repeat; a processor always does.

    cuBLAS also needs CUBLAS_WORKSPACE_CONFIG in the environment before its first product; run.py sets it. PyTorch warns
    where an operator has no order to repeat.
    """
    if device.type == "cuda":
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = False


def random_state() -> dict[str, Any]:
    """The state of PyTorch's generators, on every device: what dropout draws from."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": devices}


def set_random_state(state: dict[str, Any]) -> None:
    """Restores `random_state()`."""
    torch.set_rng_state(state["cpu"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([part.cpu() for part in state["cuda"]])


def generator(*numbers: int) -> torch.Generator:
    """A generator whose stream is a function of the numbers alone, for example of seed and epoch."""
    mixed = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> np.uint64(1)))
