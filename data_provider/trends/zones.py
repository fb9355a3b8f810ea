"""From the clock on the wall to time that only goes forward: zones, their abbreviations, and both clock changes.

In spring an hour is missing from a local clock, in autumn an hour is there twice. With a zone both are known; without
one, an hour that is there twice shows in the file, and so does a missing one where readings come at an even step.
Letters: T readings.
"""

import datetime
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from data_provider.trends.problems import Unusable, listed
from data_provider.trends.vendors import Stamps
from utils.errors import UserError

HOUR = 3600
_DAY = 86400

# Hours from UTC of what Niagara and others write behind a time. Where one abbreviation has several meanings (CST),
# the American one; for the time between readings that makes no difference.
ABBREVIATIONS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "NST": -3.5, "NDT": -2.5, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
    "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "JST": 9, "KST": 9, "SGT": 8,
    "HKT": 8, "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip


@dataclass
class Elapsed:
    """Times that go forward as time does.

    Attributes:
        times: (T,) datetime64[s], in UTC; without any zone, on the file's own clock as if it were never changed.
        utc: True if they are UTC.
        notes: row -> (what, what to do), for the reader to know.
    """

    times: np.ndarray
    utc: bool
    notes: dict[int, tuple[str, str]] = field(default_factory=dict)


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The zone of an IANA name, for example America/Chicago.

    Raises:
        UserError: there is none of that name.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = sorted(zoneinfo.available_timezones())
        if not known:
            raise UserError("this machine has no list of time zones; pip install tzdata") from None
        word = name.split("/")[-1].casefold().replace(" ", "_")
        close = [zone for zone in known if word and word in zone.casefold()][:3] or ["America/Chicago, Europe/Berlin"]
        raise UserError(f"--time_zone '{name}' is not an IANA time zone; write it as {' or '.join(close)}") from None


def elapsed(
    stamps: Stamps, zone: zoneinfo.ZoneInfo | None, *, step: int | None, place: Callable[[int], str]
) -> Elapsed:
    """Times that go forward, from what a file's clock shows.

    Args:
        stamps: of the readings in the file's order.
        zone: of the file's clock, None if nobody said.
        step: seconds between readings, None if they are uneven.
        place: names the line of a reading.

    Raises:
        Unusable: times go backward, or do not exist in the zone.
    """
    zoned = stamps.zone != ""
    if zoned.any() and not zoned.all():
        row = int(np.flatnonzero(~zoned)[0] if zoned[0] else np.flatnonzero(zoned)[0])
        what = "some times have a zone and some have none"
        raise Unusable(what, "export all of them with their zone", where=place(row), kind="zone")
    if zoned.any():
        return Elapsed(stamps.wall - _offsets(stamps, zone, place), True)
    if zone is not None:
        return _localized(stamps.wall, zone, step, place)
    return _unzoned(stamps.wall, step, place)


def _offsets(stamps: Stamps, zone: zoneinfo.ZoneInfo | None, place: Callable[[int], str]) -> np.ndarray:
    """(T,) seconds that each clock was ahead of UTC, by the word beside the time."""
    words, number = np.unique(stamps.zone, return_inverse=True)
    meanings = _abbreviations_in(stamps.wall, zone) if zone is not None else None
    hours = []
    for index, word in enumerate(words):
        match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})?", word)
        if match:
            size = int(match[2]) * HOUR + int(match[3] or 0) * 60
            hours.append(-size if match[1] == "-" else size)
        elif word == "Z" or (meanings is None and word in ABBREVIATIONS):
            hours.append(int(ABBREVIATIONS[word] * HOUR))
        elif meanings is not None and word in meanings:
            hours.append(meanings[word])
        else:
            row = int(np.flatnonzero(number == index)[0])
            if meanings is None:
                what, what_to_do = f"the zone '{word}' is unknown", "name the building's with --time_zone"
            else:
                what = f"the zone '{word}' is none of {zone} ({listed(sorted(meanings))})"
                what_to_do = "correct --time_zone, or leave it out"
            raise Unusable(what, what_to_do, where=place(row), kind="zone")
    return np.array(hours, np.int64)[number]


def _abbreviations_in(wall: np.ndarray, zone: zoneinfo.ZoneInfo) -> dict[str, int]:
    """Abbreviation -> seconds ahead of UTC, as the zone had them around the readings."""
    found: dict[str, int] = {}
    for month in np.unique(wall.astype("datetime64[M]")):
        for shift in (-31, 0, 31):
            moment = _moment(int(month.astype("datetime64[s]").astype(np.int64)) + shift * _DAY, zone)
            found[str(moment.tzname())] = _ahead(moment)
    return found


def _moment(utc: int, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """A time in seconds since 1970, on the zone's clock; those beyond the calendar at its end."""
    bounded = min(max(utc, -62_135_000_000), 253_402_000_000)
    start = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (start + datetime.timedelta(seconds=bounded)).astimezone(zone)


def _ahead(moment: datetime.datetime) -> int:
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _changes(wall: np.ndarray, zone: zoneinfo.ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    """Seconds in UTC from which on the zone's clock was so many seconds ahead; looked up around the readings only."""
    days = np.unique(np.unique(wall.astype("datetime64[D]").astype(np.int64))[:, None] + np.arange(-2, 3))
    starts, ahead = [int(days[0]) * _DAY - 365 * _DAY], [_ahead(_moment(int(days[0]) * _DAY, zone))]
    before = int(days[0])
    for day in days[1:].tolist():
        now = _ahead(_moment(day * _DAY, zone))
        if now != ahead[-1]:
            low, high = (before if day - before == 1 else day - 1) * _DAY, day * _DAY
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if _ahead(_moment(middle, zone)) == now else (middle, high)
            starts.append(high)
            ahead.append(now)
        before = day
    return np.array(starts), np.array(ahead)


def _localized(wall: np.ndarray, zone: zoneinfo.ZoneInfo, step: int | None, place: Callable[[int], str]) -> Elapsed:
    """UTC of a zone's clock. The hour that is there twice is told apart by the jump back between its two halves."""
    starts, ahead = _changes(wall, zone)
    seconds = wall.astype(np.int64)
    later = np.searchsorted(starts + ahead, seconds, side="right") - 1
    earlier = np.maximum(later - 1, 0)
    ends = np.append(starts[1:], np.iinfo(np.int64).max)
    second = seconds - ahead[later]
    first = seconds - ahead[earlier]
    exists = second < ends[later]
    twice = exists & (later > 0) & (first < starts[later])
    if not exists.all():
        row = int(np.flatnonzero(~exists)[0])
        what = f"{_clock(wall[row])} does not exist in {zone}, where clocks were put forward then"
        what_to_do = "name the zone of the file's clock with --time_zone, as Etc/GMT+6 for one that is never changed"
        raise Unusable(what, what_to_do, where=place(row), kind="zone")
    notes: dict[int, tuple[str, str]] = {}
    edges = np.flatnonzero(np.diff(twice.astype(np.int8), prepend=0, append=0))
    use_first = np.zeros(len(wall), bool)
    for begin, end in edges.reshape(-1, 2).tolist():
        back = np.flatnonzero(np.diff(seconds[begin:end]) < (1 if step == HOUR else 0))
        if len(back):
            use_first[begin : begin + int(back[0]) + 1] = True
        elif begin > 0:
            use_first[begin:end] = True
            what = f"{_clock(wall[begin])} is in the hour that {zone} has twice and the file once: taken as the first"
            notes[begin] = (what, "times around it may be an hour off; export times in UTC to be sure")
    return Elapsed(np.where(use_first, first, second).astype("datetime64[s]"), True, notes)


def _unzoned(wall: np.ndarray, step: int | None, place: Callable[[int], str]) -> Elapsed:
    """Times of a clock in no known zone, as if it had never been changed."""
    seconds = wall.astype(np.int64)
    gaps = np.diff(seconds)
    backs = np.flatnonzero(gaps < 0).tolist()
    if step == HOUR:
        backs = [row for row in np.flatnonzero(gaps <= 0).tolist() if gaps[row] < 0 or _is_autumn(seconds, row, step)]
    for row in backs:
        if not _is_autumn(seconds, row, step):
            what = f"the time {_clock(wall[row + 1])} comes after {_clock(wall[row])}"
            advice = "sort the file by time"
            if gaps[row] >= -HOUR and _is_change_night(int(seconds[row + 1])):
                advice = "if clocks changed then, name the building's --time_zone; else sort the file by time"
            raise Unusable(what, advice, where=place(row + 1), kind="order")
    springs = _springs(seconds, step) if step else []
    if not backs and not springs:
        return Elapsed(wall, False)
    notes, ahead, open_since, last = {}, np.zeros(len(wall), np.int64), None, None
    for row, spring in sorted([(row, True) for row in springs] + [(row, False) for row in backs]):
        if spring:
            open_since = row + 1
            what = f"the hour after {_clock(wall[row])} is missing, as where clocks are put forward: read so"
        else:
            what = f"the hour from {_clock(wall[row + 1])} is there twice, as where clocks are put back: read so"
            if open_since is None and last is not None:
                raise Unusable(
                    "two hours are there twice, with no missing one between them",
                    "name the building's zone with --time_zone",
                    where=place(row + 1),
                    kind="zone",
                )
            ahead[open_since or 0 : row + 1] = HOUR
            open_since, last = None, row
        notes[row + 1] = (what, "name the building's zone with --time_zone to be sure")
    if open_since is not None:
        ahead[open_since:] = HOUR
    return Elapsed(wall - ahead, False, notes)


def _is_autumn(seconds: np.ndarray, row: int, step: int | None) -> bool:
    """Whether the jump back after a row is that of clocks put back an hour: at night, within one hour's times."""
    before, after = int(seconds[row]), int(seconds[row + 1])
    if not _is_change_night(after) or before // HOUR != after // HOUR:
        return False
    if step is None:
        return True
    return abs(before - after - (HOUR - step)) <= max(5, step // 10)


def _springs(seconds: np.ndarray, step: int) -> list[int]:
    """Rows after which exactly one hour is missing on a night when clocks may be put forward."""
    gaps = np.diff(seconds)
    rows = np.flatnonzero(np.abs(gaps - HOUR - step) <= max(5, step // 10))
    return [
        row
        for row in rows.tolist()
        if _is_change_night(int(seconds[row]))
        and int(seconds[row + 1]) // HOUR - int(seconds[row]) // HOUR == 2
        and seconds[row + 1] % HOUR < step
    ]


def _is_change_night(second: int) -> bool:
    """Whether a time lies in the first four hours of a Sunday in spring or autumn."""
    month = int(np.datetime64(second, "s").astype("datetime64[M]").astype(np.int64)) % 12 + 1
    return (second // _DAY + 4) % 7 == 0 and second % _DAY < 4 * HOUR and month in (3, 4, 9, 10, 11)


def _clock(time: np.datetime64) -> str:
    return str(time).replace("T", " ")
