"""Files that are written whole or not at all, tables that a spreadsheet may open, and checksums."""

import csv
import functools
import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from utils.csv_safety import harmless


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to.

    At the end it is flushed to disk and becomes `path`, readable by others as the umask says. Where anything fails, it
    is removed and `path` stays as it was.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch()
        mode = stat.S_IMODE(part.stat().st_mode)
        yield part
        part.chmod(mode)  # a library may have made the file again, for its owner alone
        flush(part)
        os.replace(part, path)
        flush(path.parent)
    finally:
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Waits until a file's content, or a folder's list of names, is on the disk.

    Raises:
        OSError: a file's content did not reach the disk.
    """
    if path.is_dir() and os.name == "nt":  # Windows opens no folder, and keeps renames in order by itself
        return
    place = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(place)
    except OSError:
        if not path.is_dir():  # some network file systems flush no folders
            raise
    finally:
        os.close(place)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    with whole(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all, in UTF-8, with a line feed at the end of each line everywhere."""
    write_bytes(path, text.encode())


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows under the names of the first, as `csv_text` gives them."""
    write_text(path, csv_text(list(rows[0]) if rows else [], rows))


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV, empty where a row lacks a column; numbers as they are, nothing rounded.

    Text that a spreadsheet would run as a formula is made harmless: classes and files may have any name.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([harmless(name) for name in columns])
    for row in rows:
        cells = (row.get(name, "") for name in columns)
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's contents, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(path: Path) -> str:
    """The SHA-256 of a file that does not change while the program runs: read once, unless the system saw a change."""
    found = path.stat()
    return _digest(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@functools.lru_cache(maxsize=4096)
def _digest(path: Path, *state: int) -> str:
    return sha256_of(path)
