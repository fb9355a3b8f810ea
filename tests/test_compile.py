"""--compile: the same training, with code that torch generates."""

import json

import pytest
import torch
from torch import nn

from tests.kit import train, write_folder
from utils.checkpoints import load_checkpoint


@pytest.fixture
def traced(monkeypatch):
    """Modules compile by tracing without generated code: exact, and seconds instead of minutes. Lists what did."""
    compiled = []
    original = nn.Module.compile

    def by_tracing(module):
        compiled.append(type(module).__name__)
        original(module, backend="aot_eager")

    monkeypatch.setattr(nn.Module, "compile", by_tracing)
    yield compiled
    torch._dynamo.reset()


def test_a_compiled_training_is_the_same_and_its_model_needs_no_compiler(tmp_path, traced):
    folder = write_folder(tmp_path / "data", days=6)
    _, plain = train(folder, tmp_path / "plain", "--dropout", "0", "--batch_size", "8")
    status, compiled = train(folder, tmp_path / "compiled", "--dropout", "0", "--batch_size", "8", "--compile")
    assert status == 0
    assert traced == ["DualGAFNet"]
    found, wanted = (json.loads((run / "metrics.json").read_text())["test"] for run in (compiled, plain))
    assert found["accuracy"] == wanted["accuracy"]
    weights = [
        load_checkpoint(run / "checkpoints" / "best.pt", torch.device("cpu"))["model"] for run in (compiled, plain)
    ]
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], atol=1e-4, rtol=1e-4)


def test_without_a_compiler_one_line_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("exp.training.build.shutil.which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    folder = write_folder(tmp_path / "data", days=6)
    with pytest.raises(ValueError, match="empty"):  # no run folder was made
        train(folder, tmp_path / "results", "--compile", "--device", "cpu")
    assert "--compile needs a C++ compiler" in capsys.readouterr().err
