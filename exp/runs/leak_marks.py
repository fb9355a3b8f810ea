"""What stays on every number of a run whose data or split leaks."""

from collections.abc import Mapping
from typing import Any

from data_provider.leaks.finding import NOTE, Finding
from data_provider.leaks.guard import findings_of

RANDOM = "random_split"


def marks_of(data: Mapping[str, Any]) -> list[str]:
    """The names of leaks in a run's facts about its data, none in runs of versions that knew no marks."""
    return ([RANDOM] if data["leaking"] else []) + list(data.get("marks", []))


def mark_of(data: Mapping[str, Any]) -> str:
    """The marks in a few words to stand beside a number, "" where there are none."""
    names = marks_of(data)
    return f"leaks: {', '.join(names)}" if names else ""


def marked(data: Mapping[str, Any], words: str) -> str:
    """Words about a number, with the mark behind them."""
    mark = mark_of(data)
    return f"{words}; {mark}" if mark else words


def marking(data: Mapping[str, Any]) -> list[Finding]:
    """The findings behind the marks."""
    return [found for found in findings_of(data["report"].get("leaks", {})) if found.level != NOTE]


def noted(data: Mapping[str, Any]) -> list[Finding]:
    """The findings that may be physics."""
    return [found for found in findings_of(data["report"].get("leaks", {})) if found.level == NOTE]
