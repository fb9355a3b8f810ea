"""What a program does to the disk, one act after another, so that any of them can be the last, or fail.

    ACTS=FOLDER:NUMBER python tests/resume/disk.py FLAGS

is run.py, killed as it is about to do the act of that number in the folder.

Acts are files opened to be written, renamed, linked, removed or flushed, folders made or removed, and micro-batches.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Acts:
    """Counts what is done in a folder from now on, and has each act heard before it is done.

    Python cannot take back what listens, so a test tells it to stop with `close`.

    Args:
        folder: where.
        hear: is given the number of the act, from 1, and may raise.
    """

    def __init__(self, folder: Path, hear: Callable[[int], None]) -> None:
        self.number, self._folder, self._hear, self._open = 0, str(folder), hear, True
        sys.addaudithook(self._listen)

    def close(self) -> None:
        """Hears nothing more."""
        self._open = False

    def act(self) -> None:
        """Something is about to be done."""
        self.number += 1
        self._hear(self.number)

    def _listen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._open or (event != "open" and event not in CHANGES):
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & WRITING):
            return
        if any(isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self._folder) for path in arguments):
            self.act()


@contextmanager
def acting(folder: Path, hear: Callable[[int], None], *, batches: bool = True) -> Iterator[Acts]:
    """Acts in a folder while the context is open, flushes among them, and micro-batches unless that is False."""
    from exp.training.trainer import Trainer
    from utils import files

    acts = Acts(folder, hear)
    trained, flush = Trainer._train_micro_batch, files.flush

    def counted(self: Any, *given: Any) -> None:
        if batches:
            acts.act()
        trained(self, *given)

    def flushed(path: Path) -> None:
        acts.act()
        flush(path)

    Trainer._train_micro_batch, files.flush = counted, flushed  # type: ignore[method-assign]
    try:
        yield acts
    finally:
        acts.close()
        Trainer._train_micro_batch, files.flush = trained, flush  # type: ignore[method-assign]


def main() -> int:
    """`run.py` as above."""
    import run

    place, _, wanted = os.environ["ACTS"].rpartition(":")

    def hear(number: int) -> None:
        if number == int(wanted):
            os.kill(os.getpid(), signal.SIGKILL)

    with acting(Path(place), hear):
        return run.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
