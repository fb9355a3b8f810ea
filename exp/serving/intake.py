"""Files as a browser hands them over: names made harmless, kinds, sizes and numbers bounded, zip archives unpacked."""

import io
import re
import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from data_provider.trends.files import ENDINGS, GRIDS
from utils.errors import UserError

TAKEN = (*ENDINGS, *GRIDS[1:], ".zip")
_LONGEST_NAME = 120  # characters
_UNSAFE = re.compile(r'[\\/:*?"<>|]')
_CHUNK = 2**20
_END = 22  # bytes of the record that ends an archive
LARGEST_DIRECTORY = 2**22  # bytes: some forty thousand files


@dataclass(frozen=True)
class Limits:
    """What is taken at most.

    Attributes:
        files: of an upload, those in archives counted.
        megabytes: of an upload, unpacked.
        uploads: that the folder holds.
    """

    files: int = 400
    megabytes: int = 1024
    uploads: int = 100

    @property
    def size(self) -> int:
        """Bytes of an upload."""
        return self.megabytes * 2**20


def safe_name(given: str) -> str:
    """The last part of a name without what a file system, a shell or a page would obey; "" if it is no trend file's."""
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rpartition("/")[2]
    plain = "".join("" if unicodedata.category(sign)[0] == "C" else sign for sign in last)
    plain = _UNSAFE.sub("_", plain).strip().lstrip(".")
    ending = next((ending for ending in TAKEN if plain.lower().endswith(ending)), "")
    stem = plain[: len(plain) - len(ending)][: _LONGEST_NAME - len(ending)].rstrip(" .")
    return stem + plain[len(plain) - len(ending) :] if ending and stem else ""


def take(folder: Path, given: Iterable[tuple[str, IO[bytes]]], limits: Limits) -> list[str]:
    """Writes what was given into a folder; archives are unpacked.

    Args:
        folder: where to.
        given: name and content of each file.
        limits: what is taken at most.

    Returns:
        The names under which the files lie in the folder.

    Raises:
        UserError: a file is of another kind, has the name of another, or there is too much of them.
    """
    shelf = _Shelf(folder, limits)
    for name, content in given:
        plain = safe_name(name)
        if not plain:
            shown = (PurePosixPath(name.replace("\\", "/")).name or "a file without a name")[:_LONGEST_NAME]
            raise UserError(f"{shown}: not a trend file; give {', '.join(TAKEN[:-1])} or {TAKEN[-1]}")
        if plain.lower().endswith(".zip"):
            _unpack(plain, content, shelf)
        else:
            shelf.put(PurePosixPath(plain), content)
    if not shelf.names:
        raise UserError(f"no file was given; choose trend files ({', '.join(TAKEN)})")
    return shelf.names


class _Shelf:
    """The folder that files go to, and how much has gone there."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._left = limits.size
        self.names: list[str] = []

    def put(self, name: PurePosixPath, content: IO[bytes]) -> None:
        """Writes a file, as long as there is room."""
        if len(self.names) == self._limits.files:
            raise UserError(f"more than {self._limits.files} files; give them in parts, or use detect --input FOLDER")
        if str(name).casefold() in {known.casefold() for known in self.names}:
            raise UserError(f"two files are called {name}; rename one of them")
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while chunk := content.read(_CHUNK):
                self._left -= len(chunk)
                if self._left < 0:
                    raise too_much(self._limits)
                file.write(chunk)
        self.names.append(str(name))


def too_much(limits: Limits) -> UserError:
    """The error for more bytes than an upload may have."""
    return UserError(f"more than {limits.megabytes} MB; give the files in parts, or use detect --input FOLDER")


def _unpack(archive: str, content: IO[bytes], shelf: _Shelf) -> None:
    """The trend files of a zip archive; folders in it are kept, for a folder may be a unit."""
    if _directory(content) > LARGEST_DIRECTORY:
        raise UserError(f"{archive}: it lists too many files; unpack it and give the files")
    try:
        with zipfile.ZipFile(content) as file:
            for entry in file.infolist():
                name = _inner(entry)
                if name is not None:
                    with file.open(entry) as inner:
                        shelf.put(name, inner)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split())[:100]  # RuntimeError: a password is asked for
        raise UserError(f"{archive}: cannot be unpacked ({reason}); unpack it and give the files") from None


def _directory(content: IO[bytes]) -> int:
    """Bytes of an archive's list of files, all of which zipfile would read; too many where it is of the large kind."""
    size = content.seek(0, io.SEEK_END)
    content.seek(max(0, size - _END - 2**16))  # a comment may follow
    tail = content.read()
    content.seek(0)
    stated = [0]  # by whatever may be the last record
    for found in re.finditer(rb"PK\x05\x06", tail):
        stated.append(int.from_bytes(tail[found.start() + 12 : found.start() + 16], "little"))
        large = b"PK\6\7" in tail[max(0, found.start() - 20) : found.start()]
        stated.append(LARGEST_DIRECTORY + 1 if large else 0)
    return max(stated)


def _inner(entry: zipfile.ZipInfo) -> PurePosixPath | None:
    """Where a file of an archive goes; None for what is no trend file."""
    *folders, last = entry.filename.replace("\\", "/").split("/")
    name = safe_name(last)
    if entry.is_dir() or not name or name.lower().endswith(".zip") or last.startswith(".") or "__MACOSX" in folders:
        return None
    parts = [safe_name(f"{folder}.csv").removesuffix(".csv") for folder in folders if folder.strip(". ")]
    return PurePosixPath(*[part for part in parts if part], name)


def discard(folder: Path) -> None:
    """Takes away what a refused upload left."""
    shutil.rmtree(folder, ignore_errors=True)
