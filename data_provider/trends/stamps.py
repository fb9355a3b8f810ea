"""Times from a column's words: as the words show, as a named style has it, or as `--time_format` says.

Letters: T readings.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_provider.trends.problems import Unusable, shown
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.vendors import OTHER_ORDER, TIMES, VENDORS, Stamps

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONE_CODES = ("%Z", "%z")
_ZONE = r"^(?P<clock>.*?)\s*(?P<zone>[A-Za-z]{1,5}|[+-]\d{2}:?\d{2})$"
_NUMBER = r"^\d+(?:[.,]\d+)?$"
_NO_YEAR = re.compile(r"(\d{1,2}[/.-]\d{1,2}\.?|[A-Za-z]{3}[- ]\d{1,2}|\d{1,2}[- ][A-Za-z]{3}),? \d{1,2}:\d{2}.*")
_DIGITS_OF_A_DATE = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])(?:[0-5]\d)?$"
_EPOCH = (100_000_000, 10_000_000_000)  # seconds since 1970, from 1973 to 2286; as milliseconds a thousand times that
_EXCEL = (20_000, 80_000)  # days since 30 December 1899, from 1954 to 2119
_EXCEL_1970 = 25569
_WORDS = {name: re.compile(style.pattern) for name, style in TIMES.items() if style.pattern}
_MONTH_JUMP = 27  # days: where a day follows the last by so many, month and day are the wrong way round


def stamps_of(words: pa.Array, options: ReadOptions) -> Stamps | int:
    """Times as a file writes them.

    Args:
        words: T strings without blanks at their ends.
        options: names the style; a time format comes before it.

    Returns:
        The times, or the place of the first word that no style explains.

    Raises:
        Unusable: day and month could be either way round, or the named style has them the wrong way.
    """
    if options.time_format:
        return _by_format(words, options.time_format)
    if options.way:
        return parse_stamps(words, options.way)
    first = VENDORS[options.vendor].times
    if "iso" in first and (quick := _plain_iso(words)) is not None:
        return quick
    fitting, bad = _fitting(words, first)
    if not fitting:
        fitting, other = _fitting(words, [name for name in TIMES if name not in first])
        bad = max(bad, other)
    if not fitting:
        return bad
    found = fitting[0]
    swapped = parse_stamps(words, OTHER_ORDER[found.style]) if found.style in OTHER_ORDER else None
    if isinstance(swapped, Stamps) and (swapped.wall != found.wall).any():
        return _in_order(words[0].as_py(), found, swapped, named=options.vendor != "auto" and found.style in first)
    if found.style in OTHER_ORDER and not isinstance(swapped, Stamps) and _jumps(found.wall):
        what = f"read {_order(found)}, '{shown(words[0].as_py())}' and the days behind it are months or years apart"
        raise Unusable(what, "name the format of the times, as --time_format '%y/%m/%d %H:%M'", kind="style")
    return found


def settled(columns: Sequence[pa.Array], options: ReadOptions) -> ReadOptions:
    """The options with the order of day and month that all columns of times of a unit show together.

    Raises:
        Unusable: nothing tells the order.
    """
    words = [column for column in columns if len(column)]
    first = words[0][0].as_py() if words else ""
    if options.time_format or not any(_WORDS[style].fullmatch(first) for style in OTHER_ORDER):
        return options
    found = stamps_of(pa.concat_arrays(words), options)
    return replace(options, way=found.style) if isinstance(found, Stamps) and found.style else options


def _fitting(words: pa.Array, styles: Iterable[str]) -> tuple[list[Stamps], int]:
    """The times in the styles that explain all words; and the farthest place at which one fails."""
    found, farthest = [], 0
    for style in styles:
        if isinstance(parse_stamps(words.slice(0, 1), style), Stamps):
            stamps = parse_stamps(words, style)
            if isinstance(stamps, Stamps):
                found.append(stamps)
            else:
                farthest = max(farthest, stamps)
    return found, farthest


def _in_order(word: str, found: Stamps, swapped: Stamps, *, named: bool) -> Stamps:
    """The reading of day and month that can be right, where words allow both.

    Raises:
        Unusable: nothing tells which, or the named one cannot be right.
    """
    wrong, right = _jumps(found.wall), not _jumps(swapped.wall)
    if wrong and right and named:
        what = f"read {_order(found)}, as named, the days jump by whole months at midnight"
        raise Unusable(what, f"name the other order: --vendor {swapped.style}", kind="style")
    if wrong and right:
        return swapped
    if named or (not wrong and not right):
        return found
    what = f"'{shown(word)}' is {_date(found)} if the month comes first, {_date(swapped)} if the day does"
    raise Unusable(what, "name the order: --vendor monthfirst or --vendor dayfirst", kind="style")


def _jumps(wall: np.ndarray) -> bool:
    """Whether most days are a month or more from the day before."""
    steps = np.abs(np.diff(wall.astype("datetime64[D]")).astype(np.int64))
    steps = steps[steps > 0]
    return len(steps) > 0 and bool((steps >= _MONTH_JUMP).mean() > 0.5)


def _order(stamps: Stamps) -> str:
    return "month first" if stamps.style == "monthfirst" else "day first"


def _date(stamps: Stamps) -> str:
    return str(stamps.wall[0].astype("datetime64[D]"))


def bad_time(word: str, options: ReadOptions, where: str, *, first: str = "") -> Unusable:
    """The error for a word that is not a time, or not one as the first of the file."""
    kind = "style" if word else "time"
    if options.time_format:
        what = f"the time '{shown(word)}' is not written as {options.time_format}"
        return Unusable(what, "correct --time_format", where=where, kind=kind)
    if _NO_YEAR.fullmatch(word):
        return Unusable(f"the time '{shown(word)}' has no year", "export it with the year", where=where, kind=kind)
    others = f"as the others are ({shown(first)})" if first and first != word else "in any way that is known"
    what = f"'{shown(word)}' is not a time {others}"
    what_to_do = "name the format of the times, as --time_format '%d.%m.%Y %H:%M', or correct that line"
    return Unusable(what, what_to_do, where=where, kind=kind)


def is_time(word: str, options: ReadOptions) -> bool:
    """Whether a word is a time; a bare number is one only where the style or the format says so."""
    if not word:
        return False
    if options.time_format:
        return isinstance(_by_format(pa.array([word]), options.time_format), Stamps)
    likely = [style for style, pattern in _WORDS.items() if pattern.fullmatch(word)]  # many words are asked
    return any(isinstance(parse_stamps(pa.array([word]), style), Stamps) for style in likely)


def _plain_iso(words: pa.Array) -> Stamps | None:
    """ISO times without a zone, by Arrow's own fast way; None where a word is not one."""
    try:
        stamps = pc.cast(words, pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    if stamps.null_count:
        return None
    return _unzoned(stamps, "iso")


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


def _unzoned(stamps: pa.Array, style: str = "") -> Stamps:
    wall = stamps.to_numpy(zero_copy_only=False).astype("datetime64[s]")
    return Stamps(wall, np.full(len(wall), "", "U1"), style)


def parse_stamps(words: pa.Array, style: str) -> Stamps | int:
    """Times in one way of writing them.

    Args:
        words: T strings without blanks at their ends.
        style: of `TIMES`.

    Returns:
        The times, or the place of the first word that is not written so.
    """
    if not TIMES[style].pattern:
        return _counted(words, style)
    found = pc.extract_regex(words, pattern=f"^(?:{TIMES[style].pattern})$")
    if found.null_count:
        return int(pc.index(pc.is_null(found), True).as_py())
    fields = {found.type.field(place).name: found.field(place) for place in range(found.type.num_fields)}
    year, day = _number(fields["year"]), _number(fields["day"])
    year = np.where(year < 69, year + 2000, np.where(year < 100, year + 1900, year))
    month = _month(fields["month"])
    hour, minute, second = _number(fields["hour"]), _number(fields["minute"]), _number(fields["second"])
    good = (month >= 1) & (month <= 12) & (minute < 60) & (second < 60) & (day >= 1)
    half = np.array(pc.utf8_lower(fields["half"]))
    good &= (half == "") | ((hour >= 1) & (hour <= 12))
    hour = np.where(half == "", hour, hour % 12 + 12 * (half == "p"))
    good &= (hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))  # the end of a day
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    date = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    good &= date.astype("datetime64[M]").astype(np.int64) == months
    if not good.all():
        return int(np.flatnonzero(~good)[0])
    wall = date.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second)
    zone = pc.if_else(pc.equal(fields["offset"], ""), fields["zone"], fields["offset"])
    return Stamps(wall, zone.to_numpy(zero_copy_only=False).astype(str), style)


def _counted(words: pa.Array, style: str) -> Stamps | int:
    """Times counted since a day: in seconds or milliseconds since 1970, which are UTC, or in a spreadsheet's days."""
    if style == "epoch" and pc.all(pc.match_substring_regex(words, _DIGITS_OF_A_DATE)).as_py():
        return 0
    digits = pc.match_substring_regex(words, _NUMBER)
    if not pc.all(digits).as_py():
        return int(pc.index(digits, False).as_py())
    number = pc.cast(pc.replace_substring(words, ",", "."), pa.float64()).to_numpy(zero_copy_only=False)
    if style == "epoch":
        number = np.where(number >= _EPOCH[1], number / 1000, number)
    low, high = _EPOCH if style == "epoch" else _EXCEL
    good = (number >= low) & (number < high)
    if not good.all():
        return int(np.flatnonzero(~good)[0])
    seconds = np.rint(number if style == "epoch" else (number - _EXCEL_1970) * 86400).astype(np.int64)
    return Stamps(seconds.astype("datetime64[s]"), np.full(len(seconds), "Z" if style == "epoch" else ""), style)


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
