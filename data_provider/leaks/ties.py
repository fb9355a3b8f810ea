"""Whether a signal has to do with a fault by physics, as far as their names tell."""

import re
from collections.abc import Iterable

from data_provider.trends.role_names import role_of, words_of

# A thing -> how names call it; a signal and a fault of the same thing belong together.
_THINGS = {
    "damper": r"damper|dmpr|(?<![a-z])dmp",
    "valve": r"valve|vlv|coil|(?<![a-z])coi(?![a-z])",
    "fan": r"fan(?![a-z])|(?<![a-z])[sr]f(?![a-z])|belt|speed|(?<![a-z])spd",
    "pump": r"pump",
    "flow": r"flow|cfm|fouling|filter",
    "pressure": r"press|static|inwg|(?<![a-z])c?h?sp(?![a-z])|filter|fouling",
}
_MOVERS = r"fan(?![a-z])|pump|speed|(?<![a-z])spd|(?<![a-z])[sr]f(?![a-z])"
_COMMANDS = r"command|cmd|control signal|output|(?<![a-z])dm(?![a-z])|(?<![a-z])cs(?![a-z])"
_SENSOR_FAULTS = r"bias|drift|sensor|offset"
_MEASURED = r"temp|press|flow|cfm|humid"


def _plain(name: str) -> str:
    return re.sub(r"[_\W\d]+", " ", name.casefold())


def moves(column: str) -> bool:
    """True for what drives a fan or a pump."""
    return bool(re.search(_MOVERS, _plain(column)))


def carries_flow(column: str) -> bool:
    """True for a flow of air or water, as its name says."""
    return bool(re.search(r"flow|cfm|gpm", _plain(column)))


def commands(column: str) -> bool:
    """True for what a controller puts out, fans and pumps included."""
    role = role_of(column)
    told = role is not None and role.kind == "command"
    return told or moves(column) or bool(re.search(_COMMANDS, _plain(column)))


def tied(column: str, label: str) -> bool:
    """True if a fault of this name may show in the signal directly: they name the same thing."""
    signal, fault = _plain(column), _plain(label)
    if any(re.search(words, signal) and re.search(words, fault) for words in _THINGS.values()):
        return True
    if re.search(_SENSOR_FAULTS, fault) and re.search(_MEASURED, signal):
        return True
    return any(len(word) > 3 and word.isalpha() for word in words_of(column) & words_of(label))


def tied_to_all(column: str, told: Iterable[str], classes: Iterable[str], normal: str | None) -> bool:
    """True if physics may tell some classes by a signal.

    Args:
        column: the signal.
        told: the classes that it tells from all others.
        classes: all of them.
        normal: the class without fault; where it alone is told, every fault must have to do with the signal.
    """
    faults = [label for label in told if label != normal] or [label for label in classes if label != normal]
    return all(tied(column, label) for label in faults)
