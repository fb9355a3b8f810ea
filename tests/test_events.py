"""Events from verdicts: every rule, and a reference that counts seconds one by one."""

import numpy as np
import pytest

from exp.detection.events import covered, events_of, singles_of

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
