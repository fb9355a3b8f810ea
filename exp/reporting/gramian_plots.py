"""Windows of a few sensors beside their Gramian images, one row a class.

Letters: K classes, C signals, T time steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from exp.reporting.style import BLUE, GRID, INK, MUTED, drawing, one_line

_MANY = 12  # more classes than this get smaller images
_GAP = 0.06  # inches, between the parts of one group
_GUTTER = 0.26  # between groups
_ROW_GAP = 0.24
_HEADING = 0.62  # without the sensors' names
_LINE = 0.15
_BOTTOM = 0.95
_NARROWEST = 6.4
_COLOURS = "RdBu_r"


@dataclass(frozen=True)
class _Place:
    """Where things stand, in inches from the lower left corner."""

    left: float
    top: float
    height: float
    image: float
    strip: float

    @property
    def group(self) -> float:
        """Width of one signal: two images."""
        return 2 * self.image + _GAP

    def start(self, position: int) -> float:
        """Left edge of the signal at this position."""
        return self.left + position * (self.group + _GUTTER)

    def base(self, row: int) -> float:
        """Lower edge of the images of this row."""
        tall = self.strip + _GAP + self.image
        return self.height - self.top - row * (tall + _ROW_GAP) - tall


ALIKE = 0.1  # mean distance of two signals, on their scale of 2, below which showing both tells nothing new


def fields(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gramian angular fields (Wang and Oates, 2015).

    Args:
        x: (T,) in [-1, 1]; what lies outside by rounding is clipped.

    Returns:
        GASF (T, T), cos(phi_i + phi_j), and GADF (T, T), sin(phi_i - phi_j), with phi = arccos x.
    """
    x = np.clip(np.asarray(x, dtype=np.float64), -1.0, 1.0)
    s = np.sqrt(1.0 - x * x)
    return np.outer(x, x) - np.outer(s, s), np.outer(s, x) - np.outer(x, s)


def distinctive_signals(windows: Sequence[np.ndarray], signals: int) -> list[int]:
    """The signals that differ most between the classes' windows, most distinctive first.

    A signal's score is the standard deviation over the classes at each time step, averaged over the window.
    A signal that hardly differs from one already chosen, as a position from its command, is passed over while there
    are others. Signals with a gap come last.

    Args:
        windows: K arrays (C, T).
        signals: how many to choose.
    """
    stacked = np.stack(list(windows))  # (K, C, T)
    spread = stacked.std(axis=0).mean(axis=1)  # (C,)
    chosen: list[int] = []
    last: list[int] = []
    for number in np.argsort(-spread, kind="stable").tolist():
        distance = [np.abs(stacked[:, number] - stacked[:, other]).mean() for other in chosen]
        passed_over = np.isnan(spread[number]) or min(distance, default=np.inf) < ALIKE
        (last if passed_over else chosen).append(number)
    return (chosen + last)[:signals]


def gramian_samples(
    windows: Mapping[str, np.ndarray], columns: Sequence[str], path: Path | str, signals: int = 4
) -> Path:
    """One window a class: for the most distinctive signals the trend, and below it the two Gramian images.

    Args:
        windows: class name -> (C, T) scaled to [-1, 1].
        columns: C signal names.
        path: the PNG to write.
        signals: how many signals to show; those that differ most between the classes (`distinctive_signals`).

    Returns:
        The path written.

    Raises:
        ValueError: no window, or the windows' shapes do not fit each other or the columns.
    """
    shapes = {np.shape(window) for window in windows.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or next(iter(shapes))[0] != len(columns):
        raise ValueError(f"windows must all be ({len(columns)}, T), one row a column; got {sorted(map(str, shapes))}")
    chosen = distinctive_signals(list(windows.values()), signals)
    labels = {name: _wrapped(name) for name in windows}
    image, strip = (1.02, 0.34) if len(windows) <= _MANY else (0.74, 0.28)
    rows = len(windows) * (strip + _GAP + image + _ROW_GAP)
    left = 0.35 + 0.082 * max(len(line) for label in labels.values() for line in label.split("\n"))
    letters = int(12 * (2 * image + _GAP))
    heads = [_wrapped(columns[number], letters) for number in chosen]
    top = _HEADING + _LINE * max(head.count("\n") + 1 for head in heads)
    place = _Place(left=left, top=top, height=top + rows + _BOTTOM, image=image, strip=strip)
    width = max(place.start(len(chosen)), _NARROWEST)
    target = Path(path)
    with drawing(target, width, place.height, layout=None) as figure:
        # One invisible pair of axes in inches: some hundred pairs of their own would take ten times as long.
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        _heading(axes, heads, place)
        for row, (name, window) in enumerate(windows.items()):
            middle = place.base(row) + image / 2
            axes.text(left - 0.2, middle, labels[name], ha="right", va="center", fontsize=9, weight="bold")
            for position, number in enumerate(chosen):
                _group(axes, np.asarray(window[number], np.float64), place.start(position), place.base(row), place)
        _scale(axes, place)
        axes.set(xlim=(0, width), ylim=(0, place.height), aspect="auto")
    return target


def _wrapped(name: str, limit: int = 20) -> str:
    """Break a long name after `_`, `-`, `/` or a space, and a long word where it must be."""
    lines, rest = [], one_line(name)
    while len(rest) > limit:
        cut = max(rest.rfind(mark, 0, limit) for mark in "_-/ ") + 1 or limit
        lines.append(rest[:cut].strip())
        rest = rest[cut:]
    return "\n".join([*lines, rest]) or " "


def _heading(axes: Axes, names: Sequence[str], place: _Place) -> None:
    title = "What the network sees: one window a class"
    axes.text(0.15, place.height - 0.22, title, fontsize=11, weight="bold", va="center")
    base = place.height - place.top
    for position, name in enumerate(names):
        start = place.start(position)
        axes.text(start, base + 0.22, name, fontsize=8.5, weight="bold", va="bottom", linespacing=1.3)
        for side, kind in enumerate(("GASF", "GADF")):
            middle = start + side * (place.image + _GAP) + place.image / 2
            axes.text(middle, base + 0.11, kind, fontsize=7.5, color=MUTED, ha="center", va="center")


def _group(axes: Axes, x: np.ndarray, left: float, base: float, place: _Place) -> None:
    """One signal of one class: the trend as a strip, below it GASF and GADF."""
    low = base + place.image + _GAP
    axes.plot([left, left + place.group], [low + place.strip / 2] * 2, color=GRID, linewidth=0.8)
    time = left + place.group * np.linspace(0.0, 1.0, len(x))
    axes.plot(time, low + place.strip * (0.06 + 0.88 * (x + 1.0) / 2.0), color=BLUE, linewidth=1.0)
    for side, field in enumerate(fields(x)):
        start = left + side * (place.image + _GAP)
        axes.imshow(
            field,
            extent=(start, start + place.image, base, base + place.image),
            origin="lower",
            cmap=_COLOURS,
            vmin=-1.0,
            vmax=1.0,
            interpolation="nearest",
        )


def _scale(axes: Axes, place: _Place) -> None:
    """The colour scale that all images share, and how to read them."""
    ramp = colormaps[_COLOURS](np.linspace(0.0, 1.0, 256))[None]  # (1, 256, 4)
    left = place.left
    axes.imshow(ramp, extent=(left, left + place.group, 0.74, 0.82), interpolation="bilinear")
    for share, label in ((0.0, "-1"), (0.5, "0"), (1.0, "1")):
        axes.text(left + share * place.group, 0.69, label, fontsize=7.5, color=MUTED, ha="center", va="top")
    words = "Time runs to the right and, in the images, upwards; trends from -1 to 1, as scaled.\n"
    words += "Shown are the sensors whose windows differ most between the classes."
    axes.text(left, 0.44, words, fontsize=7.5, color=INK, va="top", linespacing=1.5)
