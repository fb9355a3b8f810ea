"""Training and detection read the same file to the same readings at the same times, whatever is odd about it."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data_provider.trends.read_options import ReadOptions
from data_provider.trends.table import read_table
from tests.conftest import REPOSITORY
from tests.trends.kit import clock, one

NAMES = ("SA_TEMP", "SA_CFM", "SYS_CTL")
UNITS = ("F", "CFM", "")
ROWS = 60
Lines = list[str]
QUIRKS: dict[str, tuple[Callable[[Lines], Any], dict[str, Any]]] = {}


def quirk(**written: Any) -> Callable[[Callable[[Lines], Any]], Callable[[Lines], Any]]:
    """Registers a way to make a plain file odd, and how such a file is said to be written."""

    def register(make: Callable[[Lines], Any]) -> Callable[[Lines], Any]:
        QUIRKS[make.__name__] = (make, written)
        return make

    return register


def times() -> np.ndarray:
    return clock(rows=ROWS)


def readings() -> np.ndarray:
    """(ROWS, 3) readings to one decimal; the unit stops once."""
    values = np.random.default_rng(3).normal((57, 4000, 0), (2, 200, 0), (ROWS, 3)).round(1)
    values[:, 2] = np.arange(ROWS) < 40
    return values


def plain() -> Lines:
    """The lines of a clean file."""
    head = ",".join(("Datetime", *NAMES))
    return [head, *(f"{_iso(time)},{a},{b},{c:g}" for time, (a, b, c) in zip(times(), readings(), strict=True))]


def _iso(time: np.datetime64) -> str:
    return str(time).replace("T", " ")


def _times(lines: Lines, form: Callable[[Any], str]) -> Lines:
    """The lines with their times written in another way."""
    return [lines[0], *(f"{form(line[:19])},{line.split(',', 1)[1]}" for line in lines[1:])]


def _strftime(pattern: str) -> Callable[[str], str]:
    return lambda word: np.datetime64(word.replace(" ", "T")).item().strftime(pattern)


@quirk()
def as_it_should_be(lines: Lines) -> Lines:
    return lines


@quirk()
def titles_above(lines: Lines) -> Lines:
    return ["Trend report AHU-1", "Printed 06/01/2018", "", *lines]


@quirk()
def words_below(lines: Lines) -> Lines:
    return [*lines, "", "******** End of Report ********"]


@quirk()
def newest_first(lines: Lines) -> Lines:
    return [lines[0], *lines[:0:-1]]


@quirk()
def states_in_words(lines: Lines) -> Lines:
    return [lines[0], *(line[:-1] + ("On" if line.endswith("1") else "Off") for line in lines[1:])]


@quirk()
def units_in_cells(lines: Lines) -> Lines:
    cells = [line.split(",") for line in lines[1:]]
    return [lines[0], *(f"{time},{a} \u00b0F,{b}cfm,{c}" for time, a, b, c in cells)]


@quirk()
def units_below_the_header(lines: Lines) -> Lines:
    return [lines[0], ",degF,cfm,", *lines[1:]]


@quirk()
def thousands(lines: Lines) -> Lines:
    cells = [line.split(",") for line in lines[1:]]
    return [lines[0], *(f'{time},{a},"{float(b):,}",{c}' for time, a, b, c in cells)]


@quirk()
def semicolons(lines: Lines) -> Lines:
    return [line.replace(",", ";").replace(".", ",") for line in lines]


@quirk()
def a_date_and_a_clock(lines: Lines) -> Lines:
    return ["Date,Time," + lines[0].split(",", 1)[1], *(line.replace(" ", ",", 1) for line in lines[1:])]


@quirk()
def an_index_without_a_name(lines: Lines) -> Lines:
    return [lines[0].removeprefix("Datetime"), *lines[1:]]


@quirk()
def a_time_called_ts(lines: Lines) -> Lines:
    return [lines[0].replace("Datetime", "ts"), *lines[1:]]


@quirk()
def a_day_that_ends_at_24(lines: Lines) -> Lines:
    return _times(lines, lambda word: word.replace("2017-03-06 00:00:00", "2017-03-05 24:00:00"))


@quirk()
def offsets(lines: Lines) -> Lines:
    return _times(lines, lambda word: word.replace(" ", "T") + "+00:00")


@quirk()
def greenwich(lines: Lines) -> Lines:
    return _times(lines, lambda word: word.replace(" ", "T") + "Z")


@quirk(vendor="webctrl")
def month_first(lines: Lines) -> Lines:
    return _times(lines, _strftime("%m/%d/%Y %H:%M"))


@quirk(vendor="niagara", time_zone="America/Chicago")
def niagara(lines: Lines) -> Lines:
    return _times(lines, _strftime("%d-%b-%y %I:%M:%S %p CST"))


@quirk(time_format="%d/%m/%Y %H.%M")
def a_format_of_its_own(lines: Lines) -> Lines:
    return _times(lines, _strftime("%d/%m/%Y %H.%M"))


@quirk(time_format="%d-%b-%y %I:%M:%S %p %Z")
def a_format_with_a_zone(lines: Lines) -> Lines:
    return _times(lines, _strftime("%d-%b-%y %I:%M:%S %p UTC"))


@quirk()
def letters_of_windows(lines: Lines) -> bytes:
    return "\r\n".join([lines[0] + ",R\u00fcckluft", *(line + ",1" for line in lines[1:])]).encode("cp1252")


@quirk()
def two_bytes_a_letter(lines: Lines) -> bytes:
    return "\n".join(lines).encode("utf-16")


@quirk()
def an_empty_line_of_a_spreadsheet(lines: Lines) -> Lines:
    return [*lines[:30], ",,,", *lines[30:], ",,,"]


@quirk()
def rows_twice(lines: Lines) -> Lines:
    return [*lines[:30], lines[29], *lines[30:]]


@quirk()
def tabs_and_decimal_commas(lines: Lines) -> Lines:
    return [line.replace(",", "\t").replace(".", ",") for line in lines]


@quirk()
def bars(lines: Lines) -> Lines:
    return [line.replace(",", "|") for line in lines]


@quirk()
def semicolons_and_decimal_points(lines: Lines) -> Lines:
    return [line.replace(",", ";") for line in lines]


@quirk()
def the_header_again(lines: Lines) -> Lines:
    return [*lines[:30], lines[0], *lines[30:45], lines[0], *lines[45:]]


@quirk()
def a_data_logger(lines: Lines) -> Lines:
    head = ['"TOA5","AHU1","CR1000","2354"', lines[0].replace("Datetime", '"TIMESTAMP"'), '"TS","degF","cfm",""']
    return [*head, '"","Smp","Smp","Smp"', *lines[1:]]


@quirk()
def a_name_over_two_lines(lines: Lines) -> Lines:
    return ['"Date\nTime",SA_TEMP,SA_CFM,SYS_CTL', *lines[1:]]


@quirk()
def a_separator_at_the_end(lines: Lines) -> Lines:
    return [lines[0], *(line + "," for line in lines[1:])]


@quirk()
def a_key_of_points_above(lines: Lines) -> Lines:
    key = [f'"Point_{place}:","AHU1.{name}","","5 minutes"' for place, name in enumerate(NAMES, 1)]
    body = [line.replace(" ", ",", 1) for line in lines[1:]]
    head = ['"<>Date","Time","Point_1","Point_2","Point_3"']
    title = ['"Key            Name:Suffix                                Trend Definitions Used"']
    return [*title, *key, '"Report Timings:","All Hours"', '""', *head, *body, '" ***** End of Report *****"']


@quirk()
def a_time_by_any_name(lines: Lines) -> Lines:
    return [lines[0].replace("Datetime", "Gelesen um"), *lines[1:]]


@quirk(vendor="dayfirst")
def day_first(lines: Lines) -> Lines:
    return _times(lines, _strftime("%d/%m/%Y %H:%M"))


@quirk()
def year_first_with_slashes(lines: Lines) -> Lines:
    return _times(lines, _strftime("%Y/%m/%d %H:%M"))


@quirk()
def a_clock_of_twelve_hours(lines: Lines) -> Lines:
    return _times(lines, _strftime("%Y-%m-%d %I:%M:%S %p"))


@quirk()
def a_zone_behind_the_offset(lines: Lines) -> Lines:
    return _times(lines, lambda word: word.replace(" ", "T") + "+00:00 London")


def _seconds(word: str) -> int:
    return int(np.datetime64(word.replace(" ", "T"), "s").astype(np.int64))


@quirk()
def seconds_since_1970(lines: Lines) -> Lines:
    return _times(lines, lambda word: str(_seconds(word)))


@quirk()
def milliseconds_since_1970(lines: Lines) -> Lines:
    return _times(lines, lambda word: str(1000 * _seconds(word)))


@quirk()
def days_of_a_spreadsheet(lines: Lines) -> Lines:
    return _times(lines, lambda word: f"{_seconds(word) / 86400 + 25569:.9f}")


def _points(lines: Lines) -> list[tuple[str, str, str]]:
    """(time, point, reading), point by point."""
    cells = [line.split(",") for line in lines[1:]]
    return [(row[0], name, row[place]) for place, name in enumerate(NAMES, 1) for row in cells]


@quirk()
def a_row_a_reading(lines: Lines) -> Lines:
    return ["time,name,value", *(",".join(row) for row in sorted(_points(lines)))]


@quirk()
def a_row_a_reading_with_paths_units_and_status(lines: Lines) -> Lines:
    units = dict(zip(NAMES, ("degF", "cfm", ""), strict=True))
    rows = [f"{time},NAE-1/N2.AHU-1.{name},{value},{units[name]},Good" for time, name, value in _points(lines)]
    return ["Date / Time,Name Path Reference,Object Value,Units,Reliability", *rows]


@quirk()
def times_beside_each_point(lines: Lines) -> Lines:
    cells = [line.split(",") for line in lines[1:]]
    head = ",".join(f"Timestamp,{name}" for name in NAMES)
    return [head, *(f"{time},{a},{time},{b},{time},{c}" for time, a, b, c in cells)]


@quirk()
def points_joined_on_their_own_seconds(lines: Lines) -> Lines:
    late = {"SA_TEMP": 1, "SA_CFM": 7, "SYS_CTL": 31}
    rows = []
    for time, name, value in _points(lines):
        moment = np.datetime64(time.replace(" ", "T")) + np.timedelta64(late[name], "s")
        rows.append(_iso(moment) + "," + ",".join(value if name == other else "" for other in NAMES))
    return [lines[0], *sorted(rows)]


@quirk()
def a_status_beside_each_point(lines: Lines) -> Lines:
    cells = [line.split(",") for line in lines[1:]]
    head = "Datetime," + ",".join(f"{name},{name} Status" for name in NAMES)
    return [head, *(f"{time},{a},{{ok}},{b},{{ok}},{c},{{ok}}" for time, a, b, c in cells)]


def test_the_page_has_every_layout():
    page = (REPOSITORY / "docs" / "READERS.md").read_text(encoding="utf-8")
    table = page.split("## Layouts")[1].split("##")[0]
    assert [name for name in QUIRKS if name.replace("_", " ") not in table] == ["as_it_should_be"]


@pytest.mark.parametrize("name", QUIRKS)
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_a_file_gives_both_the_same_readings(tmp_path: Path, name: str, ending: str) -> None:
    make, written = QUIRKS[name]
    made = make(plain())
    content = made if isinstance(made, bytes) else "\n".join([*made, ""]).encode()
    path = tmp_path / f"ahu{ending}"
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)

    table = read_table(path, ReadOptions(**written))
    trend = one(path, columns=NAMES, units=UNITS, **written)

    np.testing.assert_array_equal(table.select(NAMES), readings().astype(np.float32))
    np.testing.assert_array_equal(table.select(NAMES), trend.values)
    np.testing.assert_array_equal(table.times, times())
    np.testing.assert_array_equal(trend.clock, times())


def test_a_clock_that_is_put_back_goes_on_for_both(tmp_path: Path) -> None:
    wall = np.concatenate([clock(rows=24, start="2018-11-04T00:00"), clock(rows=24, start="2018-11-04T01:00")])
    values = readings()[: len(wall)]
    lines = [
        ",".join(("Datetime", *NAMES)),
        *(f"{_iso(t)},{a},{b},{c:g}" for t, (a, b, c) in zip(wall, values, strict=True)),
    ]
    path = tmp_path / "ahu.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    for zone in (None, "America/Chicago"):
        table, trend = (
            read_table(path, ReadOptions(time_zone=zone)),
            one(path, columns=NAMES, units=UNITS, time_zone=zone),
        )
        np.testing.assert_array_equal(table.values, trend.values)
        np.testing.assert_array_equal(np.diff(table.times), np.diff(trend.times))
        assert set(np.diff(table.times).astype(int)) == {300}
        assert table.times[0] == wall[0]


def test_codes_for_no_reading_are_missing_for_both_and_faults_are_not(tmp_path: Path) -> None:
    lines = plain()
    lines[11] = lines[11].replace(lines[11].split(",")[1], "-9999", 1)
    lines[21:51] = [",".join((line.split(",")[0], "57.5", *line.split(",")[2:])) for line in lines[21:51]]  # stuck
    path = tmp_path / "ahu.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    table = read_table(path)
    trend = one(path, columns=NAMES, units=UNITS, own_rate=True, period_seconds=600)
    np.testing.assert_array_equal(table.values, trend.values)
    assert np.argwhere(np.isnan(table.values)).tolist() == [[10, 0]]
    assert table.repaired == {"codes for no reading taken as missing": 1}
    assert table.missing == {"SA_TEMP": 1}
    assert (table.values[20:50, 0] == 57.5).all()
    assert "SA_TEMP cannot read that" in table.problems[0].line
