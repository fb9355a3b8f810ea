"""Parts that lie apart: the properties that an honest split has, checked by brute force."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from data_provider.leaks.windows import find_leaks, identical_runs, leaking_features, near_training
from data_provider.segmentation import Recipe
from data_provider.segments import Run, Segments
from data_provider.splits.calendar import DAY, assign
from data_provider.splits.group import Sizes
from data_provider.splits.split import TEST, TRAIN, Windows
from data_provider.splits.strategy import Settings, at_random, blocked

PERIOD, LENGTH, STEP = 300, 96, 48


def made(spans: list[tuple[str, str, list[tuple[str, int]], str]], *, seed: int = 0) -> Segments:
    """Segments of runs given as (name, label, [(start, rows)], group)."""
    runs = tuple(Run(name, label, "", group) for name, label, _, group in spans)
    table = [(run, rows, start) for run, (_, _, parts, _) in enumerate(spans) for start, rows in parts]
    rows = np.array([entry[1] for entry in table])
    values = np.random.default_rng(seed).normal(size=(rows.sum(), 2)).astype(np.float32)
    return Segments(
        recipe=Recipe(columns=("a", "b"), period_seconds=PERIOD, hold_seconds=3 * PERIOD),
        values=values,
        runs=runs,
        run=np.array([entry[0] for entry in table]),
        first=np.cumsum(rows) - rows,
        rows=rows,
        start=np.array([entry[2] for entry in table], "datetime64[s]"),
    )


def days(first: str, number: int, *, rows: int = 192, hour: int = 6) -> list[tuple[str, int]]:
    start = np.datetime64(first, "D")
    return [(f"{start + day}T{hour:02}:00:00", rows) for day in range(number)]


def settings(strategy: str = "auto", *, seed: int = 0, fixed: bool = False, block_days: int = 7) -> Settings:
    sizes = Sizes(test_size=0.2, val_size=0.2, seq_len=LENGTH, step=STEP, block_days=block_days)
    return Settings(strategy=strategy, sizes=sizes, seed=seed, fixed_blocks=fixed)


def split(segments: Segments, how: Settings) -> tuple[Windows, str, dict]:
    report: dict = {"warnings": []}
    windows, words = blocked(segments, [run.label for run in segments.runs], how, report)
    return windows, words, report


def gaps_between_parts(windows: Windows) -> np.ndarray:
    """Seconds from the last step of one window to the first of the next, for all pairs in different parts."""
    start = windows.start.astype(np.int64)
    pairs = [(0, 1), (0, 2), (1, 2)]
    apart = [np.abs(start[windows.part == a][:, None] - start[windows.part == b]).ravel() for a, b in pairs]
    return np.concatenate(apart) - (LENGTH - 1) * PERIOD


@pytest.mark.parametrize("number", [3, 4, 5, 7, 10, 26, 53, 365])
@pytest.mark.parametrize(("test", "val"), [(0.2, 0.2), (0.1, 0.3), (0.4, 0.05)])
def test_blocks_are_dealt_in_their_shares_and_evenly(number: int, test: float, val: float) -> None:
    parts = assign(number, test_size=test, val_size=val, rng=np.random.default_rng(3))
    counts = np.bincount(parts, minlength=3)
    wanted = np.array([1 - test - val, val, test]) * number
    assert len(parts) == number
    assert (counts >= 1).all()
    assert (np.abs(counts - np.maximum(1, wanted)) <= 1.5).all()
    for part, count in enumerate(counts):
        if count > 1:  # no part waits longer than twice its turn, the turned seam aside
            distances = np.diff(np.flatnonzero(parts == part))
            assert np.sort(distances)[-2:].min() <= 2 * number / count


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("block_days", [1, 3, 7])
def test_a_calendar_year(seed: int, block_days: int) -> None:
    """Round the clock, so that the guard has work to do."""
    year = [("2018-01-01T00:00:00", 365 * DAY // PERIOD)]
    segments = made([(name, name, year, "") for name in ("one", "two", "three")])
    windows, words, report = split(segments, settings("calendar", seed=seed, block_days=block_days))

    assert gaps_between_parts(windows.where(windows.run == 0)).min() >= LENGTH * PERIOD
    length = "a day" if block_days == 1 else f"{block_days} days"
    assert words == f"calendar blocks of {length}, the same in every run, a guard of one window between parts"
    assert report["guard"]["windows lost"] > 0
    assert report["warnings"] == []
    for run in range(3):
        first, other = windows.run == 0, windows.run == run  # the same blocks in every run
        np.testing.assert_array_equal(windows.start[first], windows.start[other])
        np.testing.assert_array_equal(windows.part[first], windows.part[other])
    for part in range(3):
        quarters = windows.start[windows.part == part].astype("datetime64[M]").astype(int) % 12 // 3
        assert set(quarters) == {0, 1, 2, 3}
    share = np.bincount(windows.part) / len(windows)
    np.testing.assert_allclose(share, [0.6, 0.2, 0.2], atol=0.1)
    assert near_training(windows, LENGTH, PERIOD) == 0


def test_nights_are_guard_enough() -> None:
    segments = made([(name, name, days("2018-01-01", 60), "") for name in ("one", "two")])
    _, _, report = split(segments, settings("calendar"))
    assert report["guard"] == {"steps": LENGTH, "windows lost": 0}


def test_a_run_that_starts_earlier_is_guarded_by_the_end_of_the_others() -> None:
    """One run ends at 22:00, the other starts at 5:00: seven hours are less than a window."""
    segments = made(
        [("late", "late", days("2018-01-01", 60), ""), ("early", "early", days("2018-01-01", 60, hour=5), "")]
    )
    windows, _, _ = split(segments, settings("calendar"))
    assert gaps_between_parts(windows).min() >= LENGTH * PERIOD


def test_windows_of_a_block_share_a_number_and_no_two_runs_do() -> None:
    segments = made([(name, name, days("2018-01-01", 30), "") for name in ("one", "two")])
    windows, _, _ = split(segments, settings("calendar"))
    for block in np.unique(windows.block):
        mine = windows.block == block
        assert len(set(windows.run[mine])) == 1
        assert len(set(windows.part[mine])) == 1
        assert np.ptp(windows.start[mine]).astype(int) < 7 * DAY


def test_blocks_become_shorter_only_if_nobody_named_a_length() -> None:
    segments = made([(name, name, days("2018-01-01", 10), "") for name in ("one", "two")])
    windows, words, report = split(segments, settings("calendar"))
    assert set(windows.part) == {0, 1, 2}
    assert "blocks of 3 days" in words
    assert "--block_days" in report["warnings"][0]
    windows, words, report = split(segments, settings("calendar", fixed=True))
    assert set(windows.part) == {TRAIN}
    assert report["warnings"] == []


@pytest.mark.parametrize("seed", range(6))
def test_whole_days_wherever_a_class_has_three(seed: int) -> None:
    labels = ["normal"] * 8 + ["leak"] * 3 + ["stuck"] * 2 + ["bias"]
    segments = made(_days_of(labels))
    windows, words, report = split(segments, settings("days", seed=seed))
    assert gaps_between_parts(windows).min() >= LENGTH * PERIOD
    label = np.array([run.label for run in segments.runs])[windows.run]
    for name in set(labels):
        assert set(windows.part[label == name]) == {0, 1, 2}, name
    for run, entry in enumerate(segments.runs):
        parts = set(windows.part[windows.run == run])
        assert len(parts) == 1 or entry.label in {"stuck", "bias"}
    assert "2 of 14 cut into blocks" in words
    assert len(report["warnings"]) == 1


def _days_of(labels: list[str]) -> list[tuple[str, str, list[tuple[str, int]], str]]:
    start = np.datetime64("2018-01-01")
    return [
        (f"{start + 9 * day}", label, days(f"{start + 9 * day}", 1, rows=900, hour=0), "")
        for day, label in enumerate(labels)
    ]


@pytest.mark.parametrize("seed", range(10))
def test_runs_of_a_group_stay_together(seed: int) -> None:
    spans = _days_of(["leak"] * 4 + ["stuck"] * 5 + ["normal"] * 9)
    spans = [(name, label, parts, f"pair {place % 9}") for place, (name, label, parts, _) in enumerate(spans)]
    windows, words, _ = split(made(spans), replace(settings("days", seed=seed), bond="weather_pair"))
    part_of = [set(windows.part[windows.run == run]) for run in range(18)]
    assert all(len(part) == 1 for part in part_of)
    assert part_of[:9] == part_of[9:]
    for label in (range(4), range(4, 9), range(9, 18)):
        assert set().union(*(part_of[run] for run in label)) == {0, 1, 2}
    assert "weather pairs together" in words


def test_neighbouring_days_of_one_unit_are_guarded_too() -> None:
    """Round the clock, a day a run: the night is not a gap here."""
    start = np.datetime64("2018-01-01")
    spans = [(f"day {d}", ("a", "b")[d % 2], days(f"{start + d}", 1, rows=288, hour=0), "") for d in range(30)]
    windows, _, report = split(made(spans), settings("days"))
    assert gaps_between_parts(windows).min() >= LENGTH * PERIOD
    assert report["guard"]["windows lost"] > 0


def test_runs_of_different_times_are_not_given_a_common_calendar() -> None:
    spans = [(label, label, days(f"2018-0{month}-01", 28), "") for month, label in ((1, "a"), (4, "b"), (7, "c"))]
    windows, words, _ = split(made(spans), settings())
    assert words.startswith("whole runs, 3 of 3 cut into blocks")
    for run in range(3):
        assert set(windows.part[windows.run == run]) == {0, 1, 2}
    together = [(label, label, days("2018-01-01", 28), "") for label in "abc"]
    assert split(made(together), settings())[1].startswith("calendar blocks")


def test_the_same_seed_gives_the_same_split_and_another_one_another() -> None:
    for segments, strategy in (
        (made([(name, name, days("2018-01-01", 60), "") for name in "ab"]), "calendar"),
        (made(_days_of(["a"] * 9 + ["b"] * 9)), "days"),
    ):
        parts = [split(segments, settings(strategy, seed=seed))[0].part for seed in (5, 5, 6)]
        np.testing.assert_array_equal(parts[0], parts[1])
        assert len(parts[0]) != len(parts[2]) or (parts[0] != parts[2]).any()


def test_random_windows_are_stratified_and_found_to_leak() -> None:
    segments = made([(name, name, days("2018-01-01", 60), "") for name in ("one", "two")])
    windows, words = at_random(segments, ["one", "two"], settings("calendar"))
    assert "leaks" in words
    for run in range(2):
        share = np.bincount(windows.part[windows.run == run]) / (windows.run == run).sum()
        np.testing.assert_allclose(share, [0.6, 0.2, 0.2], atol=0.01)
    assert near_training(windows, LENGTH, PERIOD) > 0.7


def test_leaks_are_found() -> None:
    segments = made([(name, name, days("2018-01-01", 20), "") for name in ("one", "two", "three")])
    third = slice(2 * len(segments.values) // 3, None)
    segments.values[third] = segments.values[: len(segments.values) // 3]  # "three" is a copy of "one"
    assert identical_runs(segments) == [["one", "three"]]

    windows, _, _ = split(segments, settings("calendar"))
    found = find_leaks(segments, windows, windows.run, ("one", "two", "three"), LENGTH)
    assert found["columns that alone tell a class"] == {}
    assert found["test windows that are also in training"] == 0
    segments.values[third, 1] += 4  # an offset of four deviations is lost in the noise of readings, not in their mean
    found = find_leaks(segments, windows, windows.run, ("one", "two", "three"), LENGTH)
    assert found["columns that alone tell a class"] == {"b": ["three"]}
    assert identical_runs(segments) == []

    copies = Windows(**{**vars(windows), "first": np.zeros(len(windows), np.int64)})
    found = find_leaks(segments, copies, copies.run, ("one", "two", "three"), LENGTH)
    assert found["test windows that are also in training"] == (windows.part == TEST).sum()


def test_a_column_tells_a_class_only_if_no_other_class_reaches_its_range() -> None:
    means = np.array([[0, 0, 5], [1, 1, 5], [2, 0.5, 5], [3, 4, 5], [4, 2, 7], [5, 9, 7]], float)
    found = leaking_features(means, np.array([0, 0, 1, 1, 2, 2]), ("a", "b", "c"), ("x", "y", "z"))
    assert found == {"x": ["a", "b", "c"], "z": ["c"]}


def test_intervals_of_a_shared_run_leave_room_for_windows() -> None:
    """A day of 720 steps, 96 to a window: two windows for validation and test, the rest for training."""
    windows, _, _ = split(made([("day", "a", [("2018-01-01T06:00:00", 720)], "")]), settings("days"))
    assert np.bincount(windows.part).tolist() == [4, 2, 2]
    ends = [windows.start[windows.part == part] for part in range(3)]
    assert all(one.max() < other.min() for one, other in pairwise(ends))
    windows, _, _ = split(made([("day", "a", [("2018-01-01T06:00:00", 400)], "")]), settings("days"))
    assert set(windows.part) == {TRAIN}  # too short to be shared
