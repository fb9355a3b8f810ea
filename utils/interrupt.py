"""A request to stop, from a person or the system: the work in hand is finished and saved before the program stops."""

import signal
import time
from types import FrameType
from typing import Any

HANGUP = getattr(signal, "SIGHUP", None)  # Windows has none
SIGNALS = [signal.SIGINT, signal.SIGTERM, *([HANGUP] if HANGUP else [])]
ONE_REQUEST = 1.0  # seconds within which a second SIGTERM is the first: `timeout` sends one to us and one to our group
clock = time.monotonic


class StopRequest:
    """While the context is open, the first Ctrl-C, SIGTERM or SIGHUP sets `made`; a second one interrupts at once.

    A second SIGHUP does not: a closing terminal and its shell send one each. SIGHUP that is ignored as the context
    opens, under nohup, stays ignored; Ctrl-C does not, since shells have each job in the background ignore it.
    A request within a context that another one holds is a request to both.
    """

    def __init__(self) -> None:
        self.made = False
        self._first = 0.0
        self._former: dict[int, Any] = {}

    def __enter__(self) -> "StopRequest":
        for number in SIGNALS:
            if number == HANGUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                self._former[number] = signal.signal(number, self._receive)
            except ValueError:  # not the main thread: signals are somebody else's
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)
            outer = getattr(handler, "__self__", None)
            if self.made and isinstance(outer, StopRequest):  # the work within may have ended before it looked
                outer.made = True

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = clock()
        if not self.made:
            self.made, self._first = True, now
            return
        again = number == signal.SIGTERM and now - self._first < ONE_REQUEST
        if not again and number != HANGUP:
            raise KeyboardInterrupt
