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
_SOURCES = sorted(Path(__file__).parent.rglob("*.py"))
_DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:12]

# NUMBA_DISABLE_JIT makes pyts quick to import, but a year of simulation in plain Python takes hours. The switch stays
# off in this process: functions are compiled at their first call, and numba's own parts look at it then.
cast(Any, numba.config).DISABLE_JIT = 0


def compiled(function: _F) -> _F:
    """Compiles a function of numbers, arrays and records; it releases the interpreter lock while it runs."""
    function.__qualname__ = f"{function.__qualname__}_{_DIGEST}"
    try:
        return cast(_F, numba.njit(nogil=True, cache=True, error_model="numpy")(function))
    except RuntimeError:  # no folder that a cache could be written to
        return cast(_F, numba.njit(nogil=True, error_model="numpy")(function))
