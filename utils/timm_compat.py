"""The only place that imports timm, and what it takes where torchvision lacks its compiled operators.

timm imports torchvision, and torchvision registers operators at import. Where its compiled part does not fit the
installed PyTorch (a CPU build of one beside a CUDA build of the other), that registration fails with "operator
torchvision::nms does not exist". Nothing here uses those operators, so they are declared, without a
kernel, and the import is tried again. With a torchvision that fits, nothing of this happens.
"""

import importlib
import logging
import re
import sys
from types import ModuleType

import torch

logger = logging.getLogger(__name__)

SIGNATURES = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

PARTS = ("timm", "timm.loss", "timm.optim")  # timm does not import the last two by itself

_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_declared: dict[str, torch.library.Library] = {}  # an operator lives only as long as the library that declared it


def import_timm() -> ModuleType:
    """The module timm, with `timm.loss` and `timm.optim`.

    Returns:
        timm, imported once; a second call returns the same module.

    Raises:
        ModuleNotFoundError: timm or torchvision is not installed.
        RuntimeError: torchvision is broken in another way than described above.
    """
    while True:
        try:
            for part in PARTS:
                importlib.import_module(part)
            return sys.modules["timm"]
        except RuntimeError as error:
            found = _MISSING.search(str(error))
            if found is None or found[1] not in SIGNATURES or found[1] in _declared:
                raise
            _declare(found[1])


def _declare(operator: str) -> None:
    """Declares an operator of torchvision without a kernel, and forgets the import that failed without it."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(operator + SIGNATURES[operator])
    _declared[operator] = library
    for name in list(sys.modules):
        if name.partition(".")[0] in ("torchvision", "timm"):
            del sys.modules[name]
    logger.debug("torchvision has no compiled operator %s; declared it so that timm imports", operator)
