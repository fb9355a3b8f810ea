"""Events and marks that the tests of `feedback` share."""

import csv
import io
from pathlib import Path

import run
from exp.detection.feedback import Mark
from exp.detection.marks import read_marks
from exp.detection.tables import EVENT_FIELDS


def found(model: Path, source: Path, output: object, *flags: str) -> int:
    words = ["detect", "--run", str(model), "--input", str(source), "--output", str(output), "--disable_parallel"]
    words += ["--hold_hours", "0"]  # several events of a unit, so that there is a lower and a higher one
    return run.main([*words, *flags])


def rows(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def events(path: Path) -> list[dict]:
    return [row for row in rows(path) if row["confirmed"] == "yes"]


def save(path: Path, table: list[dict], **style: str) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]), **{"lineterminator": "\n", **style})
    writer.writeheader()
    writer.writerows(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode())
    return path


def row(**cells: str) -> dict:
    """A row of events.csv."""
    usual = {"file": "a.csv", "fault": "stuck", "start": "2008-05-06T06:48:00", "end": "2008-05-06T18:00:00"}
    usual |= {"hours": "11", "windows": "4", "mean_confidence": "0.7", "peak_confidence": "0.83", "confirmed": "yes"}
    return {name: {**usual, **cells}.get(name, "") for name in EVENT_FIELDS}


def mark(peak: float, *, right: bool = False, **changes) -> Mark:
    usual = {"file": "a.csv", "fault": "stuck", "start": f"2008-05-06T06:48:{round(peak * 100) % 60:02}"}
    return Mark(**{**usual, "peak_confidence": peak, "right": right, **changes})


def give(path: Path, *flags: str) -> int:
    return run.main(["feedback", "--events", str(path), *flags])


def marked(path: Path, *said: str) -> list[Mark]:
    """The marks that a file of some rows holds."""
    save(path, [row(right=word, start=f"2008-05-{day:02}T06:48:00") for day, word in enumerate(said, 6)])
    return read_marks(path).marks
