"""Events as the page holds them: the numbers of their charts, and which of them paper has room for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from exp.detection.evidence.kinds import POINT_WORDS
from exp.detection.record import Finding
from exp.reporting import interactive

MOST_PRINTED = 2  # events of a unit that are printed with their charts, those of the most hours; and
PRINTED_OF_MANY = 1  # where it has more than
FEW = 6  # events: two pages hold no more


def with_evidence(context: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a detection is given, with the charts of its events and the script that draws them."""
    events = _with_charts(context["events"])
    return {**context, "events": events, "charts": _charts(events)}


def _with_charts(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events with the place of their charts, their faults in words, and whether they are printed."""
    findings = [event["finding"] for event in events]
    printed = _printed(findings)
    return [
        {
            **event,
            "chart": place,
            "words": event["finding"].meaning.split(";")[0],
            "sensors": [POINT_WORDS.get(name, name) for name in event["finding"].sensors],
            "printed": place in printed,
        }
        for place, event in enumerate(events)
    ]


def _charts(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What draws the charts: data in the order of the events, script, style, the policy that lets it run."""
    data = [_plain(event["finding"]) for event in events]
    return {
        "data": data if any(data) else [],
        "script": interactive.script(),
        "style": interactive.style(),
        "policy": interactive.policy(),
    }


def _printed(findings: Sequence[Finding]) -> set[int]:
    """Places of the events that are printed with their charts."""
    places = sorted(range(len(findings)), key=lambda n: (findings[n].evidence is None, -findings[n].hours))
    events = Counter(finding.file for finding in findings)
    most = {file: MOST_PRINTED if number <= FEW else PRINTED_OF_MANY for file, number in events.items()}
    kept = set()
    for place in places:
        file = findings[place].file
        most[file] -= 1
        if most[file] >= 0:
            kept.add(place)
    return kept


def _plain(finding: Finding) -> dict[str, Any] | None:
    if finding.evidence is None:
        return None
    physics = finding.evidence.physics
    return {"event": physics.event.plain(), "like": physics.like.plain() if physics.like else None}
