"""Checkpoints: tensors and plain values in one file, written whole or not at all, and read without running code.

The file is the SHA-256 of what follows in 64 hexadecimal digits, a line feed, and PyTorch's own format.
"""

import hashlib
import io
import os
import pickle
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from utils.errors import UserError
from utils.files import flush, whole

LARGEST = 32 * 2**30  # bytes; what knows its model asks for less
_HEAD = 65  # the digest and a line feed
# What reading a file that somebody made may raise, as `weights_only` runs nothing of it.
_BROKEN = (
    zipfile.BadZipFile, struct.error, RuntimeError, EOFError, ValueError, LookupError,
    TypeError, AttributeError, ArithmeticError, AssertionError, ImportError, MemoryError,
)  # fmt: skip


class Unreadable(UserError):
    """There is no checkpoint, or it is not what a training wrote; `what` says so without what to do about it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}; start the training again")
        self.what = what


def save_checkpoint(state: dict[str, Any], path: Path, *, former: Path | None = None) -> None:
    """Writes a checkpoint and flushes it to disk; an interruption leaves the former one as it was.

    Args:
        state: tensors and plain values.
        path: the file; its folder is made where it is missing.
        former: where what lies at `path` is kept, None to replace it.

    Raises:
        OSError: it cannot be written; what lies at `path` and `former` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    with whole(path) as part:
        with part.open("wb") as file:
            file.write(_digest(content))
            file.write(content)
        if former is not None and path.exists():
            flush(part)  # nothing is given up before its successor is on the disk
            _keep(path, former)


def load_checkpoint(path: Path, device: torch.device | str = "cpu", *, largest: int = LARGEST) -> dict[str, Any]:
    """Reads a checkpoint; tensors and plain values only, never code.

    Args:
        path: the file.
        device: where its tensors go.
        largest: bytes that it may hold; a larger file is not read.

    Raises:
        Unreadable: there is none, it is too large, or its bytes are not those that were written.
    """
    if not path.is_file():
        raise Unreadable(f"no checkpoint at {path}: the run stopped before its first one")
    try:
        if path.stat().st_size > largest + _HEAD:
            raise Unreadable(f"{path} is larger than {largest:,} bytes, more than a checkpoint of this training")
        stored = memoryview(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror})") from None
    content = stored[_HEAD:]
    if stored[:_HEAD] != _digest(content):
        raise Unreadable(f"{path} is damaged: its content does not have the SHA-256 that it begins with")
    try:
        _check_archive(content)
        found = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except pickle.UnpicklingError:  # whose words advise to run what is in it
        raise Unreadable(f"{path} is not a checkpoint of this program: it is no plain data") from None
    except _BROKEN as error:
        reason = " ".join((str(error).splitlines() or [type(error).__name__])[0].split())[:120]
        raise Unreadable(f"{path} is not a checkpoint of this program ({reason})") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{path} is not a checkpoint of this program: it holds a {type(found).__name__}")
    return found


def load_newest(paths: Sequence[Path], *, largest: int = LARGEST) -> tuple[dict[str, Any], Path, str]:
    """Reads the first of some checkpoints, the newest first, that is whole.

    Returns:
        Its content on the CPU, its path, and what is wrong with those before it, "" if nothing is.

    Raises:
        Unreadable: none is whole; says what is wrong with the newest.
    """
    problems: list[Unreadable] = []
    for path in paths:
        try:
            return load_checkpoint(path, largest=largest), path, "; ".join(problem.what for problem in problems)
        except Unreadable as problem:
            problems.append(problem)
    raise problems[0]


def _check_archive(content: memoryview) -> None:
    """Raises ValueError where a small file unpacks to a large one: PyTorch packs nothing."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("it is compressed")
    if sum(entry.file_size for entry in entries) > len(content):
        raise ValueError("its parts overlap")


def _keep(path: Path, former: Path) -> None:
    """Gives a file a second name, in one step; so there is never a moment without the first."""
    part = former.with_name(f".{former.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        os.link(path, part)
        os.replace(part, former)
    except OSError:
        part.unlink(missing_ok=True)
        os.replace(path, former)  # a file system without links: a kill just here leaves the former one alone


def _digest(content: memoryview) -> bytes:
    return hashlib.sha256(content).hexdigest().encode("ascii") + b"\n"
