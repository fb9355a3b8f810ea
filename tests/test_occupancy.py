"""When a unit works: by its own column, else by its fan, else by its commands; and that it is said."""

import numpy as np
import pytest

from data_provider.segmentation import Recipe
from data_provider.trends.problems import Problem
from data_provider.trends.trend import Trend
from exp.detection.occupancy import occupancy

DAY = 288
WORKS = np.isin(np.arange(2 * DAY) % DAY, np.arange(72, 264))  # 6:00 to 22:00
RECIPE = Recipe(columns=("SA_TEMP",), period_seconds=300, hold_seconds=900, working_column="SYS_CTL")


def told(recipe: Recipe = RECIPE, **columns: np.ndarray | None):
    """What is said of a file with these columns; None for one that the file lacks."""
    values = [np.full(len(WORKS), np.nan) if column is None else column for column in columns.values()]
    problems = [Problem("a.csv", "", "", "", False, "missing", name) for name, v in columns.items() if v is None]
    times = np.datetime64("2018-07-09", "s") + np.arange(len(WORKS)) * np.timedelta64(300, "s")
    table = np.stack(values, 1).astype(np.float32)
    trend = Trend("a.csv", times, times, table, problems, False, 300)
    return occupancy(trend, recipe, [name for name in columns if name != "SYS_CTL"])


def test_the_column_of_the_training_decides():
    found = told(SA_TEMP=np.ones(2 * DAY), SF_SPD=np.ones(2 * DAY), SYS_CTL=WORKS.astype(float))
    np.testing.assert_array_equal(found.control == 1, WORKS)
    assert (found.source, found.caution) == ("SYS_CTL", "")


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("SF_SPD_DM", 1, 0),
        ("SF_SPD", 0.4, 0.0),
        ("SF_CS", 30.0, 0.0),
        ("SF_WAT", 2500.0, 12.0),
        ("SA_CFM", 4000.0, 90.0),
        ("SA_SP", 1.5, 0.02),
    ],
)
def test_a_fan_shows_it_where_no_column_says_it(name, on, off):
    found = told(SA_TEMP=np.ones(2 * DAY), **{name: np.where(WORKS, on, off)}, SYS_CTL=None)
    np.testing.assert_array_equal(found.control == 1, WORKS)
    assert found.caution.endswith(
        f"there is no column 'SYS_CTL', which says when the unit works: that is taken from {name}"
    )


def test_the_surer_signal_comes_first_and_the_next_fills_its_gaps():
    status, speed = WORKS.astype(float), np.ones(2 * DAY)
    status[:DAY] = np.nan
    found = told(SF_SPD=speed, SF_SPD_DM=status, SYS_CTL=None)
    np.testing.assert_array_equal(found.control == 1, WORKS | (np.arange(2 * DAY) < DAY))
    assert found.source == "SF_SPD_DM, SF_SPD"


def test_without_a_fan_moving_commands_show_it():
    moving = np.where(WORKS, np.sin(np.arange(2 * DAY)), 0.2)
    found = told(SA_TEMP=np.ones(2 * DAY), CHWC_VLV_DM=moving, SYS_CTL=None)
    assert ((found.control == 1) == WORKS).mean() > 0.95  # an hour passes until a command that rests is noticed
    assert found.source == "CHWC_VLV_DM"


def test_where_nothing_shows_it_that_is_said():
    found = told(SA_TEMP=np.ones(2 * DAY), SA_SP=np.zeros(2 * DAY), SYS_CTL=None)
    assert found.control is None
    assert found.caution.endswith("it is taken to work all the time")
    assert told(RECIPE.__class__(columns=(), period_seconds=300, hold_seconds=900), SA_TEMP=WORKS).caution == ""


def test_a_speed_in_place_of_the_column_works_while_the_fan_turns():
    speed = np.where(WORKS, 0.35 + 0.3 * np.sin(np.arange(2 * DAY)) ** 2, 0.0)
    found = told(SA_TEMP=np.ones(2 * DAY), SYS_CTL=speed)
    np.testing.assert_array_equal(found.control == 1, WORKS)
    assert "holds a speed" in found.caution


def test_a_fan_that_stands_all_the_time_says_so_whatever_weaker_signals_read():
    noise = 0.3 + 0.1 * np.sin(np.arange(2 * DAY))
    found = told(SF_SPD=np.zeros(2 * DAY), SA_SP=noise, SYS_CTL=None)
    assert (found.control != 1).all()
    assert found.source == "SF_SPD"
