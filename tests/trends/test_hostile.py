"""Files that no reader should trust: each gives its line, and never readings that are not there."""

import dataclasses
import gzip
import io
import os
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from data_provider.trends import files as trend_files
from data_provider.trends import parquet as trend_parquet
from data_provider.trends.problems import shown
from data_provider.trends.request import Request
from data_provider.trends.trend import read_trend
from tests.trends.kit import COLUMNS, RANGES, STYLES, UNITS, clock, lines, one, read, unit_readings, write
from utils.csv_safety import harmless
from utils.errors import UserError

REQUEST = Request(columns=COLUMNS, units=UNITS, period_seconds=300, ranges=RANGES)


def _text(path, change=lambda text: text, **how):
    """A good file whose text has been changed."""
    write(path, how.get("times", clock(rows=60)), how.get("values", unit_readings(60)))
    path.write_text(change(path.read_text()))


def _lines(change):
    """A change of the lines, the header being line 0."""

    def apply(text):
        found = text.split("\n")
        return "\n".join(change(found))

    return apply


def _put(number, line):
    return _lines(
        lambda found: [*found[:number], line(found[number]) if callable(line) else line, *found[number + 1 :]]
    )


def _zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ahu.csv", "Datetime,SA_TEMP\n")


def _cells(column, cell):
    values = unit_readings(60).tolist()
    for row in values:
        row[column] = cell
    return values


def _first(change):
    """Readings whose first column has been changed."""
    return [[change(row, good), *rest] for row, (good, *rest) in enumerate(unit_readings(60).tolist())]


def _random(path):
    path.write_bytes(np.random.default_rng(0).integers(0, 256, 5000, np.uint8).tobytes())


FATAL = {
    "empty": (lambda p: p.write_bytes(b""), "the file is empty; export it again"),
    "blank": (lambda p: p.write_bytes(b"\n  \n\n"), "the file is empty; export it again"),
    "header only": (
        lambda p: p.write_text("Datetime,SA_TEMP\n"), "there are column names but no readings; export it again"
    ),
    "header and blank rows": (
        lambda p: p.write_text("Datetime,SA_TEMP\n,\n,\n"), "there are column names but no readings; export it again"
    ),
    "times only": (
        lambda p: p.write_text("Datetime\n2017-03-06 00:00:00\n"), "line 1: there are times but no readings"
    ),
    "two decimal marks": (
        lambda p: _text(
            p, lambda text: _put(30, lambda line: line.replace(".", ","))(text.replace(",", ";"))
        ),
        "line 31, SA_CFM: '3704,962' is not a number with decimal points, as others of the file are; export it with",
    ),
    "mixed delimiters": (
        lambda p: _text(p, _put(17, lambda line: line.replace(",", ";"))),
        "line 18: it is separated by semicolons where line 1 is separated by commas; correct that line",
    ),
    "a short line": (
        lambda p: _text(p, _put(30, "2017-03-06 02:25:00,1,2")), "line 31: it has 3 cells where line 1 has 8"
    ),
    "an open quote": (
        lambda p: _text(p, _put(30, lambda line: line.replace(",", ',"', 1))),
        "line 31: it has 2 cells where line 1 has 8",
    ),
    "backward": (
        lambda p: _text(p, _lines(lambda found: [*found[:20], found[40], *found[20:]])),
        "line 22: the time 2017-03-06 01:35:00 comes after 2017-03-06 03:15:00; sort the file by time",
    ),
    "many contradictions": (
        lambda p: write(p, np.repeat(clock(rows=40), 2), unit_readings(80)),
        "line 2: 40 times are there twice with different readings, the first 2017-03-06 00:00:00; export one unit",
    ),
    "a time that is none": (
        lambda p: _text(p, _put(10, lambda line: line.replace("2017-03-06", "2017-02-30"))),
        "line 11: '2017-02-30 00:45:00' is not a time as the others are (2017-03-06 00:00:00)",
    ),
    "times without a year": (
        lambda p: _text(p, lambda text: text.replace("2017-03-06 ", "03/06 ")),
        "line 2: the time '03/06 00:00:00' has no year; export it with the year",
    ),
    "a formula for a time": (
        lambda p: _text(p, _put(10, lambda line: "=NOW()," + line.split(",", 1)[1])),
        "line 11: '=NOW()' is not a time as the others are (2017-03-06 00:00:00)",
    ),
    "no times": (lambda p: p.write_text("SA_TEMP,OA_TEMP\n1,2\n"), "line 1: no column of times among: SA_TEMP,OA_TEMP"),
    "two times": (
        lambda p: p.write_text("Datetime,Timestamp,SA_TEMP\n1,2,3\n"),
        "line 1: columns 'Datetime' and 'Timestamp' both look like times; name one under 'time' in the role map",
    ),
    "all NaN": (
        lambda p: write(p, clock(rows=60), np.full((60, 7), np.nan)), "not one of the model's columns holds a reading"
    ),
    "all words": (
        lambda p: write(p, clock(rows=60), [["bad"] * 7] * 60), "not one of the model's columns holds a reading"
    ),
    "all codes": (
        lambda p: write(p, clock(rows=60), [[-9999.0] * 7] * 60), "not one of the model's columns holds a reading"
    ),
    "constant": (
        lambda p: write(p, clock(rows=60), [unit_readings(1)[0].tolist()] * 60),
        "no temperature in it changes in 5 h; export it again: one reading seems to be repeated",
    ),
    "Celsius for Fahrenheit": (
        lambda p: write(p, clock(rows=60), (unit_readings(60) - ([32] * 3 + [0] * 4)) / ([1.8] * 3 + [1] * 4)),
        "is not what it reads in F, but would be in C (and so for SA_TEMP, RA_TEMP); write its unit into the role map",
    ),
    "other columns": (
        lambda p: write(p, clock(rows=60), unit_readings(60), names=tuple("ABCDEFG")),
        "it has none of the model's 7 columns (SA_TEMP, OA_TEMP, RA_TEMP, SA_CFM and 3 more), but A, B, C, D, E, F",
    ),
    "too slow": (
        lambda p: write(p, clock(rows=60, step=900), unit_readings(60)),
        "readings are 15min apart, and the model needs steps of 5min; export them every 5min or more often",
    ),
    "no text": (_random, "the file holds bytes that are not text; save it as CSV in UTF-8"),
    "zeros": (lambda p: p.write_bytes(bytes(5000)), "the file holds bytes that are not text; save it as CSV in UTF-8"),
    "half a UTF-16 letter": (lambda p: p.write_bytes(b"\xff\xfea"), "the file holds bytes that are not text"),
    "a zip called csv": (_zip, "this is not a CSV file: it is a zip archive (an Excel workbook is one too); save it"),
    "a gzip called csv": (lambda p: p.write_bytes(gzip.compress(b"Datetime")), "it is packed with gzip"),
    "a web page": (lambda p: p.write_text("<!DOCTYPE html><p>Log in"), "this is not a CSV file: it is a web page"),
    "some times with a zone": (
        lambda p: _text(p, _put(20, lambda line: line.replace(",", "+01:00,", 1))),
        "line 21: some times have a zone and some have none; export all of them with their zone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FATAL)
def test_a_file_that_cannot_be_evaluated_says_why(tmp_path, kind):
    make, expected = FATAL[kind]
    path = tmp_path / "ahu.csv"
    make(path)
    with pytest.raises(UserError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert expected in message
    assert "\n" not in message
    trend = read_trend(trend_files.trend_files(path)[0], REQUEST)
    assert trend.fatal is not None
    assert (len(trend.times), trend.values.shape) == (0, (0, 7))


def _with_formula(path):
    write(path, clock(rows=60), _cells(1, '=HYPERLINK("x")'), names=("SA_TEMP", *COLUMNS[1:]))


USABLE = {
    "a formula in a cell": (
        _with_formula, "line 2, OA_TEMP: 60 cells are not numbers, the first '=HYPERLINK(\"x\")': taken as no reading"
    ),
    "a formula in the header": (
        lambda p: write(p, clock(rows=60), unit_readings(60), names=("=1+1", *COLUMNS[1:])),
        "SA_TEMP: no column is SA_TEMP; name its column in a role map (--roles)",
    ),
    "identical doubles": (
        lambda p: write(p, np.repeat(clock(rows=40), 2), np.repeat(unit_readings(40), 2, axis=0)),
        "40 rows repeat a time with nothing new and are dropped",
    ),
    "one contradiction": (
        lambda p: _text(p, _lines(lambda found: [*found[:20], found[20].replace(",5", ",6", 1), *found[20:]])),
        "line 21: 1 times are there twice with different readings, the first 2017-03-06 01:35:00: taken as no reading",
    ),
    "a last line cut short": (
        lambda p: p.write_text(write(p, clock(rows=60), unit_readings(60)).read_text()[:-30]),
        "the last line is cut off after 4 of 8 cells and is left out",
    ),
    "one name twice": (
        lambda p: write(p, clock(rows=60), unit_readings(60), names=("SA_TEMP", "SA_TEMP", *COLUMNS[2:])),
        "SA_TEMP: 2 columns are called 'SA_TEMP'; give every column a name of its own",
    ),
    "codes": (
        lambda p: write(p, clock(rows=60), _first(lambda row, good: 999.0 if row % 9 == 4 else good)),
        "SA_TEMP: 999 stands 7 times, and SA_TEMP cannot read that: taken as no reading",
    ),
    "readings of no sensor": (
        lambda p: write(p, clock(rows=60), _first(lambda row, good: -300.0 if row == 4 else good)),
        "SA_TEMP: 1 of 60 readings are outside -60 to 250 F, the first -300: taken as no reading",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", USABLE)
def test_a_file_that_can_be_evaluated_says_what_was_left_out(tmp_path, kind):
    make, expected = USABLE[kind]
    make(tmp_path / "ahu.csv")
    trend = one(tmp_path / "ahu.csv")
    assert expected in lines(trend)
    assert len(trend.times) >= 40
    good = unit_readings(60).astype(np.float32)
    low, high = good.min(0) - 1, good.max(0) + 1
    known = ~np.isnan(trend.values)
    assert ((trend.values >= low) & (trend.values <= high))[known].all()  # nothing is invented


def test_a_contradiction_is_unknown_and_not_one_of_the_two(tmp_path):
    times = np.append(clock(rows=20), clock(rows=20)[-1])
    values = unit_readings(21)
    values[20, 1:] = values[19, 1:]
    trend = one(write(tmp_path / "ahu.csv", times, values))
    assert trend.values[19, 0] == np.float32(values[18, 0])  # the reading before, held
    np.testing.assert_array_equal(trend.values[19, 1:], values[19, 1:].astype(np.float32))


def test_ten_years_without_readings_take_no_memory(tmp_path):
    times = np.concatenate([clock(rows=50), clock(rows=50, start="2027-03-06T00:00")])
    trend = one(write(tmp_path / "ahu.csv", times, unit_readings(100)))
    assert len(trend.times) == 100
    assert "1 gaps without readings, the longest from 2017-03-06 04:05:00 to 2027-03-06 00:00:00" in lines(trend, "gap")


def test_too_many_steps_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("data_provider.trends.grid.MOST_READINGS", 200)
    with pytest.raises(UserError, match="60 steps of 300 s; split the file, a month a file"):
        read(write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60)))


def test_a_gzip_bomb_is_stopped_early(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(40):
            file.write(bytes(2**20))
    with pytest.raises(
        UserError, match=r"bomb.csv.gz: unpacked, the first \d+ bytes are 1\d{7}, more than the 1024 MiB"
    ):
        read(path)


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60))
    packed = write(tmp_path / "ahu.csv.gz", clock(rows=60), unit_readings(60))
    monkeypatch.setattr(trend_files, "LARGEST_FILE", 1000)
    for file in (path, packed):
        with pytest.raises(UserError, match="MiB read at most; split it, a month a file"):
            read(file)
    monkeypatch.setattr(trend_files, "LARGEST_FILE", 2**20)
    monkeypatch.setattr(trend_files, "LONGEST_LINE", 60)
    with pytest.raises(UserError, match=r"line 1: \d+ characters in one line"):
        read(path)


def test_a_damaged_gzip_says_so(tmp_path):
    path = write(tmp_path / "ahu.csv.gz", clock(rows=60), unit_readings(60))
    whole = path.read_bytes()
    for damage in (whole[:200], whole[:100] + b"damaged!" + whole[108:], b"no gzip at all"):
        path.write_bytes(damage)
        with pytest.raises(UserError, match=r"ahu.csv.gz: the gzip file is damaged \(.*\); copy or export it again"):
            read(path)


def test_too_many_columns_are_refused(tmp_path):
    path = tmp_path / "ahu.csv"
    names = [f"p{number}" for number in range(trend_files.MOST_COLUMNS)]
    path.write_text("Datetime," + ",".join(names) + "\n2017-03-06 00:00:00" + ",1" * len(names) + "\n")
    with pytest.raises(UserError, match="line 1: 5001 columns, more than the 5000 read at most"):
        read(path)


def test_hostile_parquet(tmp_path, monkeypatch):
    good, path = clock(rows=60), tmp_path / "ahu.parquet"
    for table, expected in (
        (pa.table({"Datetime": pa.array(good)[:0], "SA_TEMP": pa.array([1.0])[:0]}), "column names but no readings"),
        (pa.table({"SA_TEMP": [1.0]}), "no column of times among: SA_TEMP"),
        (
            pa.table({"Datetime": [1, 2], "SA_TEMP": [1.0, 2.0]}),
            "the times are of type int64; store them as timestamps",
        ),
        (pa.table({"Datetime": pa.array([None, good[0]]), "SA_TEMP": [1.0, 2.0]}), "row 1: there is no time"),
        (pa.table({"Datetime": pa.array(good), "SA_TEMP": [[1.0]] * 60}), "column 'SA_TEMP' is of type list"),
        (
            pa.table([pa.array(good), *[pa.array([1.0] * 60)] * 2], ["Datetime", "A", "A"]),
            "two columns have the same name",
        ),
    ):
        pa.parquet.write_table(table, path)
        with pytest.raises(UserError, match=expected):
            read(path)
    pa.parquet.write_table(pa.table({"Datetime": pa.array(good), "SA_TEMP": np.zeros(60)}), path)
    monkeypatch.setattr(trend_parquet, "MOST_READINGS", 100)
    with pytest.raises(UserError, match="60 rows of 2 columns, more than the 100 readings taken at most"):
        read(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="it cannot be read as Parquet"):
        read(path)


def test_a_folder_reads_on_after_bad_files(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = write(outside / "secret.csv", clock(rows=60), unit_readings(60))
    folder = tmp_path / "trends"
    (folder / "ahu2").mkdir(parents=True)
    write(folder / "a.csv", clock(rows=60), unit_readings(60))
    write(folder / "ahu2" / "b.csv.gz", clock(rows=60), unit_readings(60))
    (folder / "empty.csv").write_bytes(b"")
    (folder / "export.zip").write_bytes(b"PK\x03\x04")
    (folder / "notes.txt").write_text("not read")
    (folder / ".hidden.csv").write_text("not read")
    (folder / "link.csv").symlink_to(secret)
    (folder / "inside.csv").symlink_to(folder / "a.csv")
    (folder / "broken.csv").symlink_to(folder / "nowhere.csv")
    (folder / "door").symlink_to(outside)
    os.mkfifo(folder / "pipe.csv")
    trends = {trend.file: trend for trend in read(folder)}
    assert [name for name, trend in trends.items() if not trend.fatal] == ["a.csv", "ahu2/b.csv.gz", "inside.csv"]
    for name in ("link.csv", "door"):
        assert "this link leads outside the folder, and is not followed" in lines(trends[name])
    assert "export.zip: .zip files are not read; unpack it" in lines(trends["export.zip"])
    for name in ("broken.csv", "pipe.csv"):
        assert "this is not a regular file; take it away" in lines(trends[name])
    assert set(trends) == {
        "a.csv", "ahu2/b.csv.gz", "broken.csv", "door", "empty.csv", "export.zip", "inside.csv", "link.csv", "pipe.csv",
    }  # fmt: skip


def test_sources_without_a_file_to_evaluate(tmp_path):
    with pytest.raises(UserError, match="no such file or folder; name trend files"):
        read(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"there is no .csv, .csv.gz, .parquet, .xlsx, .xlsm or .zinc file"):
        read(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"a.csv: the file is empty; export it again \(the other 1 files cannot be used"
    ):
        read(tmp_path)
    (tmp_path / "a.xls").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"a.xls: .xls files are not read; unpack it, or save it as CSV"):
        read(tmp_path / "a.xls")


def test_what_a_file_says_cannot_break_a_message(tmp_path):
    assert shown("a\nb\x1b[31mc\u202e") == "a?b?[31mc?"
    path = tmp_path / "ahu.csv"
    path.write_text('Datetime,"x\x7f\u2028y' + "z" * 500 + '"\n2017-03-06 00:00:00,1\n'.replace("\x7f", ""))
    with pytest.raises(UserError) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"), ("+SUM(A1)", "'+SUM(A1)"), ("-cmd", "'-cmd"), ("@x", "'@x"), (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("\rx", "'\rx"), ("\uff1d1", "'\uff1d1"), ("-12.5", "-12.5"), ("+3e-5", "+3e-5"), ("-.5", "-.5"),
        ("-1+1", "'-1+1"),
        ("SA_TEMP", "SA_TEMP"), ("", ""), ("5-3", "5-3"), ("-", "'-"), ("'=1", "'=1"),
    ],
)  # fmt: skip
def test_harmless_cells(text, expected):
    assert harmless(text) == expected
    assert harmless(harmless(text)) == expected or expected[0] == "'"


def test_text_of_a_stream_is_never_run(tmp_path):
    """A pickle or an executable is bytes like any other."""
    target = io.BytesIO()
    np.save(target, np.arange(5))
    (tmp_path / "ahu.csv").write_bytes(target.getvalue())
    with pytest.raises(UserError, match="bytes that are not text"):
        read(tmp_path / "ahu.csv")


@pytest.mark.parametrize("style", STYLES)
def test_damaged_bytes_raise_nothing_but_a_line(tmp_path, style):
    """A hundred files a style with bytes changed, cut or repeated: read, or refused in one line."""
    rng, path = np.random.default_rng(7), tmp_path / "ahu.csv"
    whole = write(path, clock(rows=40), unit_readings(40), style=style).read_bytes()
    for _ in range(100):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 6)):
            damaged[place : place + int(rng.integers(0, 4))] = rng.choice(
                [b",", b";", b"\n", b'"', b"9", b"-", b"\xff", b""]
            )
        if rng.random() < 0.2:
            damaged = damaged[: rng.integers(1, len(whole))]
        path.write_bytes(bytes(damaged))
        trend = read_trend(trend_files.trend_files(path)[0], dataclasses.replace(REQUEST, vendor=style))
        assert all("\n" not in problem.line for problem in trend.problems)
        assert len(trend.times) == len(trend.values) == len(trend.clock)
        assert (trend.fatal is None) == (len(trend.times) > 0)
        assert not np.isinf(trend.values).any()
