"""Which files are one unit: those that differ by a day, by a part or by a point, and no others."""

from pathlib import Path

import numpy as np
import pytest

from data_provider.trends.files import trend_files
from data_provider.trends.point_names import unit_prefix, without_unit
from data_provider.trends.request import Request
from data_provider.trends.table import read_table
from data_provider.trends.trend import Trend, read_trend
from data_provider.trends.unit_files import files_of_units
from tests.trends.kit import COLUMNS, RANGES, UNITS, clock, lines, one, unit_readings, write
from utils.errors import UserError

REQUEST = Request(columns=COLUMNS, units=UNITS, period_seconds=300, ranges=RANGES)
ROWS = 600  # two days and two hours
TIMES, VALUES = clock(rows=ROWS), unit_readings(ROWS)
WHOLE = VALUES.astype(np.float32)


def units(folder: Path, unit_from: str = "auto") -> dict[str, Trend]:
    """The units of a folder by their names."""
    found = files_of_units(trend_files(folder), unit_from, REQUEST)
    return {file.name: read_trend(file, REQUEST) for file in found}


def by_day(folder: Path, name: str = "AHU-1_{day}.csv") -> None:
    folder.mkdir(exist_ok=True)
    days = TIMES.astype("datetime64[D]")
    for day in np.unique(days):
        write(folder / name.format(day=day), TIMES[days == day], VALUES[days == day])


def by_part(folder: Path) -> None:
    for number, places in enumerate(([0, 1, 2], [3, 4], [5, 6]), 1):
        names = tuple(COLUMNS[place] for place in places)
        write(folder / f"AHU-1_part{number}.csv", TIMES, VALUES[:, places], names=names)


def by_point(folder: Path, prefix: str = "AHU1_") -> None:
    for place, name in enumerate(COLUMNS):
        head = "Timestamp,Trend Flags,Status,Value\n"
        rows = [f"{time},{{ }},{{ok}},{value}" for time, value in zip(TIMES.astype(str), VALUES[:, place], strict=True)]
        (folder / f"{prefix}{name}.csv").write_text(head + "\n".join(rows))


def same(trend: Trend) -> None:
    assert not trend.fatal, trend.fatal
    np.testing.assert_array_equal(trend.times, TIMES)
    np.testing.assert_array_equal(trend.values, WHOLE)


@pytest.mark.parametrize(("make", "name"), [(by_day, "AHU-1"), (by_part, "AHU-1"), (by_point, "AHU1")])
def test_files_of_one_unit_are_read_as_one(tmp_path, make, name):
    make(tmp_path)
    found = units(tmp_path)
    assert [*found] == [name]
    same(found[name])
    assert "files are one unit: " in lines(found[name], "layout")
    assert len(units(tmp_path, "file")) == len([*tmp_path.iterdir()])


@pytest.mark.parametrize("name", ["{day}.csv", "trend {day}.csv", "{day}_AHU.csv"])
def test_days_without_a_name_are_called_by_what_is_left(tmp_path, name):
    by_day(tmp_path / "unit 7", name)
    [(called, trend)] = units(tmp_path).items()
    assert called == {"{": "unit 7/unit 7", "t": "unit 7/trend"}.get(name[0]) or called == "unit 7/_AHU"
    same(trend)


def test_two_units_stay_two(tmp_path):
    """Alike in all but the unit: side by side, by their points, and in folders."""
    for number in (1, 2):
        write(tmp_path / f"AHU-{number}.csv", TIMES, VALUES)
    assert [*units(tmp_path)] == ["AHU-1.csv", "AHU-2.csv"]
    for number in (1, 2):
        (tmp_path / "points").mkdir(exist_ok=True)
        by_point(tmp_path / "points", f"AHU{number}_")
        by_day(tmp_path / f"folder{number}")
    found = units(tmp_path)
    assert [*found] == ["AHU-1.csv", "AHU-2.csv", "folder1/AHU-1", "folder2/AHU-1", "points/AHU1", "points/AHU2"]
    for trend in found.values():
        same(trend)


def test_files_alike_by_name_with_other_columns_stay_apart(tmp_path):
    by_day(tmp_path)
    write(tmp_path / "AHU-1_2017-03-09.csv", TIMES + np.timedelta64(4, "D"), VALUES[:, :5], names=COLUMNS[:5])
    assert len(units(tmp_path)) == 4


def test_serial_numbers_that_look_like_dates_are_no_days(tmp_path):
    for number in (201801, 201802):
        write(tmp_path / f"unit_{number}.csv", TIMES, VALUES + number)
    assert [*units(tmp_path)] == ["unit_201801.csv", "unit_201802.csv"]


def test_days_that_contradict_each_other_are_refused(tmp_path):
    by_day(tmp_path)
    write(tmp_path / "AHU-1_2017-03-09.csv", TIMES[1:], VALUES[1:] + 1)
    [trend] = units(tmp_path).values()
    assert "readings contradict others of the same point and time" in trend.fatal.reason
    assert "--unit_from" in trend.fatal.reason


def test_a_damaged_day_is_left_out_and_named(tmp_path):
    by_day(tmp_path)
    (tmp_path / "AHU-1_2017-03-07.csv").write_bytes(b"\x89PNG")
    names = [file.name for file in tmp_path.iterdir()]
    found = files_of_units(trend_files(tmp_path), "folder", REQUEST)
    trend = read_trend(found[0], REQUEST)
    assert len(names) == 3
    assert "AHU-1_2017-03-07.csv is left out" in lines(trend, "file")
    assert not trend.fatal
    assert len(trend.times) == ROWS - 288


def test_a_file_of_two_units_is_split_by_what_stands_before_its_points(tmp_path):
    rows = ["time,point,value"]
    for unit, shift in (("AHU-1", 0), ("AHU-2", 1)):
        for place, name in enumerate(COLUMNS):
            pairs = zip(TIMES.astype(str), VALUES[:, place] + shift * (place == 0), strict=True)
            rows += [f"{time},NAE/{unit}.{name},{value}" for time, value in pairs]
    (tmp_path / "all.csv").write_text("\n".join(rows))
    found = units(tmp_path, "prefix")
    assert [*found] == ["all.csv:AHU-1", "all.csv:AHU-2"]
    first, second = found.values()
    same(first)
    np.testing.assert_array_equal(second.values[:, 1:], WHOLE[:, 1:])
    np.testing.assert_allclose(second.values[:, 0], WHOLE[:, 0] + 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("AHU1_SAT", "AHU1"), ("AHU-1 SA_TEMP", "AHU-1"), ("BLDG:NAE-1/N2-1.AHU-1.SA_TEMP", "BLDG:NAE-1/N2-1.AHU-1"),
        ("SA_TEMP", ""), ("ZONE_TEMP_1", ""), ("RTU 12.MAT", "RTU 12"),
    ],
)  # fmt: skip
def test_the_unit_before_a_point(name, prefix):
    assert unit_prefix(name) == prefix


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["AHU1.SAT", "AHU1.MAT"], ["SAT", "MAT"]),
        (["AHU-1 SA_TEMP", "AHU-1 SA_CFM"], ["SA_TEMP", "SA_CFM"]),
        (["SA_TEMP", "SA_CFM"], ["SA_TEMP", "SA_CFM"]),
        (["ZONE_TEMP_1", "ZONE_TEMP_2"], ["ZONE_TEMP_1", "ZONE_TEMP_2"]),
        (["a/b/SAT", "a/c/MAT"], ["b/SAT", "c/MAT"]),
        (["AHU1.SAT"], ["AHU1.SAT"]),
    ],
)
def test_names_without_their_unit(names, expected):
    assert without_unit(names) == expected


def test_readings_that_are_called_bad_beside_them_are_none(tmp_path):
    words = np.where(np.arange(60) % 10 == 5, "Bad", "Good").astype(object)
    words[20] = "Bumpy"
    values = unit_readings(60)
    cells = [[*row[:1], word, *row[1:]] for row, word in zip(values.tolist(), words, strict=True)]
    names = (COLUMNS[0], f"{COLUMNS[0]} Quality", *COLUMNS[1:])
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), cells, names=names), own_rate=True)
    np.testing.assert_array_equal(np.isnan(trend.values[:, 0]), words == "Bad")
    np.testing.assert_array_equal(trend.values[:, 1:], values[:, 1:].astype(np.float32))
    assert "6 readings are called bad beside them and taken as none: SA_TEMP" in lines(trend, "quality")
    assert "'Bumpy' stands beside readings that are taken as good: SA_TEMP" in lines(trend, "quality")


def test_a_status_that_is_a_point_of_its_own_is_no_quality(tmp_path):
    """A fan has a speed and a status; 0 and 1 are not words about a reading."""
    cells = [[*row, row[0] > 57] for row in unit_readings(60).tolist()]
    cells = [[*row[:-1], str(int(row[-1]))] for row in cells]
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), cells, names=(*COLUMNS, "SF_WAT Status")))
    np.testing.assert_array_equal(trend.values, unit_readings(60).astype(np.float32))


def test_zeros_far_from_their_neighbours_are_no_temperatures(tmp_path):
    values = unit_readings(60)
    values[20:23, :3] = 0
    values[50:, 0] = 0
    values[30, 3] = 0  # a flow may be
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), values), own_rate=True)
    gone = np.zeros((60, 7), bool)
    gone[20:23, :3] = gone[50:, 0] = True
    np.testing.assert_array_equal(np.isnan(trend.values), gone)
    assert "SA_TEMP: 0 stands 13 times between readings far from it: taken as no reading" in lines(trend, "code")
    cold = np.round(np.linspace(8, -8, 61)[:60], 1)[:, None]
    trend = one(
        write(tmp_path / "cold.csv", clock(rows=60), cold, names=("OA_TEMP",)), columns=("OA_TEMP",), units=("F",)
    )
    np.testing.assert_array_equal(trend.values, cold.astype(np.float32))


def test_states_and_set_points_stay_until_they_are_changed(tmp_path):
    cells = [["", "", 60.0 + row % 5] for row in range(600)]
    cells[0][:2], cells[300][:2] = [55.0, "On"], [57.0, "Off"]
    names = ("SA_TEMPSPT", "SF_SPD_DM", "SA_TEMP")
    path = write(tmp_path / "ahu.csv", clock(rows=600), cells, names=names)
    trend = one(path, columns=names, units=("F", "", "F"))
    np.testing.assert_array_equal(trend.values[:, 0], [55] * 300 + [57] * 300)
    np.testing.assert_array_equal(trend.values[:, 1], [1] * 300 + [0] * 300)
    assert "states and set points stay until the next" in lines(trend, "hold")


def test_an_hour_that_one_point_lacks_is_a_gap_and_no_clock_change(tmp_path):
    """It is a Sunday in spring, and nobody named a zone."""
    times = clock(rows=48, start="2018-04-21T00:00", step=3600)
    rows = ["time,point,value"]
    for name, skipped in (("SA_TEMP", ""), ("OA_TEMP", "2018-04-22T01:00:00")):
        rows += [f"{time},{name},{55 + hour % 7}" for hour, time in enumerate(times.astype(str)) if time != skipped]
    (tmp_path / "ahu.csv").write_text("\n".join(rows))
    trend = one(
        tmp_path / "ahu.csv", columns=("SA_TEMP", "OA_TEMP"), units=("F", "F"), period_seconds=3600, own_rate=True
    )
    np.testing.assert_array_equal(trend.times, times)
    np.testing.assert_array_equal(trend.values[:, 0], 55 + np.arange(48) % 7)
    np.testing.assert_array_equal(np.isnan(trend.values[:, 1]), np.arange(48) == 25)
    known = np.arange(48) != 25
    np.testing.assert_array_equal(trend.values[known, 1], (55 + np.arange(48) % 7)[known])


@pytest.mark.parametrize(("start", "change"), [("2018-11-03T00:00", -1), ("2018-03-10T00:00", 1)])
@pytest.mark.parametrize("first", [0, 330])  # the night of the change is in the middle, or in a short first file
def test_a_clock_change_is_one_for_all_days(tmp_path, start, change, first):
    """Written on a clock of America without its zone; 2 o'clock on the second day is the time of the change."""
    even = clock(rows=3 * 288 + 12, start=start)[first:]
    moved = even >= np.datetime64(start, "s") + np.timedelta64(26, "h")
    wall = np.where(moved, even + np.timedelta64(change, "h"), even).astype("datetime64[s]")
    values = unit_readings(len(even), seed=3)
    write(tmp_path / "whole.csv", wall, values)
    (tmp_path / "days").mkdir()
    days = wall.astype("datetime64[D]")
    for day in np.unique(days):
        write(tmp_path / "days" / f"AHU_{day}.csv", wall[days == day], values[days == day])
    whole = one(tmp_path / "whole.csv")
    [joined] = units(tmp_path / "days").values()
    assert not joined.fatal, joined.fatal
    np.testing.assert_array_equal(joined.clock, whole.clock)
    np.testing.assert_array_equal(joined.values, whole.values)


def table_of(tmp_path, head: str, rows: list[str]):
    """A file as training reads it."""
    (tmp_path / "run.csv").write_text("\n".join([head, *rows]))
    return read_table(tmp_path / "run.csv")


HOURS = [str(time).replace("T", " ") for time in clock(rows=30, step=3600)]


def test_columns_called_name_and_value_may_be_readings(tmp_path):
    table = table_of(tmp_path, "Datetime,name,value", [f"{time},{row},{2 * row}" for row, time in enumerate(HOURS)])
    assert table.columns == ("name", "value")
    np.testing.assert_array_equal(table.values[:, 1], 2 * np.arange(30))


def test_rows_without_a_point_are_left_out_and_said(tmp_path):
    rows = [f"{time},{'SAT' if row % 3 else ''},{row}" for row, time in enumerate(HOURS)]
    table = table_of(tmp_path, "time,point,value", rows)
    assert table.columns == ("SAT",)
    assert "10 rows name no point and are left out" in table.problems[0].what


def test_a_column_of_equipment_tells_points_of_one_name_apart(tmp_path):
    rows = [f"{time},AHU-{unit},SAT,{row + 100 * unit}" for unit in (1, 2) for row, time in enumerate(HOURS)]
    table = table_of(tmp_path, "time,device,point,value", rows)
    assert table.columns == ("AHU-1.SAT", "AHU-2.SAT")
    np.testing.assert_array_equal(table.values[:, 1] - table.values[:, 0], 100)


def test_points_of_other_hours_are_not_moved_onto_each_other(tmp_path):
    rows = [f"{time},{'a' if row % 2 else 'b'},{row}" for row, time in enumerate(HOURS)]
    table = table_of(tmp_path, "time,point,value", rows)
    assert len(table.times) == 30
    assert np.isnan(table.values).sum() == 30


@pytest.mark.parametrize(
    ("cell", "expected", "said"),
    [
        ("1 234,5", 1234.5, ""), ("1.234,5", 1234.5, ""), ("1'234.5", 1234.5, ""), ("\u22121,5", -1.5, ""),
        ("0,125", 0.125, ""), ("1,234", 1.234, "the commas of numbers as 1,234 are taken for decimals"),
        ("66.300", 66.3, ""),
    ],
)  # fmt: skip
def test_marks_in_numbers(tmp_path, cell, expected, said):
    table = table_of(tmp_path, "Datetime;a", [f"{time};{cell}" for time in HOURS])
    np.testing.assert_array_equal(table.values[:, 0], np.float32(expected))
    assert [problem.what for problem in table.problems] == ([said] if said else [])


def test_a_column_of_quality_is_no_signal(tmp_path):
    rows = [f"{time},{row},{'' if row % 2 else 'Bad'}" for row, time in enumerate(HOURS)]
    table = table_of(tmp_path, "Datetime,a,a Quality", rows)
    assert table.columns == ("a",)
    assert np.isnan(table.values[:, 0]).sum() == 15


def test_files_of_a_unit_in_two_units_of_measure_are_refused(tmp_path):
    for day, unit in (("2017-03-06", "degF"), ("2017-03-07", "degC")):
        rows = [f"{day} {hour:02}:00:00,{60 + hour}" for hour in range(24)]
        (tmp_path / f"AHU-1_{day}.csv").write_text("\n".join(["Datetime,SA_TEMP", f",{unit}", *rows]))
    [trend] = units(tmp_path).values()
    assert "'SA_TEMP' is in F in one file and in C in" in trend.fatal.reason


def test_a_point_in_two_units_of_measure_is_refused(tmp_path):
    rows = [f"{time},SAT,{row},{'degF' if row < 9 else 'degC'}" for row, time in enumerate(HOURS)]
    with pytest.raises(UserError, match="the point 'SAT' is in degF and in degC; export it in one unit"):
        table_of(tmp_path, "time,point,value,unit", rows)


def test_the_order_of_day_and_month_is_that_of_all_points(tmp_path):
    """The set point changes on the first of two months only, which alone would be read as two days of January."""
    rows = [f"{month:02}/{day:02}/2018 00:00,SAT,{day}" for month in (5, 6) for day in range(1, 29)]
    rows += ["05/01/2018 00:00,SATSP,55", "06/01/2018 00:00,SATSP,57"]
    table = table_of(tmp_path, "time,point,value", rows)
    assert str(table.times[0]) == "2018-05-01T00:00:00"
    assert str(table.times[np.flatnonzero(table.values[:, 1] == 57)[0]]) == "2018-06-01T00:00:00"


def test_digits_of_a_date_are_no_seconds_and_a_year_first_is_no_day(tmp_path):
    with pytest.raises(UserError, match="'2018070900' is not a time in any way that is known"):
        table_of(tmp_path, "Datetime,a", [f"20180709{hour:02},1" for hour in range(24)])
    with pytest.raises(UserError, match="read day first, '18/07/09 00:00' and the days behind it are months or years"):
        table_of(tmp_path, "Datetime,a", [f"18/07/{day:02} 00:00,1" for day in range(9, 20)])
