"""Markdown from templates: whatever is put into one is text, and can neither break a table nor become code or HTML."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from exp.reporting.page import cell, duration, file_size, missing, number, percent

_TEMPLATES = Path(__file__).resolve().parent / "templates"
# What Markdown or HTML may take for a sign. A numeric reference shows the character and is never one (CommonMark 2.5).
_SIGNS = re.compile(r"[\\`*\[\]<>&#|~@${}]|(?<![A-Za-z0-9])_")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def render_markdown(template: str, **context: Any) -> str:
    """A text from a template of `exp/reporting/templates`; everything put into it is escaped but for `Markdown`.

    Raises:
        jinja2.UndefinedError: the template uses a name that the context lacks.
    """
    return _environment().get_template(template).render(**context)


def escaped(value: Any) -> Markdown:
    """Any plain value as one line of Markdown text, its signs as numeric references: `a|b` -> `a&#124;b`."""
    if isinstance(value, Markdown):
        return value
    line = _UNSEEN.sub(" ", cell(value)).strip()
    return Markdown(_SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", line))


def code_block(text: str, language: str = "") -> Markdown:
    """A fenced block that holds the text as it is, whatever rows of backticks it has."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{language}\n{text}\n{fence}")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=False,  # that would escape for HTML; `finalize` escapes for Markdown
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": number,
        "percent": percent,
        "size": file_size,
        "duration": duration,
        "code_block": code_block,
    }
    environment.tests["missing"] = missing
    return environment
