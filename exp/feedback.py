"""The verb `feedback`: marks in events.csv to feedback.json, which the next `detect` into the same folder heeds."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_provider.trends.database import is_database
from exp.detection.feedback import Feedback, Mark, read_feedback, threshold_words, write_feedback
from exp.detection.marks import read_marks
from utils.errors import UserError
from utils.options import Options
from utils.safe_reading import plain_lines


def run(options: Options) -> int:
    """Takes the marks of `--events` and prints a line for each unit and fault.

    Returns:
        The exit status.

    Raises:
        UserError: the events or the earlier feedback cannot be used.
    """
    if not options.events:
        raise UserError("feedback needs --events with the events.csv of a detect, its column 'right' filled in")
    if options.output and is_database(options.output):
        raise UserError("feedback lies in a folder; name the folder of a detect with --output")
    path = Path(options.events).expanduser()
    folder = Path(options.output).expanduser() if options.output else path.parent
    marked = read_marks(path, folder)
    for line in marked.ignored:
        print(plain_lines(f"{path}, {line}"))
    if not marked.marks:
        raise UserError(f"{path}: no event is marked; write yes or no into its column 'right'")
    before = read_feedback(folder)
    feedback = before.joined(marked.marks)
    written = write_feedback(folder, feedback)
    for line in _told(before, feedback, marked.marks):
        print(plain_lines(line))
    print(f"kept: {written}")
    return 0


def _told(before: Feedback, feedback: Feedback, marks: Sequence[Mark]) -> list[str]:
    """A line a unit and fault: what was taken, what there was, and what follows."""
    taken = Feedback().joined(marks)
    lines = []
    for file, fault in dict.fromkeys((mark.file, mark.fault) for mark in taken.marks):
        now, all_of_it = taken.of(file, fault), feedback.of(file, fault)
        number = Counter("right" if mark.right else "wrong" for mark in now)
        words = ", ".join(f"{number[word]} {word}" for word in ("wrong", "right") if number[word])
        earlier = len(all_of_it) - len(now)
        with_them = f", {earlier} marked earlier" if earlier else ""
        replaced = sum(
            any(mark.of(old.start) and mark.right is not old.right for old in before.of(file, fault)) for mark in now
        )
        changed = f" ({replaced} changed)" if replaced else ""
        lines.append(f"{file}: {fault}: {words}{changed}{with_them}; {threshold_words(feedback, file, fault)}")
    return lines
