"""One word for one thing: names, help, messages, reports and pages use the terms of docs/GLOSSARY.md."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs" / "GLOSSARY.md"
# Where a former word has to stand: former flags and stored names that go on working, and what tells of them.
FORMER = {
    "docs/GLOSSARY.md",
    "CHANGELOG.md",
    "utils/former_options.py",
    "layers/branch.py",
    "tests/test_command_line.py",
    "tests/data_provider/test_windows.py",
}
ENDINGS = (".py", ".md", ".j2", ".sh", ".ipynb", ".yml", ".toml")


def rows() -> list[list[str]]:
    """The cells of the glossary's table: term, what it is, what it is not called, source."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True).stdout.split("\n")
    if not any(listed):
        pytest.skip("not a git checkout, so there is no list of the repository's files")
    wanted = [name for name in listed if name.endswith(ENDINGS) and name not in FORMER and "fixtures" not in name]
    return [REPOSITORY / name for name in wanted if (REPOSITORY / name).is_file()]


def words_of(text: str) -> str:
    """A text with its names taken apart: `TreeModel` and `tree_model` hold the word model."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", text)


def test_the_table_is_whole_and_in_order():
    table = rows()
    assert len(table) > 40
    assert all(len(row) == 4 and row[0] and row[1] for row in table)
    terms = [row[0].lower().split(" (")[0] for row in table]
    assert terms == sorted(terms)
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize("word", sorted({row[2] for row in rows() if row[2]}))
def test_a_term_has_one_word(word):
    pattern = re.compile(rf"(?<![a-z]){word.rstrip('e')}(e|es|ed|ing|s)?(?![a-z])", re.IGNORECASE)
    found = []
    for path in files():
        for number, line in enumerate(words_of(path.read_text(encoding="utf-8")).splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:80]}")
    assert found == [], f"'{word}' is not the word of docs/GLOSSARY.md"
