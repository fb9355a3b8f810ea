"""The same window gets the same written answer: in any company, on any threads, on any processor, from any verb."""

import csv
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy._core import _multiarray_umath as numpy_build

import run
from benchmarks.catalogue import _info
from data_provider.frames import DataInfo
from exp.detection.api import _loaded, detect_files
from exp.detection.attribution import top_sensors
from exp.evaluation import calibration
from exp.evaluation.decision import Decision, DecisionRule, Verdicts
from exp.evaluation.density import GaussianMixtures
from exp.evaluation.fitting import false_alarm_quantiles
from exp.evaluation.inference import answer, exact, in_batches
from exp.evaluation.metrics import evaluate
from exp.evaluation.predictions import Predictions
from exp.runs.artifact import load_artifact
from exp.training.catalogue import NETWORK_PARTS
from models import MODELS
from models.baselines.classical import window_statistics
from models.build import model_of
from tests.answer_kit import everything
from tests.conftest import REPOSITORY
from tests.kit import train, write_folder
from utils.options import Options
from utils.written import units, written

SIGNALS, STEPS, WINDOWS = 5, 16, 23  # odd numbers, whose tensors fill no register
CPU = torch.device("cpu")
KINDS = {
    "default": (),
    "OneDCNN": ("--model", "OneDCNN"),
    "dilated": ("--encoder", "dilated"),
    "boosting": ("--model", "HistGradientBoosting"),
    "forest": ("--model", "RandomForest"),
}
# Processors that this one can pass for: what the libraries may use, and the threads. Elsewhere they change nothing.
PROCESSORS = {
    "old": ({"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
             "MKL_CBWR": "COMPATIBLE", "NPY_DISABLE_CPU_FEATURES": "all"}, 1),
    "avx2": ({"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}, 2),
    "avx512": ({"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
                "MKL_ENABLE_INSTRUCTIONS": "AVX512"}, 3),
    "own": ({}, 3),
}  # fmt: skip
LEVELS = ("default", "avx2", "avx512")  # a processor can pass for a lesser one only
EARLIER = REPOSITORY / "tests" / "fixtures" / "earlier_run"


def windows(count: int = WINDOWS) -> torch.Tensor:
    """(n, C, L) random walks."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, SIGNALS, STEPS, generator=generator).mul_(0.2).cumsum(-1).clamp_(-1, 1)


def network(**chosen) -> torch.nn.Module:
    torch.manual_seed(0)
    info = dataclasses.replace(_info(), columns=tuple(f"signal {i}" for i in range(SIGNALS)), seq_len=STEPS)
    return exact(model_of(Options(**{"feature_dim": 8, **chosen}), info))


def said(model: torch.nn.Module, batches: tuple[torch.Tensor, ...]) -> np.ndarray:
    """(n, K) written probabilities of windows in batches."""
    return written(torch.cat([answer(model, batch, CPU)[0] for batch in batches]).softmax(1).numpy())


@pytest.mark.parametrize(
    "chosen",
    [{"model": name} for name in MODELS]
    + [{flag: name} for flag in NETWORK_PARTS for name in NETWORK_PARTS[flag] if flag != "ablation_mode"],
    ids=lambda chosen: "-".join(map(str, *chosen.items())),
)
def test_neither_place_nor_company_changes_an_answer(chosen):
    model, x = network(**chosen), windows()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    whole = said(model, (x,))
    for size in (1, 7):
        np.testing.assert_array_equal(said(model, x[order].split(size)), whole[order])


@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_no_answer(threads):
    model, x = network(feature_dim=32), windows(75)
    before = torch.get_num_threads()

    def logits() -> torch.Tensor:
        pieces = in_batches(lambda places: answer(model, x[places], CPU)[0], model, np.arange(len(x)), CPU)
        return torch.cat(list(pieces))

    try:
        torch.set_num_threads(threads)
        np.testing.assert_array_equal(written(logits().softmax(1).numpy()), said(model, (x,)))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_a_mistake_in_a_batch_is_not_lost():
    def work(places: np.ndarray) -> None:
        raise ValueError(f"window {places[0]}")

    with pytest.raises(ValueError, match="window 0"):
        list(in_batches(work, network(), np.arange(WINDOWS), CPU))


def test_a_network_in_single_precision_is_not_asked():
    with pytest.raises(ValueError, match="float64"):
        answer(network().float(), windows(), CPU)


def test_evaluation_leaves_the_trained_network_as_it_was():
    model = model_of(Options(feature_dim=8), dataclasses.replace(_info(), seq_len=STEPS)).train()
    state, random = {name: tensor.clone() for name, tensor in model.state_dict().items()}, torch.get_rng_state()
    copied = exact(model)
    assert exact(copied) is copied
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert all(torch.equal(tensor, state[name].double()) for name, tensor in copied.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in model.modules())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters())
    assert not any(module.training for module in copied.modules())


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, dict[str, Path]]:
    """A data folder, and the run folders of models trained on it."""
    base = tmp_path_factory.mktemp("same_answer")
    write_folder(base / "data", days=5)
    runs = {}
    for kind, flags in KINDS.items():
        words = ("--train_epochs", "1", "--cache_path", str(base / "cache"), *flags)
        status, runs[kind] = train(base / "data", base / kind, *words)
        assert status == 0
    return base / "data", runs


@pytest.fixture(scope="module")
def here(trained) -> dict[str, dict]:
    """What this process writes of each run."""
    data, runs = trained
    return {kind: json.loads(json.dumps(everything(folder, data / "stuck.csv"))) for kind, folder in runs.items()}


@pytest.mark.sample(3)
@pytest.mark.parametrize("processor", list(PROCESSORS))
def test_another_processor_writes_the_same(processor, trained, here):
    data, runs = trained
    settings, threads = PROCESSORS[processor]
    own = LEVELS.index(torch.backends.cpu.get_cpu_capability().lower())
    if LEVELS.index(settings.get("ATEN_CPU_CAPABILITY", "default")) > own:
        pytest.skip(f"this processor has no {processor}")
    environment = {**os.environ, **settings}
    if "NPY_DISABLE_CPU_FEATURES" in settings:
        there = [name for name in numpy_build.__cpu_dispatch__ if numpy_build.__cpu_features__[name]]
        environment["NPY_DISABLE_CPU_FEATURES"] = " ".join(there)
    words = [sys.executable, "-m", "tests.answer_kit", str(threads), str(data / "stuck.csv"), *map(str, runs.values())]
    done = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for kind, folder in runs.items():
        for what, value in here[kind].items():
            assert found[str(folder)][what] == value, f"{what} of {kind}"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("kind", list(KINDS))
def test_a_gpu_writes_the_same(kind, trained, here):
    data, runs = trained
    assert json.loads(json.dumps(everything(runs[kind], data / "stuck.csv", "cuda"))) == here[kind]


@pytest.mark.parametrize("kind", list(KINDS))
def test_detect_and_the_artifact_answer_as_test_did(kind, trained, here):
    tested = rows(trained[1][kind] / "predictions_test.csv")
    names = [name for name in tested[0] if name.startswith("p_")]
    assert here[kind]["probabilities"] == [[float(row[name]) for name in names] for row in tested]
    detected = {row["start"]: row for row in here[kind]["windows"] if row["class"]}
    both = [(row, detected[row["start"]]) for row in tested if row["file"] == "stuck" and row["start"] in detected]
    assert len(both) > 5
    for row, mine in both:
        assert [mine[name] for name in names] == [float(row[name]) for name in names]
        assert mine["class"] == row["predicted"]
        assert mine["class"] == max(names, key=lambda name: mine[name])[2:]  # the first of the largest that are written
    stored = json.loads((trained[1][kind] / "metrics.json").read_text())
    assert here[kind]["measures"] == {part: stored[part] for part in ("val", "test")}
    assert here[kind]["answers"] == stored["answers"]


def decimals(content: object) -> Iterator[int]:
    """Of every float in plain values."""
    if isinstance(content, dict | list):
        for value in content.values() if isinstance(content, dict) else content:
            yield from decimals(value)
    elif isinstance(content, float):
        yield 0 if content == round(content, 6) else 7


def test_no_number_has_more_digits_than_are_promised(here):
    for kind in KINDS:
        assert set(decimals(here[kind])) == {0}


def test_noise_in_the_thirteenth_digit_changes_nothing_that_is_written(trained, here, monkeypatch):
    """Thresholds included, which are scores of validation windows that `detect` meets again."""
    log_densities, noise = GaussianMixtures.log_densities, torch.Generator().manual_seed(0)

    def shaken(self: GaussianMixtures, x: torch.Tensor) -> torch.Tensor:
        found = log_densities(self, x)
        return found * (1 + 1e-13 * torch.randn(found.shape, generator=noise, dtype=found.dtype))

    def load(folder: Path):
        artifact = load_artifact(folder)
        for parameter in artifact.model.parameters():
            parameter *= 1 + 1e-14 * torch.randn(parameter.shape, generator=noise, dtype=parameter.dtype)
        return artifact

    data, runs = trained
    monkeypatch.setattr("tests.answer_kit.load_artifact", load)
    monkeypatch.setattr("exp.detection.load.load_artifact", load)
    _loaded.cache_clear()  # so that the model is loaded again
    monkeypatch.setattr(GaussianMixtures, "log_densities", shaken)
    try:
        assert json.loads(json.dumps(everything(runs["default"], data / "stuck.csv"))) == here["default"]
    finally:
        _loaded.cache_clear()


def test_detect_names_the_first_of_classes_that_tie(trained, monkeypatch):
    def load(folder: Path):
        artifact = load_artifact(folder)
        artifact.model.head.bias.zero_()
        artifact.model.head.weight.mul_(1e-13)
        return artifact

    data, runs = trained
    monkeypatch.setattr("exp.detection.load.load_artifact", load)
    _loaded.cache_clear()
    try:
        found, _ = detect_files(runs["default"], [data / "stuck.csv"], unknown_rate=0.0, false_alarm_rate=1.0)
    finally:
        _loaded.cache_clear()
    answered = [row for row in found if row["class"]]
    assert len(answered) > 20
    classes = [name.removeprefix("p_") for name in answered[0] if name.startswith("p_")]
    for row in answered:
        assert row["class"] == classes[0]
        assert {row[f"p_{name}"] for name in classes} == {row["confidence"]} == {0.333333}


SIDES = (-1e-12, 0.0, 1e-12)


@pytest.mark.parametrize("score", ["energy", "confidence"])
def test_a_score_that_meets_its_threshold_is_known_whatever_the_noise(score):
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(50, 3)))
    info = dataclasses.replace(_info(), classes=("normal", "leak", "stuck"), normal="normal")
    target = np.zeros(50, int)
    decision = Decision(
        temperature=1.3, score=score, novelty_quantiles=np.zeros(0), false_alarm_quantiles=np.zeros(0), compared={},
        lower=np.zeros(1), upper=np.zeros(1), distance=None, reference_window=np.zeros((1, 8)),
    )  # fmt: skip
    first = decide(decision, info, logits, 0.0)
    decision = dataclasses.replace(
        decision,
        novelty_quantiles=calibration.quantiles(first.novelty.numpy(), target),
        false_alarm_quantiles=false_alarm_quantiles(first.confidence.numpy(), target, info),
    )
    assert np.isin(first.novelty, decision.novelty_quantiles).all()
    again = Decision.from_dict(json.loads(json.dumps(decision.to_dict())), decision.to_tensors())
    for one in (decision, again):
        for side in SIDES:
            other = logits + side * torch.from_numpy(np.sign(np.random.default_rng(1).normal(size=logits.shape)))
            for rate in np.linspace(0.02, 0.98, 49):
                expected, found = decide(decision, info, logits, rate), decide(one, info, other, rate)
                for mine, yours in zip(expected, found, strict=True):
                    np.testing.assert_array_equal(mine, yours)
                unknown = found.novelty > calibration.threshold(one.novelty_quantiles, rate / 2)
                alike = units(1 - found.confidence[:, 0]) <= units(
                    calibration.threshold(one.false_alarm_quantiles, rate)
                )
                np.testing.assert_array_equal(found.number == 3, unknown)
                np.testing.assert_array_equal(found.number == 4, (found.named != 0).numpy() & alike & ~unknown.numpy())


def decide(decision: Decision, info: DataInfo, logits: torch.Tensor, rate: float) -> Verdicts:
    """Verdicts about windows of one signal with these logits."""
    x = torch.zeros(len(logits), 1, 8)
    rule = DecisionRule(decision, info, unknown_rate=rate / 2, false_alarm_rate=rate)
    return rule(readings=x, missing=None, x=x, logits=logits, features=None)


def test_thresholds_of_an_earlier_program_are_cut_to_the_digits_that_are_compared():
    plain = {
        "temperature": 1.0,
        "unknown": {"score": "energy", "quantiles": [0.1234564999, 0.7], "compared": {}},
        "alarm": {"quantiles": [0.3333333333]},
        "ranges": {"lower": [0.0], "upper": [1.0]},
    }
    decision = Decision.from_dict(plain, {"usual": torch.zeros(1, 8)})
    assert decision.novelty_quantiles.tolist() == [0.123456, 0.7]
    assert decision.false_alarm_quantiles.tolist() == [0.333333]


@pytest.mark.parametrize("side", SIDES)
def test_a_tie_goes_to_the_first_class_and_is_ranked_as_one(side):
    p = np.array([[0.4 - side, 0.4 + side, 0.2], [0.2, 0.4 - side, 0.4 + side], [0.8, 0.1, 0.1], [0.1, 0.2, 0.7]])
    times = np.zeros(4, "datetime64[s]")
    target = np.array([1, 2, 0, 2])
    predictions = Predictions("test", ("a", "b", "c"), p, target, np.full(4, "f"), times, times, np.arange(4))
    assert predictions.top.tolist() == [0, 1, 0, 2]
    found = evaluate(predictions, normal="a")
    assert found["accuracy"]["value"] == 0.5
    plain = dataclasses.replace(predictions, probabilities=written(p))
    exactly = evaluate(plain, normal="a")
    for name in exactly.keys() - {"log_loss"}:
        assert found[name] == exactly[name], name


def test_measures_are_exact_in_any_order():
    rng = np.random.default_rng(0)
    p, target, block = rng.dirichlet(np.full(4, 0.4), 3000), rng.integers(0, 4, 3000), rng.integers(0, 9, 3000)
    times, order = np.zeros(3000, "datetime64[s]"), rng.permutation(3000)
    straight = Predictions("test", tuple("abcd"), p, target, np.full(3000, "f"), times, times, block)
    mixed = dataclasses.replace(straight, probabilities=p[order], target=target[order], block=block[order])
    found, expected = evaluate(mixed, normal="a"), evaluate(straight, normal="a")
    assert found.pop("log_loss")["value"] == pytest.approx(expected.pop("log_loss")["value"], rel=1e-12)
    assert found == expected


def test_sensors_that_say_the_same_stand_in_their_order():
    spoken = np.zeros((1, 4, 3))
    spoken[0, 2] = 0.5
    spoken[0, [0, 1, 3], 0] = 1e-14, -1e-14, 3e-14
    assert top_sensors(spoken, 4) == [2, 0, 1, 3]


def test_statistics_do_not_tell_rounding_from_a_signal_that_stands_still():
    level = torch.rand(200, 1, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for length in (7, 31, 58, 95, 96):
        found = window_statistics(level.expand(200, 1, length))
        assert (found[:, [1, 5, 6]] == 0).all()  # deviation and slopes
        np.testing.assert_array_equal(found[:, 0], found[:, 2])  # mean and minimum


@pytest.fixture
def earlier(tmp_path, monkeypatch) -> Path:
    """The run folder of an earlier version, and its data beside it."""
    shutil.copytree(EARLIER, tmp_path / "runs" / "folder" / "DualGAFNet" / "earlier" / "1")
    write_folder(tmp_path / "data", days=9)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs" / "folder" / "DualGAFNet" / "earlier" / "1"


def test_a_run_of_an_earlier_version_is_tested_to_the_digits_that_it_determined(earlier, capsys):
    assert run.main(["test", "--run", str(earlier)]) == 0
    told = capsys.readouterr().out
    assert "single precision" in told
    assert "to 4 decimals" in told
    metrics = json.loads((earlier / "metrics.json").read_text())
    metrics["test"]["log_loss"]["value"] += 2e-4
    (earlier / "metrics.json").write_text(json.dumps(metrics))
    assert run.main(["test", "--run", str(earlier)]) == 1


def test_a_model_of_an_earlier_version_detects(earlier):
    found, events = detect_files(earlier, ["data/stuck.csv"], stride=1)
    mine = {row["start"]: row for row in found if row["class"]}
    compared = 0
    for row in rows(earlier / "predictions_test.csv"):
        if row["file"] == "stuck" and row["start"] in mine:
            for name in ("p_normal", "p_biased", "p_stuck"):
                assert mine[row["start"]][name] == pytest.approx(float(row[name]), abs=2e-6)
                compared += 1
    assert compared > 15
    assert {event["file"] for event in events} <= {"stuck.csv"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
