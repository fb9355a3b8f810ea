"""Checkpoints: tensors and plain values in one file, written whole or not at all, and read without running code.

The file is the SHA-256 of what follows in 64 hexadecimal digits, a line feed, and PyTorch's own format.
"""

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from utils.errors import UserError
from utils.files import write_bytes


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint; an interruption leaves the former one as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    write_bytes(path, _digest(content) + content)


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint; tensors and plain values only, never code.

    Raises:
        UserError: there is none, or its bytes are not those that were written.
    """
    if not path.is_file():
        raise UserError(f"no checkpoint at {path}: the run stopped before its first one; start it again")
    stored = path.read_bytes()
    digest, content = stored[:65], stored[65:]
    if digest != _digest(content):
        raise UserError(f"{path} is damaged: its content does not have the SHA-256 that it begins with; start again")
    try:
        return torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise UserError(f"{path} is not a checkpoint of this program: {str(error).splitlines()[0]}") from None


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode("ascii") + b"\n"
