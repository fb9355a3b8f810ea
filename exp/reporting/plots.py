"""The figures of a training run; each function writes one PNG and returns its path.

Letters: K classes, n windows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from exp.evaluation.metrics import BINS
from exp.reporting.gramian_plots import gramian_samples
from exp.reporting.style import BLUE, GRID, INK, MUTED, ORANGE, PALE_BLUE, drawing, one_line, tidy

__all__ = ["calibration_bins", "class_bars", "confusion_matrix", "curves", "gramian_samples", "reliability"]

_MOST_MARKED_RATES = 12
_HITS = LinearSegmentedColormap.from_list("hits", ["#ffffff", "#c9dcea", BLUE, "#17466e"])
_MISSES = LinearSegmentedColormap.from_list("misses", ["#ffffff", "#f6d3b4", ORANGE, "#8f3f0a"])


def curves(rows: Sequence[Mapping[str, Any]], path: Path | str, *, best_epoch: int | None = None) -> Path:
    """Loss and accuracy by epoch, with the best epoch and the changes of the learning rate.

    Args:
        rows: the rows of training_metrics.csv, numbers or their text; "" where nothing was measured.
        path: the PNG to write.
        best_epoch: the epoch kept; where it is not given, the one with the lowest validation loss.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("no epoch to draw: rows is empty")
    names = ("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy", "val_macro_f1")
    table = {name: _numbers(rows, name) for name in (*names, "learning_rate", "effective_batch_size")}
    epoch, rate = table["epoch"], table["learning_rate"]
    if best_epoch is None:
        best_epoch = int(epoch[np.argmin(np.where(np.isfinite(table["val_loss"]), table["val_loss"], np.inf))])
    changes = epoch[1:][~np.isclose(rate[1:], rate[:-1], rtol=1e-6, atol=0.0)]
    changes = changes if len(changes) <= _MOST_MARKED_RATES else changes[:0]
    target = Path(path)
    with drawing(target, 10.0, 4.6) as figure:
        grid = figure.subplots(2, 2, sharex=True, height_ratios=(4.2, 1.0), squeeze=False)
        loss, score, rates, batch = grid.ravel()
        losses = {"training": (table["train_loss"], PALE_BLUE), "validation": (table["val_loss"], BLUE)}
        _lines(loss, epoch, losses, "upper right")
        scores = {
            "training accuracy": (table["train_accuracy"], PALE_BLUE),
            "validation accuracy": (table["val_accuracy"], BLUE),
            "validation macro-F1": (table["val_macro_f1"], ORANGE),
        }
        _lines(score, epoch, scores, "lower right")
        loss.set_title("Loss")
        score.set_title("Accuracy and macro-F1")
        _strip(rates, epoch, rate, "learning\nrate")
        rates.set(yscale="log" if (rate > 0).any() else "linear", yticks=_ticks(rate))
        rates.yaxis.set_minor_locator(NullLocator())
        rates.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        _strip(batch, epoch, table["effective_batch_size"], "effective\nbatch")
        batch.set_ylim(0, 1.25 * table["effective_batch_size"].max())
        batch.yaxis.set_major_locator(MaxNLocator(2, integer=True))
        for axes in (loss, score, rates, batch):
            _mark_epochs(axes, epoch, changes, best_epoch)
        _name_best(loss, best_epoch, epoch)
    return target


def _numbers(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    return np.array([float("nan") if row[name] in ("", None) else float(row[name]) for row in rows])


def _strip(axes: Axes, epoch: np.ndarray, values: np.ndarray, name: str) -> None:
    axes.step(epoch, values, where="post", color=INK, linewidth=1.2, marker="." if len(epoch) == 1 else None)
    axes.set(ylabel=name, xlabel="epoch")


def _ticks(rate: np.ndarray) -> list[float]:
    """Every learning rate there was where these are few, else the lowest and the highest; the scale has no zero."""
    rates = np.unique(rate[rate > 0])
    return list(rates) if len(rates) <= 3 else [rates[0], rates[-1]]


def _lines(
    axes: Axes,
    epoch: np.ndarray,
    lines: Mapping[str, tuple[np.ndarray, str]],
    corner: Literal["upper right", "lower right"],
) -> None:
    marker = "o" if len(epoch) == 1 else None
    for label, (values, colour) in lines.items():
        axes.plot(epoch, values, color=colour, linewidth=1.7, marker=marker, markersize=5, label=label)
    axes.legend(loc=corner, handlelength=1.4)


def _mark_epochs(axes: Axes, epoch: np.ndarray, changes: np.ndarray, best: int) -> None:
    """The scale of epochs, with dotted lines where the learning rate changed and a whole one at the best."""
    tidy(axes)
    axes.set_xlim(epoch[0] - 0.5, epoch[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    for change in changes:
        axes.axvline(change, color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.axvline(best, color=INK, linewidth=0.8, alpha=0.55)


def _name_best(axes: Axes, best: int, epoch: np.ndarray) -> None:
    """Write beside the line on the side where there is room."""
    right = best <= (epoch[0] + epoch[-1]) / 2
    axes.annotate(
        f"best, epoch {best}",
        xy=(best, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(4 if right else -4, 2),
        textcoords="offset points",
        ha="left" if right else "right",
        va="bottom",
        fontsize=8,
        color=INK,
    )


def confusion_matrix(
    matrix: np.ndarray | Sequence[Sequence[int]], classes: Sequence[str], path: Path | str, title: str
) -> Path:
    """Counts and shares of a row for every pair of truth and answer; right answers blue, wrong ones orange.

    Args:
        matrix: (K, K) counts, a row a true class.
        classes: K names.
        path: the PNG to write.
        title: written above.

    Raises:
        ValueError: the matrix is not (K, K).
    """
    counts = np.asarray(matrix, dtype=np.int64)  # (K, K)
    if counts.shape != (len(classes), len(classes)) or not len(classes):
        raise ValueError(f"a confusion matrix of {len(classes)} classes cannot have the shape {counts.shape}")
    support = counts.sum(1)
    share = counts / np.maximum(support, 1)[:, None]
    colours = np.where(np.eye(len(classes), dtype=bool)[:, :, None], _HITS(share), _MISSES(share**0.7))  # (K, K, 4)
    names = [one_line(name) for name in classes]
    few = len(classes) <= 12
    cell = 0.66 if few else 0.47
    margin = 0.5 + 0.075 * max(map(len, names))
    side = cell * len(classes)
    width = max(side + margin + 0.8, 5.0)
    target = Path(path)
    with drawing(target, width, side + (0.75 * margin if few else margin) + 0.9) as figure:
        axes = figure.add_subplot()
        axes.imshow(colours, interpolation="nearest")
        axes.set_xticks(range(len(names)), names, rotation=40 if few else 90, ha="right" if few else "center")
        if few:
            for label in axes.get_xticklabels():
                label.set_rotation_mode("anchor")
        axes.set_yticks(range(len(names)), [f"{name}  ({n})" for name, n in zip(names, support, strict=True)])
        axes.set(xlabel="taken for", ylabel="truth (windows)")
        figure.suptitle(fill(one_line(title), int(10 * width)), fontsize=11, weight="bold", x=0.02, ha="left")
        axes.set_xticks(np.arange(0.5, len(names) - 1), minor=True)
        axes.set_yticks(np.arange(0.5, len(names) - 1), minor=True)
        axes.grid(which="minor")
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_color(GRID)
        _label_cells(axes, counts, share, few)
    return target


def _label_cells(axes: Axes, counts: np.ndarray, share: np.ndarray, few: bool) -> None:
    """Write count and share into every cell that has a window."""
    for row, column in zip(*np.nonzero(counts), strict=True):
        # among many classes a lone stray window is enough said by its count
        rate = f"\n{_percent(share[row, column])}" if few or share[row, column] >= 0.01 else ""
        words = f"{counts[row, column]}{rate}"
        ink = "white" if share[row, column] > (0.55 if row == column else 0.5) else INK
        text = axes.text(column, row, words, ha="center", va="center", fontsize=8.0 if few else 6.3, color=ink)
        text.set_in_layout(False)  # it lies within the axes; asking each for its size takes seconds


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{100 * share:.0f}%"


def calibration_bins(
    confidence: np.ndarray, correct: np.ndarray, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Windows, accuracy and mean confidence a bin of equal width, and the expected calibration error.

    Args:
        confidence: (n,) in [0, 1].
        correct: (n,) true where the answer was right.
        bins: how many.

    Returns:
        Count, accuracy and confidence, each (bins,), NaN where a bin is empty; and the error, the mean of
        |accuracy - confidence| weighted by count (Guo et al., 2017, arXiv:1706.04599).

    Raises:
        ValueError: nothing to evaluate, or the two lengths differ.
    """
    confidence, hit = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    if confidence.shape != hit.shape or confidence.ndim != 1 or not len(confidence):
        raise ValueError(f"confidence and correct must be (n,), n > 0; got {confidence.shape} and {hit.shape}")
    # bins are (low, high], as in the paper
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        accuracy = np.bincount(place, hit, bins) / count
        mean = np.bincount(place, confidence, bins) / count
    error = float(np.nansum(count * np.abs(accuracy - mean)) / len(confidence))
    return count, accuracy, mean, error


def reliability(confidence: np.ndarray, correct: np.ndarray, path: Path | str) -> Path:
    """How often an answer is right against how sure it was, and below it how many were how sure.

    Args:
        confidence: (n,) probability of the class answered.
        correct: (n,) true where the answer was right.
        path: the PNG to write.

    Raises:
        ValueError: as `calibration_bins`.
    """
    count, accuracy, mean, error = calibration_bins(confidence, correct)
    width = 1.0 / len(count)
    middle = (np.arange(len(count)) + 0.5) * width
    full = count > 0
    target = Path(path)
    with drawing(target, 5.6, 5.6) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1.0))
        upper.bar(middle[full], accuracy[full], width * 0.9, color=PALE_BLUE, label="right in this bin")
        gap = (mean - accuracy)[full]
        upper.bar(
            middle[full],
            gap,
            width * 0.9,
            bottom=accuracy[full],
            color="none",
            edgecolor=ORANGE,
            linewidth=0.9,
            hatch="////",
            label="gap to the confidence",
        )
        upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), label="perfectly calibrated")
        upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="share right")
        upper.set_title(f"Calibration: expected error (ECE) {error:.3f}")
        upper.legend(loc="upper left")
        lower.bar(middle, count, width * 0.9, color=BLUE)
        lower.set(xlabel="confidence of the answer", ylabel="windows")
        lower.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        for axes in (upper, lower):
            tidy(axes)
    return target


def class_bars(per_class: Mapping[str, Mapping[str, float]], path: Path | str) -> Path:
    """F1 of every class, the best on top, with the number of windows it rests on.

    Args:
        per_class: class name -> {"f1", "support", ...}.
        path: the PNG to write.

    Raises:
        ValueError: there is no class.
    """
    if not per_class:
        raise ValueError("no class to draw: per_class is empty")
    f1_of = {
        name: float(np.nan_to_num(np.array(values["f1"], np.float64), nan=-1.0)) for name, values in per_class.items()
    }
    order = sorted(per_class, key=lambda name: (f1_of[name], name))
    f1 = np.array([per_class[name]["f1"] for name in order], dtype=np.float64)
    target = Path(path)
    with drawing(target, 6.4 + 0.07 * max(map(len, order)), 0.3 * len(order) + 0.95) as figure:
        axes = figure.add_subplot()
        axes.barh(range(len(order)), f1, height=0.66, color=BLUE)
        axes.set_yticks(range(len(order)), [one_line(name) for name in order])
        for place, name in enumerate(order):
            axes.text(np.nan_to_num(f1[place]) + 0.012, place, _three_digits(f1[place]), va="center", fontsize=8)
            words = f"{int(per_class[name]['support'])} windows"
            axes.text(1.36, place, words, va="center", ha="right", fontsize=8, color=MUTED)
        axes.set(xlim=(0, 1.36), ylim=(-0.6, len(order) - 0.4), xticks=np.linspace(0, 1, 6), xlabel="F1")
        axes.set_title("F1 by class")
        tidy(axes, "x")
        axes.spines["bottom"].set_bounds(0, 1)
        axes.tick_params(axis="y", length=0)
    return target


def _three_digits(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
