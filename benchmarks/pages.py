"""Figures on a page of the documentation, between markers that their names are in."""

from pathlib import Path

from utils.errors import UserError

DOCS = Path(__file__).resolve().parent.parent / "docs"


def check_pages() -> None:
    """Raises UserError where the program is installed without its documentation."""
    if not DOCS.is_dir():
        raise UserError("--write fills in a page of the documentation, which only a checkout of the repository has")


def marks(name: str) -> tuple[str, str]:
    """The comments that a table of this name stands between."""
    return f"<!-- table: {name} -->", f"<!-- end: {name} -->"


def put(name: str, text: str, page: Path) -> None:
    """Puts a text between the page's markers.

    Raises:
        ValueError: the page lacks the markers.
    """
    begin, end = marks(name)
    before, rest = page.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def markdown(lines: list[list[str]]) -> str:
    """A table, its first line the header."""
    header, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, ["---"] * len(header), *rest])
