"""The role map as a form: what stands in the map beside what a file has, and the way back to YAML."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from utils.errors import UserError
from utils.files import write_text
from utils.plain_yaml import load_plain
from utils.safe_reading import read_bounded

LARGEST = 2**20  # bytes
UNIT = "{unit}"  # stands in the names of a map for the name of whatever unit a file is of
_CHECK = re.compile(r"\s#\s*check:?\s*(.*)$")
_HEAD = "# Role map, written by: python run.py serve\n"


@dataclass(frozen=True)
class Line:
    """A role of the model, and the point that it is.

    Attributes:
        role: its name.
        words: what it is, "" if nobody knows.
        units: that it may be given in.
        column: the file's point, "" if there is none.
        unit: the point's unit, "" where the file says it.
        doubt: why a person should check it, "" if there is no reason.
    """

    role: str
    words: str
    units: tuple[str, ...]
    column: str = ""
    unit: str = ""
    doubt: str = ""


def lines_of(roles: Sequence[Mapping[str, Any]], path: Path) -> list[Line]:
    """A line for each role of the model, filled in from a role map if there is one.

    Args:
        roles: the model's, as `exp/serving/points.py` writes them.
        path: the role map.

    Raises:
        UserError: the map cannot be read.
    """
    known, doubts = _map(path), _doubts(path)
    lines = []
    for role in roles:
        name = str(role["name"])
        line = Line(name, str(role["words"]), tuple(map(str, role["units"])), doubt=doubts.get(name, ""))
        if name in known:
            line = replace(line, column=str(known[name]["column"]), unit=str(known[name].get("unit") or ""))
        lines.append(line)
    return lines


def save(path: Path, lines: Sequence[Line]) -> None:
    """Writes a role map; what it said beside columns and units of the roles stays. Without any line it is removed.

    Raises:
        UserError: the map that is there cannot be read.
    """
    known = _map(path)
    former = {role: known.pop(role, {}) for role in [line.role for line in lines]}
    for line in lines:
        if line.column:
            entry = former[line.role] if former[line.role].get("column") == line.column else {}
            entry = {**entry, "column": line.column, "unit": line.unit}
            known[line.role] = {name: value for name, value in entry.items() if name == "column" or value}
    if not known:
        path.unlink(missing_ok=True)
        return
    write_text(path, _HEAD + yaml.safe_dump(known, allow_unicode=True, sort_keys=False, width=float("inf")))


def _map(path: Path) -> dict[str, dict[str, Any]]:
    """What a role map says: role -> column, unit, states."""
    if not path.is_file():
        return {}
    try:
        content = load_plain(read_bounded(path, largest=LARGEST, within=path.parent))
    except (UnicodeDecodeError, yaml.YAMLError):
        raise UserError(f"{path}: cannot be read as YAML; remove this upload and give the files again") from None
    entries = content.items() if isinstance(content, dict) else ()
    return {str(role): value if isinstance(value, dict) else {"column": value} for role, value in entries}


def _doubts(path: Path) -> dict[str, str]:
    """What doctor asks to check: role -> why."""
    text = read_bounded(path, largest=LARGEST, within=path.parent).decode() if path.is_file() else ""
    doubts: dict[str, str] = {}
    for line in text.splitlines():
        found = _CHECK.search(line)
        if found and not line.startswith("#"):
            content = load_plain(line[: found.start()].encode())
            doubts |= {str(role): found[1] or "a guess" for role in (content if isinstance(content, dict) else ())}
    return doubts


def forms_of(points: Sequence[str], lines: Sequence[Line]) -> dict[str, str]:
    """Each point of a file by the name that a map of several units has for it, with {unit} for the file's own.

    Args:
        points: their names.
        lines: of the map.
    """
    forms, heads = {name: name for name in points}, Counter[tuple[str, str]]()
    for line in lines:
        if UNIT in line.column:
            before, _, behind = (re.escape(part) for part in line.column.partition(UNIT))
            for name in points:
                if found := re.fullmatch(f"{before}(.+?){behind}", name):
                    forms[name] = line.column
                    heads[line.column.partition(UNIT)[0], found[1]] += 1
    if heads:
        head, unit = heads.most_common(1)[0][0]
        for name in points:  # those that the map does not name
            if forms[name] == name and name.startswith(head + unit) and name != head + unit:
                forms[name] = head + UNIT + name[len(head + unit) :]
    return forms
