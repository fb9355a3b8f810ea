"""Trackers: what they hold is what the run wrote, once, however it was stopped; and none costs a run its start."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import tomllib
from pathlib import Path

import pytest

import run
from exp.runs.run_folder import RunFolder
from tests.conftest import REPOSITORY
from tests.kit import SMALL, latest, train, write_folder
from utils.errors import UserError
from utils.trackers.base import DONE, FAILED, STOPPED, Tracker
from utils.trackers.recorder import TRACKERS, Recorder, chosen, final_values

QUICK = ("--batch_size", "8", "--train_epochs", "3")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("trackers") / "data", days=6, names=("normal", "st|uck", "bi<ased"))


class Notebook(Tracker):
    """A tracker that keeps all it is told in a file beside the run, as the real ones do."""

    def begin(self, run, options):
        self.path = run / "notebook.json"
        self.book = json.loads(self.path.read_text()) if self.path.is_file() else {"begun": 0, "rows": [], "shown": []}
        self.book["begun"] += 1
        self.book["options"] = dict(options)
        self.known = {(name, step) for name, step, _ in self.book["rows"]}

    def write(self, step, values):
        self.book["rows"] += [[name, step, value] for name, value in values.items()]
        self.path.write_text(json.dumps(self.book))

    def show(self, run, step):
        assert (run / "model" / "README.md").is_file()
        self.book["shown"].append(step)

    def end(self, state):
        self.book["state"] = state
        self.path.write_text(json.dumps(self.book))


@pytest.fixture
def notebook(monkeypatch) -> None:
    monkeypatch.setitem(TRACKERS, "notebook", Notebook)


def book_of(folder: Path) -> dict:
    return json.loads((folder / "notebook.json").read_text())


def expected(folder: Path) -> dict[tuple[str, int], float]:
    """(name, step) -> value of all that a tracker of a finished run must hold."""
    metrics, rows = json.loads((folder / "metrics.json").read_text()), []
    if metrics["epochs"]:
        rows = RunFolder(folder).read_epochs()
    found = {(name, int(row["epoch"])): row[name] for row in rows for name in row if name != "epoch"}
    return found | {(name, metrics["epochs"]): value for name, value in final_values(metrics).items()}


def test_the_program_writes_every_epoch_once_and_closes(notebook, data, tmp_path):
    status, folder = train(data, tmp_path, *QUICK, "--tracker", "notebook")
    assert status == 0
    book = book_of(folder)
    assert {(name, step): value for name, step, value in book["rows"]} == expected(folder)
    assert len(book["rows"]) == len(expected(folder))
    assert (book["state"], book["shown"], book["begun"]) == (DONE, [3], 1)
    assert book["options"]["batch_size"] == 8


def test_a_baseline_is_recorded_too(notebook, data, tmp_path, capsys):
    status, folder = train(data, tmp_path, "--model", "RandomForest", "--tracker", "notebook")
    assert status == 0
    assert {(name, step): value for name, step, value in book_of(folder)["rows"]} == expected(folder)
    assert "no use for --tracker" not in capsys.readouterr().out


def interrupted(data: Path, results: Path, monkeypatch, *flags: str) -> Path:
    """A run that Ctrl-C stopped in its second epoch."""
    real, seen = Recorder.epochs, []

    def epochs(self, rows):
        real(self, rows)
        seen.append(len(rows))
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "epochs", epochs)
        words = ["--data", "folder", "--root_path", str(data), "--result_path", str(results), *SMALL, *QUICK, *flags]
        assert run.main(words) == 130
    assert seen == [1]
    return latest(results)


def test_ctrl_c_closes_the_record_and_resume_goes_on_in_it(notebook, data, tmp_path, monkeypatch):
    folder = interrupted(data, tmp_path, monkeypatch, "--tracker", "notebook")
    assert book_of(folder)["state"] == STOPPED
    assert run.main(["--resume", str(folder)]) == 0
    book = book_of(folder)
    assert (book["state"], book["begun"]) == (DONE, 2)
    assert {(name, step): value for name, step, value in book["rows"]} == expected(folder)
    assert len(book["rows"]) == len(expected(folder))


def test_a_run_that_fails_says_so(notebook, data, tmp_path):
    status, folder = train(data, tmp_path, "--learning_rate", "1e30", "--clip_grad", "0", "--tracker", "notebook")
    assert status == 3
    assert not (folder / "notebook.json").is_file() or book_of(folder)["state"] == FAILED


def test_a_tracker_taken_up_late_gets_the_epochs_before(notebook, data, tmp_path):
    _, folder = train(data, tmp_path, *QUICK, "--train_epochs", "2")
    assert not (folder / "notebook.json").exists()
    assert run.main(["--resume", str(folder), "--train_epochs", "3", "--tracker", "notebook"]) == 0
    assert {(name, step): value for name, step, value in book_of(folder)["rows"]} == expected(folder)


@pytest.mark.parametrize(
    ("spec", "parts"),
    [("wandb", ["wandb", "mlflow", "tensorboard"]), ("none,tensorboard", ["none"]), ("", ["tracker"])],
)
def test_a_wrong_name_is_one_line_before_anything_is_read(spec, parts, tmp_path, capsys):
    words = ["--data", "folder", "--root_path", "nowhere", "--result_path", str(tmp_path / "results")]
    assert run.main([*words, "--tracker", spec]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("run.py: unknown tracker")
    assert all(part in error for part in parts)


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_one_line_with_what_to_type(name, monkeypatch, tmp_path, capsys):
    known, last = importlib.util.find_spec, TRACKERS[name].modules[-1]
    monkeypatch.setattr(importlib.util, "find_spec", lambda module, *rest: None if module == last else known(module))
    assert run.main(["--data", "folder", "--root_path", "nowhere", "--tracker", name]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    for requirement in TRACKERS[name].requirements:
        assert f'"{requirement}"' in error
    assert "pip install" in error


def test_pyproject_names_the_same_packages():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name, kind in TRACKERS.items():
        assert tuple(extras[name]) == kind.requirements


def test_several_with_a_comma(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda module, *rest: module)
    assert chosen("tensorboard, mlflow,tensorboard") == ["tensorboard", "mlflow"]
    assert chosen("none") == []


def test_a_tracker_that_cannot_begin_closes_those_before_it(notebook, monkeypatch, tmp_path):
    class Broken(Notebook):
        def begin(self, run, options):
            raise UserError("no")

    monkeypatch.setitem(TRACKERS, "broken", Broken)
    recorder = Recorder(["notebook", "broken"], results=tmp_path)
    with pytest.raises(UserError), recorder.recording(tmp_path, {}):
        pass
    assert book_of(tmp_path)["state"] == FAILED


# --- TensorBoard ---


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """Every scalar of the event files, in order, duplicates too."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    found.append((value.tag, event.step, float(make_ndarray(value.tensor))))
    return found


def tags(folder: Path) -> dict:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record = EventAccumulator(str(folder / "tensorboard"))
    record.Reload()
    return record.Tags()


def same(found: list[tuple[str, int, float]], folder: Path) -> bool:
    """Event files hold float32."""
    wanted = expected(folder)
    assert len(found) == len({(name, step) for name, step, _ in found}), "a step is there twice"
    return {(name, step): value for name, step, value in found} == pytest.approx(wanted, rel=1e-6, nan_ok=True)


def test_tensorboard_holds_the_run(data, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    folder = interrupted(data, tmp_path, monkeypatch, "--tracker", "tensorboard")
    rows = RunFolder(folder).read_epochs()
    assert {name for name, _, _ in scalars(folder)} == set(rows[0]) - {"epoch"}
    assert run.main(["--resume", str(folder)]) == 0
    assert same(scalars(folder), folder)
    shown = tags(folder)
    assert {"options/text_summary", "model card/text_summary"} <= set(shown["tensors"])
    assert {f"figures/{path.stem}" for path in (folder / "figures").glob("*.png")} == set(shown["images"])


def test_tensorboard_goes_on_behind_a_broken_record(data, tmp_path, monkeypatch):
    """A process that is killed may leave half a record; the epoch in it is written again."""
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    folder = interrupted(data, tmp_path, monkeypatch, "--tracker", "tensorboard")
    events = next((folder / "tensorboard").iterdir())
    events.write_bytes(events.read_bytes()[:-5])
    assert run.main(["--resume", str(folder)]) == 0
    assert same(scalars(folder), folder)


# --- MLflow ---


@pytest.fixture
def offline(monkeypatch) -> None:
    """Any connection to another machine is an error."""
    real = socket.socket.connect

    def connect(self, address):
        assert self.family not in (socket.AF_INET, socket.AF_INET6), f"a connection to {address}"
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="module")
def tracked(data, tmp_path_factory) -> Path:
    """A run that Ctrl-C stopped, went on and ended, recorded by MLflow."""
    for module in TRACKERS["mlflow"].modules:
        pytest.importorskip(module, reason="the extra mlflow is not installed")
    with pytest.MonkeyPatch.context() as patch:
        folder = interrupted(data, tmp_path_factory.mktemp("mlflow"), patch, "--tracker", "mlflow")
        first = client_of(folder)[1]
        assert first.info.status == "KILLED"
        assert run.main(["--resume", str(folder), "--train_epochs", "4"]) == 0
        assert client_of(folder)[1].info.run_id == first.info.run_id
    return folder


def client_of(folder: Path):
    """The client of a run's database, and the run."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder.parents[3]}/mlflow.db")
    return client, client.get_run(json.loads((folder / "mlflow.json").read_text())["run_id"])


def test_mlflow_holds_the_run(tracked):
    client, record = client_of(tracked)
    assert record.info.status == "FINISHED"
    assert record.info.run_name == tracked.name
    history = [metric for key in record.data.metrics for metric in client.get_metric_history(record.info.run_id, key)]
    assert len(history) == len({(metric.key, metric.step) for metric in history})
    assert {(metric.key, metric.step): metric.value for metric in history} == expected(tracked)
    assert record.data.params["seed"] == "2021"
    assert record.data.params["train_epochs"] == "3"
    assert record.data.tags["resumed.train_epochs"] == "4"
    names = {file.path for file in client.list_artifacts(record.info.run_id)}
    assert {"model", "figures", "report.html", "metrics.json"} <= names
    card = Path(client.download_artifacts(record.info.run_id, "model/README.md"))
    assert card.read_bytes() == (tracked / "model" / "README.md").read_bytes()
    assert [path.name for path in sorted(tracked.parents[3].iterdir())] == ["folder", "mlartifacts", "mlflow.db"]


def test_mlflow_begins_anew_where_the_database_is_gone(tracked, data, tmp_path, offline, caplog):
    shutil.copytree(tracked, tmp_path / "a" / "b" / "c" / tracked.name)
    folder = tmp_path / "a" / "b" / "c" / tracked.name
    assert run.main(["--resume", str(folder)]) == 0
    assert "a new one begins" in caplog.text
    client, record = client_of(folder)
    history = [metric for key in record.data.metrics for metric in client.get_metric_history(record.info.run_id, key)]
    assert {(metric.key, metric.step): metric.value for metric in history} == expected(folder)


def test_mlflow_refuses_a_file_that_is_no_database(data, tmp_path, capsys):
    for module in TRACKERS["mlflow"].modules:
        pytest.importorskip(module, reason="the extra mlflow is not installed")
    (tmp_path / "mlflow.db").write_text("no database at all, but some text\n" * 100)
    words = ["--data", "folder", "--root_path", str(data), "--result_path", str(tmp_path), *SMALL]
    assert run.main([*words, "--tracker", "mlflow"]) == 2
    assert "mlflow.db" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not list(tmp_path.rglob("config.yaml"))
