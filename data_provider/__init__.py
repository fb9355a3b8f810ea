"""From trend files to windows: `load_data(options)` is the way in.

What this package shows is imported when it is first asked for, so that the simulator starts without torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_provider.assemble import Prepared
    from data_provider.datasets import DATASETS
    from data_provider.frames import Batch, DataInfo, Frame
    from data_provider.prepare import load_data
    from data_provider.scaler import Scaler
    from data_provider.segmentation import Recipe
    from data_provider.windows import WindowSet

_HOMES = {
    "DATASETS": "datasets",
    "Batch": "frames",
    "DataInfo": "frames",
    "Frame": "frames",
    "Prepared": "assemble",
    "Recipe": "segmentation",
    "Scaler": "scaler",
    "WindowSet": "windows",
    "load_data": "prepare",
}
__all__ = ["DATASETS", "Batch", "DataInfo", "Frame", "Prepared", "Recipe", "Scaler", "WindowSet", "load_data"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
