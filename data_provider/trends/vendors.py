"""How building-automation systems write their trend exports. The style is named by the user, never guessed.

Sources: exports met in practice; a style is the way times, columns and decimals are written, nothing more.
Letters: T readings.
"""

from dataclasses import dataclass

import numpy as np

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
_OFFSET = r"(?: ?(?P<offset>Z|[+-]\d{2}(?::?\d{2})?))?"
_ZONE = r"(?: (?P<zone>[A-Z]{2,5}))?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_DAY, _MONTH = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})"
_HALF = r" ?(?P<half>[AaPp])\.?[Mm]\.?"


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A style of export.

    Attributes:
        example: a time as this style writes it, the fifth minute past one on 11 March 2017.
        pattern: of a time, with the groups year, month, day, hour, minute and perhaps second, half (of the day),
            zone (an abbreviation) and offset.
        separator: between columns.
        decimal: between whole and part of a number.
        thousands: between groups of three digits, where there are any.
    """

    example: str
    pattern: str
    separator: str = ","
    decimal: str = "."
    thousands: str = ","


VENDORS: dict[str, Vendor] = {
    "iso": Vendor(
        example="2017-03-11 01:05:00",
        pattern=rf"(?P<year>\d{{4}})-{_MONTH}-{_DAY}[T ]{_CLOCK}{_OFFSET}",
    ),
    "iso_semicolon": Vendor(
        example="2017-03-11 01:05:00",
        pattern=rf"(?P<year>\d{{4}})-{_MONTH}-{_DAY}[T ]{_CLOCK}{_OFFSET}",
        separator=";",
        decimal=",",
        thousands="'",
    ),
    "niagara": Vendor(
        example="11-Mar-17 1:05:00 AM CST",
        pattern=rf"{_DAY}-(?P<month>[A-Za-z]{{3}})-{_YEAR} {_CLOCK}{_HALF}{_ZONE}",
    ),
    "metasys": Vendor(
        example="03/11/2017 01:05:00 AM",
        pattern=rf"{_MONTH}/{_DAY}/{_YEAR} {_CLOCK}{_HALF}",
    ),
    "webctrl": Vendor(
        example="03/11/2017 01:05:00",
        pattern=rf"{_MONTH}/{_DAY}/{_YEAR} {_CLOCK}",
    ),
    "desigo": Vendor(
        example="11.03.2017 01:05:00",
        pattern=rf"{_DAY}\.{_MONTH}\.{_YEAR} {_CLOCK}",
        separator=";",
        decimal=",",
        thousands=".",
    ),
}


@dataclass(frozen=True)
class Stamps:
    """Times as a file's clock shows them.

    Attributes:
        wall: (T,) datetime64[s].
        zone: (T,) words: what the file says about the zone beside each time, "" for nothing.
    """

    wall: np.ndarray
    zone: np.ndarray
