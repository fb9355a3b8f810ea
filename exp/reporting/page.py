"""Pages that carry everything they need: templates, the way numbers are written, pictures and tables for them."""

import base64
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from utils.errors import UserError
from utils.files import write_text
from utils.safe_reading import read_bounded

_TEMPLATES = Path(__file__).resolve().parent / "templates"
LARGEST_PICTURE = 2**26  # bytes
_PIXELS = 1.5  # of a PNG for each pixel of the page, so that a figure is sharp on a fine screen
_SHRINKS_TO = 700  # figures up to this width shrink with the window; wider ones scroll in their box


def render(template: str, **context: Any) -> str:
    """A page from a template of `exp/reporting/templates`; everything put into it is escaped.

    Raises:
        jinja2.UndefinedError: the template uses a name that the context lacks.
    """
    return _environment().get_template(template).render(**context)


def save(path: Path, text: str) -> None:
    """Write a text file whole or not at all, making its folder.

    Raises:
        UserError: the place cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise UserError(f"cannot write {path} ({error.strerror}); choose a folder that can be written to") from error


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,  # the templates' names end in .j2, by which jinja2 could not tell that they are HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "size": file_size, "duration": duration, "cell": cell}
    environment.filters |= {"reading": reading}
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters["capitalize_first"] = lambda words: words[:1].upper() + words[1:]
    environment.tests["figure_of_table"] = lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    return environment


def missing(value: Any) -> bool:
    """True for None and NaN: a metric that could not be computed."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: float | None, digits: int = 3) -> str:
    """0.8781 -> "0.878"; a missing one is a dash."""
    return "-" if missing(value) else f"{value:.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    """0.8781 -> "87.8 %", with a space that does not break."""
    return "-" if value is None or missing(value) else f"{100 * value:.{digits}f}\u00a0%"


def reading(value: float | None, unit: str = "") -> str:
    """A reading of a sensor to three digits or more: 12345.6 CFM -> "12,346 CFM"; a missing one is a dash."""
    if value is None or missing(value):
        return "-"
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    words = {"F": "\u00b0F", "C": "\u00b0C", "0-1": ""}.get(unit, unit)
    return f"{text}\u00a0{words}" if words else text


def file_size(count: int) -> str:
    """Bytes in the unit that suits them: 1651492 -> "1.7 MB"."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"


def duration(seconds: float) -> str:
    """278.4 -> "4 min 38 s"; the two largest units that are not zero."""
    left = round(seconds)
    if left == 0:
        return f"{seconds:.1f}\u00a0s"
    words = []
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        if count:
            words.append(f"{count}\u00a0{unit}")
        elif words:
            break
    return " ".join(words[:2])


def cell(value: Any) -> str:
    """Any plain value as it stands in a table: thousands marked, lists joined, nested things as JSON."""
    if missing(value):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 1000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple) and not any(isinstance(part, list | tuple | Mapping) for part in value):
        return ", ".join(cell(part) for part in value) if value else "none"
    return (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | tuple | Mapping) else str(value)
    )


@dataclass(frozen=True)
class Picture:
    """A figure inside a page.

    Attributes:
        uri: the PNG as a data URI.
        width: pixels of the page at its natural size.
        narrowest: pixels below which it scrolls in its box instead of shrinking, 0: never.
    """

    uri: str
    width: int
    narrowest: int


def picture(path: Path, *, within: Path | None = None) -> Picture:
    """Read a PNG, which no link may lead to from `within`.

    Raises:
        ValueError: the file is not a PNG.
        UserError: it is no regular file of a picture's size, or lies elsewhere.
    """
    content = read_bounded(path, largest=LARGEST_PICTURE, within=within)
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 24:
        raise ValueError(f"{path} is not a PNG file")
    width = round(struct.unpack(">I", content[16:20])[0] / _PIXELS)
    uri = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    return Picture(uri=uri, width=width, narrowest=0 if width <= _SHRINKS_TO else max(600, round(0.75 * width)))


@dataclass(frozen=True)
class Table:
    """A table of plain values under a title; the header may be empty."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def tables(title: str, facts: Mapping[str, Any]) -> list[Table]:
    """Tables of whatever plain values a report carries: the simple ones together, each nested one on its own.

    Args:
        title: of the table of simple values.
        facts: name -> number, text, list, dict, list of dicts or dict of dicts.
    """
    simple: list[tuple[Any, ...]] = []
    nested: list[Table] = []
    for key, value in facts.items():
        name = label(key)
        if isinstance(value, Mapping) and value and all(isinstance(v, Mapping) for v in value.values()):
            nested.append(_records(name, [{"": label(k), **v} for k, v in value.items()]))
        elif isinstance(value, Mapping) and value:
            nested.append(Table(name, (), tuple((label(k), v) for k, v in value.items())))
        elif isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) for v in value):
            nested.append(_records(name, value))
        else:
            simple.append((name, "none" if isinstance(value, Mapping) else value))
    return ([Table(title, (), tuple(simple))] if simple else []) + nested


def _records(title: str, records: Sequence[Mapping[str, Any]]) -> Table:
    keys = list(dict.fromkeys(key for record in records for key in record))
    return Table(title, tuple(label(k) for k in keys), tuple(tuple(r.get(k, "") for k in keys) for r in records))


def label(key: Any) -> str:
    """A name from a program as words: "rows_read" -> "rows read". Names of files stay as they are."""
    words = str(key)
    return words if "." in words or any(letter.isupper() for letter in words) else words.replace("_", " ")
