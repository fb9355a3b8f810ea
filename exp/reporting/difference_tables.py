"""The differences of experiments as cells, as CSV with plain numbers, and as a LaTeX table."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from exp.evaluation.paired import MEASURES
from exp.reporting.differences import MIXED, Difference
from utils.csv_safety import harmless

HEADER = [
    "experiment",
    "runs",
    "macro-F1",
    "difference of macro-F1",
    "accuracy",
    "difference of accuracy",
    "p, windows",
    "p, repeats",
    "differs in",
    "notes",
]
NUMERIC = frozenset(HEADER[1:8])
REMARKS = [
    "Differences are to the baseline, on the same test windows; in brackets the 95 % interval over draws of the blocks "
    "that both share. One that does not hold 0 is unlikely to be chance.",
    "p, windows: McNemar's exact test. It takes windows for independent, which they are not, so it is too small.",
    "p, repeats: the corrected resampled t-test (Nadeau and Bengio, 2003) over seeds and folds, of macro-F1, or of "
    "accuracy where folds differ in their classes.",
]
_MOST_OPTIONS = 5
_SIGNS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SIGNS |= {sign: "\\" + sign for sign in "&%$#_{}"} | {"<": r"\textless{}", ">": r"\textgreater{}"}


def remarks(rows: Sequence[Difference]) -> list[str]:
    """What the reader of the table must know."""
    over_seeds = any(row.measured and row.measured["accuracy"]["std"] is not None for row in rows)
    return [*(["+/-: the standard deviation over seeds."] if over_seeds else []), *REMARKS]


def cells(rows: Sequence[Difference]) -> list[list[str]]:
    """A row an experiment, as text under `HEADER`."""
    return [_cells(row) for row in rows]


def _cells(row: Difference) -> list[str]:
    shown = []
    for name in ("macro_f1", "accuracy"):
        measure = None if row.measured is None else row.measured[name]
        shown += [_mean(measure), _signed(measure, row.is_baseline)]
    windows = None if row.windows is None else row.windows["p"]
    runs = str(row.runs) if row.pairs in (0, row.runs) else f"{row.pairs} of {row.runs}"
    return [row.name, runs, *shown, p_value(windows), p_value(_repeats(row)), _changes(row), row.note]


def _mean(measure: dict[str, Any] | None) -> str:
    if measure is None:
        return "-"
    return f"{measure['second']:.3f}" + ("" if measure["std"] is None else f" +/- {measure['std']:.3f}")


def _signed(measure: dict[str, Any] | None, is_baseline: bool) -> str:
    if is_baseline:
        return "baseline"
    if measure is None:
        return "-"
    bounds = "" if measure["low"] is None else f" [{measure['low']:+.3f}, {measure['high']:+.3f}]"
    return f"{measure['value']:+.3f}{bounds}"


def p_value(p: float | None) -> str:
    """0.0312 -> "0.031", very small ones as "<0.001"."""
    return "-" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _repeats(row: Difference) -> float | None:
    found = row.repeats.get("macro_f1") or row.repeats.get("accuracy")
    return None if found is None else found["p"]


def _changes(row: Difference) -> str:
    changes = [f"{name}: {was} -> {now}" for name, (was, now) in row.options.items()]
    more = len(changes) - _MOST_OPTIONS
    return "; ".join(changes[:_MOST_OPTIONS]) + (f"; and {more} more" if more > 0 else "")


def as_csv(rows: Sequence[Difference]) -> str:
    """A row an experiment, every number unrounded, every option that differs."""
    found = []
    for row in rows:
        line: dict[str, Any] = {"experiment": row.name, "baseline": "yes" if row.is_baseline else "no"}
        line |= {"runs": row.runs, "pairs": row.pairs}
        for name in MEASURES:
            measure = row.measured[name] if row.measured else dict.fromkeys(("second", "value", "low", "high"))
            line |= {name: measure["second"], f"{name}_difference": measure["value"]}
            line |= {f"{name}_difference_{side}": measure[side] for side in ("low", "high")}
            repeats = row.repeats.get(name) or {}
            line |= {f"{name}_repeats": repeats.get("number"), f"{name}_t_p": repeats.get("p")}
            line |= {f"{name}_signed_rank_p": repeats.get("signed_rank_p")}
        windows = row.windows or {}
        line |= {"only_baseline_right": windows.get("first_only"), "only_this_right": windows.get("second_only")}
        line |= {"mcnemar_p": windows.get("p"), "blocks": row.measured["blocks"] if row.measured else None}
        line["options"] = "; ".join(f"{name}: {was} -> {now}" for name, (was, now) in row.options.items())
        found.append({name: harmless(value) if isinstance(value, str) else value for name, value in line.items()})
        found[-1]["notes"] = harmless(row.note)
        found[-1] |= {f"{name}_std": row.measured[name]["std"] if row.measured else None for name in MEASURES}
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return file.getvalue()


def as_latex(rows: Sequence[Difference]) -> str:
    """A table that needs the package booktabs."""
    header = ("Experiment", "Macro-F1", "Difference", "Accuracy", "Difference", "$p$")
    lines = [" & ".join(header) + r" \\", r"\midrule"]
    for row in rows:
        name, _, *shown, _, repeats, _, _ = _cells(row)
        values = [_number(value) for value in (*shown, repeats)]
        # A comment would not be seen in print.
        mark = " (leaks)" if "leaks" in row.note else " (mixed)" if MIXED in row.note else ""
        lines.append(" & ".join([escaped(name) + mark, *values]) + r" \\")
    lines = [r"\begin{tabular}{lrrrrr}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"]
    notes = [f"% {escaped(row.name)}: {escaped(row.note)}" for row in rows if row.note]
    return "\n".join([r"% \usepackage{booktabs}", *(f"% {line}" for line in remarks(rows)), *notes, *lines, ""])


def _number(value: str) -> str:
    if value in ("-", "baseline"):
        return "--" if value == "-" else value
    return "$" + value.replace(" [", r"\ [").replace(", ", r",\ ").replace("+/-", r"\pm") + "$"


def escaped(text: str) -> str:
    """Plain text for LaTeX, on one line."""
    return "".join(_SIGNS.get(sign, sign) for sign in " ".join(text.split()))
