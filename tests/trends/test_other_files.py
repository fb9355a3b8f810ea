"""Workbooks and Haystack grids are read as the CSV that they stand for; what is broken in them is one line."""

import datetime
import json
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from data_provider.trends.files import trend_files
from data_provider.trends.haystack import json_text, zinc_text
from data_provider.trends.problems import Unusable
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.request import Request
from data_provider.trends.table import read_table
from data_provider.trends.trend import read_trend
from tests.trends.kit import COLUMNS, UNITS, clock, lines, one, read, unit_readings
from utils.errors import UserError

REQUEST = Request(columns=COLUMNS, units=UNITS, period_seconds=300, sheet="Trends")
ROWS = 60
TIMES, VALUES = clock(rows=ROWS), unit_readings(ROWS)


def workbook(path: Path, *, above: int = 0, times: str = "dates") -> Path:
    """A workbook of two sheets, the readings in the second."""
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["made by hand"])
    sheet = book.create_sheet("Trends")
    for _ in range(above):
        sheet.append(["Trend report"])
    sheet.append(["Date/Time", *COLUMNS, None])
    for time, row in zip(TIMES, VALUES.tolist(), strict=True):
        said = time.item() if times == "dates" else (time - np.datetime64("1899-12-30")) / np.timedelta64(1, "D")
        sheet.append([said, *row])
    book.save(path)
    return path


@pytest.mark.parametrize("above", [0, 3])
@pytest.mark.parametrize("times", ["dates", "numbers"])
def test_a_sheet_is_read_as_a_table(tmp_path, above, times):
    path = workbook(tmp_path / "ahu.xlsx", above=above, times=times)
    trend = one(path, sheet="Trends")
    np.testing.assert_array_equal(trend.times, TIMES)
    np.testing.assert_array_equal(trend.values, VALUES.astype(np.float32))
    table = read_table(path, ReadOptions(sheet="Trends"))
    np.testing.assert_array_equal(table.select(COLUMNS), VALUES.astype(np.float32))
    with pytest.raises(UserError, match=r"no sheet 'August'; name one of Notes, Trends with --sheet"):
        read(path, sheet="August")
    with pytest.raises(UserError, match="no column of times among: made by hand"):
        read(path)


def test_a_line_of_a_sheet_is_its_row(tmp_path):
    path = workbook(tmp_path / "ahu.xlsx")
    book = openpyxl.load_workbook(path)
    book["Trends"]["B11"] = "soon"
    book.save(path)
    assert "line 11, SA_TEMP: 1 cells are not numbers, the first 'soon'" in lines(one(path, sheet="Trends"), "cell")


def test_a_broken_workbook_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "ahu.xlsx"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match=r"ahu.xlsx: it cannot be read as a workbook \(.*\); save it again"):
        read(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(2**25))
    with pytest.raises(UserError, match="unpacked it has 33554432 bytes, more than the 1024 MiB read at most"):
        read(path)
    whole = workbook(tmp_path / "whole.xlsx").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(30):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 20):
            damaged[place] = int(rng.integers(0, 256))
        path.write_bytes(bytes(damaged))
        trend = read_trend(trend_files(path)[0], REQUEST)
        assert all("\n" not in problem.line for problem in trend.problems)
        assert (trend.fatal is None) == (len(trend.times) > 0)


def zinc() -> str:
    """The readings as SkySpark writes a history."""
    marks = ("\u00b0F", "\u00b0F", "\u00b0F", "cfm", "inH\u2082O", "", "W")
    head = ",".join(f'v{place} id:@p{place} "AHU-1 {name}" dis:"{name}" point' for place, name in enumerate(COLUMNS))
    rows = [
        f"{time}Z UTC," + ",".join(f"{value!r}{mark}" for value, mark in zip(row, marks, strict=True))
        for time, row in zip(TIMES, VALUES.tolist(), strict=True)
    ]
    return "\n".join(['ver:"3.0" dis:"AHU, north"', f"ts,{head}", *rows])


def grid(version: int) -> str:
    """The same in JSON."""

    def number(value: float) -> object:
        return {"_kind": "number", "val": value, "unit": "F"} if version == 4 else f"n:{value!r} F"

    def moment(time: np.datetime64) -> object:
        return {"_kind": "dateTime", "val": f"{time}Z", "tz": "UTC"} if version == 4 else f"t:{time}Z UTC"

    named = [{"name": f"v{p}", "meta": {"dis": name}} for p, name in enumerate(COLUMNS[:3])]
    rows = [
        {"ts": moment(time), **{f"v{p}": number(value) for p, value in enumerate(row[:3])}}
        for time, row in zip(TIMES, VALUES.tolist(), strict=True)
    ]
    del rows[5]["v0"]
    return json.dumps({"_kind": "grid", "meta": {"ver": "3.0"}, "cols": [{"name": "ts"}, *named], "rows": rows})


def test_a_grid_in_zinc_is_read_with_its_units(tmp_path):
    (tmp_path / "ahu.zinc").write_text(zinc(), encoding="utf-8")
    trend = one(tmp_path / "ahu.zinc")
    np.testing.assert_array_equal(trend.times, TIMES)
    np.testing.assert_array_equal(trend.values, VALUES.astype(np.float32))
    assert trend.utc
    assert "no unit is stated, so the model's is taken for OA_DMPR_DM (0-1)" in lines(trend, "unit")


@pytest.mark.parametrize("version", [3, 4])
def test_a_grid_in_json_is_read_where_it_is_named(tmp_path, version):
    path = tmp_path / "ahu.json"
    path.write_text(grid(version))
    trend = one(path, columns=COLUMNS[:3], units=UNITS[:3], own_rate=True)
    gone = np.zeros((ROWS, 3), bool)
    gone[5, 0] = True
    np.testing.assert_array_equal(np.isnan(trend.values), gone)
    np.testing.assert_array_equal(trend.values[~gone], VALUES[:, :3][~gone].astype(np.float32))
    with pytest.raises(UserError, match=r"there is no .csv, .*file"):
        read(tmp_path)  # a folder may hold other JSON


def test_cells_of_a_grid():
    text = zinc_text(
        'ver:"3.0"\nts,a dis:"x, y",b\n2018-07-09,"a \\"b\\", c",T\n2018-07-10,N,NA\n2018-07-11,-INF,@p "q, r"'
    )
    assert text.splitlines() == [
        'ts,"x, y",b', '2018-07-09,"a ""b"", c",true', "2018-07-10,,", '2018-07-11,-INF,"@p ""q, r"""'
    ]  # fmt: skip
    rows = [{"a": True}, {"a": "m:"}, {}, {"a": "s:on"}, {"a": "plain"}]
    text = json_text(json.dumps({"cols": [{"name": "a"}], "rows": rows}))
    assert text.split() == ["a", "true", '""', '""', "on", "plain"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cols": 3}', '{"cols": [], "rows": [1]}', "[" * 100_000])
def test_what_is_no_grid_is_one_line(text):
    for convert in (json_text, zinc_text):
        with pytest.raises(Unusable):
            convert(text)


def test_a_date_of_a_sheet_keeps_its_second(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Datetime", "a"])
    for second in range(3):
        book.active.append([datetime.datetime(2018, 7, 9, 0, 0, second), second])
    book.save(tmp_path / "run.xlsx")
    assert [str(time)[-2:] for time in read_table(tmp_path / "run.xlsx").times] == ["00", "01", "02"]


def test_a_date_and_a_clock_of_a_sheet_are_joined(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Date", "Time", "a"])
    for hour in range(3):
        book.active.append([datetime.datetime(2018, 7, 9), datetime.time(hour, 5), hour])
    book.save(tmp_path / "run.xlsx")
    assert [str(time)[11:16] for time in read_table(tmp_path / "run.xlsx").times] == ["00:05", "01:05", "02:05"]


@pytest.mark.parametrize("style", ["auto", "desigo"])
def test_numbers_of_a_sheet_have_points_whatever_style_is_named(tmp_path, style):
    book = openpyxl.Workbook()
    book.active.append(["Datetime", "a"])
    for hour in range(3):
        book.active.append([datetime.datetime(2018, 7, 9, hour), 1.125])
    book.save(tmp_path / "run.xlsx")
    assert read_table(tmp_path / "run.xlsx", ReadOptions(vendor=style)).values[:, 0].tolist() == [1.125] * 3


def test_the_unit_of_a_grid_s_column_counts():
    text = zinc_text('ver:"3.0"\nts,v0 id:@a "SA_CFM" unit:"L/s"\n2018-07-09,1000')
    assert text.splitlines()[0] == "ts,SA_CFM (L/s)"
    columns = [{"name": "a", "unit": "kPa"}, {"name": "b", "meta": {"unit": "s:degF", "dis": "s:SAT"}}, {"name": "c"}]
    text = json_text(json.dumps({"cols": columns, "rows": []}))
    assert text == "a (kPa),SAT (degF),c\n"
    assert zinc_text('ver:"3.0"\nts,v0 dis:"SA \\uZZ"\n2018-07-09,"\\u12"').splitlines()[1] == "2018-07-09,u12"
