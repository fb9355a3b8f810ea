"""A trend export of a building-automation system, as it comes, to even readings in a model's columns and units.

`read_trends` is the way in.
Letters: N steps of the even grid, C signals of the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_provider.trends.files import TrendFile, trend_files
from data_provider.trends.opened import OpenTrend
from data_provider.trends.problems import Problem, Unusable
from data_provider.trends.reading import even_readings, readings_of
from data_provider.trends.request import Request
from data_provider.trends.units import Source
from utils.errors import UserError


@dataclass(frozen=True)
class Trend:
    """A file's readings on the even grid.

    Attributes:
        file: its name, within the folder if one was read.
        times: (N,) datetime64[s], multiples of the period; in UTC if `utc`, else on the file's own clock as if it
            were never changed. Where nothing was read for too long, there are no steps.
        clock: (N,) datetime64[s], what the file's clock showed: for people.
        values: (N, C) float32 in the model's columns and units, NaN where unknown.
        problems: what is wrong; one is fatal if the file cannot be evaluated, and N is 0 then.
        utc: whether `times` are in UTC.
        period_seconds: of the grid.
        layout: how the file is written: separator, decimal mark, times; "" where it could not be read.
        sources: place among the C signals -> what the file calls it, and in which unit; of those that it holds.
    """

    file: str
    times: np.ndarray
    clock: np.ndarray
    values: np.ndarray
    problems: list[Problem]
    utc: bool
    period_seconds: int
    layout: str = ""
    sources: Mapping[int, Source] = field(default_factory=dict)

    @property
    def fatal(self) -> Problem | None:
        """Why the file cannot be evaluated, None if it can."""
        return next((problem for problem in self.problems if problem.fatal), None)

    @property
    def missing(self) -> tuple[str, ...]:
        """The model's columns of which the file holds nothing."""
        return tuple(dict.fromkeys(p.column for p in self.problems if p.kind == "missing"))


def read_trends(source: Path, **settings: Any) -> list[Trend]:
    """Reads a trend file, or every one of a folder.

    Args:
        source: a .csv, .csv.gz or .parquet file, or a folder of such files.
        settings: columns, units, period_seconds and what else a `Request` holds.

    Raises:
        UserError: nothing is there to read, an option cannot be used, or not one file can be evaluated.
    """
    request = Request(**settings)
    trends = [read_trend(found, request) for found in trend_files(source)]
    reasons = [trend.fatal for trend in trends if trend.fatal]
    if len(reasons) == len(trends):
        where = source if source.is_file() else source / reasons[0].file
        raise UserError(f"{where}: {reasons[0].reason}{_rest(len(reasons) - 1)}")
    return trends


def _rest(number: int) -> str:
    return f" (the other {number} files cannot be used either)" if number else ""


def read_trend(found: TrendFile, request: Request) -> Trend:
    """Reads one file; never raises for what is wrong with it."""
    source = None
    try:
        source = OpenTrend(found, request, growing=request.growing)
        readings = readings_of(source, request)
        grid = even_readings(source, readings, request)
    except Unusable as error:
        nothing = np.empty(0, "datetime64[s]")
        values = np.empty((0, len(request.columns)), np.float32)
        others = [problem for problem in source.problems if not problem.fatal] if source else []
        problems = [error.problem(found.name), *others]
        return Trend(found.name, nothing, nothing, values, problems, False, request.period_seconds)
    return Trend(
        found.name, grid.times, grid.clock, grid.values, source.problems, readings.clock.utc, grid.period,
        source.layout, readings.sources(),
    )  # fmt: skip
