"""Every network of the registries through a file and back, and weights in fewer bits.

The networks are those of tests/models/test_networks.py, which together use every entry of every registry.
"""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from exp.evaluation.calibration import Distance
from exp.evaluation.decision import SCORES, DecisionRule
from exp.evaluation.density import GaussianMixtures
from exp.exporting.check import TOLERANCE, check_windows, compare, drawn, program_by
from exp.exporting.formats import FORMATS, Answer, Outputs
from exp.exporting.graph import BFloat16Weight, Int8Weight, graph_of
from exp.runs.artifact import Artifact
from tests.export.kit import CLASSES, COLUMNS, LENGTH, SCALER, artifact
from tests.models.test_networks import NETWORKS

# Files of all would take a minute; these differ most in their operators.
ON_DISK = [name for name in NETWORKS if name.startswith("parts 1")]


def network(name: str) -> Artifact:
    model, settings = NETWORKS[name]
    return artifact(model=model, **settings)


def rule_of(trained: Artifact) -> DecisionRule:
    return trained.rule(unknown_rate=0.05, false_alarm_rate=0.05)


def parity(answer: Answer, trained: Artifact, readings: np.ndarray) -> float:
    """The largest difference of a probability."""
    return compare(answer, trained, rule_of(trained), readings).largest


def logits_by(trained: Artifact, readings: np.ndarray) -> np.ndarray:
    return program_by(trained, rule_of(trained), readings)[0]


def through_file(trained: Artifact, kind: str, folder: Path, precision: str = "fp32") -> Answer:
    path = folder / f"model{FORMATS[kind].suffix}"
    batches = [drawn(trained.scaler, LENGTH)] if precision == "int8" else []
    FORMATS[kind].write(trained, rule_of(trained), precision, path, {"classes": list(CLASSES)}, batches)
    return FORMATS[kind].load(path)


def difference(answer: Answer, trained: Artifact, readings: np.ndarray) -> float:
    """As `parity`, told apart by hand: scaled, clipped, temperature-scaled in float64."""
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


@pytest.mark.sample(3)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_graph_of_every_network_gives_its_own_answers(name):
    trained = network(name)
    graph = graph_of(trained, rule_of(trained), "fp32").module()
    readings = drawn(SCALER, LENGTH)

    def answer(windows: np.ndarray) -> Outputs:
        return Outputs(*(output.numpy() for output in graph(torch.from_numpy(windows))))

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
    now = answers[kind](readings)
    assert now.verdict[[1, 3, 4]].tolist() == [4, 4, 4]
    assert np.isnan(now.novelty_score).tolist() == [False, True, False, True, True]
    np.testing.assert_array_equal(now.verdict[[0, 2]], whole.verdict[[0, 2]])
    for mine, before in zip(now[:2], whole[:2], strict=True):
        np.testing.assert_array_equal(np.isnan(mine).all(1), [False, True, False, True, True])
        np.testing.assert_allclose(mine[[0, 2]], before[[0, 2]], atol=1e-6)


def test_drawn_windows_reach_beyond_the_training_ranges():
    readings = drawn(SCALER, LENGTH)
    assert readings.shape == (32, LENGTH, len(COLUMNS))
    assert readings.dtype == np.float32
    assert (readings < SCALER.minimum).any(1)[:, :-1].any()
    assert (readings > SCALER.maximum).any(1)[:, :-1].any()
    assert (readings[0] == SCALER.minimum).all()
    assert np.isfinite(readings).all()


def program(trained: Artifact) -> Answer:
    """The program itself, as if it were a file."""

    def answer(windows: np.ndarray) -> Outputs:
        logits, verdicts = program_by(trained, rule_of(trained), windows)
        own = verdicts.own_confidence().numpy()
        return Outputs(verdicts.confidence.numpy(), logits, verdicts.novelty.numpy(), verdicts.number.numpy(), own)

    return answer


def test_a_comparison_knows_a_wrong_answer_from_none(plain):
    readings, right = drawn(SCALER, LENGTH), program(plain)

    def found(change):
        return compare(lambda windows: change(right(windows), len(windows)), plain, rule_of(plain), readings)

    same = found(lambda answer, _: answer)
    assert (same.windows, same.changed) == (32, 0)
    assert same.largest < 1e-12
    assert found(lambda a, n: a._replace(probabilities=a.probabilities + 0.01 * (n == 2))).largest == pytest.approx(
        0.01, abs=1e-6
    )
    assert found(lambda a, n: a._replace(probabilities=a.probabilities * np.nan)).largest == np.inf
    assert found(lambda a, n: a._replace(probabilities=a.probabilities[:1])).largest == np.inf
    assert found(lambda a, n: a._replace(verdict=a.verdict + (n == 3))).changed == 3
    assert found(lambda a, n: a._replace(verdict=a.verdict + (n == 3))).at_a_limit == 0


def deciding(score: str, augment: str = "") -> Artifact:
    """A network with a decision of every kind: classes, unknown and no answer, each for several windows."""
    trained, rng = artifact(model="OneDCNN", augment=augment), np.random.default_rng(0)
    readings = drawn(SCALER, LENGTH, 400)
    scaled = torch.from_numpy(SCALER.transform(readings).clip(-1, 1).swapaxes(1, 2).copy())
    target = rng.integers(0, 2, len(readings))
    changes = {
        "score": score,
        "mixtures": GaussianMixtures.fit(scaled[:, :, :12].numpy(), target, 3) if score == "readings" else None,
        "distance": None,
    }
    if score == "distance":
        with torch.no_grad():
            features = trained.model.features(scaled.double())
        changes["distance"] = Distance.fit(features.numpy(), target, 3)
    first = dataclasses.replace(trained, decision=dataclasses.replace(trained.decision, **changes))
    verdicts = program_by(first, rule_of(first), readings)[1]
    rare = int(np.bincount(verdicts.named.numpy(), minlength=3).argmin())
    unlike, scores = np.median(1 - verdicts.confidence[:, rare].numpy()), np.sort(verdicts.novelty.numpy())
    quantiles = np.interp(np.linspace(0, 1, 401), np.linspace(0, 1.2, len(scores)), scores)
    decision = dataclasses.replace(
        first.decision, novelty_quantiles=quantiles.round(6), false_alarm_quantiles=np.full(401, unlike.round(6))
    )
    return dataclasses.replace(first, decision=decision, info=dataclasses.replace(first.info, normal=CLASSES[rare]))


@pytest.mark.sample(2)
@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(("score", "augment"), [*((score, "") for score in SCORES), ("distance", "drop_sensor:0.2")])
def test_a_file_gives_the_verdicts_of_the_program_on_a_thousand_windows(kind, score, augment, tmp_path):
    trained = deciding(score, augment)
    rule, readings = rule_of(trained), check_windows(trained, None)
    assert len(readings) == 1000
    answer = through_file(trained, kind, tmp_path)
    found = compare(answer, trained, rule, readings)
    assert found.changed == found.at_a_limit <= 2
    assert found.largest <= TOLERANCE
    given, verdicts = answer(readings), program_by(trained, rule, readings)[1]
    reasons = np.bincount(verdicts.reason.numpy(), minlength=4)
    assert reasons.min() > 5, reasons
    assert (given.verdict == 3).sum() > 5
    answered = given.verdict != 4
    own = verdicts.own_confidence().numpy()
    same = given.verdict == verdicts.number.numpy()
    np.testing.assert_allclose(given.confidence[answered & same], own[answered & same], atol=0.003)
    assert np.isnan(given.confidence[~answered]).all()
    spoken = ~np.isnan(given.novelty_score)
    np.testing.assert_allclose(given.novelty_score[spoken], verdicts.novelty[spoken], rtol=1e-4, atol=1e-4)
    if score == "readings":
        np.testing.assert_array_equal(given.novelty_score[spoken], verdicts.novelty[spoken])
    lacking = ~np.isfinite(readings).all(1)
    assert (lacking.sum(1)[spoken].max() > 1) == bool(augment)


@pytest.mark.parametrize("shape", [(6, 40), (4, 3, 5), (3, 2, 3, 3)])
def test_weights_in_fewer_bits_are_near_the_weights(shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    weight[1] = 0
    weight[2] *= 1e-6
    half, eighth = BFloat16Weight(), Int8Weight()
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
