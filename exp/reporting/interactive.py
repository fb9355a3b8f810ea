"""Charts that one works with, inside a page that loads nothing: uPlot, and the script that drives it."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from markupsafe import Markup

_HERE = Path(__file__).resolve().parent
VENDORED = {
    "uplot/uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot/uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


@cache
def script() -> Markup:
    """What a page with charts carries between its script tags."""
    own = (_HERE / "templates" / "charts.js").read_text(encoding="utf-8")
    return Markup((_HERE / "uplot" / "uPlot.iife.min.js").read_text(encoding="utf-8") + "\n" + own)


@cache
def style() -> Markup:
    """What such a page carries between its style tags."""
    own = (_HERE / "templates" / "charts.css").read_text(encoding="utf-8")
    return Markup((_HERE / "uplot" / "uPlot.min.css").read_text(encoding="utf-8") + "\n" + own)


@cache
def policy() -> str:
    """The source of scripts for the page's content security policy: this script, by its sum, and no other."""
    digest = base64.b64encode(hashlib.sha256(str(script()).encode()).digest()).decode()
    return f"script-src 'sha256-{digest}'"
