"""Artifacts with sums that fit, made up by somebody: a form that does not hold is one line, never a traceback."""

import json
import random
import time

import numpy as np
import pytest
import safetensors.torch
import torch

from exp.runs.artifact import load_artifact
from tests.run_folders.kit import STRANGE, changed, copy_of, places, sign, status_and_error, words_of
from utils.errors import UserError
from utils.files import sha256_of


@pytest.fixture
def model(trained, tmp_path):
    """A model folder alone, as people hand it on."""
    return copy_of(trained, tmp_path / "run").joinpath("model").rename(tmp_path / "handed on")


def resign(model, change=lambda _: None):
    """Writes model.json again, with the checksums of the files beside it."""
    description = json.loads((model / "model.json").read_text())
    for name in ("weights.safetensors", "decision.safetensors"):
        description["sha256"][name] = sha256_of(model / name)
    change(description)
    (model / "model.json").write_text(json.dumps(sign(description)))


def test_no_strange_value_ends_in_a_traceback(model):
    path = model / "model.json"
    text, dice, said = path.read_text(), random.Random(0), []
    for place in places(json.loads(text)):
        for value in dice.sample(STRANGE, 2):
            path.write_text(json.dumps(sign(changed(text, place, value))))
            try:
                load_artifact(model).rule(unknown_rate=0.05, false_alarm_rate=0.05)
            except UserError as error:
                said.append(str(error))
    assert len(said) > 200
    assert not any("\n" in line for line in said)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("options", "of_tomorrow"), 1, "unknown option 'of_tomorrow'"),
        (("options", "feature_dim"), 60_000, "weights.safetensors does not fit"),
        (("options", "encoder"), "dilated", "weights.safetensors does not fit"),
        (("options", "feature_dim"), 10**12, "out of range"),
        (("seq_len",), 10**9, "seq_len is 1000000000"),
        (("seq_len",), 60_000, "decision.safetensors"),
        (("classes",), [f"c{k}" for k in range(10**5)], "classes is"),
        (("decision", "temperature"), 0, "decision.temperature"),
        (("scaler", "minimum"), [1e300] * 5, r"scaler.minimum\[0\]"),
        (("tomorrow",), {"a": 1}, ""),
        (("normal",), "nobody", "normal is none"),
        (("recipe", "columns"), ["a"], "recipe.columns"),
        (("decision", "unknown", "quantiles"), [1.0], "quantiles has 1 entries, not 401"),
    ],
)
def test_what_does_not_fit_is_named_before_memory_is_taken(place, value, says, model, data, capsys):
    resign(model, lambda description: description.update(changed(json.dumps(description), place, value)))
    began = time.process_time()
    status, error = status_and_error(words_of("detect", model, data), capsys)
    assert time.process_time() - began < 20
    if not says:  # facts that are not known change nothing
        assert status == 0
        return
    assert (status, error.count("\n")) == (2, 1)
    with pytest.raises(UserError, match=says):
        load_artifact(model)


@pytest.mark.parametrize("name", ["weights.safetensors", "decision.safetensors"])
def test_strange_tensors_are_refused(name, model):
    """Other names, sizes, types and numbers that are none; and whatever is no file of tensors."""
    whole = safetensors.torch.load_file(model / name)
    first = next(iter(whole))
    others = [
        {},
        {**whole, first: whole[first][..., :1].contiguous()},
        {**whole, first: whole[first].to(torch.int8)},
        {**whole, first: torch.zeros(2, 3, 4, 5)},
        {**whole, first: torch.full_like(whole[first], torch.nan)},
        {key: tensor for key, tensor in whole.items() if key != first},
    ]
    contents = [safetensors.torch.save(tensors) for tensors in others]
    contents += [b"", b"\xff" * 64, np.int64(2**62).tobytes() + b"{}", np.int64(2).tobytes() + b"[]", b"PK\x03\x04" * 9]
    for content in contents:
        (model / name).write_bytes(content)
        resign(model)
        with pytest.raises(UserError, match=name):
            load_artifact(model)


def test_deep_and_long_json_is_refused(model):
    for text in (
        "[" * 10**5,
        '{"format": ' + "9" * 5000 + "}",
        '{"format": 1, "format": 1}',
        "\ud800".encode("utf-8", "surrogatepass"),
    ):
        (model / "model.json").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(UserError, match="model"):
            load_artifact(model)


def test_tensors_do_not_lie_about_int8(model):
    """Integers in place of a network's weights would be cast in silence."""
    tensors = safetensors.torch.load_file(model / "weights.safetensors")
    rounded = {name: tensor.round().to(torch.int8) for name, tensor in tensors.items()}
    safetensors.torch.save_file(rounded, model / "weights.safetensors")
    resign(model)
    with pytest.raises(UserError, match="weights"):
        load_artifact(model)
