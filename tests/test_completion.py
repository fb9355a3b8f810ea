"""Tab completes what the parsers of the program take."""

import shutil
import subprocess
import sys

import pytest

import run
from tests.conftest import REPOSITORY

pytest.importorskip("shtab")
# Calls a function of the script as bash does where Tab is pressed behind the last word.
PRESS = """
source /dev/stdin
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
if [[ $1 == python ]]; then _behind_python; else _shtab_dualgafnet; fi
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script() -> str:
    done = subprocess.run(
        [sys.executable, "run.py", "completion", "bash"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("before", [["python", "run.py"], ["python", "some/run.py"], ["run.py"]])
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["det"], {"detect"}),
        (["detect", "--conf"], {"--config", "--confirm"}),
        (["--learning_r"], {"--learning_rate"}),
        (["train", "--encoder", "be"], {"between"}),
        (["--model", "Random"], {"RandomForest"}),
        (["detect", "--unit_from", ""], {"auto", "file", "folder", "prefix"}),
        (["benchmark", "ca"], {"catalogue"}),
        (["completion", ""], {"bash", "zsh"}),
        (["help", "fee"], {"feedback"}),
        (["detect", "--batch"], set()),
    ],
)
def test_tab_behind_a_word(before: list[str], words: list[str], found: set[str], script: str) -> None:
    line = ["bash", "--norc", "-c", PRESS, "bash", *before, *words]
    done = subprocess.run(line, input=script, capture_output=True, text=True, cwd=REPOSITORY / "docs")
    assert set(done.stdout.split()) == found, done.stderr


def test_another_program_of_python_is_left_alone(script: str) -> None:
    line = ["bash", "--norc", "-c", PRESS, "bash", "python", "other.py", "det"]
    assert subprocess.run(line, input=script, capture_output=True, text=True).stdout.strip() == ""


def test_the_word_of_zsh(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["completion", "zsh"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("#compdef run.py")
    assert "--unknown_rate" in text
    if shell := shutil.which("zsh"):
        assert subprocess.run([shell, "-n"], input=text, text=True, capture_output=True).stderr == ""


def test_without_shtab_a_line_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert run.main(["completion"]) == 2
    assert "python -m pip install shtab" in capsys.readouterr().err


def test_a_shell_that_is_not_known_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["completion", "fish"]) == 2
    assert "'fish' is not one of: bash, zsh" in capsys.readouterr().err
