"""report.html of a detection."""

from dataclasses import dataclass
from pathlib import Path

from utils.detection_record import Unit

MARK = "<!-- detection report -->"


@dataclass(frozen=True, kw_only=True)
class About:
    model: str
    data: str
    classes: int
    has_normal: bool
    window_seconds: int
    stride_seconds: int
    simulated: bool


def write(path: Path, units: list[Unit], about: About) -> Path:
    path.write_text("<!DOCTYPE html>" + MARK)
    return path
