"""Reading files that others may have made: regular ones, of a bounded size, in the folder that they seem to lie in."""

import os
import select
import stat
import time
import unicodedata
from pathlib import Path

from utils.errors import UserError

PATIENCE = 10.0  # seconds that a pipe may say nothing


def read_bounded(path: Path, *, largest: int, within: Path | None = None) -> bytes:
    """What a regular file holds.

    Args:
        path: the file.
        largest: bytes that it may have; no more are read.
        within: a folder that no symbolic link may lead out of; None where links may lead anywhere.

    Raises:
        UserError: it is no regular file, too large, cannot be read, or lies elsewhere.
    """
    if within is not None:
        refuse_links_out(path, within)
    try:
        # Without O_NONBLOCK, opening a FIFO waits for somebody who writes to it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise UserError(f"{path} is a {kind_of(found.st_mode)}, not a file; put a regular file there")
            content = b"" if found.st_size > largest else file.read(largest + 1)
    except ValueError:  # a NUL in the path
        raise UserError(f"{one_line(str(path))} is not the name of a file; correct the path") from None
    except OSError as error:
        reason = error.strerror or "no such file"
        raise UserError(f"cannot read {path} ({reason}); check that it exists and may be read") from None
    if found.st_size > largest or len(content) > largest:
        raise UserError(f"{path} is larger than {_size(largest)}, more than such a file has; name the right file")
    return content


def read_pipe(path: Path, largest: int) -> bytes:
    """What a pipe hands over until its writer closes it, as that of a shell's <(...).

    Raises:
        UserError: it is too much, or nothing came for some seconds.
    """
    content, descriptor = b"", os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    waits = time.monotonic() + PATIENCE
    try:
        while len(content) <= largest and time.monotonic() < waits:
            if not select.select([descriptor], [], [], 0.1)[0]:
                continue
            piece = os.read(descriptor, 2**16)
            if not piece:
                return content
            content, waits = content + piece, time.monotonic() + PATIENCE
    finally:
        os.close(descriptor)
    reason = f"handed over more than {_size(largest)}" if len(content) > largest else "handed over nothing"
    raise UserError(f"the pipe {path} {reason}; name a file")


def refuse_links_out(path: Path, folder: Path) -> None:
    """Raises UserError where a symbolic link leads from a path in a folder to a place outside it."""
    try:
        place = path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle; a NUL
        raise UserError(f"{one_line(str(path))} leads nowhere; put a regular file there") from None
    if not place.is_relative_to(folder.resolve()):
        raise UserError(f"{path} is a link that leads out of {folder}; put the file itself there")


def kind_of(mode: int) -> str:
    """What a directory's entry is, in a word, by its st_mode."""
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFREG: "file"}
    return kinds.get(stat.S_IFMT(mode), "device")


def one_line(text: str) -> str:
    """Text for a terminal: one line, without control characters or marks that reverse the direction of writing."""
    return "".join("?" if unicodedata.category(sign) in _UNSEEN else sign for sign in " ".join(text.split()))


def plain_lines(text: str) -> str:
    """Text for a terminal that keeps its lines and tabs."""
    return "".join(sign if sign in "\n\t" or unicodedata.category(sign) not in _UNSEEN else "?" for sign in text)


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _size(count: int) -> str:
    return f"{count // 2**20} MiB" if count >= 2**20 else f"{count} bytes"
