"""Logging: short lines on the screen, dated lines in the run folder's training.log."""

import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from utils.safe_reading import plain_lines


class Plain(logging.Formatter):
    """Names of files, columns and classes may hold what a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        return plain_lines(super().format(record))


class Screen(logging.Handler):
    """Writes through tqdm, so that a message does not tear a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stdout)


def log_to_screen(level: int = logging.INFO) -> None:
    """Sends the program's messages to standard output, once."""
    root = logging.getLogger()
    if any(isinstance(handler, Screen) for handler in root.handlers):
        return
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets the banner with marks in it
    screen = Screen()
    screen.setFormatter(Plain("%(message)s"))
    root.addHandler(screen)
    root.setLevel(level)
    for noisy in ("matplotlib", "numba", "PIL", "fontTools"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def silence() -> Iterator[None]:
    """Nothing is said or shown of what runs inside."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def is_silent() -> bool:
    """True inside `silence`."""
    return logging.root.manager.disable >= logging.CRITICAL


class _File(logging.FileHandler):
    """A log that cannot be written, as on a full disk, is said to be so once, and ends nothing."""

    said = False

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exception()
        if not self.said and isinstance(error, OSError):
            self.said = True
            tqdm.write(f"{self.baseFilename} cannot be written: {error.strerror}", file=sys.stderr)


class RunLog:
    """While the context is open, every message also goes to a file, dated.

    Messages from before the file has a place are kept and written first, so that a run folder's log begins with the
    reading of the data although a run that fails there leaves no folder behind.
    """

    def __enter__(self) -> "RunLog":
        self._handler = logging.handlers.MemoryHandler(capacity=sys.maxsize, flushLevel=logging.CRITICAL + 1)
        logging.getLogger().addHandler(self._handler)
        return self

    def write_to(self, path: Path) -> None:
        """From now on messages go to this file, which is appended to."""
        target = _File(path, encoding="utf-8")
        target.setFormatter(Plain("%(asctime)s %(levelname)s %(message)s"))
        self._handler.setTarget(target)
        self._handler.flush()
        self._handler.flushLevel = logging.NOTSET

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._handler)
        target = self._handler.target
        self._handler.close()
        if target:
            target.close()
