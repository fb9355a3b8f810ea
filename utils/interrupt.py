"""Ctrl-C as a request: the work in hand is finished and saved before the program stops."""

import signal
from types import FrameType
from typing import Any


class StopRequest:
    """While the context is open, the first Ctrl-C (or SIGTERM) sets `made`; the second interrupts at once."""

    def __init__(self) -> None:
        self.made = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._former[number] = signal.signal(number, self._receive)
            except ValueError:  # not the main thread: signals are somebody else's
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.made:
            raise KeyboardInterrupt
        self.made = True
