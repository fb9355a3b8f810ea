"""Checkpoints: tensors and plain values in one file, written whole or not at all, and read without running code."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import torch

from utils.errors import UserError


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Writes a checkpoint beside its SHA-256; an interruption leaves the former one as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(state, part)
    _digest_file(path).with_suffix(".part").write_text(_sha256(part), encoding="ascii")
    os.replace(part, path)
    os.replace(_digest_file(path).with_suffix(".part"), _digest_file(path))


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Reads a checkpoint; tensors and plain values only, never code.

    Raises:
        UserError: there is none, or its bytes are not those that were written.
    """
    if not path.is_file():
        raise UserError(f"no checkpoint at {path}; give --resume a run folder that has begun to train")
    digest = _digest_file(path)
    if not digest.is_file() or digest.read_text(encoding="ascii") != _sha256(path):
        raise UserError(f"{path} is damaged: its SHA-256 is not the one in {digest.name}; start the run anew")
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise UserError(f"{path} is no checkpoint of this program: {str(error).splitlines()[0]}") from None


def _digest_file(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
