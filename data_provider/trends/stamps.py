"""Times from a column's words: in a vendor's style, or as `--time_format` says.

Letters: T readings.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.trends.problems import Unusable, shown
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.vendors import VENDORS, Stamps, Vendor

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONE_CODES = ("%Z", "%z")
_ZONE = r"^(?P<clock>.*?)\s*(?P<zone>[A-Za-z]{1,5}|[+-]\d{2}:?\d{2})$"


def stamps_of(words: pa.Array, options: ReadOptions) -> Stamps | int:
    """Times as a file writes them.

    Args:
        words: T strings without blanks at their ends.
        options: names the style; a time format comes before it.

    Returns:
        The times, or the place of the first word that is not a time of this style.
    """
    if options.time_format:
        return _by_format(words, options.time_format)
    if options.vendor.startswith("iso"):
        quick = _plain_iso(words)
        if quick is not None:
            return quick
    return parse_stamps(words, VENDORS[options.vendor])


def bad_time(word: str, options: ReadOptions, where: str) -> Unusable:
    """The error for a word that is not a time of the style."""
    kind = "style" if word else "time"
    if options.time_format:
        what = f"the time '{shown(word)}' is not written as {options.time_format}"
        return Unusable(what, "correct --time_format", where=where, kind=kind)
    what = f"'{shown(word)}' is not a time as '{options.vendor}' writes it ({VENDORS[options.vendor].example})"
    return Unusable(what, advice(word, VENDORS[options.vendor].separator), where=where, kind=kind)


def advice(word: str, separator: str) -> str:
    """Which style would fit a time."""
    fitting = styles_of_time(word, separator)
    if fitting:
        return " or ".join(f"--vendor {name}" for name in fitting) + " would fit"
    return (
        "no style fits: save it with commas and times as 2017-03-11 01:05:00, for --vendor iso, or name the format of "
        "its times, as --time_format '%d.%m.%Y %H:%M'"
    )


def _plain_iso(words: pa.Array) -> Stamps | None:
    """ISO times without a zone, by Arrow's own fast way; None where a word is not one."""
    try:
        stamps = pc.cast(words, pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    if stamps.null_count:
        return None
    return _unzoned(stamps)


def _by_format(words: pa.Array, time_format: str) -> Stamps | int:
    code = next((code for code in _ZONE_CODES if time_format.endswith(code)), None)
    if code is None:
        stamps = pc.strptime(words, format=time_format, unit="s", error_is_null=True)
        return int(pc.index(pc.is_null(stamps), True).as_py()) if stamps.null_count else _unzoned(stamps)
    parts = pc.extract_regex(words, pattern=_ZONE)
    plain = time_format.removesuffix(code).rstrip()
    stamps = pc.strptime(pc.struct_field(parts, "clock"), format=plain, unit="s", error_is_null=True)
    if stamps.null_count:
        return int(pc.index(pc.is_null(stamps), True).as_py())
    zone = pc.struct_field(parts, "zone").to_numpy(zero_copy_only=False).astype(str)
    return Stamps(_unzoned(stamps).wall, zone)


def _unzoned(stamps: pa.Array) -> Stamps:
    wall = stamps.to_numpy(zero_copy_only=False).astype("datetime64[s]")
    return Stamps(wall, np.full(len(wall), "", "U1"))


def parse_stamps(words: pa.Array, vendor: Vendor) -> Stamps | int:
    """Times in a vendor's style.

    Args:
        words: T strings without blanks at their ends.

    Returns:
        The times, or the place of the first word that is not a time of this style.
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
    good &= (hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))  # the end of a day
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
    """The styles in which a word is a time and columns are separated like this."""
    text = pa.array([word.strip()])
    return [
        name
        for name, vendor in VENDORS.items()
        if vendor.separator == separator and isinstance(parse_stamps(text, vendor), Stamps)
    ]
