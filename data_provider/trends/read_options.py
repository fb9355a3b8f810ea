"""How trend files are written: what the flags of a verb say about every file that it reads."""

import zoneinfo
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from data_provider.trends.roles import Roles
from data_provider.trends.vendors import VENDORS
from data_provider.trends.zones import zone_of
from utils.errors import UserError, unknown_name
from utils.options import Options

MARKS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "point": "."}
_YEARS = ("%Y", "%y", "%F", "%D", "%s")  # codes that hold a year
MAX_AGE_SECONDS = 3600.0  # systems that log changes of value log once an hour without one as a rule


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How trend files are written.

    Attributes:
        vendor: name of the style, of `VENDORS`; "auto" goes by what the file shows.
        separator: between columns; None to find it in the file.
        decimal: between whole and part of a number; None to find it in the file.
        sheet: of workbooks; None for the first.
        time_format: strptime pattern of the times, perhaps with %Z or %z at its end; None for the style's.
        way: how times are written, of `vendors.TIMES`, once that is settled; None to find it.
        time_zone: IANA name of the zone of the file's clock; None if times have no zone or say it themselves.
        roles: the role map, None to go by names alone.
        max_age_seconds: how long a change of value holds without another.

    Raises:
        UserError: an unknown vendor or zone, or a time format with a zone in its middle.
    """

    vendor: str = "auto"
    separator: str | None = None
    decimal: str | None = None
    sheet: str | None = None
    time_format: str | None = None
    way: str | None = None
    time_zone: str | None = None
    roles: Roles | None = None
    max_age_seconds: float = MAX_AGE_SECONDS

    def __post_init__(self) -> None:
        if self.vendor not in VENDORS:
            raise unknown_name("vendor style", self.vendor, tuple(VENDORS))
        if not self.max_age_seconds > 0:
            raise UserError(f"--max_age {self.max_age_seconds / 60:g} must be above 0 minutes")
        if self.time_format and any(code in self.time_format[:-2] for code in ("%Z", "%z")):
            raise UserError(f"--time_format '{self.time_format}': the zone, %Z or %z, must stand at the end")
        if self.time_format and not any(code in self.time_format for code in _YEARS):
            raise UserError(f"--time_format '{self.time_format}' has no year (%Y or %y); export the times with theirs")
        if self.time_zone:
            zone_of(self.time_zone)

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo | None:
        """The zone of the file's clock."""
        return zone_of(self.time_zone) if self.time_zone else None


def reading_flags(options: Options) -> dict[str, Any]:
    """What the flags of a verb say about the files, but for the role map."""
    return {
        "vendor": options.vendor,
        "separator": MARKS.get(options.separator or "", options.separator),
        "decimal": MARKS.get(options.decimal or "", options.decimal),
        "sheet": options.sheet,
        "time_format": options.time_format,
        "time_zone": options.time_zone,
        "max_age_seconds": options.max_age * 60,
    }
