"""What fuzzing found once is not found again; and the seeds, whole and damaged, end in a UserError at most."""

import random
import shutil
from pathlib import Path

import pytest

from scripts.fuzz import NAMES
from tests.fuzzing.readers import READERS
from tests.fuzzing.seeds import seeds, small_run

FINDINGS = sorted(Path(__file__).with_name("findings").glob("*/*"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[bytes]]]:
    place = tmp_path_factory.mktemp("corpus")
    run = small_run(place)
    return run, seeds(run, place)


@pytest.fixture
def place(corpus, tmp_path) -> Path:
    shutil.copytree(corpus[0], tmp_path / "run")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_read_and_damaged_ones_end_in_one_line_at_most(name, corpus, place) -> None:
    """A reader fails the test for anything else that comes out of it."""
    dice, contents, read = random.Random(name), corpus[1][name], READERS[name]
    outcomes = [read(content, place) for content in contents]
    assert outcomes[0]
    assert 2 * sum(outcomes) >= len(outcomes)  # some layouts need a flag, and some seeds are odd on purpose
    found = [path.read_bytes() for path in FINDINGS if path.parent.name == name]
    for content in [*found, *(damaged(dice.choice(contents), dice) for _ in range(12))]:
        read(content, place)
    assert read(b"", place) is (name == "tables")  # without a row there was no epoch


def damaged(content: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, a piece taken out or put in twice."""
    changed = bytearray(content)
    for _ in range(dice.randrange(1, 4)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    start, end = sorted(dice.choices(range(len(changed)), k=2))
    piece = bytes(changed[start:end])
    return bytes(changed) if dice.random() < 0.5 else content[:start] + piece * dice.choice((0, 2)) + content[end:]


def test_every_reader_is_fuzzed() -> None:
    assert tuple(READERS) == NAMES
