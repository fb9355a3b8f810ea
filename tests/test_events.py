"""Events from verdicts: every rule, and a reference that counts minutes one by one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exp.detection.events import Event, covered, events_of, singles_of, surrounding

NAMES = {"-": "normal", "a": "leak", "b": "stuck", "?": "unknown", ".": "no answer"}
MINUTE = np.timedelta64(60, "s")


def windows(text: str, *, stride: int = 10, length: int = 10) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Verdicts, starts and ends; a letter a window, `stride` minutes apart and `length` one-minute steps long."""
    start = np.datetime64("2020-01-01T00:00:00", "s") + np.arange(len(text)) * stride * MINUTE
    return np.array([NAMES[letter] for letter in text], object), start, start + (length - 1) * MINUTE


def seen(text: str, *, confirm: int = 2, **sizes: int) -> list[tuple[str, list[int], bool]]:
    found = events_of(*windows(text, **sizes), confirm=confirm, period=60)
    return [(event.fault, event.windows.tolist(), event.ongoing) for event in found]


@pytest.mark.parametrize(
    ("text", "confirm", "expected"),
    [
        ("", 2, []),
        ("----", 2, []),
        ("-a-a-a-", 2, []),  # never two in a row
        ("-aa--", 2, [("leak", [1, 2], False)]),
        ("-a-", 1, [("leak", [1], False)]),
        ("-aaa-", 3, [("leak", [1, 2, 3], True)]),  # one against it does not close it
        ("aa-a--", 2, [("leak", [0, 1, 3], False)]),
        ("aa--a", 2, [("leak", [0, 1], False)]),
        ("aabb--", 2, [("leak", [0, 1], False), ("stuck", [2, 3], False)]),
        ("aabaa", 2, [("leak", [0, 1, 3, 4], True)]),
        ("aa....a", 2, [("leak", [0, 1, 6], True)]),  # no answer is no evidence against
        ("a.a-", 2, []),  # nor does it confirm
        ("aa-.-", 2, [("leak", [0, 1], False)]),
        ("-??-", 2, [("unknown", [1, 2], True)]),
        ("aa??--", 2, [("leak", [0, 1], False), ("unknown", [2, 3], False)]),
    ],
)
def test_events_open_and_close(text, confirm, expected):
    assert seen(text, confirm=confirm) == expected


def test_an_event_reaches_from_its_first_window_to_the_end_of_its_last():
    verdict, start, end = windows("-aaa--", stride=5)
    (event,) = events_of(verdict, start, end, confirm=2, period=60)
    assert (event.start, event.end) == (start[1], end[3])
    assert event.hours == pytest.approx(20 / 60)  # 3 windows of 10 minutes, 5 apart


def test_a_week_of_silence_closes_an_event():
    verdict, start, end = windows("aaaa")
    for days, number in ((6, 1), (8, 2)):
        late = np.arange(4) // 2 * np.timedelta64(days, "D")
        assert len(events_of(verdict, start + late, end + late, confirm=2, period=60)) == number


@pytest.mark.parametrize(("seconds", "ongoing"), [(0, [True]), (1, [False, True])])
def test_a_week_to_the_second_is_no_silence_and_what_it_closes_has_ended(seconds, ongoing):
    verdict, start, end = windows("aaaa")
    after = end[1] + np.timedelta64(7 * 86400 + seconds, "s") - start[2]
    late = np.array([0, 0, 1, 1]) * after
    found = events_of(verdict, start + late, end + late, confirm=2, period=60)
    assert [event.ongoing for event in found] == ongoing


def test_windows_outside_events_have_hours_and_have_ended():
    verdict, start, end = windows("a-a-b")
    leak, stuck = singles_of(verdict, start, end, [], period=60)
    assert (leak.fault, leak.windows.tolist(), leak.ongoing) == ("leak", [0, 2], False)
    assert leak.hours == 20 / 60
    assert (stuck.hours, stuck.start, stuck.end) == (10 / 60, start[4], end[4])


def test_no_hour_counts_twice_and_nights_do_not_count():
    rng = np.random.default_rng(0)
    for _ in range(50):
        minutes = np.sort(rng.integers(0, 300, 12))
        start = np.datetime64("2020-01-01T00:00:00", "s") + minutes * MINUTE
        length = int(rng.integers(1, 40))
        expected = {m + k for m in minutes.tolist() for k in range(length)}
        assert covered(start, start + (length - 1) * MINUTE, 60) == 60 * len(expected)


def test_what_is_closed_stays_as_it_is_when_more_comes():
    rng = np.random.default_rng(1)
    for _ in range(40):
        text = "".join(rng.choice(list("--aab?."), 40))
        whole = seen(text, stride=5)
        for cut in range(0, 40, 7):
            closed = [event for event in seen(text[:cut], stride=5) if not event[2]]
            assert all(event in whole for event in closed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("----", []),
        ("-a-a-a-", [("leak", [1, 3, 5])]),
        ("-aa--a-", [("leak", [5])]),  # the event has the others
        ("aab-.?", [("stuck", [2]), ("unknown", [5])]),
        ("a.a-", [("leak", [0, 2])]),
    ],
)
def test_no_window_that_names_a_fault_is_lost(text, expected):
    verdict, start, end = windows(text)
    events = events_of(verdict, start, end, confirm=2, period=60)
    singles = singles_of(verdict, start, end, events, period=60)
    assert [(event.fault, event.windows.tolist()) for event in singles] == expected
    counted = sum(len(event.windows) for event in [*events, *singles])
    assert counted == sum(letter in "ab?" for letter in text)


def days(text: str, *, hold: float = 48, confirm: int = 2) -> list[tuple[str, str, str]]:
    """Events of a unit that runs from 6:00 to 22:00, two windows of eight hours a day; a word of the text is a day."""
    start, said = [], []
    for day, letters in enumerate(text.split()):
        for place, letter in enumerate(letters):
            start.append(np.datetime64("2020-01-06T06:00:00", "s") + np.timedelta64(24 * day + 8 * place, "h"))
            said.append(NAMES[letter])
    begin = np.array(start)
    end = begin + 479 * MINUTE
    found = events_of(np.array(said, object), begin, end, confirm=confirm, period=60, hold=hold)
    return [(event.fault, str(event.start)[8:10], str(event.end)[8:10]) for event in found]


def test_a_month_with_one_fault_is_one_event():
    """Nights, weekends off, unknown windows, single misses, and two days on which nothing shows."""
    month = "aa aa a- aa a? .. ..  aa -- a? ?? aa .. ..  aa aa -- -- aa .. ..  ?a aa aa b- aa"
    assert [event for event in days(month) if event[0] == "leak"] == [("leak", "06", "31")]
    assert len([event for event in days(month, hold=0) if event[0] == "leak"]) > 2


def test_a_fault_that_was_repaired_and_comes_back_is_two():
    """48 hours of operation speak against it: three days of sixteen hours do not end an event, four do."""
    assert [event[0] for event in days("aa aa -- -- -- aa aa")] == ["leak"]
    assert [event[0] for event in days("aa aa -- -- -- -- aa aa")] == ["leak", "leak"]
    assert [event[0] for event in days("aa aa " + 8 * ".. " + "aa aa")] == ["leak", "leak"]  # a week of silence
    assert [event[0] for event in days("aa aa " + 6 * ".. " + "aa aa")] == ["leak"]
    assert [event[0] for event in days("aa aa -- " + 5 * ".. " + "aa aa")] == ["leak", "leak"]  # longer than a weekend


def test_a_single_window_between_two_runs_of_an_event_is_of_it():
    (event,) = events_of(*windows("aa--a--aa"), confirm=2, period=60, hold=2)
    assert event.windows.tolist() == [0, 1, 4, 7, 8]


def test_unknown_windows_hold_a_named_event_and_open_none_inside_it():
    assert days("aa a? ?? ?? aa --") == [("leak", "06", "10")]
    assert days("aa aa -- ?? ??") == [("leak", "06", "07"), ("unknown", "09", "10")]
    assert days("?? ?? ?? ?a ??") == [("unknown", "06", "10")]


def test_windows_that_overlap_do_not_confirm_themselves():
    verdict, start, end = windows("--aa-----aaaaaaaaaa--------", stride=2)
    least = 20 * 60  # what two windows in a row cover that do not overlap
    (event,) = events_of(verdict, start, end, confirm=2, period=60, least=least)
    assert event.windows.tolist() == list(range(9, 19))
    assert len(events_of(verdict, start, end, confirm=2, period=60)) == 2


def test_an_event_under_another_name_lies_in_the_longer_one():
    verdict, start, end = windows("aaaabbaaaabb??--bbbb")
    events = events_of(verdict, start, end, confirm=2, period=60, hold=0.5)
    around = [other and (other.fault, str(other.start)) for other in surrounding(events)]
    assert [event.fault for event in events] == ["leak", "stuck", "stuck"]
    assert around == [None, ("leak", "2020-01-01T00:00:00"), None]


VERDICTS = st.text(alphabet="-ab?.", max_size=60)
SIZES = st.tuples(st.integers(2, 15), st.integers(2, 15))  # minutes between starts, minutes of a window
RULES = st.tuples(st.integers(1, 3), st.integers(0, 20), st.sampled_from([0.0, 0.1, 0.5, 2.0]))


def found(text: str, sizes: tuple[int, int], rule: tuple[int, int, float]) -> tuple[tuple, list[Event], list[Event]]:
    given_windows = windows(text, stride=sizes[0], length=sizes[1])
    confirm, least, hold = rule
    events = events_of(*given_windows, confirm=confirm, period=60, least=60 * least, hold=hold)
    return given_windows, events, singles_of(*given_windows, events, period=60)


@settings(max_examples=200, deadline=None)
@given(VERDICTS, SIZES, RULES)
def test_events_are_in_order_apart_and_their_hours_right(text, sizes, rule):
    (verdict, start, end), events, singles = found(text, sizes, rule)
    assert [event.start for event in events] == sorted(event.start for event in events)
    for event in [*events, *singles]:
        assert set(verdict[event.windows]) == {event.fault}
        if event in events and event.fault != "unknown":  # of unknown ones a named event may hold some
            inside = np.arange(event.windows[0], event.windows[-1] + 1)
            assert event.windows.tolist() == inside[verdict[inside] == event.fault].tolist()
        assert (event.start, event.end) == (start[event.windows[0]], end[event.windows].max())
        minutes = {m for p in event.windows for m in range(p * sizes[0], p * sizes[0] + sizes[1])}
        assert event.hours == pytest.approx(len(minutes) / 60)
    for fault in NAMES.values():
        mine = [event for event in events if event.fault == fault]
        assert all(before.windows[-1] < after.windows[0] for before, after in pairwise(mine))


@settings(max_examples=200, deadline=None)
@given(VERDICTS, SIZES, RULES)
def test_no_fault_is_lost_and_none_counted_twice(text, sizes, rule):
    (verdict, *_), events, singles = found(text, sizes, rule)
    for fault in ("leak", "stuck"):
        told = [place for event in [*events, *singles] if event.fault == fault for place in event.windows]
        assert sorted(told) == np.flatnonzero(verdict == fault).tolist()
    told = [place for event in [*events, *singles] if event.fault == "unknown" for place in event.windows]
    for event in events:
        if event.fault != "unknown":
            inside = np.arange(event.windows[0], event.windows[-1])
            told += inside[verdict[inside] == "unknown"].tolist()
    assert sorted(set(told)) == np.flatnonzero(verdict == "unknown").tolist()
    for run in found(text, sizes, (*rule[:2], 0.0))[1]:
        if run.fault != "unknown":
            assert sum(set(run.windows) <= set(event.windows) for event in events if event.fault == run.fault) == 1


@settings(max_examples=100, deadline=None)
@given(VERDICTS, SIZES, RULES, st.integers(0, 59))
def test_what_is_settled_stays_when_more_comes(text, sizes, rule, cut):
    """An event that more than the hold speaks against after its end; later windows cannot change it."""
    (verdict, start, end), events, _ = found(text[:cut], sizes, rule)
    whole = [(event.fault, event.windows.tolist()) for event in found(text, sizes, rule)[1]]
    for event in events:
        after = np.arange(event.windows[-1] + 1, len(verdict))
        against = after[~np.isin(verdict[after].astype(str), ("unknown", "no answer", event.fault))]
        if (
            event.fault != "unknown"
            and not event.ongoing
            and covered(start[against], end[against], 60) > 3600 * rule[2]
        ):
            assert (event.fault, event.windows.tolist()) in whole
