"""Files that grow: each look evaluates what changed, and nothing that a file does for a while ends the watch."""

import logging
from collections.abc import Callable
from pathlib import Path

from data_provider.trends.files import TrendFile
from exp.detection.detector import Detector
from exp.detection.feedback import NAME, Feedback, read_feedback
from exp.detection.findings import Finder
from exp.detection.former import heeding, with_former
from exp.detection.marks import not_taken
from exp.detection.session import Result, evaluate_files, write
from exp.detection.tables import Output
from utils.errors import UserError

logger = logging.getLogger(__name__)

State = list[tuple[str, int, int]]  # name, bytes and time of change of each file


def follow(
    detector: Detector,
    finder: Finder,
    units: Callable[[], list[TrendFile]],
    output: Output,
    *,
    pause: Callable[[], None],
) -> None:
    """Evaluates the files whenever they have changed, until interrupted.

    What is written of a file that grows is what one pass would write. Of a file that was begun again, or is gone, what
    was found before stays. A file that cannot be read, or a place that cannot be written to, is told and tried again.

    Args:
        detector, finder, output: what, and where to.
        units: finds the files.
        pause: waits for the next look; `KeyboardInterrupt` out of it ends the watch.

    Raises:
        UserError: nothing can be read or written at the first look.
    """
    watch = _Watch(detector, finder, units, output)
    logger.info("following %d files; Ctrl-C ends it", len(units()))
    watch.look()
    try:
        while True:
            pause()
            try:
                watch.look()
            except (UserError, OSError) as error:
                watch.tell([str(error)])
    except KeyboardInterrupt:
        logger.info("no longer following; everything so far is in %s", output.folder)


class _Watch:
    """What was read and found so far."""

    def __init__(
        self, detector: Detector, finder: Finder, units: Callable[[], list[TrendFile]], output: Output
    ) -> None:
        self._detector, self._finder, self._units, self._output = detector, finder, units, output
        self._before: State = []
        self._found: Result | None = None
        self._told: list[str] = []
        self._written = 0

    def look(self) -> None:
        """Evaluates and writes where a file, or what people said of events, has changed."""
        output, finder = self._output, self._finder
        files = self._units()
        now = [(found.name, *_state(path)) for found in files for path in found.paths]
        now += [(NAME, *_state(path)) for path in [output.folder / NAME] if path.is_file()]
        if now == self._before:
            return
        finder.feedback = _newest(output, finder.feedback)
        keep_marks(output, finder.feedback)  # what was marked would be lost
        self._found = with_former(self._found, evaluate_files(self._detector, finder, files))
        result = heeding(self._found, finder.feedback)
        write(self._detector, finder, result, output)
        self._before = now
        self.tell([line for unit in result.units for line in unit.held])
        if len(result.rows) != self._written:
            logger.info("%d windows, %d events", len(result.rows), len(result.findings))
            self._written = len(result.rows)

    def tell(self, lines: list[str]) -> None:
        """Says what was not said at the look before."""
        for line in lines:
            if line not in self._told:
                logger.info("%s", line)
        self._told = lines


def keep_marks(output: Output, feedback: Feedback) -> None:
    """Looks for marks in the events.csv that will be replaced.

    Raises:
        UserError: there are some that `feedback` has not read.
    """
    path = output.path("events")
    number = not_taken(path, feedback)
    if number:
        many = f"{number} mark{'s' * (number > 1)} that feedback has not read"
        raise UserError(f"{path} holds {many}; run python run.py feedback --events {path}, or empty that column")


def _newest(output: Output, known: Feedback) -> Feedback:
    """What people have said meanwhile; what they said before where that cannot be read."""
    try:
        return read_feedback(output.folder)
    except UserError as error:
        logger.warning("%s", error)
        return known


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
