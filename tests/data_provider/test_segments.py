"""Readings to evenly spaced segments: checked against pandas and against plain loops."""

import json
from pathlib import Path

import numpy as np
import pytest

from data_provider.scaler import Scaler
from data_provider.segmentation import HOLD_STEPS, Recipe, segments_of, working_mask
from data_provider.trends.table import read_table
from tests.data_provider.kit import frame, single_duct, write
from utils.errors import UserError

MINUTE = np.timedelta64(60, "s")


def recipe(*, period: int = 60, resample: str = "direct", columns: int = 1) -> Recipe:
    names = tuple(f"c{place}" for place in range(columns))
    return Recipe(columns=names, period_seconds=period, resample=resample, hold_seconds=HOLD_STEPS * period)


def clock(minutes: list[int] | np.ndarray) -> np.ndarray:
    return np.datetime64("2018-01-01", "s") + np.asarray(minutes) * MINUTE


def test_direct_takes_every_fifth_reading_and_mean_is_that_of_pandas() -> None:
    table = frame(rows=1000, columns=4)
    times, values = table["Datetime"].to_numpy("datetime64[s]"), table.iloc[:, 1:].to_numpy()
    on = np.ones(1000, bool)
    direct, _ = segments_of(times, values, on, recipe(period=300))
    np.testing.assert_array_equal(direct[0].values, values[::5])
    mean, _ = segments_of(times, values, on, recipe(period=300, resample="mean"))
    reference = table.set_index("Datetime").resample("5min").mean().to_numpy()
    np.testing.assert_allclose(mean[0].values, reference, rtol=1e-6, atol=1e-6)


def test_the_last_mean_needs_half_of_its_readings() -> None:
    times, values = clock(np.arange(13)), np.arange(13, dtype=np.float32)[:, None]
    mean, _ = segments_of(times, values, np.ones(13, bool), recipe(period=300, resample="mean"))
    np.testing.assert_array_equal(mean[0].values[:, 0], [2, 7, 11])
    mean, _ = segments_of(times[:12], values[:12], np.ones(12, bool), recipe(period=300, resample="mean"))
    np.testing.assert_array_equal(mean[0].values[:, 0], [2, 7])


def test_a_short_gap_is_held_and_a_long_one_ends_the_segment() -> None:
    minutes = np.array([0, 1, 2, 5, 6, 10, 11])  # three minutes to the next reading is held, four is a gap
    found, counts = segments_of(clock(minutes), minutes.astype(np.float32)[:, None], np.ones(7, bool), recipe())
    assert [segment.values[:, 0].tolist() for segment in found] == [[0, 1, 2, 2, 2, 5, 6], [10, 11]]
    assert [str(segment.start)[-5:] for segment in found] == ["00:00", "10:00"]
    assert counts == {"missing steps held": 2, "gaps in time that end a segment": 1}


def test_a_missing_reading_is_held_for_three_steps_and_then_ends_the_segment() -> None:
    values = np.arange(24, dtype=np.float32).reshape(12, 2)
    values[3:5, 0] = np.nan  # held
    values[6:11, 1] = np.nan  # held three times, then dropped twice
    found, counts = segments_of(clock(np.arange(12)), values, np.ones(12, bool), recipe(columns=2))
    assert [len(segment.values) for segment in found] == [9, 1]
    np.testing.assert_array_equal(found[0].values[3:5, 0], [4, 4])
    np.testing.assert_array_equal(found[0].values[6:9, 1], [11, 11, 11])
    assert counts == {"missing readings held": 5, "rows dropped for a missing reading": 2}


def test_nothing_is_held_before_the_first_reading() -> None:
    values = np.array([[np.nan], [1], [2]], np.float32)
    found, _ = segments_of(clock([0, 1, 2]), values, np.ones(3, bool), recipe())
    assert [segment.values.tolist() for segment in found] == [[[1], [2]]]


def test_no_segment_crosses_the_time_off() -> None:
    working = np.array([0, 1, 1, 0, 1, 1, 1, 0], bool)
    values = np.arange(8, dtype=np.float32)[:, None]
    found, counts = segments_of(clock(np.arange(8)), values, working, recipe())
    assert [segment.values[:, 0].tolist() for segment in found] == [[1, 2], [4, 5, 6]]
    assert counts == {"readings while not working": 3}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("resample", ["direct", "mean"])
def test_every_step_of_every_segment_is_what_a_plain_loop_gives(seed: int, resample: str) -> None:
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.choice(400, 300, replace=False))
    times, values = clock(minutes), rng.normal(size=(300, 1)).astype(np.float32)
    working = rng.random(300) > 0.02
    way = recipe(period=180, resample=resample)
    found, _ = segments_of(times, values, working, way)
    assert len(found) > 1
    for segment in found:
        off = times[~working & (times > segment.start)]
        stop = off[0] if len(off) else times[-1] + MINUTE  # the segment ends there at the latest
        for step, value in enumerate(segment.values[:, 0]):
            now = segment.start + step * np.timedelta64(180, "s")
            inside = (times >= now) & (times < now + np.timedelta64(180, "s"))
            before = np.flatnonzero(times <= now)[-1]
            if resample == "direct":
                assert value == values[before, 0]
                assert now - times[before] <= np.timedelta64(540, "s")
            elif (inside & (times < stop)).any():
                assert value == pytest.approx(values[inside & (times < stop), 0].mean(), rel=1e-5)


def test_readings_further_apart_than_the_step_are_refused() -> None:
    with pytest.raises(UserError, match=r"readings are 10min apart.*use --sample_period 10min or more"):
        segments_of(clock([0, 10, 20]), np.zeros((3, 1), np.float32), np.ones(3, bool), recipe(period=300))


def test_the_first_two_minutes_after_a_start_are_dropped_but_no_reading_of_a_coarser_file() -> None:
    control = np.array([1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1], np.float32)
    fine = working_mask(clock(np.arange(11)), control, value=1, settle_seconds=120)
    np.testing.assert_array_equal(fine, [1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0])  # a file may begin in mid-run
    coarse = working_mask(clock(np.arange(11) * 5), control, value=1, settle_seconds=120)
    np.testing.assert_array_equal(coarse, control == 1)


@pytest.mark.parametrize("step", [1, 5])
def test_a_published_day_gives_two_windows_and_a_saturday_one(tmp_path: Path, step: int) -> None:
    table = read_table(write(single_duct(days=7, step=step), tmp_path / "run.parquet"))
    working = working_mask(table.times, table.column("SYS_CTL"), value=1, settle_seconds=120)
    found, _ = segments_of(table.times, table.values, working, recipe(period=300))
    assert [len(segment.values) for segment in found] == [192] * 5 + [144]
    assert {str(segment.start)[-8:-3] for segment in found} == {"06:02" if step == 1 else "06:00"}


def test_scaler_puts_the_training_range_on_minus_one_to_one_and_back() -> None:
    values = np.random.default_rng(0).normal(70, 20, (500, 4)).astype(np.float32)
    values[:, 2] = 1.4
    scaler = Scaler.fit(values)
    scaled = scaler.transform(values)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[:, [0, 1, 3]].min(0), -1, atol=1e-6)
    np.testing.assert_allclose(scaled[:, [0, 1, 3]].max(0), 1, atol=1e-6)
    np.testing.assert_array_equal(scaled[:, 2], 0)
    np.testing.assert_allclose(scaler.inverse(scaled), values, rtol=1e-5)
    np.testing.assert_array_equal(scaler.transform(values[:1] + 9)[:, 2], 0)  # constant in training: no range
    np.testing.assert_array_equal(scaler.outside(values[:1] + 9)[:, 2], True)


def test_a_spike_does_not_press_the_other_readings_together() -> None:
    values = np.random.default_rng(0).normal(70, 5, (1000, 3)).astype(np.float32)
    values[7, 0] = 5000
    values[:, 2] = 0
    values[3, 2] = 1  # its quantiles are one number
    scaler = Scaler.fit(values, "quantile")
    scaled = scaler.bound(scaler.transform(values))
    plain = Scaler.fit(values).transform(values)
    assert plain[:, 0].std() < 0.1 < 0.3 < scaled[:, 0].std()
    assert np.argmax(scaled[:, 0]) == 7
    assert (np.abs(scaled) < 1).all()
    assert (np.abs(scaled[:, :2]) > 0.9).mean() == pytest.approx(0.01, abs=0.003)
    assert set(scaled[:, 2].round(6)) == {np.float32(-0.9), np.float32(0.9)}
    np.testing.assert_allclose(scaler.inverse(scaler.transform(values)), values, rtol=1e-4)


def test_bounding_keeps_the_order_of_whatever_is_read() -> None:
    scaler = Scaler.fit(np.random.default_rng(0).normal(size=(500, 1)).astype(np.float32), "quantile")
    readings = np.array([-np.inf, -3e38, -1e9, -9, -4, -1, 0, 1, 4, 9, 1e9, 3e38, np.inf], np.float32)[:, None]
    with np.errstate(over="ignore"):
        scaled = scaler.bound(scaler.transform(readings))[:, 0]
    assert (np.diff(scaled) >= 0).all()
    assert (np.diff(scaled[2:-2]) > 0).all()
    assert scaled[0] == -1
    assert scaled[-1] == 1
    assert np.isnan(scaler.bound(np.array([np.nan], np.float32)))


def test_scaler_and_recipe_survive_being_stored() -> None:
    values = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    scaler, way = Scaler.fit(values), recipe(columns=3)
    again = Scaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    np.testing.assert_array_equal(again.transform(values), scaler.transform(values))
    soft = Scaler.fit(values, "quantile")
    again = Scaler.from_dict(json.loads(json.dumps(soft.to_dict())))
    np.testing.assert_array_equal(again.bound(again.transform(values)), soft.bound(soft.transform(values)))
    assert Recipe.from_dict(way.to_dict()) == way
