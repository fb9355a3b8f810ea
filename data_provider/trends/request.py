"""How trend files are to be read.

Letters: C signals of the model.
"""

import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from data_provider.trends.columns import Signal, signals_of
from data_provider.trends.roles import Roles
from data_provider.trends.vendors import VENDORS
from data_provider.trends.zones import zone_of
from utils.errors import UserError, unknown_name

MAX_AGE_SECONDS = 3600.0  # systems that log changes of value log once an hour without one as a rule
RESAMPLING = ("direct", "mean")


@dataclass(frozen=True, kw_only=True)
class Request:
    """How trend files are to be read: what `read_trends` takes.

    Attributes:
        columns: C names of the model's signals; the readings come in this order.
        units: C units of theirs, "" where unknown.
        period_seconds: the model's step.
        roles: the role map, None to go by names alone.
        vendor: name of the style, of `VENDORS`.
        time_zone: IANA name of the zone of the file's clock; None if times have no zone or say it themselves.
        max_age_seconds: how long a change of value holds without another.
        ranges: column -> smallest and largest training reading, to judge units by.
        resample: "direct" or "mean", as in training.
        own_rate: leave evenly sampled files at their own step if it is shorter, for a training recipe to resample.
        growing: somebody still writes to the files: a last line without its end is left out.

    Raises:
        UserError: an unknown vendor, zone or way of resampling.
    """

    columns: tuple[str, ...]
    units: tuple[str, ...]
    period_seconds: int
    roles: Roles | None = None
    vendor: str = "iso"
    time_zone: str | None = None
    max_age_seconds: float = MAX_AGE_SECONDS
    ranges: Mapping[str, tuple[float, float]] | None = None
    resample: str = "direct"
    own_rate: bool = False
    growing: bool = False

    def __post_init__(self) -> None:
        if self.vendor not in VENDORS:
            raise unknown_name("vendor style", self.vendor, tuple(VENDORS))
        if self.resample not in RESAMPLING:
            raise unknown_name("way of resampling", self.resample, RESAMPLING)
        if not self.max_age_seconds > 0:
            raise UserError(f"--max_age {self.max_age_seconds / 60:g} must be above 0 minutes")
        if len(self.columns) != len(self.units) or self.period_seconds < 1:
            raise ValueError("a model has a unit, or '', for every column, and a period of at least a second")
        if self.time_zone:
            zone_of(self.time_zone)

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo | None:
        """The zone of the file's clock."""
        return zone_of(self.time_zone) if self.time_zone else None

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The model's signals."""
        return signals_of(self.columns, self.units, self.ranges)
