"""How building-automation systems write their trend exports: times, and what stands between columns and in numbers.

Sources: exports met in practice. What a file shows by itself is found in it; a named style decides the rest.
Letters: T readings.
"""

from dataclasses import dataclass

import numpy as np

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
_HALF = r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
_OFFSET = r"(?: ?(?P<offset>Z|[+-]\d{2}(?::?\d{2})?))?"
_ZONE = r"(?: (?P<zone>[A-Za-z][A-Za-z_/+-]+))?"  # an abbreviation, or a name behind an offset
_REST = rf"(?:(?:T|,? ){_CLOCK}{_HALF}{_OFFSET}{_ZONE})?"  # a date alone is its midnight, as spreadsheets write it
_LONG, _YEAR = r"(?P<year>\d{4})", r"(?P<year>\d{4}|\d{2})"
_DAY, _MONTH, _NAME = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})", r"(?P<month>[A-Za-z]{3})"


@dataclass(frozen=True, kw_only=True)
class TimeStyle:
    """A way to write times.

    Attributes:
        example: five minutes past one on 11 March 2017.
        pattern: with the groups year, month, day, hour, minute, second, half (of the day), offset and zone; "" for a
            number.
    """

    example: str
    pattern: str = ""


TIMES = {
    "iso": TimeStyle(example="2017-03-11 01:05:00", pattern=f"{_LONG}-{_MONTH}-{_DAY}{_REST}"),
    "yearfirst": TimeStyle(example="2017/03/11 01:05:00", pattern=f"{_LONG}/{_MONTH}/{_DAY}{_REST}"),
    "namedmonth": TimeStyle(example="11-Mar-17 1:05:00 AM CST", pattern=f"{_DAY}[- ]{_NAME}[- ]{_YEAR}{_REST}"),
    "monthfirst": TimeStyle(example="03/11/2017 01:05:00", pattern=f"{_MONTH}[/-]{_DAY}[/-]{_YEAR}{_REST}"),
    "dayfirst": TimeStyle(example="11/03/2017 01:05:00", pattern=rf"{_DAY}[/.-]{_MONTH}[/.-]{_YEAR}{_REST}"),
    "epoch": TimeStyle(example="1489194300"),
    "excel": TimeStyle(example="42805.045139"),
}
OTHER_ORDER = {"monthfirst": "dayfirst", "dayfirst": "monthfirst"}


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A style of export.

    Attributes:
        example: a time as this style writes it, the fifth minute past one on 11 March 2017.
        times: the ways to write times, of `TIMES`, that are tried first.
        separator: between columns, where a file does not show it.
        decimal: between whole and part of a number, where a file does not show it.
    """

    example: str
    times: tuple[str, ...]
    separator: str = ","
    decimal: str = "."


VENDORS: dict[str, Vendor] = {
    "auto": Vendor(example="2017-03-11 01:05:00", times=tuple(TIMES)),
    "iso": Vendor(example="2017-03-11 01:05:00", times=("iso",)),
    "iso_semicolon": Vendor(example="2017-03-11 01:05:00", times=("iso",), separator=";", decimal=","),
    "niagara": Vendor(example="11-Mar-17 1:05:00 AM CST", times=("namedmonth",)),
    "metasys": Vendor(example="03/11/2017 01:05:00 AM", times=("monthfirst",)),
    "webctrl": Vendor(example="03/11/2017 01:05:00", times=("monthfirst",)),
    "desigo": Vendor(example="11.03.2017 01:05:00", times=("dayfirst",), separator=";", decimal=","),
    "monthfirst": Vendor(example="03/11/2017 01:05:00", times=("monthfirst",)),
    "dayfirst": Vendor(example="11/03/2017 01:05:00", times=("dayfirst",)),
    "yearfirst": Vendor(example="2017/03/11 01:05:00", times=("yearfirst",)),
    "epoch": Vendor(example="1489194300", times=("epoch",)),
    "excel": Vendor(example="42805.045139", times=("excel",)),
}


@dataclass(frozen=True)
class Stamps:
    """Times as a file's clock shows them.

    Attributes:
        wall: (T,) datetime64[s].
        zone: (T,) words: what the file says about the zone beside each time, "" for nothing.
        style: the way in which they are written, of `TIMES`; "" for a format that was named.
    """

    wall: np.ndarray
    zone: np.ndarray
    style: str = ""
