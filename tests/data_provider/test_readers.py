"""Trend files to tables: equal to pandas where that is right, and never silent where something is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_provider.times import seconds_of, words_of
from data_provider.trends.cells import MISSING_WORDS
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.table import read_table
from tests.data_provider.kit import frame, write
from utils.errors import UserError


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reads_what_pandas_reads(tmp_path: Path, suffix: str) -> None:
    table = frame(rows=500, columns=5)
    table.iloc[7, 2] = np.nan
    path = write(table, tmp_path / f"run{suffix}")
    reference = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)

    read = read_table(path)

    assert read.columns == tuple(reference.columns[1:])
    np.testing.assert_array_equal(read.values, reference.iloc[:, 1:].to_numpy(np.float32))
    np.testing.assert_array_equal(read.times, pd.to_datetime(reference["Datetime"]).to_numpy("datetime64[s]"))
    assert read.missing == {"signal B": 1}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_reads_only_the_rows_and_columns_wanted(tmp_path: Path, suffix: str) -> None:
    path = write(frame(rows=300, columns=4), tmp_path / f"run{suffix}")
    whole, part = read_table(path), read_table(path, rows=17, columns=("signal C", "signal A"))
    np.testing.assert_array_equal(part.values, whole.values[:17, [2, 0]])
    np.testing.assert_array_equal(part.times, whole.times[:17])


@pytest.mark.parametrize("word", ["", *sorted(MISSING_WORDS), "NaN", "NULL", "Comm Fail"])
def test_words_for_missing_readings_are_counted(tmp_path: Path, word: str) -> None:
    path = tmp_path / "run.csv"
    path.write_text(f"Datetime,a,b\n2018-01-01 00:00,1,2\n2018-01-01 00:01,{word},3\n", encoding="utf-8")
    read = read_table(path)
    assert read.missing == {"a": 1}
    assert np.isnan(read.values[1, 0])
    assert read.values[1, 1] == 3


def test_blanks_in_names_a_byte_order_mark_and_trailing_lines_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(b"\xef\xbb\xbfDatetime, a  ,b \r\n2018-01-01 00:00, 1,2\r\n2018-01-01 00:01,3,inf\r\n,,\r\n\r\n")
    read = read_table(path)
    assert read.columns == ("a", "b")
    np.testing.assert_array_equal(read.values, np.array([[1, 2], [3, np.nan]], np.float32))
    assert read.repaired == {"empty rows dropped": 1, "infinite readings taken as missing": 1}


def test_rows_that_are_there_twice_are_kept_once_and_counted(tmp_path: Path) -> None:
    table = frame(rows=5)
    read = read_table(write(pd.concat([table[:3], table[2:]]), tmp_path / "run.csv"))
    np.testing.assert_array_equal(read.values, read_table(write(table, tmp_path / "once.csv")).values)
    assert read.repaired == {"identical rows dropped": 1}


@pytest.mark.parametrize(
    ("words", "written", "first"),
    [
        (["2017-03-11T00:00:00", "2017-03-11T00:01:00"], {}, "2017-03-11T00:00:00"),
        (["3/11/2017 0:00", "3/11/2017 0:01"], {"vendor": "webctrl"}, "2017-03-11T00:00:00"),
        (["3/11/17 23:59", "3/12/17 0:00"], {}, "2017-03-11T23:59:00"),
        (["3/11/2017 0:00", "13/11/2017 0:00"], {"time_format": "%d/%m/%Y %H:%M"}, "2017-11-03T00:00:00"),
        (["11.03.2017 00:00", "11.03.2017 00:05"], {"time_format": "%d.%m.%Y %H:%M"}, "2017-03-11T00:00:00"),
    ],
)
def test_times_are_read_in_the_format_that_is_named(
    tmp_path: Path, words: list[str], written: dict[str, Any], first: str
) -> None:
    path = tmp_path / "run.csv"
    path.write_text("Datetime,a\n" + "".join(f"{word},1\n" for word in words), encoding="utf-8")
    assert str(read_table(path, ReadOptions(**written)).times[0]) == first


def test_an_index_without_a_name_and_a_time_zone_are_read_from_parquet(tmp_path: Path) -> None:
    table = frame(rows=4).set_index("Datetime").tz_localize("America/Chicago").rename_axis(None)
    table.to_parquet(tmp_path / "run.parquet")
    read = read_table(tmp_path / "run.parquet")
    assert read.columns == ("signal A", "signal B", "signal C")
    assert str(read.times[0]) == "2018-01-01T00:00:00"  # the clock on the wall, not Greenwich


ROW = "2018-01-01 00:0{},1,2\n"
HEAD = "Datetime,a,b\n" + ROW.format(0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("Datetime,a,b\n", "no readings"),
        ("\n\n", "the file is empty"),
        ("Datetime,a,a\n" + ROW.format(0), "'a' appears twice"),
        ("Datetime,a,\n" + ROW.format(0), "column 3 has no name"),
        ("Datetime\n2018-01-01 00:00\n", "there are times but no readings"),
        (
            "Datetime,time,a\n2018-01-01 00:00,2018-01-01 00:00,2\n",
            "columns 'Datetime' and 'time' both look like times",
        ),
        (HEAD + "2018-01-01 00:01,x,2\n", "line 3, column 'a': 'x' is not a number"),
        (HEAD + "\n2018-01-01 00:01,1,1_000\n", "line 4, column 'b': '1_000' is not a number"),
        (HEAD + "2018-01-01 00:01,1\n", "line 3: it has 2 cells where line 1 has 3"),
        (HEAD + "2018-01-01 00:01,1,2,3\n", "line 3: it has 4 cells where line 1 has 3"),
        (HEAD + ",1,2\n", "line 3: '' is not a time"),
        (
            HEAD + "01/02/2018 00:01,1,2\n",
            "line 3: '01/02/2018 00:01' is not a time as the others are (2018-01-01 00:00)",
        ),
        (HEAD + "2018-02-30 00:01,1,2\n", "line 3: '2018-02-30 00:01' is not a time"),
        (HEAD + "2018-01-01 00:00,1,3\n", "line 3: the time 2018-01-01 00:00:00 is there twice"),
        (
            HEAD + ROW.format(1) + "2017-12-31 23:59,1,3\n",
            "line 4: the time 2017-12-31 23:59:00 comes after 2018-01-01 00:01:00",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "run.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.csv", b"\xff\xfe\x00a,b\n1,2\n"),
        ("run.csv", b"a,b\n1,\x81\n"),
        ("run.csv", b"a\x00,b\n1,2\n"),
        ("run.parquet", b"PAR1 this is none"),
        ("run.txt", b"a,b\n1,2\n"),
    ],
)
def test_bytes_that_are_no_table_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        read_table(tmp_path / name)


def test_parquet_times_of_the_wrong_kind_are_named(tmp_path: Path) -> None:
    table = frame(rows=3)
    table["Datetime"] = [1, 2, 3]
    with pytest.raises(UserError, match="the times are of type int64; store them as timestamps"):
        read_table(write(table, tmp_path / "run.parquet"))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_of_words_is_left_out_and_said(tmp_path: Path, suffix: str) -> None:
    table = frame(rows=3).assign(Status="{ok}", OA_TEMP=["warm", "warm", "cold"])
    read = read_table(write(table.drop(columns="OA_TEMP"), tmp_path / f"run{suffix}"))
    assert read.columns == ("signal A", "signal B", "signal C")
    assert read.left_out == (("Status", "{ok}"),)
    with pytest.raises(UserError, match="column 'OA_TEMP': 'warm' is not a number"):  # a known point has readings
        read_table(write(table, tmp_path / f"run{suffix}"))
    with pytest.raises(UserError, match=r"column 'Status': '\{ok\}' is not a number"):
        read_table(tmp_path / f"run{suffix}", columns=("signal A", "Status"))


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = write(frame(rows=3), tmp_path / "run.csv")
    with pytest.raises(UserError, match=r"run\.csv: column 'signal X' is missing; the file has Datetime, signal A"):
        read_table(path, columns=("signal A", "signal X"))
    with pytest.raises(UserError, match="no such file"):
        read_table(tmp_path / "other.csv")


def test_lengths_of_time() -> None:
    assert [seconds_of(words) for words in ("30s", "5min", "5 min", "1h", "2hours")] == [30, 300, 300, 3600, 7200]
    assert [words_of(seconds) for seconds in (30, 300, 5400, 7200)] == ["30s", "5min", "90min", "2h"]
    for words in ("five", "5 parsecs", "0min", "-5min", "5.5min", "90", ""):
        with pytest.raises(UserError, match="write it as 30s, 5min or 1h"):
            seconds_of(words)
