"""Faults that no training has met: what is left out, what is measured, and where it is written."""

import json

import numpy as np
import pytest

import run
from benchmarks import pages, unknown
from data_provider import DATASETS, load_data
from data_provider.held_out_class import leave_out
from tests.kit import write_folder
from utils.errors import UserError
from utils.options import Options

FAULTS = ("biased", "stuck")


@pytest.fixture(scope="module")
def options(tmp_path_factory) -> Options:
    """Two faults, and a network that trains in a second."""
    folder = tmp_path_factory.mktemp("unknown")
    write_folder(folder / "data", days=9)
    return Options(
        data="folder", root_path=str(folder / "data"), seq_len=16, feature_dim=8, block_days=1, device="cpu",
        cache_path=str(folder),
    )  # fmt: skip


@pytest.fixture
def short(monkeypatch) -> None:
    monkeypatch.setattr(unknown, "SMALL", {"batch_size": 16, "train_epochs": 1})


def test_a_class_left_out_is_nowhere_in_training_and_the_rest_stays_in_place(options):
    data = load_data(options)
    known, unseen = leave_out(data, "stuck")
    assert known.info.classes == ("normal", "biased")
    assert known.info.normal == "normal"
    for part in ("train", "val", "test"):
        whole, mine = getattr(data, part), getattr(known, part)
        others = whole.targets != data.info.classes.index("stuck")
        assert set(mine.file) == {"normal", "biased"}
        np.testing.assert_array_equal(mine.start, whole.start[others])
        names = [np.array(info.classes)[windows.targets] for info, windows in ((data.info, whole), (known.info, mine))]
        np.testing.assert_array_equal(names[1], names[0][others])
        assert known.info.counts[part] == tuple(np.bincount(mine.targets, minlength=2))
    assert set(unseen.file) == {"stuck"}
    assert len(unseen) + len(known.test) == len(data.test)
    with pytest.raises(UserError, match="bent"):
        leave_out(data, "bent")


def test_the_scaler_knows_nothing_of_the_class_left_out(options):
    data = load_data(options)
    known, unseen = leave_out(data, "biased")
    supply = known.info.columns.index("SUPPLY")
    assert known.scaler.maximum[supply] < data.scaler.maximum[supply] - 1
    readings = known.train.readings(np.arange(len(known.train)))
    np.testing.assert_array_equal(known.scaler.maximum, readings.max((0, 2)))
    assert known.train.gather(np.arange(len(known.train))).x.abs().max() <= 1
    at_the_edge = (unseen.gather(np.arange(len(unseen))).x[:, supply] > 0.9).float().mean()
    assert at_the_edge > 0.02  # the fault leaves the range that the others span


@pytest.mark.usefixtures("short")
def test_every_fault_is_left_out_once_a_seed(options):
    found = list(unknown.rows(options.replace(itr=2)))
    assert [(row["seed"], row["fault"]) for row in found] == [(s, f) for s in (2021, 2022) for f in FAULTS]
    for row in found:
        assert set(row["scores"]) == set(unknown.SCORES)
        for figures in row["scores"].values():
            assert all(0 <= value <= 1 for value in figures.values())
        assert 0 <= row["ece"] <= 1
    stuck = [row for row in found if row["fault"] == "stuck"]
    assert all(row["scores"]["readings"]["auroc"] > 0.95 for row in stuck)  # the position no longer follows
    means = unknown.by_fault(found)
    assert [row["fault"] for row in means] == [*FAULTS, "mean"]
    expected = np.mean([row["scores"]["energy"]["rejected"] for row in found])
    assert means[-1]["scores"]["energy"]["rejected"] == pytest.approx(expected)


@pytest.mark.usefixtures("short")
def test_the_command_writes_its_figures_and_its_page(options, tmp_path, monkeypatch, capsys):
    page, file = tmp_path / "page.md", tmp_path / "figures.json"
    begin, end = pages.marks("unknown folder")
    page.write_text(f"before\n{begin}\nstale\n{end}\nafter\n")
    monkeypatch.setattr(unknown, "PAGE", page)
    monkeypatch.setattr(unknown, "_places", lambda given, cache: {"root_path": options.root_path, "seq_len": 16})
    monkeypatch.setattr(unknown, "write", lambda rows, data: pages.put(f"unknown {data}", unknown.table(rows), page))
    words = ["benchmark", "unknown", "--data", "folder", "--json", str(file), "--write", "--device", "cpu"]
    assert run.main(words) == 0
    found = json.loads(file.read_text())
    assert [row["fault"] for row in found["unknown"]] == list(FAULTS)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "stale" not in text
    for fault in FAULTS:
        assert f"| {fault} |" in text
    assert "at least 0.9" in capsys.readouterr().out


def test_quick_figures_are_not_written(capsys):
    assert run.main(["benchmark", "unknown", "--quick", "--write"]) == 2
    assert "--quick" in capsys.readouterr().err


def test_the_page_has_a_place_for_every_data_set_that_is_measured():
    text = unknown.PAGE.read_text(encoding="utf-8")
    measured = [name for name in DATASETS if pages.marks(f"unknown {name}")[0] in text]
    assert "DualGAF" in measured
    for name in measured:
        begin, end = pages.marks(f"unknown {name}")
        assert "| mean |" in text[text.index(begin) : text.index(end)]
