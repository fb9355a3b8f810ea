"""Compiles the simulator's inner functions once and keeps the machine code beside them.

numba keys its cache on the file of a function, not on the files of the functions that it calls. A change in
`coil.py` would so be ignored by a cached `loop.py`. The digest of the whole package in the name closes that gap.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., object])
_CONFIG: Any = numba.config
_SOURCES = sorted(Path(__file__).parent.glob("*.py"))
_DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:12]


def compiled(function: _F) -> _F:
    """Compile a function of numbers, arrays and records; it releases the interpreter lock while it runs.

    NUMBA_DISABLE_JIT, which makes pyts quick to import, does not reach here: a year in plain Python takes hours.
    """
    function.__qualname__ = f"{function.__qualname__}_{_DIGEST}"
    disabled, _CONFIG.DISABLE_JIT = _CONFIG.DISABLE_JIT, 0
    try:
        return cast(_F, numba.njit(nogil=True, cache=True, error_model="numpy")(function))
    except RuntimeError:  # no folder that a cache could be written to
        return cast(_F, numba.njit(nogil=True, error_model="numpy")(function))
    finally:
        _CONFIG.DISABLE_JIT = disabled
