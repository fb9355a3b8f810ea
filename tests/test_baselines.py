"""The baselines: their tensors answer as scikit-learn does, they are kept safely, and the same commands run them."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

import run
from exp.runs.artifact import load_artifact
from exp.training.fit_baseline import unread_flags
from models.baselines import BASELINES, Baseline
from models.baselines.classical import STATISTICS, window_statistics
from models.baselines.trees import Tree, _at_most, join
from tests.data_provider.kit import folder_of_runs, options
from utils.errors import UserError

# The one made of rules needs points of a unit: tests/test_rule_baseline.py has it.
ANY_SIGNALS = [name for name in BASELINES if name != "Guideline36"]
KEPT = [name for name in ANY_SIGNALS if BASELINES[name].stored]
SIGNALS, STEPS = 3, 20


def windows(classes: int, *, absent: int | None = None, count: int = 160) -> tuple[Tensor, Tensor]:
    """Windows (n, C, L) whose level tells the class, more or less; no window is of the class `absent`."""
    generator = torch.Generator().manual_seed(classes)
    y = torch.arange(count) % classes
    if absent is not None:
        y[y == absent] = (absent + 1) % classes
    level = torch.randn(classes, SIGNALS, 1, generator=generator) * 0.3
    noise = torch.randn(count, SIGNALS, STEPS, generator=generator) * 0.3
    return (level[y] + noise).clamp(-1, 1), y


def fitted(name: str, classes: int, *, absent: int | None = None) -> tuple[Baseline, Tensor, Tensor]:
    """A baseline fitted to half of the windows, and the other half."""
    x, y = windows(classes, absent=absent)
    baseline = BASELINES[name](signals=SIGNALS, classes=classes, seed=3)
    baseline.fit(x[:80], y[:80])
    return baseline.eval(), x[80:], y[80:]


def by_sklearn(name: str, classes: int, *, absent: int | None = None) -> np.ndarray:
    """What scikit-learn itself says about the other half: (n, J) probabilities."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = {
        "RandomForest": RandomForestClassifier(n_estimators=300, random_state=3),
        "HistGradientBoosting": HistGradientBoostingClassifier(early_stopping=False, random_state=3),
        "LogisticRegression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
    }[name]
    x, y = windows(classes, absent=absent)
    features = window_statistics(x).numpy().astype(np.float64 if name == "LogisticRegression" else np.float32)
    return model.fit(features[:80], y[:80].numpy()).predict_proba(features[80:])


def test_the_statistics_are_numpys():
    x, _ = windows(3)
    found = window_statistics(x.double()).view(len(x), SIGNALS, len(STATISTICS)).numpy()
    rows, time, half = x.double().numpy(), np.arange(STEPS), STEPS // 2
    slopes = [
        [[STEPS * np.polyfit(time[part], signal[part], 1)[0] for signal in window] for window in rows]
        for part in (slice(0, half), slice(half, None))
    ]
    expected = [rows.mean(-1), rows.std(-1), rows.min(-1), rows.max(-1), np.median(rows, -1), *map(np.array, slopes)]
    np.testing.assert_allclose(found, np.stack(expected, -1), rtol=0, atol=0.501e-6)  # rounded


@pytest.mark.parametrize("length", [2, 3, 5, 96])
def test_the_statistics_of_a_short_or_constant_window_are_finite(length):
    assert window_statistics(torch.full((1, 2, length), 0.5)).isfinite().all()


@pytest.mark.parametrize(("classes", "absent"), [(2, None), (4, None), (4, 2), (3, 0)])
@pytest.mark.parametrize("name", KEPT)
def test_a_baseline_answers_as_scikit_learn_does(name, classes, absent):
    baseline, x, _ = fitted(name, classes, absent=absent)
    found = baseline.predict_proba(x)
    present = [k for k in range(classes) if k != absent]
    np.testing.assert_allclose(found[:, present], by_sklearn(name, classes, absent=absent), atol=2e-7)
    assert found.shape == (80, classes)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-12)


def test_float32_thresholds_part_float32_readings_as_the_true_ones_do():
    random = np.random.default_rng(0)
    readings = random.normal(size=2000).astype(np.float32)
    between = (readings.astype(np.float64) + np.nextafter(readings, np.float32(9))) / 2
    for thresholds in (between, readings.astype(np.float64), random.normal(size=2000)):
        rounded = _at_most(thresholds)
        assert rounded.dtype == np.float32
        for reading in (readings, np.nextafter(readings, np.float32(9)), np.nextafter(readings, np.float32(-9))):
            np.testing.assert_array_equal(reading.astype(np.float64) <= thresholds, reading <= rounded)


def test_a_reading_at_the_threshold_goes_left():
    node = Tree(
        feature=np.array([0, 0, 0]),
        threshold=np.array([0.5, 0.0, 0.0]),
        left=np.array([1, -1, -1]),
        right=np.array([2, -1, -1]),
        value=np.array([[0.0], [1.0], [2.0]]),
        leaf=np.array([False, True, True]),
        depth=1,
    )
    answers = join([node]).leaves(torch.tensor([[0.4], [0.5], [0.6]]))
    assert answers.flatten().tolist() == [1, 1, 2]


@pytest.mark.parametrize("name", KEPT)
def test_logits_are_finite_for_a_class_that_was_never_seen(name):
    baseline, x, _ = fitted(name, 4, absent=1)
    assert baseline(x).isfinite().all()


@pytest.mark.parametrize("name", KEPT)
def test_a_baseline_is_the_same_when_fitted_again_and_when_loaded(name, tmp_path):
    baseline, x, _ = fitted(name, 4, absent=1)
    again, _, _ = fitted(name, 4, absent=1)
    safetensors.torch.save_file(baseline.state_dict(), tmp_path / "weights")
    loaded = BASELINES[name](signals=SIGNALS, classes=4, seed=0)
    loaded.load_state_dict(safetensors.torch.load_file(tmp_path / "weights"))
    assert baseline.numbers > 0
    for other in (again, loaded):
        np.testing.assert_array_equal(other.predict_proba(x), baseline.predict_proba(x))


@pytest.mark.parametrize("name", KEPT)
def test_a_window_is_evaluated_alone_as_in_a_batch(name):
    baseline, x, _ = fitted(name, 4)
    alone = np.concatenate([baseline.predict_proba(window[None]) for window in x[:10]])
    np.testing.assert_allclose(alone, baseline.predict_proba(x)[:10], atol=1e-12)


def test_a_weight_of_two_is_a_window_seen_twice():
    x, y = windows(3)
    weights = torch.where(y == 1, 2.0, 1.0)
    weighed, doubled = (BASELINES["LogisticRegression"](signals=SIGNALS, classes=3, seed=0) for _ in range(2))
    weighed.fit(x, y, weights)
    doubled.fit(torch.cat((x, x[y == 1])), torch.cat((y, y[y == 1])))
    np.testing.assert_allclose(weighed.predict_proba(x), doubled.predict_proba(x), atol=1e-4)
    plain = BASELINES["LogisticRegression"](signals=SIGNALS, classes=3, seed=0)
    plain.fit(x, y)
    assert abs(plain.predict_proba(x) - doubled.predict_proba(x)).max() > 0.01


@pytest.mark.parametrize("name", ["RandomForest", "HistGradientBoosting"])
@pytest.mark.parametrize(
    ("part", "value"),
    [("left", 10**6), ("right", -1), ("root", 10**6), ("feature", SIGNALS * len(STATISTICS)), ("depth", 10**9)],
)
def test_altered_trees_are_refused(name, part, value):
    baseline, _, _ = fitted(name, 3)
    state = baseline.state_dict()
    state[part] = state[part].clone()
    state[part].view(-1)[-1] = value
    with pytest.raises(RuntimeError, match="trees"):
        BASELINES[name](signals=SIGNALS, classes=3, seed=0).load_state_dict(state)


@pytest.mark.parametrize("name", KEPT)
def test_tensors_of_another_shape_or_class_are_refused(name):
    baseline, _, _ = fitted(name, 3)
    for part, tensor in baseline.state_dict().items():
        if tensor.dim() and (name, part) != ("RandomForest", "root"):  # with a tree fewer it is a forest still
            with pytest.raises(RuntimeError):
                BASELINES[name](signals=SIGNALS, classes=3, seed=0).load_state_dict(
                    {**baseline.state_dict(), part: tensor[:-1]}
                )
    with pytest.raises(RuntimeError, match="classes"):
        BASELINES[name](signals=SIGNALS, classes=2, seed=0).load_state_dict(baseline.state_dict())


def test_a_tree_that_ends_before_a_leaf_is_refused():
    baseline, _, _ = fitted("RandomForest", 3)
    state = {**baseline.state_dict(), "depth": torch.tensor(1)}
    with pytest.raises(RuntimeError, match="leaves"):
        BASELINES["RandomForest"](signals=SIGNALS, classes=3, seed=0).load_state_dict(state)


def test_without_aeon_its_baseline_says_how_to_get_it(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "aeon" else found(name, *rest))
    with pytest.raises(UserError, match="pip install aeon"):
        BASELINES["MultiRocketHydra"](signals=2, classes=2, seed=0)


def test_flags_that_only_a_network_reads_are_named():
    given = options(model="RandomForest", optimizer="adam", enable_class_weights=True, split="random")
    assert unread_flags(given) == ["optimizer"]


def line(data: Path, results: Path, *more: str) -> list[str]:
    """The words of a command line."""
    return ["--data", "folder", "--root_path", str(data), "--seq_len", "24", "--result_path", str(results), *more]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder of results with one run of every baseline that this machine has the packages of."""
    base = tmp_path_factory.mktemp("baselines")
    folder_of_runs(base / "data")
    for name in ANY_SIGNALS:
        if name != "MultiRocketHydra" or importlib.util.find_spec("aeon"):
            assert run.main(line(base / "data", base / "results", "--model", name)) == 0
    return base


@pytest.mark.parametrize("name", ANY_SIGNALS)
def test_the_same_commands_train_test_and_report(name, runs, capsys):
    folder = runs / "results" / "folder" / name / "default" / "latest"
    if not folder.exists():
        pytest.skip("aeon, an extra, is not installed")
    written = {path.name for path in folder.iterdir()}
    assert {"config.yaml", "metrics.json", "predictions_test.csv", "report.html", "best_model_summary.csv"} <= written
    assert "training_metrics.csv" not in written
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["windows"] == sum(metrics["data"]["counts"]["test"])
    given = ["--result_path", str(runs / "results"), "--data", "folder", "--model", name]
    assert run.main(["test", *given]) == 0
    assert "every number is the one in metrics.json" in capsys.readouterr().out
    assert run.main(["report", *given]) == 0
    if BASELINES[name].stored:
        assert load_artifact(folder / "model").options.model == name
    else:
        with pytest.raises(UserError, match="fits it again"):
            load_artifact(folder / "model")


def test_a_baseline_is_not_resumed(runs, capsys):
    folder = runs / "results" / "folder" / "LogisticRegression" / "default" / "latest"
    assert run.main(line(runs / "data", runs / "results", "--resume", str(folder))) == 2
    assert "nothing to --resume" in capsys.readouterr().err


def test_an_unknown_model_lists_networks_and_baselines(runs, capsys):
    assert run.main(line(runs / "data", runs / "results", "--model", "Forest")) == 2
    assert {"DualGAFNet", *BASELINES} <= set(capsys.readouterr().err.replace(",", " ").split())
