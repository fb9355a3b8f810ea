"""Cells that a spreadsheet would run as a formula, made harmless before they are written."""

import re

# Full-width forms too: some spreadsheets take them for the same signs.
FORMULA_SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def harmless(text: str) -> str:
    """A cell's text that no spreadsheet takes for a formula.

    Text whose first visible character is one of = + - @ gets an apostrophe before it, which spreadsheets do not show;
    so does text that begins with a tab or a line end, which they drop before they look. Numbers stay as they are.
    (OWASP, CSV injection.)
    """
    if _NUMBER.fullmatch(text):
        return text
    risky = text.lstrip().startswith(FORMULA_SIGNS) or text.startswith(("\t", "\r", "\n"))
    return "'" + text if risky else text
