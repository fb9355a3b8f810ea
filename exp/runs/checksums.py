"""`checksums.json` of a run folder: the SHA-256 of every file as it was written, compared where the file is read.

A file that is about to be rewritten is forgotten first and noted afterwards, so that a process killed in between leaves
a file without a sum, never one with a wrong sum. Folders of earlier versions have no `checksums.json`.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from utils.errors import UserError
from utils.files import sha256_of, write_text
from utils.safe_reading import read_bounded, refuse_links_out

NAME = "checksums.json"
LARGEST = 2**31  # bytes of any file that is read whole; weights are bounded where they are read
_LARGEST_MANIFEST = 2**24
_OWN = "sha256"


class Checksums:
    """The sums of one run folder.

    Args:
        folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME

    def note(self, *paths: Path) -> None:
        """Records the sums of files that were just written; a path that is no file is left out."""
        found = {self._name(path): sha256_of(path) for path in paths if path.is_file()}
        with _locked(self.folder):
            self._write({**self._read(), **found})

    def forget(self, *paths: Path) -> None:
        """Drops the sums of files that are about to be rewritten."""
        names = {self._name(path) for path in paths}
        with _locked(self.folder):
            known = self._read()
            if names & set(known):
                self._write({name: digest for name, digest in known.items() if name not in names})

    def read(self, path: Path, *, largest: int = LARGEST) -> bytes:
        """What a file of the run folder holds.

        Raises:
            UserError: its sum differs from the recorded one, or it cannot be read as `read_bounded` says.
        """
        content = read_bounded(path, largest=largest, within=self.folder)
        known = self._read().get(self._name(path))
        if known is not None and hashlib.sha256(content).hexdigest() != known:
            raise self._differs(path)
        return content

    def check(self, *paths: Path) -> None:
        """Compares files that are read elsewhere, all that were noted if none is named.

        Raises:
            UserError: one is missing or differs.
        """
        known = self._read()
        for name in [self._name(path) for path in paths] if paths else sorted(known):
            if name not in known:
                continue
            path = self.folder / name
            refuse_links_out(path, self.folder)
            if not path.is_file():
                raise UserError(f"{path} is missing, and {NAME} knows it; copy it, or delete {NAME} to do without")
            if sha256_of(path) != known[name]:
                raise self._differs(path)

    def _differs(self, path: Path) -> UserError:
        return UserError(
            f"{path} is not as it was written (its SHA-256 differs from {NAME}); copy it again, "
            f"or delete {NAME} if the change was meant"
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _read(self) -> dict[str, str]:
        """Name -> sum; empty where the folder is of an earlier version."""
        if not self.path.exists() and not self.path.is_symlink():
            return {}
        content = read_bounded(self.path, largest=_LARGEST_MANIFEST, within=self.folder)
        try:
            stored = json.loads(content)
            files = stored["files"]
            whole = stored[_OWN] == _sum_of(files) and all(isinstance(digest, str) for digest in files.values())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise UserError(f"{self.path} is damaged; copy it again, or delete it to go on without checksums")
        return files

    def _write(self, files: dict[str, str]) -> None:
        files = dict(sorted(files.items()))
        write_text(self.path, json.dumps({"files": files, _OWN: _sum_of(files)}, indent=1, ensure_ascii=False) + "\n")


def _sum_of(files: Any) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time changes the sums of a folder; where the system has no such lock, all may."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
