"""`export` from end to end: files that answer as the run does, need nothing of this project, or are not kept."""

import ast
import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

import run
from data_provider import load_data
from exp.evaluation.calibration import temperature_scaled
from exp.evaluation.decision import verdict_names
from exp.exporting import check, formats
from exp.exporting.check import program_by
from exp.exporting.example import EXAMPLES, example
from exp.exporting.graph import Measured
from exp.exporting.job import job_of, metadata
from exp.runs.artifact import load_artifact
from exp.runs.run_folder import RunFolder
from tests.conftest import REPOSITORY
from tests.kit import train, write_folder
from utils.command_line import parse

FILES = {"onnx": "model.onnx", "torch": "model.pt2"}


COMPARED = 200


@pytest.fixture(scope="module", autouse=True)
def few_windows() -> Iterator[None]:
    """Files are compared by fewer windows here; test_networks.py compares by all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "COMPARED", COMPARED)
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    write_folder(folder / "data")
    return folder


@pytest.fixture(scope="module")
def trained(base) -> Path:
    """A run that knows a little: its answers are far from 0 and 1."""
    status, folder = train(base / "data", base / "results", "--batch_size", "8", "--seed", "3")
    assert status == 0
    return folder


@pytest.fixture(scope="module")
def exported(trained) -> Path:
    assert export(trained) == 0
    return trained / "export"


@pytest.fixture
def alone(trained, tmp_path) -> Path:
    """The model folder, copied without its run; a test may spoil it."""
    return Path(shutil.copytree(trained / "model", tmp_path / "model"))


def export(folder: Path, *flags: str) -> int:
    return run.main(["export", "--run", str(folder), "--disable_parallel", *flags])


def refused(capsys, folder: Path, *flags: str) -> str:
    """The one line that an export that cannot be done leaves."""
    capsys.readouterr()
    assert export(folder, *flags) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def beside(folder: Path, file: str) -> dict:
    return json.loads((folder / f"{file}.json").read_text(encoding="utf-8"))


def test_the_files_give_the_probabilities_of_the_run(trained, exported):
    assert sorted(path.name for path in exported.iterdir()) == sorted(
        [*FILES.values(), *(f"{f}.json" for f in FILES.values())]
    )
    test = load_data(RunFolder(trained).options()).test
    readings = test.readings(np.arange(len(test))).transpose(0, 2, 1)
    with (trained / "predictions_test.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    facts = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
    written = np.array([[float(row[f"p_{name}"]) for name in facts["classes"]] for row in rows])
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("windows", ["batch", 16, 5])]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [
        ("probabilities", ["batch", 3]),
        ("logits", ["batch", 3]),
        ("novelty_score", ["batch"]),
        ("verdict", ["batch"]),
        ("confidence", ["batch"]),
    ]
    by_onnx = session.run(["probabilities", "logits"], {"windows": np.ascontiguousarray(readings)})
    with torch.no_grad():
        by_torch = torch.export.load(exported / "model.pt2").module()(torch.from_numpy(readings.copy()))
    for probabilities, logits in (by_onnx, [output.numpy() for output in by_torch[:2]]):
        np.testing.assert_allclose(temperature_scaled(logits, 1.0), written, atol=1e-5)
        np.testing.assert_allclose(temperature_scaled(logits, facts["temperature"]), probabilities, atol=1e-6)


@pytest.mark.skipif(resource is None, reason="this system sets no limit to the size of files")
@pytest.mark.parametrize("kind", [*FILES])
def test_a_full_disk_is_one_line_and_leaves_nothing(kind, trained, tmp_path, capsys):
    """A limit to the size of files stands in for it: it fails the same calls, those of libraries in C++ too."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, usual[1]))
    try:
        said = refused(capsys, trained, "--format", kind, "--output", str(tmp_path / "out"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert said.endswith(f"cannot write to {tmp_path / 'out'} (File too large); name another --output")
    assert [*(tmp_path / "out").iterdir()] == []


def test_a_file_says_what_it_is(trained, exported):
    artifact = load_artifact(trained / "model")
    wanted = json.loads(json.dumps(metadata(job_of(parse(["export", "--run", str(trained)]), artifact))))
    assert wanted["verdicts"] == ["normal", *wanted["classes"][1:], "unknown", "no answer"]
    assert wanted["thresholds"]["novelty_score"] in artifact.decision.novelty_quantiles
    assert wanted["thresholds"]["false_alarm"] is None  # the validation part has too few fault-free windows
    assert (wanted["unknown_rate"], wanted["false_alarm_rate"]) == (0.05, 0.05)
    assert wanted["columns"] == ["SUPPLY", "OUTDOOR", "COMMAND", "POSITION", "FAN"]
    assert wanted["classes"] == list(artifact.info.classes)
    assert wanted["ranges"]["lower"] == pytest.approx(artifact.decision.lower.tolist())
    extra = {"metadata.json": ""}
    torch.export.load(exported / "model.pt2", extra_files=extra)
    assert json.loads(extra["metadata.json"]) == wanted
    model = onnx.load(exported / "model.onnx")
    assert {p.key: json.loads(p.value) for p in model.metadata_props} == wanted
    for file in FILES.values():
        record = beside(exported, file)
        assert wanted.items() <= record.items()
        assert record["bytes"] == (exported / file).stat().st_size
        assert 0 <= record["check"]["largest_difference"] <= record["check"]["allowed"] == 1e-5
        assert record["check"]["source"] == "validation, test and drawn windows, and strange ones"
        assert record["check"]["windows"] == COMPARED
        assert record["check"]["changed_verdicts"] == record["check"]["of_them_at_a_threshold"]
        assert "cost" not in record


def test_a_file_tells_nothing_of_this_machine(exported, base):
    for file in FILES.values():
        content = (exported / file).read_bytes()
        for place in (str(REPOSITORY), str(base), ".py", "torch.onnx.stack_trace"):
            assert place.encode() not in content, f"{place} in {file}"


@pytest.mark.parametrize("kind", FILES)
def test_the_ten_lines_run_without_this_project(kind, trained, exported, tmp_path):
    page = (REPOSITORY / "docs" / "EXPORT.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (code,) = [block for block in blocks if FILES[kind] in block]
    assert code == example(kind, FILES[kind])
    assert len(code.replace("\n\n", "\n").splitlines()) <= 11
    shutil.copy(exported / FILES[kind], tmp_path)
    artifact = load_artifact(trained / "model")
    readings = np.random.default_rng(5).uniform(0, 70, (20, 5)).astype(np.float32)
    np.savetxt(tmp_path / "readings.csv", readings, delimiter=",", header=",".join(artifact.info.columns))
    command = [sys.executable, "-I", "-W", "ignore", "-c", code]  # -I: no folder of ours on the path
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    verdict, *lines = done.stdout.splitlines()
    given = dict(ast.literal_eval(line) for line in lines)
    assert tuple(given) == artifact.info.classes
    rule = artifact.rule(unknown_rate=0.05, false_alarm_rate=0.05)
    logits, verdicts = program_by(artifact, rule, readings[None, -16:])
    expected = temperature_scaled(logits, artifact.decision.temperature)[0]
    np.testing.assert_allclose(list(given.values()), expected, atol=1e-5)
    assert verdict == f"verdict {verdict_names(artifact.info)[int(verdicts.number)]}"


def test_the_ten_lines_are_printed(trained, tmp_path, capsys):
    assert export(trained, "--format", "torch", "--output", str(tmp_path / "out")) == 0
    out = capsys.readouterr().out
    assert EXAMPLES["torch"].format(file="model.pt2") in out
    assert "model.onnx" not in out
    assert re.search(r"model\.pt2: .* is \d\.\de-\d\d, over \d+ windows", out)
    assert out.splitlines()[-1] == f"exported: {tmp_path / 'out'}"


@pytest.mark.parametrize(("kind", "precision"), [("torch", "bf16"), ("onnx", "int8")])
def test_what_fewer_bits_cost_is_measured(kind, precision, trained, exported, tmp_path, capsys):
    assert export(trained, "--format", kind, "--precision", precision, "--output", str(tmp_path)) == 0
    file = FILES[kind].replace(".", f"-{precision}.")
    record = beside(tmp_path, file)
    assert record["precision"] == precision
    assert record["bytes"] < beside(exported, FILES[kind])["bytes"]
    cost, metrics = record["cost"], json.loads((trained / "metrics.json").read_text(encoding="utf-8"))["test"]
    assert cost["windows"] == metrics["windows"]
    for name in ("accuracy", "macro_f1"):
        assert cost[name]["before"] == pytest.approx(metrics[name]["value"])
        assert abs(cost[name]["after"] - cost[name]["before"]) < 0.1
    assert 1e-6 < cost["largest_difference"] < 0.1
    assert 0 <= cost["changed_verdicts"] < 0.2 * cost["windows"]
    assert f"on the {cost['windows']} windows of the test part accuracy" in capsys.readouterr().out
    if precision == "int8":
        kinds = {tensor.data_type for tensor in onnx.load(tmp_path / file).graph.initializer}
        assert onnx.TensorProto.INT8 in kinds


def test_a_file_that_would_answer_otherwise_is_not_kept(trained, tmp_path, capsys, monkeypatch):
    whole = Measured.forward
    monkeypatch.setattr(Measured, "forward", lambda self, windows: whole(self, windows * 1.01))
    earlier = tmp_path / "out"
    earlier.mkdir()
    for name in ("model.pt2", "model.pt2.json"):
        (earlier / name).write_text('{"export_format": 1}')
    for output in (earlier, tmp_path / "new"):
        line = refused(capsys, trained, "--format", "torch", "--output", str(output))
        assert re.search(
            r"model\.pt2 would differ from the model by \d\.\de-0\d .* more than 1e-05; nothing is kept", line
        )
    assert not any((tmp_path / "new").iterdir())
    assert sorted(path.name for path in earlier.iterdir()) == ["model.pt2", "model.pt2.json"]
    assert (earlier / "model.pt2").read_text() == '{"export_format": 1}'


def test_a_file_with_other_verdicts_is_not_kept(trained, tmp_path, capsys, monkeypatch):
    whole = Measured.forward

    def wrong(self: Measured, windows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        probabilities, logits, novelty, verdict, confidence = whole(self, windows)
        return probabilities, logits, novelty, torch.where(verdict == 3, 0, verdict), confidence  # never "unknown"

    monkeypatch.setattr(Measured, "forward", wrong)
    line = refused(capsys, trained, "--format", "torch", "--output", str(tmp_path))
    assert re.search(r"model\.pt2 would give another verdict than the model for \d+ of 200 windows; nothing is", line)
    assert not any(tmp_path.iterdir())


def test_the_rates_choose_the_thresholds(trained, tmp_path):
    words = ("--format", "torch", "--output", str(tmp_path), "--unknown_rate", "0", "--false_alarm_rate", "1")
    assert export(trained, *words) == 0
    record = beside(tmp_path, "model.pt2")
    assert record["thresholds"] == {"novelty_score": None, "false_alarm": None}
    model = torch.export.load(tmp_path / "model.pt2").module()
    artifact = load_artifact(trained / "model")
    middle = (artifact.scaler.minimum + artifact.scaler.maximum) / 2
    _, logits, _, verdict, _ = model(torch.from_numpy(np.tile(middle, (1, 16, 1)).astype(np.float32)))
    assert verdict.item() == logits.argmax().item()


def test_an_earlier_export_is_replaced_and_nothing_else(trained, exported, tmp_path, capsys):
    for file in ("model.pt2", "model.pt2.json"):
        shutil.copy(exported / file, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "model.pt2").write_text("old")
    assert export(trained, "--format", "torch", "--output", str(tmp_path)) == 0
    assert (tmp_path / "model.pt2").stat().st_size == beside(tmp_path, "model.pt2")["bytes"]
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3
    (tmp_path / "model.onnx").write_text("another program's")
    assert "model.onnx exists and was not written by export" in refused(capsys, trained, "--output", str(tmp_path))
    assert (tmp_path / "model.onnx").read_text() == "another program's"


def test_without_the_data_drawn_windows_check_the_file(base, alone, tmp_path, capsys):
    data = base / "data"
    data.rename(base / "away")
    try:
        assert export(alone, "--format", "torch") == 0
        assert f"the data of the run is not at {data}" in capsys.readouterr().out
        assert beside(alone / "export", "model.pt2")["check"]["source"] == "drawn windows, and strange ones"
        line = refused(capsys, alone, "--format", "torch", "--precision", "int8")
        assert "is measured by it; name its place with --root_path" in line
        line = refused(capsys, alone, "--root_path", str(tmp_path / "nowhere"))
        assert "nowhere; name its place with --root_path" in line
    finally:
        (base / "away").rename(data)


def test_other_data_is_no_measure(alone, tmp_path, capsys):
    write_folder(tmp_path / "other", seed=9)
    for flags in (("--precision", "bf16"), ()):
        line = refused(capsys, alone, "--root_path", str(tmp_path / "other"), *flags)
        assert "is not what the model was trained on" in line


def test_a_baseline_is_no_network(base, capsys):
    status, folder = train(base / "data", base / "forest", "--model", "RandomForest")
    assert status == 0
    assert "RandomForest is not a network, and only networks can be exported" in refused(capsys, folder)
    assert not (folder / "export").exists()


@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(name, trained, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, name, None)
    line = refused(capsys, trained, "--output", str(tmp_path / "out"))
    assert f"needs the package {name}" in line
    assert "python -m pip install onnx onnxscript onnxruntime, or --format torch" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("file", ["weights.safetensors", "decision.safetensors", "model.json"])
def test_a_truncated_model_is_refused(file, alone, capsys):
    content = (alone / file).read_bytes()
    (alone / file).write_bytes(content[: len(content) // 2])
    assert file in refused(capsys, alone)
    assert not (alone / "export").exists()


def test_what_a_format_cannot_hold_is_a_line(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(formats, "LARGEST_ONNX", 1000)
    line = refused(capsys, trained, "--format", "onnx", "--output", str(tmp_path))
    assert "ONNX ends at 2; --format torch has no such end" in line

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("an operator without a name\nand more")

    monkeypatch.setattr(torch.export, "export", fails)
    line = refused(capsys, trained, "--format", "torch", "--output", str(tmp_path))
    assert line.endswith("torch cannot write this network as model.pt2: an operator without a name and more")
    assert not any(tmp_path.iterdir())


def test_places_and_options_that_cannot_be(trained, tmp_path, capsys):
    assert "is not a run folder" in refused(capsys, tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    assert "cannot make the folder" in refused(capsys, trained, "--output", str(tmp_path / "file"))
    assert "--seq_len 32 is not the run's, which is 16" in refused(capsys, trained, "--seq_len", "32")
    assert "'fp64' is not one of: fp32, bf16, int8" in refused(capsys, trained, "--precision", "fp64")
    assert "'tflite' is not one of: both, onnx, torch" in refused(capsys, trained, "--format", "tflite")
