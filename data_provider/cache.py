"""Prepared readings on disk: one array mapped into memory and a manifest, under a key of everything that made them.

Nothing here is precious: the folder can be deleted at any time, and what is damaged is made again.
Letters: N steps of all segments, C signals.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_provider.segmentation import Recipe
from data_provider.segments import Run, Segments
from utils.errors import UserError
from utils.files import digest_of, sha256_of, write_text
from utils.locks import alone, is_held

logger = logging.getLogger(__name__)

VERSION = 5  # one more whenever the same files would be prepared differently
VALUES, MANIFEST = "values.npy", "manifest.json"
SEAL = "manifest_sha256"
MAKING = ".lock"  # in an entry that is being made
ABANDONED = 86400  # seconds after which a half-made entry without a lock is taken for one that nobody makes any more

Made = tuple[Segments, dict[str, Any]]
Make = Callable[[Path | None], Made]


def key_of(files: Sequence[Path], settings: dict[str, Any]) -> str:
    """A short name for these files, by name and content, prepared in this way."""
    entries = [(path.name, digest_of(path)) for path in files if path.is_file()]
    facts = json.dumps({"version": VERSION, "files": entries, **settings}, sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def folder_of(asked: str | None) -> Path:
    """The folder of prepared data: as asked, or the user's own. Folders of data are left as they are.

    Raises:
        UserError: the folder asked for cannot be written to.
    """
    if asked is None:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dualgafnet"
    folder = Path(asked).expanduser()
    if not _writable(folder):
        raise UserError(f"--cache_path {folder}: no folder that can be written to; name another")
    return folder


def load_or_make(folder: Path, name: str, make: Make) -> Made:
    """What the cache holds under a name; made and stored if it holds nothing.

    Args:
        folder: the cache.
        name: the entry's name, which holds its key.
        make: makes the readings, into the .npy file that it is given, or into memory if that is None.
    """
    found = _load(folder / name)
    if found is not None:
        logger.info("prepared data from %s", folder / name)
        return found
    if _writable(folder):
        return _store(folder, name, make)
    logger.warning("no folder for prepared data can be written to; it is kept in memory (see --cache_path)")
    return make(None)


def _writable(place: Path) -> bool:
    """True if entries can be put there. A folder marked read-only stays as it is, even for root, who could write."""
    there = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    if not there.is_dir() or not there.stat().st_mode & 0o222 or not os.access(there, os.W_OK | os.X_OK):
        return False
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return True


def _store(place: Path, name: str, make: Make) -> Made:
    """Makes an entry in a folder of its own and renames that, so that nobody ever sees half of it."""
    _sweep(place)
    try:
        with tempfile.TemporaryDirectory(prefix=".making-", dir=place, ignore_cleanup_errors=True) as made:
            half = Path(made)
            half.chmod(0o755)  # others may read what one user prepared
            with alone(half / MAKING, f"{half} is taken"):
                segments, report = make(half / VALUES)
                write_text(half / MANIFEST, json.dumps(_sealed(_manifest(segments, report, half / VALUES))))
            try:
                half.rename(place / name)
            except OSError:
                if not (place / name / MANIFEST).is_file():
                    raise
                logger.debug("another process has stored %s in the meantime", name)
    except OSError as error:
        raise UserError(f"cannot store prepared data in {place} ({error}); name a folder with --cache_path") from None
    stored = _load(place / name)
    if stored is None:
        raise UserError(f"prepared data in {place} changed while it was written; name a folder with --cache_path")
    logger.info("prepared data is kept in %s", place / name)
    return stored


def _sweep(place: Path) -> None:
    """Removes what a killed process left half made."""
    for half in place.glob(".making-*"):
        locked = (half / MAKING).exists()
        try:
            left = not is_held(half / MAKING) if locked else time.time() - half.stat().st_mtime > ABANDONED
        except OSError:  # another process was quicker, or it is another user's
            continue
        if left:
            shutil.rmtree(half, ignore_errors=True)


def _manifest(segments: Segments, report: dict[str, Any], values: Path) -> dict[str, Any]:
    return {
        "version": VERSION,
        "sha256": sha256_of(values),
        "recipe": segments.recipe.to_dict(),
        "runs": [list(run) for run in segments.runs],
        "segments": {
            "run": segments.run.tolist(),
            "first": segments.first.tolist(),
            "rows": segments.rows.tolist(),
            "start": segments.start.astype(np.int64).tolist(),
        },
        "report": report,
    }


def _sealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest with a checksum of its own."""
    return {**manifest, SEAL: hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()}


def _load(entry: Path) -> Made | None:
    """A stored entry; None if there is none or it is damaged, in which case it is removed."""
    if not entry.is_dir():
        return None
    try:
        return _read(entry)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("prepared data in %s is damaged (%s); it is made again", entry, error)
        shutil.rmtree(entry, ignore_errors=True)
        return None


def _read(entry: Path) -> Made:
    manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
    seal = manifest.pop(SEAL)
    if sha256_of(entry / VALUES) != manifest["sha256"] or seal != _sealed(manifest)[SEAL]:
        raise ValueError("checksum differs")
    table = manifest["segments"]
    segments = Segments(
        recipe=Recipe.from_dict(manifest["recipe"]),
        values=np.load(entry / VALUES, mmap_mode="r", allow_pickle=False),
        runs=tuple(Run(*run) for run in manifest["runs"]),
        run=np.array(table["run"], np.int64),
        first=np.array(table["first"], np.int64),
        rows=np.array(table["rows"], np.int64),
        start=np.array(table["start"], np.int64).astype("datetime64[s]"),
    )
    return segments, manifest["report"]
