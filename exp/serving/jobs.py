"""Verbs in processes of their own: what they say meanwhile, how they end, and the way to end them."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from utils.errors import UserError
from utils.places import program
from utils.safe_reading import one_line

CANCELLED = 130  # what shells show for a program that was interrupted
MOST_LINES = 2000
_LONGEST_LINE = 600  # characters
_LAST_WORDS = 2**14  # bytes of standard error that are looked at
_PACKAGES = Path(__file__).resolve().parents[len(__package__.split("."))]  # where modules are found by their names
_PATIENCE = 5.0  # seconds between asking a process to end and ending it


class Job:
    """A verb, and perhaps another process beside it whose output nobody reads.

    Args:
        words: the verb and its flags.
        beside: the words of the other process.
        again: asked after a failure for words with which to try once more; None to leave it at that.

    Attributes:
        lines: what the verb has printed.
        status: its exit status, None before it ended.
        error: the line that a console would show, "" if all went well.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        beside: Sequence[str] = (),
        again: Callable[[], list[str] | None] = lambda: None,
    ) -> None:
        self.words = list(words)
        self.lines: list[str] = []
        self.status: int | None = None
        self.error = ""
        self._beside, self._again = list(beside), again
        self._begun: float | None = None
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[str]] = []
        self._cancelled = False

    @property
    def verb(self) -> str:
        """The verb."""
        return self.words[0]

    @property
    def seconds(self) -> int | None:
        """Since it began; None while it waits for others."""
        return None if self._begun is None else int(time.monotonic() - self._begun)

    def run(self) -> None:
        """Runs to the end, or until it is cancelled."""
        beside = self._started(self._beside, subprocess.DEVNULL, subprocess.DEVNULL) if self._beside else None
        status = self._verb()
        if status and not self._cancelled and (words := self._again()) is not None:
            self.words, self.lines = words, []
            status = self._verb()
        if beside is not None:
            beside.wait()
        if self._cancelled:
            self.error, status = "stopped before the end", CANCELLED
        self.status = status

    def _verb(self) -> int:
        """Runs the verb once; returns its exit status."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
            process = self._started([*program(), *self.words], subprocess.PIPE, errors)
            if process is None:
                return CANCELLED
            assert process.stdout is not None
            for line in process.stdout:
                self._hear(line)
            status = process.wait()
            self.error = self._last_words(errors, status)
            return status

    def cancel(self) -> None:
        """Ends it, also before it has begun."""
        with self._lock:
            self._cancelled = True
            processes = list(self._processes)
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()

    def outcome(self) -> dict[str, Any]:
        """What to remember of it."""
        return {"status": self.status, "lines": self.lines, "error": self.error}

    def _started(self, words: Sequence[str], out: Any, errors: Any) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._cancelled:
                return None
            self._begun = self._begun or time.monotonic()
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_PACKAGES), *_paths()])},
                start_new_session=True,  # Ctrl-C ends the server, which ends its jobs
            )
            self._processes.append(process)
            return process

    def _hear(self, line: str) -> None:
        if len(self.lines) < MOST_LINES:
            indent = line[: len(line) - len(line.lstrip())]
            self.lines.append((indent + one_line(line))[:_LONGEST_LINE])
        elif len(self.lines) == MOST_LINES:
            self.lines.append("... and more")

    def _last_words(self, errors: IO[str], status: int) -> str:
        """The line on standard error of a verb that failed."""
        if status == 0:
            return ""
        place = errors.seek(0, 2)
        errors.seek(max(0, place - _LAST_WORDS))
        said = [line for line in errors.read().splitlines() if line.strip()]
        last = one_line(said[-1]) if said else ""
        if status > 0 and last.startswith("run.py: "):
            return last.removeprefix("run.py: ")
        return f"{self.verb} ended with status {status}" + (f": {last[:_LONGEST_LINE]}" if last else "")


def _paths() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


class Jobs:
    """The jobs of a server: one at a time for an upload, a few at a time in all; others wait.

    Args:
        most: that run at once.
    """

    def __init__(self, most: int = 2) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="job")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(self, key: str, job: Job, done: Callable[[Job], None]) -> None:
        """Runs a job behind those that wait.

        Args:
            key: the upload's identity.
            job: what to run.
            done: called with the job when it is over, before another may begin.

        Raises:
            UserError: a job of this upload has not ended.
        """
        with self._lock:
            if key in self._jobs:
                raise Busy(f"{self._jobs[key].verb} is still at work on these files; wait for it, or stop it")
            self._jobs[key] = job
            self._pool.submit(self._run, key, job, done)

    def _run(self, key: str, job: Job, done: Callable[[Job], None]) -> None:
        try:
            job.run()
            done(job)
        finally:
            with self._lock:
                del self._jobs[key]

    def active(self, key: str) -> Job | None:
        """The job of an upload that has not ended."""
        with self._lock:
            return self._jobs.get(key)

    def close(self) -> None:
        """Ends all jobs."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        self._pool.shutdown(cancel_futures=True)


class Busy(UserError):
    """Something is at work on the same files."""
