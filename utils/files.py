"""Files that are written whole or not at all, and their checksums."""

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from utils.csv_safety import harmless


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to; it takes the place of `path` at the end, and is gone where that fails."""
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8."""
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows under the names of the first; numbers as they are, nothing rounded. Text that a spreadsheet would run
    is made harmless: classes and files may have any name."""
    names = list(rows[0]) if rows else []
    with whole(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([harmless(name) for name in names])
        for row in rows:
            cells = (row[name] for name in names)
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's contents, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
