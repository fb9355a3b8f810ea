"""Freed memory stays with the process: large tensors lie in its heap, not in pages that go with them."""

import subprocess
import sys
from pathlib import Path

import pytest

from utils.memory import keep_freed_memory

PLACE = """
import sys
from pathlib import Path
import torch
from utils.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()
tensor = torch.ones(31 * 2**18)  # 31 MiB
heap = next(line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith("[heap]"))
first, last = (int(place, 16) for place in heap.split()[0].split("-"))
print(first <= tensor.data_ptr() < last)
"""


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library has no mallopt")
@pytest.mark.parametrize(("mode", "in_heap"), [("keep", "True"), ("leave", "False")])
def test_a_large_tensor_lies_in_the_heap(mode: str, in_heap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-c", PLACE, mode]
    root = Path(__file__).parent.parent
    assert subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip() == in_heap


def test_without_such_a_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("utils.memory.ctypes.CDLL", lambda name: object())
    assert keep_freed_memory() is False
