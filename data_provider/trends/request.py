"""How trend files are to be read for a model.

Letters: C signals of the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from data_provider.trends.columns import Signal, signals_of
from data_provider.trends.read_options import ReadOptions
from utils.errors import unknown_name

RESAMPLING = ("direct", "mean")


@dataclass(frozen=True, kw_only=True)
class Request(ReadOptions):
    """How trend files are to be read for a model: what `read_trends` takes.

    Attributes:
        columns: C names of the model's signals; the readings come in this order.
        units: C units of theirs, "" where unknown.
        period_seconds: the model's step.
        ranges: column -> smallest and largest training reading, by which units are inferred.
        resample: "direct" or "mean", as in training.
        own_rate: leave evenly sampled files at their own step if it is shorter, for a training recipe to resample.
        working_column: the one of the columns that says when the unit works, None if none does.
        takes_percent: commands and positions whose unit nobody states are taken for percentages where readings of one
            can only be that; else that is asked for.
        longest_step: seconds that readings may lie apart beyond the period; they are held then.
        growing: somebody still writes to the files: a last line without its end is left out.

    Raises:
        UserError: an unknown vendor, zone or way of resampling.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    period_seconds: int
    ranges: Mapping[str, tuple[float, float]] | None = None
    resample: str = "direct"
    own_rate: bool = False
    working_column: str | None = None
    takes_percent: bool = False
    longest_step: int = 0
    growing: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resample not in RESAMPLING:
            raise unknown_name("way of resampling", self.resample, RESAMPLING)
        if len(self.columns) != len(self.units) or self.period_seconds < 1:
            raise ValueError("a model has a unit, or '', for every column, and a period of at least a second")

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The model's signals."""
        return signals_of(self.columns, self.units, self.ranges)
