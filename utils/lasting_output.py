"""Output that may be lost without ending the work: a terminal that closes, a reader that goes away, a full disk."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


class LastingStream:
    """A text stream whose first failure silences it.

    What is lost is messages for a person who is gone. From then on nothing is written, and what the stream still holds
    goes nowhere, so that its last flush succeeds.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lost = stream, False

    def write(self, text: str) -> int:
        """Writes, or drops the text where nobody can read it."""
        if not self._lost:
            try:
                self._stream.write(text)
            except OSError:
                self._lose()
        return len(text)

    def flush(self) -> None:
        """Flushes what was written."""
        if not self._lost:
            try:
                self._stream.flush()
            except OSError:
                self._lose()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self) -> None:
        self._lost = True
        try:
            place = self._stream.fileno()
        except (OSError, ValueError):  # a stream of a program, not of the system
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, place)
        os.close(nowhere)


@contextmanager
def lasting_output() -> Iterator[None]:
    """While the context is open, neither standard output nor standard error can end the work."""
    former = sys.stdout, sys.stderr
    lasting = [LastingStream(stream) for stream in former]
    sys.stdout, sys.stderr = lasting
    try:
        yield
    finally:
        for stream in lasting:
            stream.flush()
        sys.stdout, sys.stderr = former
