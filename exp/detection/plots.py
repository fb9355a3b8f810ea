"""What the network saw of an event, drawn small enough for a phone: Gramian images, and where it looked.

Letters: S steps, L steps of a window.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from exp.detection.record import Evidence
from exp.reporting.gramian_plots import fields
from exp.reporting.style import BLUE, GRID, INK, MUTED, drawing, one_line

_WIDTH = 4.7  # inches: two beside each other on a page, one on a phone without shrinking much
_LONGEST_NAME = 46


def images(evidence: Evidence, path: Path) -> Path:
    """The first signal's surest window and its two Gramian images, as the network sees them."""
    with drawing(path, _WIDTH, 3.05, layout=None) as figure:
        name = _name(evidence.columns[0], "")
        figure.text(0.03, 0.965, name, fontsize=8.5, weight="bold", va="top", color=INK)
        trend = figure.add_axes((0.03, 0.71, 0.94, 0.15))
        trend.axhline(0, color=GRID, lw=0.8)
        trend.plot(evidence.window, color=BLUE, lw=1.1)
        trend.set(xlim=(0, len(evidence.window) - 1), ylim=(-1.08, 1.08))
        trend.set_axis_off()
        for left, kind, field in zip(
            (0.03, 0.515), ("sum field", "difference field"), fields(evidence.window), strict=True
        ):
            axes = figure.add_axes((left, 0.02, 0.455, 0.61))
            axes.imshow(field, origin="lower", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            axes.set_title(kind, fontsize=7.5, weight="normal", color=MUTED, pad=3)
    return path


def looked(evidence: Evidence, path: Path) -> Path:
    """Sensor against clock time: how much each reading speaks for the fault."""
    shared = _shared([one_line(name) for name in evidence.columns])
    names = [_name(one_line(name)[shared:], "", 32) for name in evidence.columns]
    shown = np.ma.masked_invalid(evidence.looked)  # (signals, S)
    top = max(float(np.nanquantile(evidence.looked, 0.995)), 1e-12)
    edges = np.append(evidence.looked_times, evidence.looked_times[-1] + np.timedelta64(evidence.period_seconds, "s"))
    with drawing(path, _WIDTH, 1.0 + 0.27 * len(names)) as figure:
        axes = figure.subplots()
        axes.pcolormesh(edges, np.arange(len(names) + 1), shown, cmap="Oranges", vmin=0, vmax=top, rasterized=True)
        axes.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=7.5)
        axes.set_facecolor(GRID)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.spines[:].set_visible(False)
        _clock(axes)
        _scale(figure, axes, top)
    return path


def _scale(figure: Figure, axes: Axes, top: float) -> None:
    bar = figure.colorbar(axes.collections[0], ax=axes, orientation="horizontal", aspect=45, pad=0.02, fraction=0.04)
    bar.set_ticks([0, top], labels=["nothing", "speaks for the fault"])
    bar.ax.tick_params(length=0, labelsize=7.5)
    bar.outline.set_visible(False)
    first, last = bar.ax.get_xticklabels()
    first.set_horizontalalignment("left")
    last.set_horizontalalignment("right")


def _clock(axes: Axes) -> None:
    locator = AutoDateLocator(minticks=2, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.xaxis.get_offset_text().set_fontsize(7.5)


def _shared(names: list[str]) -> int:
    """Letters of the words that all names begin with: "AHU: " says nothing where all say it."""
    if len(names) < 2:
        return 0
    first, last = min(names), max(names)  # what these two share, all share
    alike = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    return max(first.rfind(mark, 0, alike) for mark in " _/.") + 1


def _name(name: str, unit: str, longest: int = _LONGEST_NAME) -> str:
    plain = one_line(name)
    plain = plain if len(plain) <= longest else plain[: longest - 3] + "..."
    return f"{plain} ({unit})" if unit else plain
