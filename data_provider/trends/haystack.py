"""Grids of Project Haystack, in Zinc or in JSON, as CSV text for the one reader of tables.

Formats: project-haystack.org/doc/docHaystack/Zinc and /Json, versions 2 to 4.
"""

import csv
import io
import json
import re
from typing import Any

from data_provider.trends.problems import Unusable

_SCALAR = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|@[^\s,]+(?: "(?:[^"\\]|\\.)*")?|[^,"`]*')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_SILENT = ("N", "NA", "R", "M", "NaN")
_TRUTH = {"T": "true", "F": "false"}


def zinc_text(text: str) -> str:
    """A grid in Zinc as CSV.

    Raises:
        Unusable: it is not one.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[0].startswith("ver:"):
        raise Unusable('it does not begin as a grid in Zinc (ver:"3.0")', "export it again", kind="text")
    names = [_name(column) for column in _split(lines[1])]
    return _csv([names, *([_zinc(cell) for cell in _split(line)] for line in lines[2:])])


def _split(line: str) -> list[str]:
    """The cells of a line; commas within strings, links and the tags of a column do not separate."""
    cells, at = [], 0
    while True:
        start = at
        while at < len(line) and line[at] != ",":
            match = _SCALAR.match(line, at)
            at = match.end() if match and match.end() > at else at + 1
        cells.append(line[start:at].strip())
        if at >= len(line):
            return cells
        at += 1


def _name(column: str) -> str:
    """What a column is called for people: its tag dis, that of its id, else its name."""
    for pattern in (r'\bdis:"((?:[^"\\]|\\.)*)"', r'\bid:@\S+ "((?:[^"\\]|\\.)*)"'):
        if match := re.search(pattern, column):
            return _string(match[1]) + _unit_of(column)
    return column.split(" ", 1)[0] + _unit_of(column)


def _unit_of(column: str) -> str:
    """The unit among a column's tags, as a header has it."""
    match = re.search(r'\bunit:"((?:[^"\\]|\\.)*)"', column)
    return f" ({_string(match[1])})" if match else ""


def _string(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if len(match[1]) == 5:
            return chr(int(match[1][1:], 16))
        return _ESCAPES.get(match[1], match[1])

    return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", plain, text)


def _zinc(cell: str) -> str:
    if cell in _SILENT:
        return ""
    if cell in _TRUTH:
        return _TRUTH[cell]
    return _string(cell[1:-1]) if cell.startswith('"') and cell.endswith('"') and len(cell) > 1 else cell


def json_text(text: str) -> str:
    """A grid in JSON as CSV.

    Raises:
        Unusable: it is not one.
    """
    try:
        grid = json.loads(text)
        names = [column["name"] for column in grid["cols"]]
        if not names:
            raise ValueError("no columns")
        rows = grid["rows"]
        titles = [_title(column) for column in grid["cols"]]
        cells = [[_json(row.get(name)) for name in names] for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:60]
        raise Unusable(f"it is not a grid in JSON ({reason})", "export it again", kind="text") from None
    return _csv([titles, *cells])


def _title(column: dict[str, Any]) -> str:
    tags = {**column, **(column.get("meta") or {})}
    named = tags.get("id") if isinstance(tags.get("id"), dict) else {}
    name = str(tags.get("dis") or (named or {}).get("dis") or column["name"]).removeprefix("s:")
    return f"{name} ({str(tags['unit']).removeprefix('s:')})" if tags.get("unit") else name


def _json(value: Any) -> str:
    """A value of version 4, {"_kind": ..., "val": ...}, or of version 3, "n:66.3 degF"."""
    if isinstance(value, dict):
        kind = value.get("_kind")
        if kind == "number":
            return f"{_json(value.get('val'))} {value.get('unit', '')}".strip()
        return _json(value.get("val")) if kind in ("dateTime", "date", "time", "uri") else ""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    word = str(value)
    if re.match(r"[a-z]:", word):
        return "" if word[0] in "rcz" else word[2:]
    return "" if word in ("-:", "m:", "z:") else word


def _csv(rows: list[list[str]]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows([[" ".join(cell.split()) for cell in row] for row in rows])
    return target.getvalue()
