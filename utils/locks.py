"""One program at a time in a folder; the system gives the lock back however its holder ends."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from utils.errors import UserError

logger = logging.getLogger(__name__)


@contextmanager
def alone(lock: Path, busy: str) -> Iterator[None]:
    """Holds a lock file while the block runs, and removes it then; the same process may hold it twice.

    A folder that cannot be written to, or a file system without locks, has nothing to lock.

    Args:
        lock: the file, in a folder that is there.
        busy: what to say where another program holds it.

    Raises:
        UserError: another program holds it.
    """
    if not os.access(lock.parent, os.W_OK | os.X_OK):
        yield
        return
    held = FileLock(lock, timeout=0, is_singleton=True)
    try:
        held.acquire()
    except Timeout:
        raise UserError(busy) from None
    except (OSError, NotImplementedError) as error:
        logger.debug("%s cannot be locked (%s)", lock, error)
        yield
        return
    try:
        yield
    finally:
        if held.lock_counter == 1:
            with suppress(OSError):  # a folder that may no longer be written to keeps an empty file
                lock.unlink()
        held.release()


def is_held(lock: Path) -> bool:
    """Whether a program that runs holds this lock file."""
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
