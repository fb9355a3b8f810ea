"""Several run folders side by side: a row a run, the mean of runs that differ only in seed or fold, and how experiments
differ from a baseline."""

import csv
import io
import json
import logging
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exp.reporting import difference_tables, differences
from exp.reporting.page import missing, render, save
from exp.runs.comparable import ComparedRun, finished, load
from utils.csv_safety import harmless
from utils.safe_reading import one_line

logger = logging.getLogger(__name__)

HEADER = [
    "des",
    "run",
    "model",
    "data",
    "accumulation",
    "effective batch",
    "parameters",
    "val accuracy",
    "val macro-F1",
    "test accuracy",
    "test macro-F1",
    "epochs",
    "seconds",
    "notes",
]
_NUMERIC = frozenset(HEADER[5:13])
_MEASURED = (("val", "accuracy"), ("val", "macro_f1"), ("test", "accuracy"), ("test", "macro_f1"))


def table(folders: Sequence[Path]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the comparison, as text.

    Rows of one experiment stand together, with their mean and standard deviation behind them where there are several.
    A row's notes begin with "!" where its numbers must not be compared with the others.

    Args:
        folders: run folders; links and repetitions are read once.

    Raises:
        UserError: no folder, or one is not a run folder or damaged.
    """
    return list(HEADER), _rows(*load(folders))


def _rows(groups: Sequence[Sequence[ComparedRun]], notes: dict[Path, list[str]]) -> list[list[str]]:
    rows = []
    for group in groups:
        rows += [_row(run, notes[run.path]) for run in group]
        if len(finished(group)) > 1:
            rows.append(_mean_row(finished(group)))
    return rows


def write(folders: Sequence[Path], output: Path, baseline: str | None = None) -> Path:
    """Write the comparison as a page, as text, as CSV with plain numbers and as LaTeX.

    Args:
        folders: run folders.
        output: the page, NAME.html, with NAME.txt, NAME.csv and, of several experiments, NAME.tex and
            NAME_differences.csv beside it; or a folder, then the name is "comparison".
        baseline: the experiment that others are held against, a run folder or a --des; None for the first.

    Returns:
        The page's path.

    Raises:
        UserError: as `table`; or no experiment, or several, are the baseline.
    """
    return write_and_tell(folders, output, baseline)[0]


def write_and_tell(folders: Sequence[Path], output: Path, baseline: str | None) -> tuple[Path, str]:
    """`write`, and what a terminal shows: the table of runs and that of differences."""
    groups, notes = load(folders)
    every = _rows(groups, notes)
    header, rows, same = _without_constants(every)
    apart = differences.against(groups, baseline)
    cells, told = difference_tables.cells(apart), [text(HEADER, every)]
    page = Path(output) if Path(output).suffix == ".html" else Path(output) / "comparison.html"
    remarks = same + _remarks(groups, notes)
    lines = [text(header, rows), "", *remarks, ""]
    if apart:
        title = f"Differences to the baseline, {apart[0].name}"
        second = [title, "", text(difference_tables.HEADER, cells), "", *difference_tables.remarks(apart), ""]
        lines, told = lines + second, [*told, "", *second]
        save(page.with_suffix(".tex"), difference_tables.as_latex(apart))
        save(page.with_name(f"{page.stem}_differences.csv"), difference_tables.as_csv(apart))
    content = {"header": header, "rows": rows, "numeric": _NUMERIC, "remarks": remarks}
    number = sum(len(group) for group in groups)
    content |= {"kicker": "Comparison", "title": f"{number} run{'' if number == 1 else 's'} side by side"}
    content |= {"apart": cells, "apart_header": difference_tables.HEADER}
    content |= {"apart_numeric": difference_tables.NUMERIC, "apart_remarks": difference_tables.remarks(apart)}
    save(page, render("compare.html.j2", **content))
    save(page.with_suffix(".txt"), "\n".join(lines))
    save(page.with_suffix(".csv"), _numbers(groups, notes))
    logger.info("wrote %s, and its tables beside it", page)
    return page, "\n".join(told).rstrip()


def _without_constants(rows: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Header and rows without the settings that all runs share, and a line that states these."""
    same = {}
    for i in range(2, 7):
        values = {row[i] for row in rows} - {"", "-", "?"}
        if len(values) == 1 and len(rows) > 1:
            same[i] = f"{HEADER[i]} {values.pop()}"
    keep = [i for i in range(len(HEADER)) if i not in same]
    line = [f"The same in all runs: {', '.join(same.values())}."] if same else []
    return [HEADER[i] for i in keep], [[row[i] for i in keep] for row in rows], line


def text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table with aligned columns, for a terminal."""
    header = [one_line(cell) for cell in header]
    rows = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _row(run: ComparedRun, notes: Sequence[str]) -> list[str]:
    config, metrics = run.config, run.metrics
    done = ["-", "-"] if metrics is None else [str(metrics["epochs"]), f"{metrics['seconds']:.0f}"]
    return [
        str(config["des"]),
        run.path.name,
        str(config["model"]),
        str(config["data"]),
        run.accumulation,
        " to ".join(map(str, run.effective)) or "-",
        "-" if metrics is None else f"{metrics['model']['parameters']:,}",
        *(_with_interval(run.measured(part, name)) for part, name in _MEASURED),
        *done,
        "; ".join(notes),
    ]


def _with_interval(metric: dict[str, Any] | None) -> str:
    if metric is None or missing(metric["value"]):
        return "-"
    if missing(metric["low"]) or missing(metric["high"]):
        return f"{metric['value']:.3f}"
    return f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]"


def _mean_row(group: Sequence[ComparedRun]) -> list[str]:
    first = _row(group[0], [])
    repeats = [run.repeat for run in group]
    again = sorted({repeat for repeat in repeats if repeats.count(repeat) > 1})
    notes = [f"! seed {_words(repeat)} {repeats.count(repeat)} times" for repeat in again]
    if len({json.dumps(run.facts) for run in group}) > 1:
        notes.append("! the runs' data differ")
    if marks := dict.fromkeys(mark for run in group for mark in run.marks):
        notes.append(f"! leaks: {', '.join(marks)}")
    spreads = [_spread(values) for values in _columns(group).values()]
    middle = [
        f"{mean:.3f} +/- {standard_deviation:.3f}" if mean is not None else "-"
        for mean, standard_deviation in spreads[:4]
    ]
    ends = [f"{mean:.1f}" if mean is not None else "-" for mean, _ in spreads[4:]]
    same = [value if all(_row(run, [])[i] == value for run in group) else "" for i, value in enumerate(first)]
    return [first[0], f"mean of {len(group)}", *same[2:7], *middle, *ends, "; ".join(notes)]


def _words(repeat: tuple[int, str]) -> str:
    seed, fold = repeat
    return f"{seed}, fold {fold}," if fold else str(seed)


def _columns(group: Sequence[ComparedRun]) -> dict[str, list[float | None]]:
    """Name -> the value of every run: the four measured ones, epochs, seconds."""
    found: dict[str, list[float | None]] = {}
    for part, name in _MEASURED:
        found[f"{part}_{name}"] = [(run.measured(part, name) or {"value": None})["value"] for run in group]
    for name in ("epochs", "seconds"):
        found[name] = [None if run.metrics is None else run.metrics[name] for run in group]
    return found


def _spread(values: Sequence[float | None]) -> tuple[float | None, float]:
    """Mean and standard deviation (of a sample); no mean where a run lacks the value."""
    numbers = [float(value) for value in values if value is not None and not missing(value)]
    if len(numbers) < len(values) or len(numbers) < 2:
        return None, 0.0
    return statistics.fmean(numbers), statistics.stdev(numbers)


def _remarks(groups: Sequence[Sequence[ComparedRun]], notes: dict[Path, list[str]]) -> list[str]:
    """What the reader of the table must know."""
    lines = ["Intervals are 95 % and resample whole blocks of time."]
    if any(len(finished(group)) > 1 for group in groups):
        lines.append("mean of N: runs that differ only in seed or fold; mean +/- standard deviation of the runs.")
    if any(note.startswith("!") for found in notes.values() for note in found):
        lines.append("Rows with a '!' must not be compared with the others: the note says why.")
    splits = {run.seed: run.split for group in groups for run in finished(group) if not run.repeat[1]}
    if len(set(splits.values())) > 1 and len(splits) > 1:
        lines.append("Another seed means another split: compare runs of one seed, or means.")
    return lines


def _numbers(groups: Sequence[Sequence[ComparedRun]], notes: dict[Path, list[str]]) -> str:
    """CSV, a row a run with plain numbers; the mean of several seeds has its deviations in the columns `..._std`."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        for run in group:
            row = _names(run) | {
                "runs": 1,
                "folder": str(run.path),
                "seed": run.seed,
                "notes": "; ".join(notes[run.path]),
            }
            for part, name in _MEASURED:
                metric = run.measured(part, name) or {"value": None, "low": None, "high": None}
                row |= {f"{part}_{name}": metric["value"], f"{part}_{name}_low": metric["low"]}
                row[f"{part}_{name}_high"] = metric["high"]
            row |= {name: values[0] for name, values in _columns([run]).items() if name in ("epochs", "seconds")}
            rows.append(row)
        done = finished(group)
        if len(done) > 1:
            row = _names(done[0]) | {"runs": len(done), "notes": _mean_row(done)[-1]}
            for name, values in _columns(done).items():
                row[name], row[f"{name}_std"] = _spread(values)
            rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {name: harmless(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
    )
    return file.getvalue()


def _names(run: ComparedRun) -> dict[str, Any]:
    found = {name: run.config[name] for name in ("des", "model", "data", "batch_size")}
    found["effective_batch"] = " to ".join(map(str, run.effective))
    return found | {"parameters": None if run.metrics is None else run.metrics["model"]["parameters"]}
