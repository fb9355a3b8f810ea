"""Which files to read, and their text: bounded, so that no file can take all memory, and checked to be text."""

import gzip
import io
import itertools
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_provider.trends.problems import Unusable
from utils.errors import UserError

ENDINGS = (".csv", ".csv.gz", ".parquet", ".xlsx", ".xlsm", ".zinc")
GRIDS = (".zinc", ".json")  # of Haystack; a .json file is read where it is named, for a folder may hold others
NOT_READ = (".zip", ".xls", ".7z", ".rar", ".tar", ".tgz", ".gz")  # exports come in these, so they are named

# A year of minutes of 114 points is 360 MB of text; twice that and more is not a trend of one unit.
LARGEST_FILE = 2**30  # bytes, on disk and unpacked
# Trend text packs 5 to 30 times, a constant one 200 times; a bomb 1000 times.
LARGEST_RATIO = 400
RATIO_FROM = 2**24  # bytes unpacked before the ratio counts: tiny files may pack better
LONGEST_LINE = 2**18  # bytes: 5000 columns of 50 characters
MOST_COLUMNS = 5000
# 475 points for a year of minutes, 2 GB as numbers: beyond it a small file with a large promise is a trap.
MOST_READINGS = 250_000_000
MOST_FILES = 100_000  # a thousand units, a file each a week for two years
_CHUNK = 2**20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BLANKS = (9, 10, 12, 13)  # all control characters that text may hold

_SIGNATURES = {
    b"PK\x03\x04": "a zip archive (an Excel workbook is one too)",
    b"\x1f\x8b": "packed with gzip, so its name must end in .csv.gz",
    b"PAR1": "Parquet, so its name must end in .parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"<!DO": "a web page",
    b"<htm": "a web page",
}


@dataclass(frozen=True)
class TrendFile:
    """A file to read, or one that must not or cannot be read.

    Attributes:
        path: where it is.
        name: what to call it: the path within the folder that was asked for.
        refused: why it is not read, None if it is.
        parts: the files of a unit that several hold; `path` is then where they lie.
        prefix: of the points that are the unit's, where a file holds several units; "" if all are.
    """

    path: Path
    name: str
    refused: Unusable | None = None
    parts: tuple["TrendFile", ...] = ()
    prefix: str = ""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that it is read from."""
        return tuple(part.path for part in self.parts) or (self.path,)

    @property
    def stem(self) -> str:
        """The file's own name without its ending."""
        return stem_of(self.path)


def stem_of(path: Path) -> str:
    """A file's name without its ending, of which .csv.gz is one."""
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), path.suffix)
    return path.name[: len(path.name) - len(ending)]


def one_file(path: Path) -> TrendFile:
    """A file that the user vouches for, called by its whole path: its size is not bounded."""
    if not path.is_file():
        return TrendFile(path, str(path), Unusable("no such file", "name one that exists"))
    return TrendFile(path, str(path), _refusal(path, bounded=False))


def trend_files(source: Path, *, trusted: bool = False) -> list[TrendFile]:
    """The trend files of a source, by name.

    Args:
        source: a file, or a folder whose files, and those of its folders, are taken. Hidden ones are passed over.
        trusted: the user vouches for the folder: links to files are followed wherever they lead, and sizes are not
            bounded.

    Raises:
        UserError: nothing is there to read.
    """
    if source.is_file():
        return [TrendFile(source, source.name, _refusal(source))]
    if not source.is_dir():
        raise UserError(f"{source}: no such file or folder; name trend files, or a folder of them, with --input")
    root = source.resolve()
    found: list[TrendFile] = []
    for path in _walk(source):
        name = path.relative_to(source).as_posix()
        if trusted and path.is_dir():
            continue
        if not trusted and not Path(os.path.realpath(path)).is_relative_to(root):
            what = "this link leads outside the folder, and is not followed"
            found.append(TrendFile(path, name, Unusable(what, "put the file itself into the folder", kind="file")))
        elif path.name.lower().endswith((*ENDINGS, *NOT_READ)):
            found.append(TrendFile(path, name, _refusal(path, bounded=not trusted)))
        if len(found) > MOST_FILES:
            raise UserError(f"{source}: more than {MOST_FILES} files; read the folder in parts")
    if not found:
        raise UserError(f"{source}: there is no {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file; put trend files there")
    return sorted(found, key=lambda entry: entry.name)


def _walk(folder: Path) -> Iterator[Path]:
    """Files of a folder and its folders; a link to a folder is given as it is, not entered."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in folders if Path(here, name).is_symlink())
        yield from (Path(here, name) for name in files if not name.startswith("."))


def _refusal(path: Path, *, bounded: bool = True) -> Unusable | None:
    if not path.is_file():
        return Unusable("this is not a regular file", "take it away")
    name = path.name.lower()
    if name.endswith((*ENDINGS, *GRIDS)):
        size = path.stat().st_size
        if size == 0:
            return Unusable("the file is empty", "export it again")
        return too_large(f"the file has {size} bytes") if bounded and size > LARGEST_FILE else None
    if name.endswith(NOT_READ):
        return Unusable(f"{path.suffix} files are not read", "unpack it, or save it as CSV")
    return Unusable(f"'{path.suffix}' files are not read", f"give it as {', '.join(ENDINGS)}")


def too_large(what: str) -> Unusable:
    """The error for a file that is more than memory should hold."""
    return Unusable(f"{what}, more than the {LARGEST_FILE // 2**20} MiB read at most", "split it, a month a file")


def read_text(path: Path, lines: int | None = None, *, sheet: str | None = None) -> tuple[bytes, str]:
    """The text of a file of text; a workbook's sheet and a Haystack grid as CSV.

    Args:
        path: the file.
        lines: how many lines are needed; a few more may come. All if None.
        sheet: of a workbook; the first if None.

    Returns:
        UTF-8 bytes with single line feeds, and the encoding that the file had.

    Raises:
        Unusable: it is not text, too large, or a bomb.
    """
    name = path.name.lower()
    if name.endswith((".xlsx", ".xlsm")):
        from data_provider.trends.workbook import sheet_text

        return sheet_text(path, sheet, lines), "utf-8"
    raw = _raw(path, lines)
    for signature, what in _SIGNATURES.items():
        if raw.startswith(signature):
            raise Unusable(f"this is not a CSV file: it is {what}", "save it as CSV", kind="text")
    text, encoding = _utf8(raw)
    if text.isspace() or not text:
        raise Unusable("the file is empty", "export it again")
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    _check(text)
    if name.endswith(GRIDS):
        from data_provider.trends.haystack import json_text, zinc_text

        convert = zinc_text if name.endswith(".zinc") else json_text
        text = convert(text.decode()).encode()
    return text, encoding


def _raw(path: Path, lines: int | None) -> bytes:
    """The bytes of a file, unpacked; of text only so many lines where that is safe to cut."""
    name = path.name.lower()
    try:
        with path.open("rb") as packed:
            if path.name.lower().endswith(".gz"):
                raw = _unpacked(packed, lines)
            elif (
                lines is None or name.endswith(GRIDS) or packed.peek(2)[:2] in _UTF16
            ):  # whose lines end within a letter
                raw = packed.read()
            else:
                raw = b"".join(itertools.islice(packed, lines))
    except OSError as error:
        raise Unusable(f"it cannot be read ({error.strerror or error})", "check that it may be read") from None
    return raw


def _unpacked(packed: BinaryIO, lines: int | None) -> bytes:
    """The content of a gzip file, refused as soon as it grows out of proportion."""
    target, seen = io.BytesIO(), 0
    with gzip.GzipFile(fileobj=packed) as file:
        try:
            while (lines is None or seen < lines) and (block := file.read(_CHUNK)):
                target.write(block)
                size, seen = target.tell(), seen + block.count(b"\n")
                if size > LARGEST_FILE or (size > RATIO_FROM and size > LARGEST_RATIO * packed.tell()):
                    raise too_large(f"unpacked, the first {packed.tell()} bytes are {size}")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Unusable(f"the gzip file is damaged ({error})", "copy or export it again") from None
    return target.getvalue()


def _utf8(raw: bytes) -> tuple[bytes, str]:
    if raw.isascii():
        return raw, "utf-8"
    encoding = "utf-16" if raw[:2] in _UTF16 else "utf-8-sig"
    try:
        return raw.decode(encoding).encode(), encoding
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise _no_text() from None
    try:
        return raw.decode("cp1252").encode(), "Windows-1252"  # a degree sign in a header is the usual case
    except UnicodeDecodeError:
        raise _no_text() from None


def _no_text() -> Unusable:
    return Unusable("the file holds bytes that are not text", "save it as CSV in UTF-8", kind="text")


def _check(text: bytes) -> None:
    """Looks for control characters and endless lines, piece by piece, so that it takes no memory to speak of."""
    for begin in range(0, len(text), _CHUNK):
        piece = np.frombuffer(text, np.uint8, min(_CHUNK, len(text) - begin), begin)
        low = np.count_nonzero(piece < 32)
        if low > np.count_nonzero(piece == 10) and low > np.count_nonzero(np.isin(piece, _BLANKS)):
            raise _no_text()
        if (piece == 127).any():
            raise _no_text()
    start = 0
    while len(text) - start > LONGEST_LINE:
        end = text.rfind(b"\n", start, start + LONGEST_LINE + 1)
        if end < 0:
            length = (text.find(b"\n", start) + 1 or len(text) + 1) - 1 - start
            what = f"{length} characters in one line, more than the {LONGEST_LINE} read at most"
            line = text.count(b"\n", 0, start) + 1
            raise Unusable(what, "export fewer points a file", where=f"line {line}")
        start = end + 1
