"""The same readings in every style, in other units and as changes of value read back the same."""

import itertools
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from data_provider.trends.cells import MISSING_WORDS
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.roles import read_roles
from data_provider.trends.stamps import parse_stamps
from data_provider.trends.table import read_table
from data_provider.trends.trend import read_trends
from data_provider.trends.units import UNITS as UNIT_TABLE
from data_provider.trends.vendors import OTHER_ORDER, TIMES, VENDORS
from tests.conftest import REPOSITORY
from tests.trends.kit import COLUMNS, STYLES, UNITS, clock, lines, one, read, unit_readings, words, write
from utils.errors import UserError


def test_every_style_is_tested_and_described():
    assert {way for vendor in VENDORS.values() for way in vendor.times} == set(TIMES)
    assert set(TIMES) <= {way for style in STYLES for way in VENDORS[style].times}
    page = (REPOSITORY / "docs" / "READERS.md").read_text(encoding="utf-8")
    for name, vendor in VENDORS.items():
        assert f"| `{name}`" in page
        assert f"`{vendor.example}`" in page
    for unit in UNIT_TABLE:
        assert re.search(rf"[| ]{re.escape(unit)}[,| ]", page), unit


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
@pytest.mark.parametrize("style", STYLES)
def test_a_style_reads_back(tmp_path, style, ending):
    times, values = clock(rows=300), unit_readings(300)
    trend = one(write(tmp_path / f"ahu{ending}", times, values, style=style), vendor=style)
    shift = np.timedelta64(6 if style == "niagara" else 0, "h")  # CST is said beside each time
    np.testing.assert_array_equal(trend.times, times + shift)
    np.testing.assert_array_equal(trend.clock, times)
    np.testing.assert_array_equal(trend.values, values.astype(np.float32))
    assert trend.utc == (style in ("niagara", "epoch"))
    assert not trend.fatal
    assert trend.missing == ()


@pytest.mark.parametrize(("named", "written"), itertools.product(("auto", *STYLES), STYLES))
def test_a_file_is_read_as_it_shows_whatever_style_is_named(tmp_path, named, written):
    """Over two days, which tell the order of day and month; one that is named the wrong way round is refused."""
    times, values = clock(rows=600), unit_readings(600)
    path = write(tmp_path / "ahu.csv", times, values, style=written)
    other = {OTHER_ORDER.get(way) for way in VENDORS[named].times}
    if named != "auto" and other & {*VENDORS[written].times} and written != "desigo":
        with pytest.raises(UserError, match="the days jump by whole months at midnight; name the other order"):
            read(path, vendor=named)
        return
    trend = one(path, vendor=named)
    assert not trend.fatal, trend.fatal
    np.testing.assert_array_equal(trend.clock, times)
    np.testing.assert_array_equal(trend.values, values.astype(np.float32))
    known = set(VENDORS[written].times) & set(VENDORS[named].times)
    assert ("times are not written as" in lines(trend, "style")) == (not known)


def test_a_date_that_may_be_two_is_read_as_named_or_not_at_all(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=20), unit_readings(20), style="monthfirst")
    what = "'03/06/2017 00:00:00' is 2017-03-06 if the month comes first, 2017-06-03 if the day does"
    with pytest.raises(UserError, match=f"{re.escape(what)}; name the order: --vendor monthfirst or --vendor dayfirst"):
        read(path)
    assert str(one(path, vendor="monthfirst").times[0]) == "2017-03-06T00:00:00"
    assert str(one(path, vendor="dayfirst").times[0]) == "2017-06-03T00:00:00"


def test_days_that_jump_by_months_are_refused(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=600), unit_readings(600), style="monthfirst")
    what = (
        "read day first, as named, the days jump by whole months at midnight; name the other order: --vendor monthfirst"
    )
    with pytest.raises(UserError, match=what):
        read(path, vendor="dayfirst")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("2018/7/9 0:05", "2018-07-09T00:05:00"),
        ("2018-07-09 12:05:00 AM", "2018-07-09T00:05:00"),
        ("2018-07-08T24:00:00", "2018-07-09T00:00:00"),
        ("2018-07-09T00:05:00-05:00 Chicago", "2018-07-09T05:05:00"),
        ("2018-07-09T00:05:00Z", "2018-07-09T00:05:00"),
        ("13/07/2018 1:05 PM", "2018-07-13T13:05:00"),
        ("9.7.18 00:05", "2018-07-09T00:05:00"),
        ("09-Jul-18 12:05:00 AM CDT", "2018-07-09T05:05:00"),
        ("9 Jul 2018", "2018-07-09T00:00:00"),
        ("1531112700", "2018-07-09T05:05:00"),
        ("1531112700000", "2018-07-09T05:05:00"),
        ("43290.003472222", "2018-07-09T00:05:00"),
        ("43290,003472222", "2018-07-09T00:05:00"),
    ],
)
def test_a_way_to_write_times(tmp_path, word, expected):
    (tmp_path / "run.csv").write_text(f'Datetime;a\n"{word}";1\n', encoding="utf-8")
    table = read_table(tmp_path / "run.csv")
    known = re.search(r"[A-Z]{3}$|[-+]\d\d:\d\d|Z$|^\d{10}", word)
    ahead = np.timedelta64(5 if known and "Z" not in word and not word.isdigit() else 0, "h")
    assert str(table.times[0] + ahead) == expected


def test_an_unknown_style_lists_the_known(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=20), unit_readings(20))
    with pytest.raises(
        UserError, match="unknown vendor style 'siemens'; choose one of: auto, dayfirst, desigo, epoch, excel, iso"
    ):
        read(path, vendor="siemens")


def test_parquet_reads_as_csv_does(tmp_path):
    times, values = clock(rows=300), unit_readings(300)
    columns = {name: pa.array(values[:, place]) for place, name in enumerate(COLUMNS)}
    table = pa.table({"Datetime": pa.array(times), **columns})
    pa.parquet.write_table(table, tmp_path / "ahu.parquet")
    zoned = table.set_column(0, "Datetime", pa.array(times).cast(pa.timestamp("us", "America/Chicago")))
    pa.parquet.write_table(zoned, tmp_path / "zoned.parquet")
    plain, utc = one(tmp_path / "ahu.parquet"), one(tmp_path / "zoned.parquet")
    np.testing.assert_array_equal(plain.values, values.astype(np.float32))
    np.testing.assert_array_equal(plain.times, times)
    np.testing.assert_array_equal(utc.times, times)
    np.testing.assert_array_equal(utc.clock, times - np.timedelta64(6, "h"))
    assert (plain.utc, utc.utc) == (False, True)


def _role_map(path, text):
    path.write_text(text, encoding="utf-8")
    return read_roles(path, columns=COLUMNS, units=UNITS)


def test_other_units_are_converted_by_the_role_map(tmp_path):
    values = unit_readings(200)
    metric = np.empty_like(values)
    metric[:, :3] = (values[:, :3] - 32) / 1.8
    metric[:, 3] = values[:, 3] * 0.47194745
    metric[:, 4] = values[:, 4] * 249.08891
    metric[:, 5] = values[:, 5] * 100
    metric[:, 6] = values[:, 6] / 1000
    names = ("T1", "T2", "T3", "V", "p", "Klappe", "P")
    path = write(tmp_path / "ahu.csv", clock(rows=200), metric, style="desigo", names=names, time_name="Zeitpunkt")
    units = ("C", "C", "degC", "l/s", "Pa", '"%"', "kW")
    pairs = zip(COLUMNS, names, units, strict=True)
    text = "time: {column: Zeitpunkt}\n" + "".join(f"{r}: {{column: {n}, unit: {u}}}\n" for r, n, u in pairs)
    trend = one(path, vendor="desigo", roles=_role_map(tmp_path / "roles.yaml", text))
    np.testing.assert_allclose(trend.values, values, rtol=2e-6)
    assert lines(trend) == ""


@pytest.mark.parametrize("style", ["iso", "desigo"])
def test_units_in_headers_and_cells_are_used_and_said(tmp_path, style):
    values = unit_readings(100)
    celsius = np.round((values[:, 0] - 32) / 1.8, 6)
    percent = np.round(values[:, 5] * 100, 6)
    mark = STYLES[style][2]
    cells = [
        [words(c, mark) + " \u00b0C {ok}", o, r, f, s, words(p, mark) + " %", w]
        for c, (_, o, r, f, s, _, w), p in zip(celsius, values.tolist(), percent, strict=True)
    ]
    names = ("SA_TEMP", "OA_TEMP (\u00b0F)", "RA_TEMP [F]", "SA_CFM, cfm", "SA_SP", "OA_DMPR_DM", "SF_WAT")
    trend = one(write(tmp_path / "ahu.csv", clock(rows=100), cells, style=style, names=names), vendor=style)
    np.testing.assert_allclose(trend.values, values, rtol=2e-6)
    assert "no unit is stated, so the model's is taken for SA_SP (in. w.g.), SF_WAT (W);" in lines(trend, "unit")


def _changes(times, values):
    """Rows only where a value changes, blank cells for those that do not; times then are uneven."""
    before = np.vstack([np.full((1, values.shape[1]), np.nan), values[:-1]])
    changed = values != before
    rows = changed.any(1)
    return times[rows], np.where(changed, values, np.nan)[rows]


def test_changes_of_value_read_back_as_the_readings_they_came_from(tmp_path):
    times, values = clock(rows=200), unit_readings(200)
    rng = np.random.default_rng(1)
    stays = rng.random(values.shape) < 0.7  # many keep their last value
    stays[rng.random(200) < 0.5] = True
    stays[0] = stays[-1] = False
    for row in range(1, 200):
        values[row] = np.where(stays[row], values[row - 1], values[row])
    path = write(tmp_path / "ahu.csv", *_changes(times, values))
    trend = one(path, max_age_seconds=6 * 3600)
    np.testing.assert_array_equal(trend.times, times)
    np.testing.assert_array_equal(trend.values, values.astype(np.float32))
    assert "all columns hold changes of value: the last is taken for up to 6h; change that with --max_age" in lines(
        trend
    )


@pytest.mark.parametrize("word", ["comm fail", "60.0 {down,stale}", "garbage"])
def test_a_change_of_value_does_not_hold_for_ever_nor_beyond_a_word(tmp_path, word):
    times = np.datetime64("2017-03-06T00:00", "s") + np.array([0, 420, 1260, 1300, 5000, 9000]).astype("timedelta64[s]")
    cells = [[60.0, 50.0], ["", 51.0], [word, 52.0], ["", 53.0], ["", 54.0], [61.0, 55.0]]
    path = write(tmp_path / "ahu.csv", times, cells, names=("SA_TEMP", "OA_TEMP"))
    kept = one(path, columns=("SA_TEMP", "OA_TEMP"), units=("F", "F"), max_age_seconds=5000)
    np.testing.assert_array_equal(kept.values[:5, 0], [60] * 5)
    assert np.isnan(kept.values[5:-1, 0]).all()
    assert kept.values[-1, 0] == 61
    short = one(path, columns=("SA_TEMP", "OA_TEMP"), units=("F", "F"), max_age_seconds=600)
    assert np.isnan(short.values[short.times == np.datetime64("2017-03-06T00:15"), 0]).all()


@pytest.mark.parametrize("word", sorted(MISSING_WORDS))
def test_every_word_for_a_missing_reading_is_known(tmp_path, word):
    cells = unit_readings(40).tolist()
    cells[20][0] = word.upper()
    for row in range(25, 35):
        cells[row][1] = word.title()
    trend = one(write(tmp_path / "ahu.csv", clock(rows=40), cells))
    assert trend.values[20, 0] == np.float32(cells[19][0])  # held, as training holds it
    assert np.isnan(trend.values[28:35, 1]).all()
    assert lines(trend, "cell") == ""


def test_states_are_readings_where_the_point_has_states(tmp_path):
    cells = [["On" if row % 7 else "Off", 60.0 + row] for row in range(40)]
    path = write(tmp_path / "ahu.csv", clock(rows=40), cells, names=("Supply Fan Status", "SA_TEMP"))
    trend = one(path, columns=("SF_SPD_DM", "SA_TEMP"), units=("", "F"))
    np.testing.assert_array_equal(trend.values[:, 0], [float(row % 7 > 0) for row in range(40)])
    off = write(
        tmp_path / "off.csv",
        clock(rows=40),
        [["off" if row == 9 else 60.0 + row] for row in range(40)],
        names=("SA_TEMP",),
    )
    assert "1 cells are not numbers, the first 'off'" in lines(one(off, columns=("SA_TEMP",), units=("F",)), "cell")


def test_thousands_and_decimals(tmp_path):
    times = clock(rows=20)
    cells = [[f"{1 + row / 1000:.3f}".replace(".", ",") + ".0", 60.0 + row] for row in range(20)]
    path = write(tmp_path / "ahu.csv", times, cells, names=("SA_CFM", "SA_TEMP"))
    trend = one(path, columns=("SA_CFM", "SA_TEMP"), units=("CFM", "F"))
    np.testing.assert_array_equal(trend.values[:, 0], 1000 + np.arange(20))
    german = [[f"1.{row:03d},5", 60.0 + row] for row in range(20)]
    path = write(tmp_path / "d.csv", times, german, style="desigo", names=("SA_CFM", "SA_TEMP"))
    trend = one(path, columns=("SA_CFM", "SA_TEMP"), units=("CFM", "F"), vendor="desigo")
    np.testing.assert_array_equal(trend.values[:, 0], 1000.5 + np.arange(20))


def test_titles_above_the_header_a_date_and_a_clock_and_the_newest_first(tmp_path):
    times, values = clock(rows=50), unit_readings(50)
    rows = [
        f"{str(t)[:10]},{str(t)[11:]}," + ",".join(map(repr, row))
        for t, row in zip(times, values.tolist(), strict=True)
    ]
    head = ["Trend Export,Building 7", "", "Date,Time," + ",".join(COLUMNS)]
    path = tmp_path / "ahu.csv"
    path.write_text("\r\n".join([*head, *rows[::-1], "", ",,,,,,,,"]) + "\r\n", encoding="utf-16")
    trend = one(path)
    np.testing.assert_array_equal(trend.times, times)
    np.testing.assert_array_equal(trend.values, values.astype(np.float32))
    assert "the newest reading comes first" in lines(trend)


def test_a_header_in_windows_letters_is_read_and_said(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=30), unit_readings(30))
    path.write_bytes(path.read_bytes().replace(b"OA_TEMP", b"OA_TEMP (\xb0F)"))
    trend = one(path)
    assert "read as Windows-1252" in lines(trend, "text")
    assert trend.missing == ()


def test_a_growing_file_waits_for_the_end_of_its_last_line(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=30), unit_readings(30))
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])  # the last number is cut short, and still looks like one
    assert len(one(path, growing=True).times) == 29
    path.write_bytes(whole)
    assert len(one(path, growing=True).times) == 30


@pytest.mark.parametrize("stem", ["MZVAV-2-1", "MZVAV-2-2", "SZCAV", "SZVAV"])
def test_measured_files_read_as_training_reads_them(lbnl_2020, stem):
    from data_provider.datasets.lbnl_measured import unit_of

    table = read_table(lbnl_2020 / f"{stem}.csv", ReadOptions(vendor="webctrl"))
    [trend] = read_trends(
        lbnl_2020 / f"{stem}.csv",
        columns=table.columns,
        units=[unit_of(column) for column in table.columns],
        period_seconds=60,
        vendor="webctrl",
    )
    assert table.times is not None
    np.testing.assert_array_equal(trend.times, table.times)
    known = ~np.isnan(table.values)
    np.testing.assert_array_equal(trend.values[known], table.values[known])
    assert not [problem for problem in trend.problems if problem.kind in ("range", "stuck", "missing", "order")]


@pytest.mark.parametrize(
    "word", ["03/11/2017 13:05:00 AM", "03/11/2017 00:05:00 AM", "03/11/2017 01:60:00 AM", "13/11/2017 1:05 AM"]
)
def test_a_clock_of_twelve_hours_has_no_other(word):
    assert parse_stamps(pa.array(["03/11/2017 12:05:00 AM", word]), "monthfirst") == 1
