"""The even grid: what training's own preparation gives, held readings, means, gaps, and sensors that stand still."""

import itertools

import numpy as np
import pytest

from data_provider.scaler import Scaler
from data_provider.segmentation import Recipe, segments_of
from data_provider.trends.grid import at_steps, even_step, grid_of, snapped
from data_provider.trends.table import read_table
from data_provider.unlabelled import unlabelled
from tests.trends.kit import COLUMNS, clock, lines, one, read, unit_readings, write
from utils.errors import UserError


@pytest.mark.parametrize("resample", ["direct", "mean"])
@pytest.mark.parametrize("step", [60, 100, 150, 300])
def test_even_readings_become_what_training_makes_of_them(tmp_path, step, resample):
    rows = 6000 // step * 20
    times, values = clock(rows=rows, step=step), unit_readings(rows)
    trend = one(write(tmp_path / "ahu.csv", times, values), resample=resample)
    recipe = Recipe(columns=COLUMNS, period_seconds=300, resample=resample, hold_seconds=900)
    [expected], _ = segments_of(times, values.astype(np.float32), np.ones(rows, bool), recipe)
    assert trend.times[0] == expected.start
    np.testing.assert_allclose(trend.values, expected.values, rtol=1e-6)


def test_at_its_own_rate_a_file_gives_training_s_windows(tmp_path):
    times, values = clock(rows=2880, step=60, start="2018-01-01T00:00"), unit_readings(2880).astype(np.float32)
    on = ((times - times.astype("datetime64[D]")).astype(int) // 3600 >= 6).astype(np.float32)
    values[::97, 2] = np.nan
    values[1000:1030] = np.nan
    path = write(tmp_path / "ahu.csv", times, np.hstack([values, on[:, None]]), names=(*COLUMNS, "SYS_CTL"))
    recipe = Recipe(columns=COLUMNS, period_seconds=300, hold_seconds=900, working_column="SYS_CTL", settle_seconds=120)
    scaler = Scaler.fit(np.nan_to_num(values))
    trend = one(
        path, columns=(*COLUMNS, "SYS_CTL"), units=("F", "F", "F", "CFM", "in. w.g.", "", "W", ""), own_rate=True
    )
    assert trend.period_seconds == 60
    table = read_table(path)
    settings = {"name": "ahu", "recipe": recipe, "scaler": scaler, "seq_len": 12, "step": 6}
    ours, theirs = (
        unlabelled(entry.times, entry.values[:, : len(COLUMNS)], entry.values[:, len(COLUMNS)], **settings)[0]
        for entry in (trend, table)
    )
    assert len(ours) == len(theirs) > 60
    every = np.arange(len(ours))
    np.testing.assert_array_equal(ours.readings(every), theirs.readings(every))
    np.testing.assert_array_equal(ours.start, theirs.start)


def test_a_hold_is_as_long_as_in_training(tmp_path):
    values = unit_readings(60)
    values[20:30, 0] = np.nan
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), values))
    np.testing.assert_array_equal(trend.values[20:23, 0], [np.float32(values[19, 0])] * 3)
    assert np.isnan(trend.values[23:30, 0]).all()
    assert not np.isnan(np.delete(trend.values, slice(23, 30), axis=0)).any()


def test_columns_of_changes_in_an_even_file_hold_longer(tmp_path):
    values = unit_readings(60)
    values[np.arange(60) % 10 > 0, 5] = np.nan
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), values))
    np.testing.assert_array_equal(trend.values[:, 5], np.repeat(values[::10, 5], 10).astype(np.float32))
    assert "OA_DMPR_DM hold changes of value: the last is taken for up to 1h" in lines(trend, "hold")
    short = one(tmp_path / "ahu.csv", max_age_seconds=600)
    assert np.isnan(short.values[:, 5]).sum() == 60 - 6 * 3


def test_a_hold_against_a_plain_loop():
    rng = np.random.default_rng(5)
    times = np.sort(rng.choice(20000, 150, replace=False)).astype("datetime64[s]")
    values = np.where(rng.random(150) < 0.3, np.nan, rng.normal(size=150))
    said = np.isnan(values) & (rng.random(150) < 0.5)
    grid = grid_of(times, period=300, reach=900, columns=1).times
    expected = []
    for step in grid.astype(int):
        value = np.nan
        for time, reading, no in zip(times.astype(int), values, said, strict=True):
            if time <= step and (no or not np.isnan(reading)):
                value = reading if step - time <= 700 else np.nan
        expected.append(value)
    np.testing.assert_array_equal(at_steps(grid, times, values, said, 700), expected)


def test_the_grid_against_a_plain_loop():
    rng = np.random.default_rng(6)
    seconds = np.cumsum(rng.choice([60, 120, 4000, 90000], 300, p=[0.6, 0.3, 0.08, 0.02]))
    expected = {
        step
        for before, after in itertools.pairwise(seconds.tolist())
        if after - before <= 3600
        for step in range(-(-before // 300) * 300, after + 1, 300)
    } | {second for second in seconds.tolist() if second % 300 == 0}
    grid = grid_of(seconds.astype("datetime64[s]"), period=300, reach=3600, columns=1)
    assert grid.times.astype(int).tolist() == sorted(expected)


def test_a_late_logger_is_even_all_the_same(tmp_path):
    rng = np.random.default_rng(2)
    exact, values = clock(rows=200), unit_readings(200)
    late = exact + rng.integers(-3, 20, 200).astype("timedelta64[s]")
    assert even_step(late) in range(295, 306)
    path = write(tmp_path / "ahu.csv", late, values)
    np.testing.assert_array_equal(snapped(late, 300), exact)
    trend = one(path)
    np.testing.assert_array_equal(trend.times, exact)
    np.testing.assert_array_equal(trend.values, values.astype(np.float32))


def test_a_mean_needs_half_of_its_readings(tmp_path):
    values = unit_readings(600)
    values[250:280, 0] = np.nan
    trend = one(write(tmp_path / "ahu.csv", clock(rows=600, step=60), values), resample="mean")
    assert np.isnan(trend.values[53:56, 0]).all()  # 900 s after the last reading
    assert not np.isnan(trend.values[:53, 0]).any()
    assert len(trend.times) == 120


def test_short_gaps_do_not_cut_and_long_ones_do(tmp_path):
    keep = np.ones(300, bool)
    keep[50:52] = keep[100:120] = keep[200:203] = False
    trend = one(write(tmp_path / "ahu.csv", clock(rows=300)[keep], unit_readings(300)[keep]))
    missing = sorted(set(clock(rows=300).tolist()) - set(trend.times.tolist()))
    assert missing == clock(rows=300)[np.r_[100:120, 200:203]].tolist()
    assert "2 gaps without readings, the longest from 2017-03-06 08:15:00 to 2017-03-06 10:00:00 (1.8 h)" in lines(
        trend
    )


@pytest.mark.parametrize(
    ("column", "value", "hours", "said"),
    [
        (0, 57.0, 7, True),
        (0, 57.0, 5, False),
        (3, 4000.0, 25, True),
        (3, 0.0, 25, False),
        (5, 0.4, 30, False),
        (4, 1.6, 12, False),
    ],
)
def test_a_sensor_that_stands_still_is_said(tmp_path, column, value, hours, said):
    values = unit_readings(500)
    values[100 : 100 + hours * 12 + 1, column] = value
    trend = one(write(tmp_path / "ahu.csv", clock(rows=500), values))
    expected = f"{COLUMNS[column]}: it reads {value:g} from 2017-03-06 08:20:00 to "
    assert (expected in lines(trend, "stuck")) == said
    assert f"without any change ({hours} h)" in lines(trend, "stuck") or not said
    assert not trend.fatal


def test_measured_temperatures_are_never_called_stuck(tmp_path):
    values = unit_readings(600)
    values[:, 0] = np.repeat(values[::10, 0], 10)  # fifty minutes each
    assert lines(one(write(tmp_path / "ahu.csv", clock(rows=600), values)), "stuck") == ""


def test_one_reading_is_too_little(tmp_path):
    times = clock(rows=1, start="2017-03-06T00:01")
    with pytest.raises(UserError, match="no reading lies on a step of the grid; give more readings"):
        read(write(tmp_path / "ahu.csv", times, unit_readings(1)))


def test_problems_leave_other_signals_alone(tmp_path):
    names = tuple(name for name in COLUMNS if name != "RA_TEMP")
    values = np.delete(unit_readings(60), 2, axis=1)
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), values, names=names))
    assert trend.missing == ("RA_TEMP",)
    assert np.isnan(trend.values[:, 2]).all()
    np.testing.assert_array_equal(np.delete(trend.values, 2, axis=1), values.astype(np.float32))


def test_a_mean_of_a_step_that_is_less_than_half_known_is_none(tmp_path):
    values = unit_readings(602)
    values[252:282, 0] = np.nan
    trend = one(write(tmp_path / "ahu.csv", clock(rows=602, step=60), values), resample="mean")
    assert np.flatnonzero(np.isnan(trend.values[:, 0])).tolist() == [53, 54, 55, 120]
    assert np.isnan(trend.values[120]).all()  # two of its five minutes: training leaves such a last step out


def test_the_same_reading_before_and_after_a_gap_says_nothing(tmp_path):
    values = unit_readings(200)
    values[99:101, 0] = 57.0
    times = np.concatenate([clock(rows=100), clock(rows=100, start="2017-03-07T00:00")])
    assert lines(one(write(tmp_path / "ahu.csv", times, values)), "stuck") == ""
