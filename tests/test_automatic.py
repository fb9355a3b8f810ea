"""`--auto`: what suits the data is chosen on validation alone, and the run is the one that a line of flags gives."""

import csv
from pathlib import Path

import pytest
import torch
import yaml

from data_provider import load_data
from data_provider.windows import WindowSet
from exp.training import automatic
from exp.training.automatic import Candidate, candidates, choose
from exp.training.fit_network import NetworkFit
from models.baselines.classical import Forest, Logistic
from tests.kit import write_folder
from tests.resume.kit import stop_after
from utils.errors import Diverged
from utils.options import Options

QUICK = ({"model": "LogisticRegression"}, {"model": "RandomForest"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes on twelve days."""
    return write_folder(tmp_path_factory.mktemp("auto") / "data")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two candidates that are fitted at once."""
    monkeypatch.setattr(automatic, "SETTINGS", QUICK)


def options(folder: Path, *explicit: str, **values: object) -> Options:
    """Of a search in a folder."""
    chosen = {"data": "folder", "root_path": str(folder), "auto": True, **values}
    return Options(**chosen, explicit=frozenset(explicit))


@pytest.mark.usefixtures("quick")
def test_the_run_is_the_one_that_its_flags_give(folder: Path, tmp_path: Path) -> None:
    own = ["--data", "folder", "--root_path", str(folder)]
    status, run_folder = _train(own, tmp_path / "auto", "--auto")
    config = yaml.safe_load((run_folder / "config.yaml").read_text())
    rows = list(csv.DictReader((run_folder / "search.csv").open()))
    kept = [row["settings"] for row in rows if row["kept"]]
    assert status == 0
    assert not config["auto"]
    assert [row["stage"] for row in rows].count("window") > 1
    assert kept == [f"seq_len={config['seq_len']}", f"model={config['model']}"]
    assert run_folder.parent.parent.name == "DualGAFNet"  # where `report` and `detect` look without a flag
    flags = [word for found in kept for word in ("--" + found).split("=")]
    _, again = _train(own, tmp_path / "line", *flags)
    for part in ("val", "test"):
        name = f"predictions_{part}.csv"
        assert (run_folder / name).read_bytes() == (again / name).read_bytes()


def _train(own: list[str], results: Path, *flags: str) -> tuple[int, Path]:
    import run

    status = run.main([*own, "--result_path", str(results), *flags])
    return status, next(path.parent for path in results.rglob("metrics.json") if path.parent.name != "latest")


@pytest.mark.usefixtures("quick")
def test_the_best_on_validation_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forest that answers one class alone loses, whatever the order of the candidates."""
    honest = Forest.probabilities

    def blind(self: Forest, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(torch.zeros(len(x), dtype=torch.int64), len(self.present)).double()

    asked = options(folder, "seq_len", seq_len=16)
    data = load_data(asked)
    monkeypatch.setattr(Forest, "probabilities", blind)
    assert choose(asked, data, torch.device("cpu"))[0].model == "LogisticRegression"
    monkeypatch.setattr(Forest, "probabilities", honest)
    monkeypatch.setattr(Logistic, "probabilities", blind)
    assert choose(asked, data, torch.device("cpu"))[0].model == "RandomForest"


@pytest.mark.usefixtures("quick")
def test_the_test_part_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = options(folder)
    data = load_data(asked)
    read, gather = [], WindowSet.gather

    def watched(self: WindowSet, indices: object) -> object:
        read.append(self.start[indices])  # type: ignore[index]
        return gather(self, indices)  # type: ignore[arg-type]

    monkeypatch.setattr(WindowSet, "gather", watched)
    monkeypatch.setattr(automatic, "load_data", lambda options: _poisoned(options))
    object.__setattr__(data, "test", None)
    choose(asked, data, torch.device("cpu"))
    assert read


def _poisoned(options: Options) -> object:
    data = load_data(options)
    object.__setattr__(data, "test", None)
    return data


def test_a_flag_on_the_line_stands(folder: Path) -> None:
    assert all(found["model"] == "DualGAFNet" for found in automatic.SETTINGS if "feature_dim" in found)
    assert candidates(options(folder, "model", model="RandomForest")) == [{}]
    widths = candidates(options(folder, "model", "feature_dim", model="DualGAFNet", feature_dim=8))
    assert widths == [{}, {"batch_size": 16, "learning_rate": 3e-3}]
    networks = candidates(options(folder, "optimizer", optimizer="adamw"))
    assert {found["model"] for found in networks} == {"OneDCNN", "DualGAFNet"}


def test_nothing_to_choose_is_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    asked = options(folder, "model", "seq_len", model="RandomForest", seq_len=16)
    chosen, _, rows = choose(asked, load_data(asked), torch.device("cpu"))
    assert (chosen.model, chosen.seq_len, rows) == ("RandomForest", 16, [])
    assert "nothing to choose" in caplog.text


def test_a_network_that_diverges_is_not_chosen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "SETTINGS", ({"model": "OneDCNN"}, {"model": "RandomForest"}))

    def diverge(*_: object, **__: object) -> None:
        raise Diverged("no numbers")

    monkeypatch.setattr(NetworkFit, "fit", diverge)
    asked = options(folder, "seq_len", seq_len=16)
    chosen, _, rows = choose(asked, load_data(asked), torch.device("cpu"))
    assert chosen.model == "RandomForest"
    assert [row["kept"] for row in rows] == ["", "yes"]


@pytest.mark.usefixtures("quick")
def test_a_large_part_is_thinned_for_the_search_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = options(folder, "seq_len", seq_len=16)
    data = load_data(asked)
    monkeypatch.setattr(automatic, "MOST_WINDOWS", 20)
    _, prepared, rows = choose(asked, data, torch.device("cpu"))
    assert {row["training_windows"] for row in rows} == {20}
    assert prepared.train is data.train


@pytest.mark.usefixtures("quick")
def test_folds_keep_one_window(folder: Path) -> None:
    """Test windows of all folds are evaluated together, so no fold takes a window of its own."""
    asked = options(folder, seq_len=16, split="day", folds="1/2")
    chosen, _, rows = choose(asked, load_data(asked), torch.device("cpu"))
    assert chosen.seq_len == 16
    assert {row["stage"] for row in rows} == {"model"}


def test_a_search_that_is_stopped_writes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import run

    monkeypatch.setattr(automatic, "SETTINGS", ({"model": "OneDCNN"}, {"model": "RandomForest"}))
    stop_after(monkeypatch, 3)
    own = ["--data", "folder", "--root_path", str(folder), "--seq_len", "16", "--result_path", str(tmp_path)]
    assert run.main([*own, "--auto"]) == 130
    assert "nothing was written" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_an_interrupted_fold_goes_on_with_what_it_chose(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import run

    def tried(stage: str, _: object, settings: dict, *__: object) -> Candidate:
        return Candidate(stage, settings, settings.get("feature_dim", 0), 0, 0, 0, 0)

    narrow = {"model": "DualGAFNet", "feature_dim": 4, "batch_size": 16}
    monkeypatch.setattr(automatic, "SETTINGS", ({"model": "DualGAFNet"}, narrow))
    monkeypatch.setattr(automatic, "_tried", tried)
    own = ["--data", "folder", "--root_path", str(folder), "--seq_len", "16", "--train_epochs", "1", "--auto"]
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert run.main([*own, "--split", "day", "--folds", "2", "--result_path", str(tmp_path)]) == 130
    (whole,) = {path.parent for path in tmp_path.rglob("folds.csv")}
    monkeypatch.setattr(automatic, "SETTINGS", ({"model": "DualGAFNet"}, {**narrow, "feature_dim": 6}))
    assert run.main(["--resume", str(whole)]) == 0
    runs = [row["run"] for row in csv.DictReader((whole / "folds.csv").open())]
    configs = [yaml.safe_load((whole.parent / name / "config.yaml").read_text()) for name in runs]
    assert [config["feature_dim"] for config in configs] == [4, 6]


@pytest.mark.usefixtures("quick")
def test_every_fold_chooses_for_itself(folder: Path, tmp_path: Path) -> None:
    own = ["--data", "folder", "--root_path", str(folder), "--seq_len", "16"]
    status, _ = _train([*own, "--split", "day", "--folds", "2"], tmp_path, "--auto")
    configs = [yaml.safe_load(path.read_text()) for path in tmp_path.rglob("config.yaml")
               if (path.parent / "search.csv").is_file() and path.parent.name != "latest"]  # fmt: skip
    assert status == 0
    assert len(configs) == 2
