"""How building-automation systems write their trend exports. The style is named by the user, never guessed.

Sources: exports met in practice; a style is the way times, columns and decimals are written, nothing more.
Letters: T readings.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
_OFFSET = r"(?: ?(?P<offset>Z|[+-]\d{2}(?::?\d{2})?))?"
_ZONE = r"(?: (?P<zone>[A-Z]{2,5}))?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_DAY, _MONTH = r"(?P<day>\d{1,2})", r"(?P<month>\d{1,2})"
_HALF = r" ?(?P<half>[AaPp])\.?[Mm]\.?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


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


def parse_stamps(words: pa.Array, vendor: Vendor) -> Stamps | int:
    """Times in a vendor's style.

    Args:
        words: T strings without blanks at their ends.

    Returns:
        The times, or the place of the first word that is no time of this style.
    """
    found = pc.extract_regex(words, pattern=f"^(?:{vendor.pattern})$")
    if found.null_count:
        return int(pc.index(pc.is_null(found), True).as_py())
    fields = {found.type.field(place).name: found.field(place) for place in range(found.type.num_fields)}
    year, day = _number(fields["year"]), _number(fields["day"])
    year = np.where(year < 69, year + 2000, np.where(year < 100, year + 1900, year))
    month = _month(fields["month"])
    hour, minute, second = _number(fields["hour"]), _number(fields["minute"]), _number(fields["second"])
    good = (month >= 1) & (month <= 12) & (minute < 60) & (second < 60) & (day >= 1)
    if "half" in fields:
        good &= (hour >= 1) & (hour <= 12)
        afternoon = np.array(pc.equal(pc.utf8_lower(fields["half"]), "p"))
        hour = hour % 12 + 12 * afternoon
    good &= hour < 24
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    date = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    good &= date.astype("datetime64[M]").astype(np.int64) == months
    if not good.all():
        return int(np.flatnonzero(~good)[0])
    wall = date.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second)
    zone = fields.get("zone") or fields.get("offset")
    nothing = np.full(len(wall), "", "U1")
    return Stamps(wall, zone.to_numpy(zero_copy_only=False).astype(str) if zone is not None else nothing)


def _number(digits: pa.Array) -> np.ndarray:
    """(T,) whole numbers; a group that took no part in the match counts as 0."""
    return pc.cast(pc.if_else(pc.equal(digits, ""), "0", digits), pa.int64()).to_numpy(zero_copy_only=False)


def _month(words: pa.Array) -> np.ndarray:
    """(T,) months from 1, by number or by English name; 0 for a name that is none."""
    first = words[0].as_py() if len(words) else "1"
    if first.isdigit():
        return _number(words)
    place = pc.index_in(pc.utf8_lower(words), value_set=pa.array(_MONTHS))
    return pc.add(pc.fill_null(place, -1), 1).to_numpy(zero_copy_only=False).astype(np.int64)


def styles_of_time(word: str, separator: str) -> list[str]:
    """The styles in which a word is a time and columns are parted like this."""
    text = pa.array([word.strip()])
    return [
        name
        for name, vendor in VENDORS.items()
        if vendor.separator == separator and isinstance(parse_stamps(text, vendor), Stamps)
    ]
