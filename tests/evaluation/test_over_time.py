"""Days by the rule that docs/METRICS.md states, and the hours until a fault is found."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from exp.evaluation.diagnosis import Cases, rates
from exp.evaluation.over_time import days_of, time_to_detection
from tests.evaluation.kit import LETTERS, cases, hours, numbers

LETTER_OF = {number: letter for letter, number in LETTERS.items()}


def day(answers: str, normal: int | None = 0) -> str:
    """What a day of these answers is called."""
    n = len(answers)
    found = days_of(cases("n" * n, answers), np.full(n, "a"), hours(*range(n)), 3, normal)
    assert found.truth.tolist() == [0]
    return LETTER_OF[int(found.answer[0])]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ("nnn", "n"),
        ("nns", "n"),
        ("ns", "s"),  # a tie goes to the fault
        ("nnnssll", "s"),  # faults share the windows, the day is faulty; the first of tied faults
        ("nnnsll", "l"),
        ("nnnnssl", "n"),
        ("---", "-"),  # no answers are no answer
        ("--s", "s"),  # a window without an answer has no vote
        ("--n", "n"),
        ("??n", "?"),  # more than half unknown
        ("??nn", "n"),  # half is not more than half
        ("?-", "-"),
        ("?", "?"),
        ("??--", "-"),
    ],
)
def test_a_day_is_what_the_rule_says(answers, verdict):
    assert day(answers) == verdict
    assert day(answers[::-1]) == verdict, "the order of the windows does not matter"


def test_without_a_normal_class_the_most_frequent_class_wins():
    assert day("nnnssll", normal=None) == "n"
    assert day("nnss", normal=None) == "n"


def test_days_are_calendar_days_of_a_file():
    start = np.concatenate([hours(0, 23.9, 24, 30), hours(1)])
    q = cases("nnsss", "nssnl", [7, 7, 3, 5, 9])
    found = days_of(q, np.array(["b", "b", "b", "b", "a"]), start, 3, 0)
    assert found.truth.tolist() == numbers("sns").tolist()  # of a; of b the first day, then the second
    assert found.answer.tolist() == numbers("lss").tolist()
    assert found.block.tolist() == [9, 7, 3]


def test_a_day_counts_once_whatever_its_windows():
    many = days_of(cases("n" * 9 + "s", "n" * 9 + "n"), np.full(10, "a"), hours(*range(9), 25), 3, 0)
    assert rates(many, 3, 0)["accuracy"]["value"] == 0.5


def test_no_window_makes_no_day():
    none = cases("", "")
    assert len(days_of(none, np.array([], str), np.array([], "datetime64[s]"), 3, 0).truth) == 0


def until(truth: str, answer: str, start: np.ndarray, *, file: list[str] | None = None, length: float = 1) -> dict:
    files = np.array(file or ["a"] * len(truth))
    end = start + np.timedelta64(round(3600 * length), "s")
    return time_to_detection(cases(truth, answer), files, start, end, 3, 0)


def test_time_runs_from_the_first_faulty_window_to_the_end_of_the_first_detected_one():
    found = until("nnssss", "nnn?ll", hours(0, 1, 2, 3, 4, 5))
    assert found["episodes"] == 1
    assert found["median_hours"]["value"] == 3  # from 2:00 to 5:00, and another fault's name is a detection
    assert found["never_detected"]["value"] == 0
    assert until("s", "s", hours(7))["median_hours"]["value"] == 1, "a verdict is there when its window ends"


def test_a_false_alarm_before_the_fault_detects_nothing():
    found = until("nnss", "ssnn", hours(0, 1, 2, 3))
    assert found["never_detected"]["value"] == 1
    assert found["median_hours"]["value"] is None


def test_episodes_end_with_the_file_the_fault_and_a_long_gap():
    assert until("ssll", "nnnn", hours(0, 1, 2, 3))["episodes"] == 2
    assert until("ssss", "nnnn", hours(0, 1, 2, 3), file=["a", "a", "b", "b"])["episodes"] == 2
    assert until("ss", "nn", hours(0, 1 + 72))["episodes"] == 1, "a weekend off"
    assert until("ss", "nn", hours(0, 1 + 72.1))["episodes"] == 2
    assert until("sns", "nnn", hours(0, 1, 2))["episodes"] == 2
    shuffled = until("snsn", "nsns", hours(5, 1, 4, 2))
    assert shuffled["episodes"] == 1, "windows stand in the order of time, whatever theirs"


def test_the_median_counts_what_is_never_detected_as_longer_than_any():
    files = list("abcde")
    three = until("sssss", "sssnn", hours(0, 0, 0, 0, 0), file=files)
    assert three["median_hours"]["value"] == 1
    assert three["never_detected"]["value"] == 2 / 5
    expected = binomtest(2, 5).proportion_ci(method="wilson")
    assert [three["never_detected"][side] for side in ("low", "high")] == pytest.approx([expected.low, expected.high])
    assert until("ssss", "ssnn", hours(0, 0, 0, 0), file=files[:4])["median_hours"]["value"] is None


@pytest.mark.parametrize("number", [1, 5, 6, 9, 30, 2000])
def test_the_interval_of_the_median_is_that_of_order_statistics(number):
    start, length = hours(*[0] * number), np.arange(1, number + 1)
    end = start + length * np.timedelta64(3600, "s")
    q = Cases(np.full(number, 1), np.full(number, 1), np.arange(number))
    found = time_to_detection(q, np.array([f"{i:05}" for i in range(number)]), start, end, 3, 0)["median_hours"]
    assert found["value"] == (number + 1) / 2
    place = int(binom.ppf(0.025, number, 0.5))  # the first with more than 2.5 % at or below it
    if place:
        assert [found["low"], found["high"]] == [place, number - place + 1]
        assert binom.cdf(number - place, number, 0.5) - binom.cdf(place - 1, number, 0.5) >= 0.95
    else:
        assert [found["low"], found["high"]] == [None, None]


def test_nothing_faulty_nothing_timed_nothing_at_all():
    for truth, start in (
        ("nn", hours(0, 1)),
        ("", np.array([], "datetime64[s]")),
        ("ss", np.full(2, np.datetime64("NaT", "s"))),
    ):
        found = until(truth, truth, start)
        assert found["episodes"] == 0
        nothing = {"value": None, "low": None, "high": None}
        assert found["median_hours"] == found["never_detected"] == nothing
