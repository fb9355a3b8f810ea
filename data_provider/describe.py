"""Tells a person, in a few lines of log, what was read, what was dropped and how it was split.

Letters: K classes.
"""

import logging
from typing import Any

from data_provider.assemble import Prepared
from data_provider.frames import DataInfo
from data_provider.leaks.finding import NOTE
from data_provider.leaks.guard import findings_of
from data_provider.splits.split import PARTS
from data_provider.times import words_of

logger = logging.getLogger(__name__)

MOST = 6


def describe(prepared: Prepared) -> None:
    """Logs a summary at INFO, and what a person should think about at WARNING."""
    info = prepared.info
    report: dict[str, Any] = dict(info.report)
    for line in [*_read(info, report), *_windows(info, report)]:
        logger.info(line)
    for warning in report["warnings"]:
        logger.warning(warning)
    _leaks(report["leaks"], info)


def _read(info: DataInfo, report: dict[str, Any]) -> list[str]:
    files = report["files"]
    rows = sum(file["rows"] for file in files)
    kind = "simulated data, " if report.get("simulated") else ""
    lines = [f"{info.data}: {kind}{_number(len(files), 'file')}, {rows:,} rows"]
    if files and "from" in files[0]:
        begin, end = min(file["from"] for file in files), max(file["to"] for file in files)
        lines[0] += f", {begin[:10]} to {end[:10]}"
    lines.append(f"{_number(len(info.columns), 'signal')}, a step every {words_of(info.period_seconds)}")
    lines += [f"  not a signal: {column} ({reason})" for column, reason in report["columns dropped"].items()]
    lines += [f"  {what}: {count:,}" for what, count in report["counts"].items()]
    for file in files:
        for what, number in {**file.get("missing readings", {}), **file.get("repaired", {})}.items():
            kind = "missing: " if what in file.get("missing readings", {}) else ""
            lines.append(f"  {file['name']}: {kind}{what}: {number:,}")
    return lines


def _windows(info: DataInfo, report: dict[str, Any]) -> list[str]:
    lines = [f"split: {info.protocol}"]
    if "guard" in report:
        lines[0] += f" ({report['guard']['windows lost']} windows lost to it)"
    width = max(len(name) for name in info.classes)
    lines.append(f"windows of {info.seq_len} steps, {info.step} apart:")
    head = "".join(f"{part:>8}" for part in PARTS)
    lines.append(f"  {'':<{width}}{head}")
    for place, name in enumerate(info.classes):
        lines.append(f"  {name:<{width}}" + "".join(f"{info.counts[part][place]:>8,}" for part in PARTS))
    lines.append(f"  {'all':<{width}}" + "".join(f"{sum(info.counts[part]):>8,}" for part in PARTS))
    for part, found in report["outside the training range"].items():
        share = found["share of readings"]
        worst = ", ".join(f"{name} {much:.1%}" for name, much in list(found["columns above 1 %"].items())[:MOST])
        lines.append(f"  {part}: {share:.3%} of readings lie outside the training range{': ' if worst else ''}{worst}")
    return lines


def _leaks(leaks: dict[str, Any], info: DataInfo) -> None:
    for names in leaks["identical runs"]:
        logger.warning("these runs hold the same readings, whatever their labels say: %s", ", ".join(names))
    leaking = leaks["columns that alone tell a class"]
    if leaking:
        words = [f"{column} ({', '.join(classes)})" for column, classes in list(leaking.items())[:MOST]]
        more = f" and {len(leaking) - MOST} more" if len(leaking) > MOST else ""
        logger.warning(
            "one column alone tells a class from all others by its mean in a window; is that the fault, or a slip of "
            "whoever made the data? %s%s",
            "; ".join(words),
            more,
        )
    near = leaks["test windows within a window of training"]
    if near:
        logger.warning(
            "%.0f %% of the test windows touch a training window or lie within a window's length of one: "
            "scores of this split are too good",
            100 * near,
        )
    for found in findings_of(leaks):
        if found.level != NOTE:
            logger.warning("leak: %s", found.line)
        elif found.check != "column_range":  # told above
            logger.info("  %s", found.line)


def _number(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
