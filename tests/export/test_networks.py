"""Every network of the registries through a file and back, and weights in fewer bits.

The networks are those of tests/models/test_networks.py, which together use every entry of every registry.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from exp.exporting.check import TOLERANCE, drawn, logits_by, parity
from exp.exporting.formats import FORMATS, Answer
from exp.exporting.graph import Eighth, Half, graph_of
from exp.runs.artifact import Artifact
from tests.export.kit import CLASSES, COLUMNS, LENGTH, SCALER, artifact
from tests.models.test_networks import NETWORKS

# Files of all would take a minute; these differ most in their operators.
ON_DISK = [name for name in NETWORKS if name.startswith("parts 1")]


def network(name: str) -> Artifact:
    model, settings = NETWORKS[name]
    return artifact(model=model, **settings)


def through_file(trained: Artifact, kind: str, folder: Path, precision: str = "fp32") -> Answer:
    path = folder / f"model{FORMATS[kind].suffix}"
    batches = [drawn(trained.scaler, LENGTH)] if precision == "int8" else []
    FORMATS[kind].write(trained, precision, path, {"classes": list(CLASSES)}, batches)
    return FORMATS[kind].load(path)


def difference(answer: Answer, trained: Artifact, readings: np.ndarray) -> float:
    """As `parity`, told apart by hand: scaled, clipped, tempered in float64."""
    x = torch.from_numpy(readings).double()
    low, high = (torch.from_numpy(bound).double() for bound in (SCALER.minimum, SCALER.maximum))
    x = (2 * (x - low) / (high - low) - 1).clamp(-1, 1)
    x[..., -1] = 0.0
    with torch.no_grad():
        logits = trained.model(x.transpose(1, 2))
    expected = (logits / trained.decision.temperature).softmax(1).numpy()
    return float(np.abs(answer(readings)[0] - expected).max())


@pytest.fixture(scope="module")
def plain() -> Artifact:
    """A network that is quickly exported."""
    return artifact(model="OneDCNN")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("plain")


@pytest.fixture(scope="module")
def answers(plain, folder) -> dict[str, Answer]:
    """Its files, by format."""
    return {kind: through_file(plain, kind, folder) for kind in FORMATS}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_of_every_network_gives_its_own_answers(name):
    trained = network(name)
    graph = graph_of(trained, "fp32").module()
    readings = drawn(SCALER, LENGTH)

    def answer(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        probabilities, logits = graph(torch.from_numpy(windows))
        return probabilities.numpy(), logits.numpy()

    assert parity(answer, trained, readings) <= TOLERANCE
    assert difference(answer, trained, readings) <= 10 * TOLERANCE  # the reference scales in float64
    np.testing.assert_allclose(answer(readings)[1], logits_by(trained, readings), atol=1e-4)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", ON_DISK)
def test_some_networks_go_through_a_file_and_back(name, kind, tmp_path):
    trained = network(name)
    answer = through_file(trained, kind, tmp_path)
    assert parity(answer, trained, drawn(SCALER, LENGTH)) <= TOLERANCE
    assert [answer(drawn(SCALER, LENGTH)[:size])[0].shape for size in (1, 2, 7)] == [(1, 3), (2, 3), (7, 3)]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_gives_the_answers_of_its_network(kind, answers, plain):
    assert parity(answers[kind], plain, drawn(SCALER, LENGTH)) <= TOLERANCE
    assert difference(answers[kind], plain, drawn(SCALER, LENGTH)) <= TOLERANCE


def test_a_network_that_asks_pyts_for_its_images_is_exported_with_torch(tmp_path):
    trained = artifact(gaf_backend="pyts", built={"gaf_backend": "torch"})
    assert parity(through_file(trained, "torch", tmp_path), trained, drawn(SCALER, LENGTH)) <= TOLERANCE


def test_the_temperature_is_inside(answers):
    hot, readings = artifact(model="OneDCNN", temperature=4.0), drawn(SCALER, LENGTH)
    assert parity(answers["torch"], hot, readings) > 1e-3


@pytest.mark.parametrize("kind", FORMATS)
def test_a_reading_that_is_no_number_gives_no_answer(kind, answers):
    readings = drawn(SCALER, LENGTH)[:5]
    whole = answers[kind](readings)
    readings[1, 3, 2], readings[3, 0, 1], readings[4, 4, 0] = np.nan, np.inf, -np.inf
    for now, before in zip(answers[kind](readings), whole, strict=True):
        np.testing.assert_array_equal(np.isnan(now).all(1), [False, True, False, True, True])
        np.testing.assert_allclose(now[[0, 2]], before[[0, 2]], atol=1e-6)


def test_drawn_windows_reach_beyond_the_training_ranges():
    readings = drawn(SCALER, LENGTH)
    assert readings.shape == (32, LENGTH, len(COLUMNS))
    assert readings.dtype == np.float32
    assert (readings < SCALER.minimum).any(1)[:, :-1].any()
    assert (readings > SCALER.maximum).any(1)[:, :-1].any()
    assert (readings[0] == SCALER.minimum).all()
    assert np.isfinite(readings).all()


def test_parity_knows_a_wrong_answer_from_none(plain):
    readings = drawn(SCALER, LENGTH)

    def right(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits = logits_by(plain, windows).astype(np.float64)
        e = np.exp(logits / plain.decision.temperature)
        return e / e.sum(1, keepdims=True), logits

    assert parity(right, plain, readings) < 1e-6
    assert parity(lambda w: (right(w)[0] + 0.01 * (len(w) == 2), right(w)[1]), plain, readings) == pytest.approx(
        0.01, abs=1e-6
    )
    assert parity(lambda w: (right(w)[0] * np.nan, right(w)[1]), plain, readings) == np.inf
    assert parity(lambda w: (right(w)[0][:1], right(w)[1]), plain, readings) == np.inf


@pytest.mark.parametrize("shape", [(6, 40), (4, 3, 5), (3, 2, 3, 3)])
def test_weights_in_fewer_bits_are_near_the_weights(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    weight[1] = 0
    weight[2] *= 1e-6
    half, eighth = Half(), Eighth()
    (kept,) = half.right_inverse(weight)
    assert kept.dtype == torch.bfloat16
    torch.testing.assert_close(half(kept), weight, rtol=2**-8, atol=0)
    codes, factor = eighth.right_inverse(weight)
    assert codes.dtype == torch.int8
    assert codes.abs().amax().item() == 127
    assert factor.shape == (shape[0], *[1] * (len(shape) - 1))
    assert ((eighth(codes, factor) - weight).abs() <= factor / 2 * 1.001).all()


@pytest.mark.parametrize(("kind", "precision"), [("torch", "bf16"), ("torch", "int8"), ("onnx", "int8")])
def test_fewer_bits_make_a_smaller_file_with_nearly_the_same_answers(kind, precision, answers, plain, folder, tmp_path):
    answer = through_file(plain, kind, tmp_path, precision)
    whole, small = ((place / f"model{FORMATS[kind].suffix}").stat().st_size for place in (folder, tmp_path))
    assert small < {"bf16": 0.65, "int8": 0.5}[precision] * whole
    assert TOLERANCE < parity(answer, plain, drawn(SCALER, LENGTH)) < 0.05
