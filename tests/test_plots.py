"""The figures: the numbers in them, that names can be read, and that nothing of matplotlib's global state moves.

Letters: K classes, C signals, T time steps.
"""

import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from exp.evaluation import metrics
from exp.evaluation.predictions import Predictions
from exp.reporting import plots
from exp.reporting.gramian_plots import distinctive_signals, fields
from tests import fake_run

REPOSITORY = Path(__file__).resolve().parent.parent
HOSTILE = ("<script>", "$\\frac{", "a$b$c", "two\nlines", "x" * 80, " ", "%s {0}")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Every figure that is written, to be looked into."""
    figures: list[Figure] = []
    original = Figure.savefig

    def keep(self: Figure, *args: object, **options: object) -> None:
        figures.append(self)
        original(self, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def words(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def test_fields_equal_their_definition_by_angles() -> None:
    x = np.array([-1.0, -0.3, 0.0, 0.25, 0.9, 1.0])
    phi = np.arccos(x)
    gasf, gadf = fields(x)
    np.testing.assert_allclose(gasf, np.cos(phi[:, None] + phi[None, :]), atol=1e-14)
    np.testing.assert_allclose(gadf, np.sin(phi[:, None] - phi[None, :]), atol=1e-14)


def test_fields_take_values_that_rounding_put_outside() -> None:
    assert np.isfinite(fields(np.array([1.0000001, -1.0000001], np.float32))).all()


def test_distinctive_signals_are_those_that_differ_between_classes() -> None:
    flat, lively, split, time = np.zeros(50), 2 * np.sin(np.arange(50)), np.ones(50), np.linspace(0, 1, 50)
    # lively varies most in time but is the same in both classes
    one, two = np.stack([flat, lively, split, 0.2 * time]), np.stack([flat, lively, -split, -0.2 * time])
    assert distinctive_signals([one, two], 2) == [2, 3]
    twin = np.stack([one[2] + 0.05, *one]), np.stack([two[2] + 0.05, *two])
    assert distinctive_signals(twin, 2) == [0, 4], "of two signals that are alike one is shown"
    one[2, :3] = np.nan
    assert distinctive_signals([one, two], 4)[-1] == 2, "a signal with a gap comes last"


def test_gramian_samples_show_every_class_and_the_distinctive_signals(tmp_path: Path, drawn: list[Figure]) -> None:
    classes = ("normal", "stuck", "leak")
    windows = {name: np.zeros((5, 24)) for name in classes}
    windows["stuck"][3], windows["leak"][1] = 0.9, 0.4
    path = plots.gramian_samples(windows, ["a", "b", "c", "d", "e"], tmp_path / "new" / "g.png", signals=2)
    assert path == tmp_path / "new" / "g.png"
    written = words(drawn[0])
    assert {"d", "b", *classes} <= set(written)
    assert not {"a", "c", "e"} & set(written)
    images = [image for image in drawn[0].axes[0].images if image.get_array().shape == (24, 24)]
    assert len(images) == 3 * 2 * 2
    np.testing.assert_allclose(images[4].get_array(), fields(windows["stuck"][3])[0])
    np.testing.assert_allclose(images[5].get_array(), fields(windows["stuck"][3])[1])
    assert {image.get_clim() for image in images} == {(-1.0, 1.0)}
    assert len({image.get_cmap().name for image in images}) == 1


@pytest.mark.parametrize(("shapes", "columns"), [([(3, 9), (2, 9)], 3), ([(3, 9)], 4), ([(9,)], 9), ([], 3)])
def test_gramian_samples_refuse_shapes_that_do_not_fit(tmp_path: Path, shapes: list, columns: int) -> None:
    windows = {str(k): np.zeros(shape) for k, shape in enumerate(shapes)}
    with pytest.raises(ValueError, match="windows must all be"):
        plots.gramian_samples(windows, ["s"] * columns, tmp_path / "g.png")


def test_confusion_matrix_writes_counts_and_shares_of_the_row(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.confusion_matrix([[98, 2], [0, 0]], ("healthy", "faulty"), tmp_path / "c.png", "Test part")
    assert words(drawn[0]) == ["98\n98%", "2\n2%"]
    axes = drawn[0].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["healthy  (100)", "faulty  (0)"]
    hit, miss, blank = axes.images[0].get_array()[[0, 0, 1], [0, 1, 0]]
    assert hit[2] > hit[0], "a right answer is blue"
    assert miss[0] > miss[2], "a wrong one is orange"
    assert np.allclose(blank, 1.0)


@pytest.mark.parametrize("k", [3, 9, 29])
def test_confusion_matrix_names_are_whole_and_apart(tmp_path: Path, drawn: list[Figure], k: int) -> None:
    classes = tuple(f"DualDuct_Fouling_Cooling_Waterside_Part{n}" for n in range(k))
    matrix = np.diag(np.full(k, 1257)) + np.diag(np.full(k - 1, 100), 1)
    plots.confusion_matrix(matrix, classes, tmp_path / "c.png", "A title " * 12)
    figure = drawn[0]
    figure.draw_without_rendering()
    page = figure.bbox
    labels = [*figure.axes[0].get_xticklabels(), *figure.axes[0].get_yticklabels(), figure._suptitle]
    for label in labels:
        box = label.get_window_extent()
        assert page.x0 <= box.x0 < box.x1 <= page.x1, label.get_text()
        assert page.y0 <= box.y0 < box.y1 <= page.y1, label.get_text()
    down = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in itertools.pairwise(down))
    cell = figure.axes[0].transData.transform([(0, 0), (1, 1)])
    side = abs(cell[1] - cell[0])
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.width < side[0], text.get_text()
        assert box.height < side[1], text.get_text()


def test_confusion_matrix_refuses_another_shape(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 classes"):
        plots.confusion_matrix(np.zeros((3, 3)), ("a", "b"), tmp_path / "c.png", "")


def test_calibration_bins_by_hand() -> None:
    count, accuracy, mean, error = plots.calibration_bins(
        np.array([0.5, 0.4, 0.9, 1.0]), np.array([1, 0, 1, 1]), bins=2
    )
    assert count.tolist() == [2, 2], "0.5 closes the lower bin"
    np.testing.assert_allclose(accuracy, [0.5, 1.0])
    np.testing.assert_allclose(mean, [0.45, 0.95])
    assert error == pytest.approx(0.05)


def test_calibration_error_is_zero_where_confidence_is_kept() -> None:
    sure = np.repeat([0.2, 0.7], 10)
    right = np.r_[np.arange(10) < 2, np.arange(10) < 7]
    *_, error = plots.calibration_bins(sure, right)
    assert error == pytest.approx(0.0, abs=1e-12)


def test_the_figures_calibration_error_is_that_of_the_metrics() -> None:
    random = np.random.default_rng(5)
    p = random.dirichlet(np.ones(4), 200)
    zero = np.zeros(200, np.int64)
    predictions = Predictions("test", tuple("abcd"), p, random.integers(0, 4, 200), zero, zero, zero, zero)
    *_, error = plots.calibration_bins(predictions.confidence, predictions.top == predictions.target)
    expected = metrics.evaluate(predictions, normal=None, bootstrap=0)["ece"]["value"]
    assert error == pytest.approx(expected, abs=1e-12)


def test_reliability_names_the_error_and_shows_every_window(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.reliability(np.array([0.0, 0.6, 0.6, 1.0]), np.array([False, True, False, True]), tmp_path / "r.png")
    upper, lower = drawn[0].axes
    assert "0.050" in upper.get_title(loc="left")  # (0 + 2 * |0.5 - 0.6| + 0) / 4
    assert sum(bar.get_height() for bar in lower.patches) == 4


def test_reliability_refuses_nothing_and_uneven_lengths(tmp_path: Path) -> None:
    for sure, right in ((np.array([]), np.array([])), (np.array([0.5]), np.array([1, 0]))):
        with pytest.raises(ValueError, match="n > 0"):
            plots.reliability(sure, right, tmp_path / "r.png")


def test_curves_mark_the_best_epoch_and_changes_of_the_rate(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = fake_run.history(20)
    rows[6]["val_loss"] = 0.1
    plots.curves([{name: str(value) for name, value in row.items()} for row in rows], tmp_path / "c.png")
    loss, score, rates, _ = drawn[0].axes
    assert [text.get_text() for text in loss.texts] == ["best, epoch 7"]
    upright = {line.get_xdata()[0] for line in loss.lines if len(line.get_xdata()) == 2}
    assert upright == {7, 10, 17}
    assert [text.get_text() for text in score.get_legend().get_texts()][-1] == "validation macro-F1"
    np.testing.assert_allclose(score.lines[2].get_ydata(), [row["val_macro_f1"] for row in rows])
    np.testing.assert_allclose(rates.lines[0].get_ydata(), [row["learning_rate"] for row in rows])


def test_curves_take_the_best_epoch_that_they_are_told(tmp_path: Path, drawn: list[Figure]) -> None:
    plots.curves(fake_run.history(12), tmp_path / "c.png", best_epoch=3)
    assert drawn[0].axes[0].texts[0].get_text() == "best, epoch 3"


def test_curves_with_one_epoch_a_gap_and_a_rate_that_always_changes(tmp_path: Path, drawn: list[Figure]) -> None:
    rows = fake_run.history(30)
    for number, row in enumerate(rows):
        row["learning_rate"] = 1e-3 / (1 + number)
    rows[2]["val_loss"] = ""
    plots.curves(rows, tmp_path / "many.png")
    assert len(drawn[0].axes[0].lines) == 3, "29 changes would be a hatching, the strip below shows them"
    rows[0]["learning_rate"] = 0.0
    plots.curves(rows[:1], tmp_path / "one.png")
    assert all(line.get_marker() == "o" for line in drawn[1].axes[0].lines[:2]), "one point is not a line"
    with pytest.raises(ValueError, match="empty"):
        plots.curves([], tmp_path / "none.png")


def test_class_bars_are_sorted_and_carry_their_support(tmp_path: Path, drawn: list[Figure]) -> None:
    values = {"b": {"f1": 0.2, "support": 7}, "a": {"f1": 0.9, "support": 40}, "c": {"f1": None, "support": 0}}
    plots.class_bars(values, tmp_path / "b.png")
    axes = drawn[0].axes[0]
    down = [label.get_text() for label in axes.get_yticklabels()][::-1]
    assert down == ["a", "b", "c"]
    assert {"0.900", "40 windows", "0.200", "7 windows", "0 windows"} <= set(words(drawn[0]))
    with pytest.raises(ValueError, match="no class"):
        plots.class_bars({}, tmp_path / "none.png")


def test_hostile_names_are_drawn_as_they_are(tmp_path: Path, drawn: list[Figure]) -> None:
    k = len(HOSTILE)
    windows = {name: np.full((k, 12), level) for name, level in zip(HOSTILE, np.linspace(-1, 1, k), strict=True)}
    per_class = {name: {"f1": 0.5, "support": 3} for name in HOSTILE}
    paths = [
        plots.confusion_matrix(np.eye(k, dtype=int), HOSTILE, tmp_path / "1.png", "$\\frac{"),
        plots.gramian_samples(windows, HOSTILE, tmp_path / "2.png"),
        plots.class_bars(per_class, tmp_path / "3.png"),
    ]
    assert all(pixels(path).std() > 5 for path in paths), "something is drawn"
    assert "$\\frac{" in [label.get_text() for label in drawn[2].axes[0].get_yticklabels()]


def test_figures_leave_no_trace_in_matplotlib(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    plots.class_bars({"a": {"f1": 0.5, "support": 3}}, tmp_path / "b.png")
    assert dict(matplotlib.rcParams) == before
    code = "import sys, exp.reporting.plots as p; p.class_bars({'a': {'f1': 1, 'support': 1}}, sys.argv[1]); "
    code += "sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "c.png")], cwd=REPOSITORY, check=True)
