"""Folds: every window is tested once, no group lies in two parts, and what is said of them is true."""

from collections import Counter

import numpy as np
import pytest

from data_provider.segmentation import Recipe
from data_provider.segments import Run, Segments
from data_provider.splits.folds import Folds, deal, parts_of_fold
from data_provider.splits.group import Sizes
from data_provider.splits.group_file import read_groups
from data_provider.splits.protocols import Protocol, count_folds, split_windows
from data_provider.splits.split import TEST, TRAIN, VAL, Windows
from data_provider.splits.strategy import Settings
from utils.errors import UserError

PERIOD, LENGTH = 300, 24
DAY_ROWS = 144


def made(runs: list[tuple[str, str, str, str, str, int]]) -> Segments:
    """Segments of runs given as (name, label, severity, group, first day, days of half a day each)."""
    table = [
        (place, np.datetime64(first, "D") + day + np.timedelta64(6, "h"))
        for place, (*_, first, number) in enumerate(runs)
        for day in range(number)
    ]
    rows = np.full(len(table), DAY_ROWS)
    return Segments(
        recipe=Recipe(columns=("a", "b"), period_seconds=PERIOD, hold_seconds=3 * PERIOD),
        values=np.random.default_rng(0).normal(size=(rows.sum(), 2)).astype(np.float32),
        runs=tuple(Run(*run[:4]) for run in runs),
        run=np.array([place for place, _ in table]),
        first=np.cumsum(rows) - rows,
        rows=rows,
        start=np.array([start for _, start in table], "datetime64[s]"),
    )


def a_unit() -> Segments:
    """Days of one unit: each fault day with a fault-free day in the same weather."""
    kinds = ["leak"] * 3 + ["stuck"] * 4 + ["bias"] * 5
    runs = [(f"fault {i}", kind, "", f"pair {i}", f"2020-03-{i + 1:02}", 1) for i, kind in enumerate(kinds)]
    return made(runs + [(f"free {i}", "normal", "", f"pair {i}", f"2021-03-{i + 1:02}", 1) for i in range(12)])


def a_year() -> Segments:
    """Runs over the same days, of two faults with three severities each."""
    faults = [(f"{kind} {size}", kind, size, "", "2020-01-01", 40) for kind in ("leak", "stuck") for size in "123"]
    return made([("free", "normal", "", "", "2020-01-01", 40), *faults])


def protocol(split: str, folds: str | None, group: str | None = None, **more: object) -> Protocol:
    chosen = {"bond": "weather_pair", **more}
    return Protocol(split=split, group=group, folds=Folds.parse(folds) if folds else None, **chosen)


def settings(seed: int = 0, strategy: str = "days", *, test: float = 0.2, val: float = 0.2) -> Settings:
    sizes = Sizes(test_size=test, val_size=val, seq_len=LENGTH, step=12, block_days=7)
    return Settings(strategy=strategy, sizes=sizes, seed=seed, fixed_blocks=False)


def all_folds(segments: Segments, split: str, folds: str, group: str | None = None, **more) -> list[Windows]:
    labels = [run.label for run in segments.runs]
    how = settings(**more)
    number = count_folds(segments, labels, protocol(split, folds, group), how)
    found = []
    for fold in range(1, number + 1):
        report: dict = {"warnings": []}
        windows, words = split_windows(segments, labels, protocol(split, f"{fold}/{number}", group), how, report)
        assert f"fold {fold} of {number}" in words
        assert report["fold"]["number"] == fold
        found.append(windows)
    return found


def names(windows: Windows, part: int) -> list[tuple[int, str]]:
    mine = windows.part == part
    return list(zip(windows.run[mine].tolist(), windows.start[mine].astype(str).tolist(), strict=True))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("split", "folds", "group"),
    [("group", "all", "weather_pair"), ("group", "4", "weather_pair"), ("day", "5", None), ("day", "all", None),
     ("blocked", "all", None), ("blocked", "3", None), ("random", "5", None), ("group", "6", "run")],
)  # fmt: skip
def test_every_window_is_tested_once(split, folds, group, seed):
    tested = Counter(name for windows in all_folds(a_unit(), split, folds, group, seed=seed) for name in
                     names(windows, TEST))  # fmt: skip
    assert set(tested.values()) == {1}
    if split != "blocked":  # there, runs that are cut lose what the guard takes
        segments = a_unit()
        assert len(tested) == len(segments.runs) * ((DAY_ROWS - LENGTH) // 12 + 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("folds", ["all", "4"])
def test_a_weather_pair_lies_in_one_part(folds, seed):
    segments = a_unit()
    for windows in all_folds(segments, "group", folds, "weather_pair", seed=seed):
        parts = {}
        for run, part in zip(windows.run, windows.part, strict=True):
            parts.setdefault(segments.runs[run].group, set()).add(int(part))
        assert all(len(found) == 1 for found in parts.values())
        assert {TRAIN, VAL, TEST} == {part for found in parts.values() for part in found}


def test_all_leaves_out_each_group_alone():
    segments = a_unit()
    found = all_folds(segments, "group", "all", "weather_pair")
    assert len(found) == 12
    for windows in found:
        assert len({segments.runs[run].group for run in windows.run[windows.part == TEST]}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_days_are_whole_in_every_run(seed):
    for windows in all_folds(a_year(), "day", "5", strategy="calendar", seed=seed):
        days = windows.start.astype("datetime64[D]")
        for day in np.unique(days):
            assert len(set(windows.part[days == day])) == 1


@pytest.mark.parametrize(("split", "group"), [("blocked", None), ("day", None)])
def test_classes_are_spread_over_the_folds(split, group):
    segments = a_year()
    for windows in all_folds(segments, split, "4", group, strategy="calendar"):
        for part in (TRAIN, VAL, TEST):
            assert set(windows.run[windows.part == part]) == set(range(len(segments.runs)))


@pytest.mark.parametrize("seed", range(3))
def test_parts_of_a_severity_fold_share_neither_days_nor_severities(seed):
    segments = a_year()
    tested = set()
    found = all_folds(segments, "group", "all", "severity", strategy="calendar", seed=seed)
    assert len(found) == 3
    for windows in found:
        test = windows.part == TEST
        days = windows.start.astype("datetime64[D]")
        assert not set(days[test]) & set(days[~test])
        faults = [(segments.runs[run].label, segments.runs[run].severity) for run in windows.run]
        here = {fault for fault, mine in zip(faults, test, strict=True) if mine and fault[1]}
        rest = {fault for fault, mine in zip(faults, test, strict=True) if not mine and fault[1]}
        assert not here & rest
        assert {kind for kind, _ in here} == {kind for kind, _ in rest} == {"leak", "stuck"}
        tested |= here
    assert len(tested) == 6


def test_chronological_tests_on_what_comes_last():
    segments = a_unit()
    labels = np.array([run.label for run in segments.runs])
    report: dict = {"warnings": []}
    windows, _ = split_windows(segments, labels.tolist(), protocol("chronological", None), settings(), report)
    for label in np.unique(labels):
        mine = labels[windows.run] == label
        start = {part: windows.start[mine & (windows.part == part)] for part in (TRAIN, VAL, TEST)}
        assert start[TRAIN].max() < start[VAL].min() < start[VAL].max() < start[TEST].min()
        assert 0.1 < len(start[TEST]) / mine.sum() < 0.3


def test_chronological_folds_learn_from_the_past_alone():
    for windows in all_folds(a_unit(), "chronological", "3"):
        for label in ("normal", "bias"):
            labels = np.array([run.label for run in a_unit().runs])
            mine = labels[windows.run] == label
            known = windows.start[mine & (windows.part != TEST)]
            assert known.max() < windows.start[mine & (windows.part == TEST)].min()


def test_the_seed_of_the_split_changes_the_folds_and_nothing_else_does():
    first, again, other = (all_folds(a_unit(), "day", "4", seed=seed)[0] for seed in (1, 1, 2))
    assert names(first, TEST) == names(again, TEST)
    assert names(first, TEST) != names(other, TEST)


@pytest.mark.parametrize("text", ["", "0", "1", "all/3", "3/2", "0/5", "2/", "1/1", "-3", "5 ", "1e3", "99999"])
def test_what_is_no_number_of_folds_is_refused(text):
    with pytest.raises(UserError, match="--folds"):
        Folds.parse(text)


@pytest.mark.parametrize(("text", "number", "of"), [("all", None, None), ("5", None, 5), ("2/5", 2, 5)])
def test_numbers_of_folds(text, number, of):
    assert Folds.parse(text) == Folds(number, of)


def test_more_folds_than_groups_are_refused():
    with pytest.raises(UserError, match="12 groups"):
        all_folds(a_unit(), "group", "13", "weather_pair")


def test_a_year_of_days_is_not_left_out_day_by_day():
    year = made([("one", "normal", "", "", "2020-01-01", 61), ("two", "leak", "", "", "2020-01-01", 61)])
    with pytest.raises(UserError, match="61 days"):
        all_folds(year, "day", "all")


@pytest.mark.parametrize("group", ["building", "unit", "severity"])
def test_groups_that_the_data_lacks_are_refused_by_name(group):
    with pytest.raises(UserError, match=group):
        all_folds(a_unit(), "group", "all", group)


def test_one_group_alone_cannot_be_left_out():
    unit = made([("one", "normal", "", "u", "2020-01-01", 9), ("two", "leak", "", "u", "2020-02-01", 9)])
    with pytest.raises(UserError, match="one group"):
        all_folds(unit, "group", "all", "weather_pair")


def test_groups_of_a_file():
    segments = a_unit()
    table = {run.name: "east" if place % 2 else "west" for place, run in enumerate(segments.runs)}
    labels = [run.label for run in segments.runs]
    how = Protocol(split="group", group="x.yaml", folds=Folds.parse("1/2"), bond="", from_file=table)
    windows, _ = split_windows(segments, labels, how, settings(), {"warnings": []})
    sides = {table[segments.runs[run].name] for run in windows.run[windows.part == TEST]}
    assert len(sides) == 1
    del table["fault 3"]
    with pytest.raises(UserError, match="fault 3 has no group"):
        split_windows(segments, labels, how, settings(), {"warnings": []})


@pytest.mark.parametrize("text", ["", "- a\n", "a: [1, 2]\n", "a: &x b\nc: *x\n", "{a: {b: c}}", ":\n:", "\x00"])
def test_a_file_that_is_no_table_of_groups_is_refused(text, tmp_path):
    (tmp_path / "groups.yaml").write_text(text)
    with pytest.raises(UserError, match=r"groups\.yaml"):
        read_groups(tmp_path / "groups.yaml")


def test_a_file_of_groups_reads_words_as_they_are(tmp_path):
    (tmp_path / "groups.yaml").write_text("AHU-1.csv: 2018-01-01\nAHU-2: no\n")
    assert read_groups(tmp_path / "groups.yaml") == {"AHU-1": "2018-01-01", "AHU-2": "no"}


@pytest.mark.parametrize("seed", range(20))
def test_dealing_is_even_in_every_class(seed):
    rng = np.random.default_rng(seed)
    holding = np.eye(4, dtype=bool)[rng.integers(4, size=40)]
    dealt = deal(holding, 5, in_turn=False, rng=rng)
    for label in range(4):
        counts = np.bincount(dealt[holding[:, label]], minlength=5)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("seed", range(20))
def test_validation_takes_no_class_from_training(seed):
    rng = np.random.default_rng(seed)
    holding = np.eye(4, dtype=bool)[rng.integers(4, size=14)]
    test = deal(holding, 5, in_turn=False, rng=rng) == 0
    part = parts_of_fold(holding, test, val_share=0.25, in_turn=False, rng=rng)
    assert (holding[part == TRAIN].sum(0) > 0)[holding[~test].sum(0) > 0].all()
    several = holding[~test].sum(0) >= 2
    assert (holding[part == VAL].sum(0) > 0)[several].all()
