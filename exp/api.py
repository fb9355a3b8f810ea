"""Finds faults in air-handling units from the trend data that buildings record anyway.

The names below are what a program may rely on. In the repository they are imported from `exp.api`, installed from
`dualgafnet`; a name is loaded when it is first used, so that the import itself needs no PyTorch.

A unit is simulated, without a fault and with a stuck damper; a network learns to tell both, and finds them in files.

    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> runs = ["AHU_annual", "damper_stuck_075_annual"]
    >>> files = simulate(output=folder / "trends", runs=runs, start="2018-05-07", days=9, progress=False)
    >>> flags = {"data": "folder", "root_path": str(folder / "trends"), "result_path": str(folder / "results")}
    >>> flags |= {"seq_len": 24, "feature_dim": 8, "train_epochs": 1, "batch_size": 8, "block_days": 1}
    >>> run = train(**flags)
    >>> sorted(evaluate(run))
    ['test', 'val']
    >>> windows, events = detect(run, files)
    >>> {row["file"] for row in windows} == {file.name for file in files}
    True

The parts of a training by hand, with gradients accumulated over two micro-batches:

    >>> import torch
    >>> options = Options(**flags)
    >>> data = load_data(options)
    >>> data.info.classes
    ('AHU_annual', 'damper_stuck_075_annual')
    >>> model = build_model(options, data.info)
    >>> accumulator = GradientAccumulator(model, torch.optim.RAdam(model.parameters()), steps=2)
    >>> loader = torch.utils.data.DataLoader(data.train, batch_size=4, collate_fn=lambda batch: batch)
    >>> with accumulator.epoch():
    ...     for batch in loader:
    ...         losses = torch.nn.functional.cross_entropy(model(batch.x), batch.y, reduction="none")
    ...         step = accumulator.backward(losses)
    >>> step.micro_steps
    2
"""

import contextlib
import importlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_provider.prepare import load_data
    from data_provider.simulator import simulate
    from exp.detection.api import detect_files as detect
    from models.build import model_of as build_model
    from utils.errors import UserError
    from utils.gradient_accumulation import GradientAccumulator
    from utils.options import Options

# Name -> the module that holds it, and its name there.
_HOMES = {
    "GradientAccumulator": ("utils.gradient_accumulation", "GradientAccumulator"),
    "Options": ("utils.options", "Options"),
    "UserError": ("utils.errors", "UserError"),
    "build_model": ("models.build", "model_of"),
    "detect": ("exp.detection.api", "detect_files"),
    "load_data": ("data_provider.prepare", "load_data"),
    "simulate": ("data_provider.simulator", "simulate"),
}
__all__ = [
    "GradientAccumulator",
    "Options",
    "UserError",
    "build_model",
    "detect",
    "evaluate",
    "load_data",
    "simulate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _HOMES[name]
    return getattr(importlib.import_module(module), there)


def __dir__() -> list[str]:
    return __all__


def train(**flags: Any) -> Path:
    """Trains as `run.py train` does.

    Args:
        flags: of the command line, by their names: data="folder", root_path="trends", train_epochs=10.

    Returns:
        The run folder; of several trainings (`itr`), that of the last.

    Raises:
        UserError: a flag or the data cannot be used.
        KeyboardInterrupt: the user stopped the training, whose run folder can be resumed.
    """
    from exp.runs.run_folder import RunFolder
    from exp.train import run
    from utils.command_line import options_of

    options = options_of("train", flags)
    with _quiet():
        if run(options) != 0:
            raise KeyboardInterrupt
    return RunFolder.find(options.resume, options, ended=False).path


def evaluate(run: str | Path, **flags: Any) -> dict[str, dict[str, Any]]:
    """Evaluates a run folder again, as `run.py test` does.

    Args:
        run: the run folder.
        flags: root_path, where the data has moved; device.

    Returns:
        "val" and "test": the measures of metrics.json.

    Raises:
        UserError: the run or its data cannot be used.
    """
    from exp.test import measures
    from utils.command_line import options_of

    with _quiet():
        return measures(options_of("test", {"run": str(run), **flags}))[1]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """A verb prints for a person at a terminal; a program hears of it by `logging`, as it has set that up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
