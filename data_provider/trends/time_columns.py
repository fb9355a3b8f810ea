"""Which columns hold times, by their names."""

import re
from collections.abc import Sequence

from data_provider.times import NAMES
from data_provider.trends.point_names import plain_name
from data_provider.trends.unit_templates import UNIT, pattern_of

TIME_NAMES = NAMES | {
    "date / time", "time stamp", "time_stamp", "local time", "local_time", "datum", "zeit", "uhrzeit", "datum/zeit",
    "datum / zeit", "zeitstempel", "ts", "times",
}  # fmt: skip
_WEAK_NAMES = frozenset({"ts", "times"})  # times only where no other column is called so
_DATES, _CLOCKS = ("date", "datum"), ("time", "zeit", "uhrzeit")


def are_apart(places: Sequence[int], number: int) -> bool:
    """Whether readings stand behind each of several columns of times."""
    return all(b - a > 1 for a, b in zip(places, [*places[1:], number], strict=True))


def is_date_and_clock(names: Sequence[str], places: Sequence[int]) -> bool:
    """Whether columns of times are one with the date and one with the clock."""
    return len(places) == 2 and _plain(names[places[0]]) in _DATES and _plain(names[places[1]]) in _CLOCKS


def _plain(name: str) -> str:
    """A name without what may stand around it: units, a counter, the mark of Siemens' exports."""
    return re.sub(r"[. ]\d+$|^<>", "", plain_name(name)).strip()


def time_places(names: Sequence[str], time_column: str | None = None) -> tuple[int, ...]:
    """Places of the times among names: one column, a date and then a clock, or several; () if there is none."""
    if time_column is not None and UNIT in time_column:
        return tuple(place for place, name in enumerate(names) if pattern_of(time_column).fullmatch(name))
    if time_column is not None:
        wanted = _plain(time_column) or time_column.strip()
        exact = [place for place, name in enumerate(names) if name.strip() == time_column.strip()]
        if not wanted:
            return tuple(exact[:1])
        return tuple(exact or [place for place, name in enumerate(names) if wanted and _plain(name) == wanted])
    plain = [_plain(name) for name in names]
    places = [place for place, name in enumerate(plain) if name in TIME_NAMES - _WEAK_NAMES]
    date = [place for place in places if plain[place] in _DATES]
    clock = [place for place in places if plain[place] in _CLOCKS]
    if len(places) == 2 and date and clock:
        return date[0], clock[0]
    if not places:
        places = [place for place, name in enumerate(plain) if name in _WEAK_NAMES][:1]
    if not places and len(names) > 1 and not plain[0] and all(plain[1:]):
        return (0,)  # as pandas writes an index without a name
    return tuple(places)
