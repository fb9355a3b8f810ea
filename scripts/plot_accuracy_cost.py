"""Draws what accuracy costs: test macro-F1 on several data sets over the windows a second that a network trains.

    python scripts/plot_accuracy_cost.py results/*/comparison.csv

The CSVs are those of `scripts/run_accuracy.sh`, one a data set. Rates are measured here and now, in turns, on windows
of 26 signals and 96 steps, on one thread; a baseline, which is not trained by gradient, is a dashed line.
"""

import sys
from pathlib import Path

import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from benchmarks.measuring import in_turns  # noqa: E402
from benchmarks.workloads import Training  # noqa: E402
from exp.reporting.style import BLUE, INK, MUTED, ORANGE, PALE_BLUE, drawing, tidy  # noqa: E402
from exp.runs.run_folder import RunFolder  # noqa: E402
from models import MODELS  # noqa: E402

NETWORKS = {
    "default": {"fmt": "o", "color": INK},
    "width_32": {"fmt": "o", "color": BLUE},
    "width_16": {"fmt": "o", "color": PALE_BLUE},
    "dilated": {"fmt": "D", "color": ORANGE},
    "SingleGAFNet": {"fmt": "s", "color": BLUE},
    "OneDCNN": {"fmt": "^", "color": BLUE},
    "ResNet1D": {"fmt": "v", "color": BLUE},
    "InceptionTime": {"fmt": "P", "color": BLUE},
}
BASELINES = {"RandomForest": "--", "HistGradientBoosting": "-.", "LogisticRegression": ":"}
PICTURE = REPOSITORY / "docs" / "images" / "accuracy_cost.png"


def main(tables: list[str]) -> None:
    """Measures the rates and draws."""
    table = pd.concat([pd.read_csv(path) for path in tables])
    table["name"] = table["des"].str.removeprefix("accuracy_")
    rates = rates_of(table)
    means = table[table["runs"] > 1]
    sets = list(dict.fromkeys(means["data"]))
    with drawing(PICTURE, 2.4 * len(sets), 3.9) as figure:
        panels = figure.subplots(1, len(sets), sharex=True, squeeze=False)[0]
        for axes, data in zip(panels, sets, strict=True):
            draw(axes, means[means["data"] == data].set_index("name"), rates)
            axes.set_title(data, fontsize=9)
        shown = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(shown.values(), shown.keys(), loc="outside upper center", ncols=5)
        figure.supxlabel(
            "windows a second in training on one thread, 26 signals x 96 steps, micro-batches of 4", fontsize=9
        )
        figure.supylabel("test macro-F1, mean and deviation", fontsize=9)
    for name, rate in sorted(rates.items(), key=lambda item: item[1]):
        print(f"{name:<24} {rate:10.1f} windows/s")
    print(PICTURE)


def rates_of(table: pd.DataFrame) -> dict[str, float]:
    """Windows a second of every network in the table, by the configuration of one of its runs."""
    runs = table[table["folder"].notna()].drop_duplicates("name").set_index("name")["folder"]
    torch.set_num_threads(1)
    options = {name: RunFolder(Path(folder)).options() for name, folder in runs.items()}
    networks = {name: chosen for name, chosen in options.items() if chosen.model in MODELS}
    work = {name: Training(chosen, name=chosen.model) for name, chosen in networks.items()}
    return in_turns(work, turns=3, seconds=0.5)


def draw(axes: Axes, means: pd.DataFrame, rates: dict[str, float]) -> None:
    """One data set: networks as points over their rates, baselines as lines."""
    for name, row in means.iterrows():
        mean, deviation = row["test_macro_f1"], row["test_macro_f1_std"]
        if name in rates:
            style = {"markersize": 5.5, "elinewidth": 0.8, **NETWORKS.get(name, {"fmt": "x", "color": MUTED})}
            axes.errorbar(rates[name], mean, deviation, label=name, **style)
        else:
            axes.axhline(mean, color=MUTED, linewidth=1.0, linestyle=BASELINES.get(name, "-"), label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    tidy(axes)


if __name__ == "__main__":
    main(sys.argv[1:])
