"""`--drop_columns`: a column is gone from data, model and cache, and a name that no signal has is a mistake."""

from pathlib import Path

import numpy as np
import pytest

import run
from data_provider import load_data
from tests.data_provider.kit import folder_of_runs, options
from utils.errors import UserError


def test_columns_named_are_no_signals_any_more(tmp_path: Path) -> None:
    folder = str(folder_of_runs(tmp_path))
    whole = load_data(options(data="folder", root_path=folder, seq_len=48))
    data = load_data(options(data="folder", root_path=folder, seq_len=48, drop_columns=" signal B , signal B"))
    assert whole.info.columns == ("signal A", "signal B", "signal C")
    assert data.info.columns == data.recipe.columns == ("signal A", "signal C")
    assert data.info.report["columns dropped"] == {"signal B": "taken out by --drop_columns"}
    first = np.array([0])
    np.testing.assert_array_equal(data.train.readings(first), whole.train.readings(first)[:, [0, 2]])


@pytest.mark.parametrize(
    ("names", "words"), [("signal X", "has no such signal"), ("signal A,signal B,signal C", "every signal")]
)
def test_a_mistake_is_named(tmp_path: Path, names: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_data(options(data="folder", root_path=str(folder_of_runs(tmp_path)), drop_columns=names))


def test_the_command_line_takes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of_runs(tmp_path)
    assert run.main(["--data", "folder", "--root_path", str(folder), "--drop_columns", "nothing"]) == 2
    assert "--drop_columns nothing: " in capsys.readouterr().err
