"""Where the files of a detection go; windows.csv and events.csv as text, and the way to a file that grows.

Letters: n windows, K classes.
"""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exp.detection import report, summary
from exp.detection.evaluated import EvaluatedFile
from exp.detection.feedback import RIGHT
from exp.detection.record import Finding
from exp.evaluation.decision import NO_ANSWER
from utils.errors import UserError
from utils.files import write_bytes
from utils.locks import alone

EVENT_FIELDS = (
    "file", "fault", "meaning", "start", "end", "hours", "windows", "mean_confidence", "peak_confidence", "sensors",
    "ongoing", "advice", "confirmed", "rules", RIGHT, "kind", "mean_novelty", "peak_novelty", "within", "reason",
)  # fmt: skip
NOVELTY = ("novelty", "novelty_rank")  # the last columns of windows.csv
# How files that `detect` may overwrite begin.
HEADS = {
    "windows": "file,start,end,class,confidence,",
    "events": "file,fault,meaning,",
    "days": "file,day,verdict,",
    "report": report.MARK,
    "summary": summary.MARK,
}
ENDINGS = {"report": "html", "summary": "json"}


@dataclass(frozen=True, kw_only=True)
class Output:
    """The files of a detection, those of a shard with its number in their names."""

    folder: Path
    shard: int = 1
    shards: int = 1

    def path(self, name: str) -> Path:
        """Of "windows", "events", "days", "report" or "summary"."""
        mark = f".{self.shard}-of-{self.shards}" if self.shards > 1 else ""
        return self.folder / f"{name}{mark}.{ENDINGS.get(name, 'csv')}"

    def alone(self) -> AbstractContextManager[None]:
        """Keeps other detections from replacing these files while a block runs; raises UserError where one does."""
        busy = f"another detection writes to {self.folder}; wait until it has ended, or name another --output"
        return alone(self.folder / f".{self.path('events').stem}.lock", busy)

    def prepare(self) -> None:
        """Makes the folder.

        Raises:
            UserError: it cannot be made, or holds files of these names that `detect` did not write.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {self.folder} ({error.strerror}); name another --output") from None
        for name, head in HEADS.items():
            path = self.path(name)
            if path.exists() and not (path.is_file() and _begins_as_ours(path, head)):
                raise UserError(f"{path} exists and was not written by detect; name another --output")


def window_fields(classes: Sequence[str]) -> list[str]:
    """The columns of windows.csv."""
    probabilities = (f"p_{name}" for name in classes)
    return ["file", "start", "end", "class", "confidence", *probabilities, "verdict", "reason", *NOVELTY]


def window_rows(evaluated: EvaluatedFile, classes: Sequence[str]) -> list[dict[str, Any]]:
    """A row a window and a row a time that could not be evaluated, in the order of their starts."""
    file = {"file": evaluated.file}
    if evaluated.refused:
        times = evaluated.trend.times
        span = {"start": evaluated.clock(times[0]), "end": evaluated.clock(times[-1])} if len(times) else {}
        return [{**file, **span, "verdict": NO_ANSWER, "reason": evaluated.refused}]
    rows: list[tuple[Any, dict[str, Any]]] = []
    for gap in evaluated.gaps:
        span = {"start": evaluated.clock(gap.start), "end": evaluated.clock(gap.end)}
        rows.append((gap.start, {**file, **span, "verdict": NO_ANSWER, "reason": gap.reason}))
    for place, verdict in enumerate(evaluated.verdict):
        row: dict[str, Any] = {
            **file,
            "start": evaluated.clock(evaluated.start[place]),
            "end": evaluated.clock(evaluated.end[place]),
        }
        if verdict != NO_ANSWER:
            named = evaluated.named[place]
            row |= {"class": classes[named], "confidence": float(evaluated.confidence[place, named])}
            probabilities = evaluated.probabilities[place]
            row |= {f"p_{name}": float(p) for name, p in zip(classes, probabilities, strict=True)}
        row |= {"verdict": verdict, "reason": evaluated.reason[place]}
        if np.isfinite(evaluated.novelty[place]):
            row |= {"novelty": float(evaluated.novelty[place]), "novelty_rank": float(evaluated.novelty_rank[place])}
        rows.append((evaluated.start[place], row))
    return [row for _, row in sorted(rows, key=lambda entry: entry[0])]


def event_row(finding: Finding) -> dict[str, Any]:
    """A row of events.csv."""
    row = {name: getattr(finding, name, "") for name in EVENT_FIELDS}  # all but `right` are of a finding
    return {
        **row,
        "hours": round(finding.hours, 2),
        "sensors": "; ".join(finding.sensors),
        "ongoing": "yes" if finding.ongoing else "no",
        "confirmed": "yes" if finding.confirmed else "no",
        "rules": "; ".join(finding.rules),
    }


def grow(path: Path, text: str) -> None:
    """Makes a file hold a text: what is new is appended where the file holds its beginning, else it is replaced.

    Raises:
        UserError: it cannot be written.
    """
    content = text.encode()
    try:
        old = path.read_bytes() if path.is_file() else b""
        if old and content.startswith(old):
            with path.open("ab") as file:
                file.write(content[len(old) :])
            return
        write_bytes(path, content)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose another --output") from None


def _begins_as_ours(path: Path, head: str) -> bool:
    with path.open("rb") as file:
        content = file.read(2**16)
    if path.suffix != ".csv":
        return head.encode() in content
    return content.startswith(head.encode()) or _as_written(content).startswith(head)


def _as_written(content: bytes) -> str:
    """The beginning of a table that a spreadsheet saved, as it was before."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16" if wide else "utf-8-sig", errors="replace").replace('"', "")
    return re.sub(r"^sep=.\s+", "", text).replace(";", ",").replace("\t", ",")
