"""The verb `models`: a line a part, with the figures of the network that is then built."""

import contextlib
import io

import pytest

import run
from exp import models as verb
from exp.training.catalogue import NETWORK_PARTS, TRAINING_PARTS, everything
from models import MODELS, ModelSettings
from models.baselines import BASELINES
from tests.data_provider.kit import folder_of_runs


def printed(*words: str) -> list[list[str]]:
    """The lines of the table, each in words."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run.main(["models", *words]) == 0
    return [line.replace(" *", "").split() for line in out.getvalue().splitlines()]


@pytest.fixture(scope="module")
def table() -> list[list[str]]:
    """What is printed for windows of 32 steps, with another fusion than the default."""
    return printed("--seq_len", "32", "--fusion", "concat")


def test_every_entry_of_every_registry_has_its_line_and_says_what_it_is(table):
    named = {tuple(line[:2]) for line in table}
    for flag, registry in {**NETWORK_PARTS, **TRAINING_PARTS, "model": {**MODELS, **BASELINES}}.items():
        assert {(f"--{flag}", name) for name in registry} <= named
    for part in everything():
        line = next(line for line in table if line[:2] == [f"--{part.flag}", part.name])
        assert len(line) > (4 if part.counted else 2), part


@pytest.mark.parametrize(
    ("flag", "name", "settings"),
    [
        ("classifier", "simple", {"classifier": "simple"}),
        ("ablation_mode", "minimal", {"ablation_mode": "minimal"}),
        ("encoder", "dilated", {"encoder": "dilated"}),
    ],
)
def test_a_line_counts_the_whole_network_with_that_part(table, flag, name, settings):
    network = MODELS["DualGAFNet"](
        columns=tuple(f"s{i}" for i in range(26)),
        length=32,
        classes=9,
        settings=ModelSettings(**{"fusion": "concat", **settings}),
    )
    line = next(line for line in table if line[:2] == [f"--{flag}", name])
    assert line[2] == f"{sum(p.numel() for p in network.parameters()):,}"


def test_the_data_on_the_line_gives_signals_and_classes(tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "everything", list)
    data = folder_of_runs(tmp_path / "data", labels=("normal", "leak"))
    first = printed("--data", "folder", "--root_path", str(data), "--seq_len", "24")[0]
    assert " ".join(first).startswith("DualGAFNet for windows of 3 signals x 24 steps, 2 classes")


def test_without_data_on_the_line_none_is_read(monkeypatch):
    monkeypatch.setattr(verb, "everything", list)
    monkeypatch.setattr(verb, "load_data", lambda options: pytest.fail("data was read"))
    assert "26 signals x 96 steps, 9 classes" in " ".join(printed()[0])


def test_what_cannot_be_counted_is_a_line(capsys):
    assert run.main(["models", "--model", "RandomForest"]) == 2
    assert "InceptionTime" in capsys.readouterr().err
    assert run.main(["models", "--data", "nothing"]) == 2
    assert "LBNL_MZVAV_2_2" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "text"), [(850, "850"), (3_460_000, "3.46 M"), (11_200_000_000, "11.2 G")])
def test_numbers_are_shortened(number, text):
    assert verb.shortened(number) == text
