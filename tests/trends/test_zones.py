"""Times of a local clock, in and out of known zones, through both clock changes. The reference is zoneinfo itself."""

import datetime
import zoneinfo

import numpy as np
import pytest

from data_provider.trends.zones import ABBREVIATIONS
from tests.trends.kit import clock, lines, one, read, unit_readings, write
from utils.errors import UserError

# The night of each change, in UTC: (zone, half a day before it).
CHANGES = {
    "Chicago, spring": ("America/Chicago", "2017-03-11T20:00"),
    "Chicago, autumn": ("America/Chicago", "2017-11-04T19:00"),
    "Berlin, spring": ("Europe/Berlin", "2017-03-25T13:00"),
    "Berlin, autumn": ("Europe/Berlin", "2017-10-28T12:00"),
    "Sydney, spring": ("Australia/Sydney", "2017-09-30T04:00"),
    "Sydney, autumn": ("Australia/Sydney", "2017-04-01T03:00"),
}


def wall(times, zone):
    """(T,) datetime64[s], what a clock of a zone shows at times in UTC."""
    place = zoneinfo.ZoneInfo(zone)
    moments = [moment.replace(tzinfo=datetime.UTC).astimezone(place).replace(tzinfo=None) for moment in times.tolist()]
    return np.array(moments, "datetime64[s]")


def local_file(tmp_path, zone, start, *, rows=300, step=300, style="iso", keep=slice(None)):
    """A file of a local clock; the times in UTC and the readings that it holds."""
    times, values = clock(rows=rows, start=start, step=step), unit_readings(rows)
    path = write(tmp_path / "ahu.csv", wall(times, zone)[keep], values[keep], style=style)
    return path, times[keep], values[keep].astype(np.float32)


@pytest.mark.parametrize("step", [60, 300, 900, 1800, 3600])
@pytest.mark.parametrize("change", CHANGES)
def test_a_zone_gives_the_time_that_passed(tmp_path, change, step):
    zone, start = CHANGES[change]
    path, times, values = local_file(tmp_path, zone, start, rows=86400 // step, step=step)
    trend = one(path, time_zone=zone, period_seconds=step)
    np.testing.assert_array_equal(trend.times, times)
    np.testing.assert_array_equal(trend.values, values)
    np.testing.assert_array_equal(trend.clock, wall(times, zone))
    assert lines(trend, "zone") == ""
    assert lines(trend, "gap") == ""
    assert trend.utc


@pytest.mark.parametrize("step", [60, 300, 900, 1800, 3600])
@pytest.mark.parametrize("change", CHANGES)
def test_without_a_zone_a_change_is_recognised_and_said(tmp_path, change, step):
    zone, start = CHANGES[change]
    path, times, values = local_file(tmp_path, zone, start, rows=86400 // step, step=step)
    trend = one(path, period_seconds=step)
    np.testing.assert_array_equal(np.diff(trend.times).astype(int), step)
    np.testing.assert_array_equal(trend.values, values)
    np.testing.assert_array_equal(trend.clock, wall(times, zone))
    assert lines(trend, "zone").endswith("read so; name the building's zone with --time_zone to be sure")
    assert ("is there twice" if "autumn" in change else "is missing") in lines(trend, "zone")
    assert not trend.utc


def test_a_year_without_a_zone_goes_on_after_both_changes(tmp_path):
    times = clock(rows=8760, start="2017-01-01T06:00", step=3600)
    path = write(tmp_path / "ahu.csv", wall(times, "America/Chicago"), unit_readings(8760))
    trend = one(path, period_seconds=3600)
    np.testing.assert_array_equal(trend.times, times - np.timedelta64(6, "h"))  # standard time all year
    assert len([problem for problem in trend.problems if problem.kind == "zone"]) == 2


def test_two_autumns_without_the_spring_between_need_a_zone(tmp_path):
    parts = [clock(rows=288, start=f"{day}T19:00") for day in ("2017-11-04", "2018-11-03")]
    times = np.concatenate([wall(part, "America/Chicago") for part in parts])
    path = write(tmp_path / "ahu.csv", times, unit_readings(576))
    with pytest.raises(UserError, match=r"two hours are there twice, .*; name the building's zone with --time_zone"):
        read(path)
    np.testing.assert_array_equal(one(path, time_zone="America/Chicago").times, np.concatenate(parts))


def test_a_jump_back_of_another_length_is_no_clock_change(tmp_path):
    times = wall(clock(rows=200, start="2017-11-04T19:00"), "America/Chicago")
    back = int(np.flatnonzero(np.diff(times).astype(int) < 0)[0]) + 1
    path = write(tmp_path / "ahu.csv", np.delete(times, [back, back + 1]), unit_readings(198))
    with pytest.raises(
        UserError, match=r"comes after .*; if clocks changed then, name the building's --time_zone; else"
    ):
        read(path)
    assert not one(path, time_zone="America/Chicago").fatal


def test_changes_of_value_through_an_autumn_night(tmp_path):
    rng = np.random.default_rng(3)
    times = np.sort(rng.choice(clock(rows=1440, start="2017-11-05T00:00", step=60), 500, replace=False))
    path = write(tmp_path / "ahu.csv", wall(times, "America/Chicago"), unit_readings(500))
    known = one(path, time_zone="America/Chicago")
    unknown = one(path)
    np.testing.assert_array_equal(known.clock, unknown.clock)
    np.testing.assert_array_equal(known.values, unknown.values)
    np.testing.assert_array_equal(np.diff(known.times), np.diff(unknown.times))


def test_the_repeated_hour_that_is_there_once_is_said(tmp_path):
    times = wall(clock(rows=200, start="2017-11-04T19:00"), "America/Chicago")
    back = int(np.flatnonzero(np.diff(times).astype(int) < 0)[0]) + 1
    path = write(tmp_path / "ahu.csv", np.delete(times, slice(back, back + 12)), unit_readings(188))
    said = lines(one(path, time_zone="America/Chicago"), "zone")
    assert (
        "2017-11-05 01:00:00 is in the hour that America/Chicago has twice and the file once: taken as the first"
        in said
    )


def test_a_time_that_the_zone_does_not_have_is_refused(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=100, start="2017-03-12T00:00"), unit_readings(100))
    with pytest.raises(UserError) as error:
        read(path, time_zone="America/Chicago")
    assert "line 26: 2017-03-12 02:00:00 does not exist in America/Chicago" in str(error.value)
    assert "as Etc/GMT+6 for one that is never changed" in str(error.value)
    trend = one(path, time_zone="Etc/GMT+6")
    np.testing.assert_array_equal(trend.times, clock(rows=100, start="2017-03-12T06:00"))


@pytest.mark.parametrize("change", CHANGES)
def test_offsets_beside_the_times_decide(tmp_path, change):
    zone, start = CHANGES[change]
    times, values = clock(rows=288, start=start), unit_readings(288)
    place = zoneinfo.ZoneInfo(zone)
    said = [m.replace(tzinfo=datetime.UTC).astimezone(place).isoformat() for m in times.tolist()]
    rows = [",".join([word, *map(repr, row)]) for word, row in zip(said, values.tolist(), strict=True)]
    path = tmp_path / "ahu.csv"
    path.write_text("Datetime,SA_TEMP,OA_TEMP,RA_TEMP,SA_CFM,SA_SP,OA_DMPR_DM,SF_WAT\n" + "\n".join(rows) + "\n")
    trend = one(path)
    np.testing.assert_array_equal(trend.times, times)
    np.testing.assert_array_equal(trend.clock, wall(times, zone))


def _niagara(times, zone):
    place = zoneinfo.ZoneInfo(zone)
    moments = [moment.replace(tzinfo=datetime.UTC).astimezone(place) for moment in times.tolist()]
    return [f"{m:%d-%b-%y} {m.hour % 12 or 12}:{m:%M:%S %p} {m.tzname()}" for m in moments]


@pytest.mark.parametrize("change", ["Chicago, spring", "Chicago, autumn", "Berlin, spring", "Berlin, autumn"])
@pytest.mark.parametrize("named", [False, True])
def test_abbreviations_beside_the_times_decide(tmp_path, change, named):
    zone, start = CHANGES[change]
    times, values = clock(rows=288, start=start), unit_readings(288)
    path = tmp_path / "ahu.csv"
    rows = [",".join([word, *map(repr, row)]) for word, row in zip(_niagara(times, zone), values.tolist(), strict=True)]
    path.write_text("Timestamp,SA_TEMP,OA_TEMP,RA_TEMP,SA_CFM,SA_SP,OA_DMPR_DM,SF_WAT\n" + "\n".join(rows) + "\n")
    trend = one(path, vendor="niagara", time_zone=zone if named else None)
    np.testing.assert_array_equal(trend.times, times)
    np.testing.assert_array_equal(trend.clock, wall(times, zone))


def test_unknown_abbreviations_and_zones(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60), style="niagara")
    with pytest.raises(
        UserError, match=r"line 2: the zone 'CST' is none of Europe/Berlin \(CES?T\b.*correct --time_zone"
    ):
        read(path, vendor="niagara", time_zone="Europe/Berlin")
    path.write_text(path.read_text().replace("CST", "XYZ"))
    with pytest.raises(UserError, match="line 2: the zone 'XYZ' is unknown; name the building's with --time_zone"):
        read(path, vendor="niagara")
    with pytest.raises(UserError, match="--time_zone 'Chicago' is not an IANA time zone; write it as America/Chicago"):
        read(path, time_zone="Chicago")
    with pytest.raises(UserError, match=r"--time_zone '../../etc/passwd' is not an IANA time zone"):
        read(path, time_zone="../../etc/passwd")


@pytest.mark.parametrize(
    ("zone", "month", "word"),
    [
        ("America/New_York", 1, "EST"), ("America/New_York", 7, "EDT"), ("America/Denver", 1, "MST"),
        ("America/Los_Angeles", 7, "PDT"), ("America/Anchorage", 1, "AKST"), ("Europe/London", 7, "BST"),
        ("Europe/Berlin", 7, "CEST"), ("Europe/Helsinki", 1, "EET"), ("Australia/Sydney", 1, "AEDT"),
        ("Australia/Adelaide", 7, "ACST"), ("Pacific/Auckland", 1, "NZDT"), ("America/St_Johns", 7, "NDT"),
    ],
)  # fmt: skip
def test_the_table_of_abbreviations_agrees_with_the_zones(zone, month, word):
    moment = datetime.datetime(2017, month, 15, tzinfo=zoneinfo.ZoneInfo(zone))
    assert moment.tzname() == word
    assert moment.utcoffset() == datetime.timedelta(hours=ABBREVIATIONS[word])


def test_times_at_the_ends_of_the_calendar_are_only_far_away(tmp_path):
    for start in ("0001-01-01T00:00", "9999-12-30T00:00"):
        path = write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60))
        path.write_text(path.read_text().replace("2017-03-06", start[:10]))
        assert len(one(path, time_zone="Australia/Sydney").times) == 60


def test_a_gap_over_the_repeated_hour_is_only_a_gap(tmp_path):
    times = clock(rows=200, start="2017-11-04T19:00")
    local = wall(times, "America/Chicago")
    keep = local.astype("datetime64[h]") != np.datetime64("2017-11-05T01")
    trend = one(write(tmp_path / "ahu.csv", local[keep], unit_readings(200)[keep]), time_zone="America/Chicago")
    np.testing.assert_array_equal(trend.times, times[keep])
    assert lines(trend, "zone") == ""


def test_an_hour_twice_in_summer_is_no_clock_change(tmp_path):
    times = wall(clock(rows=200, start="2017-11-04T19:00"), "America/Chicago") - np.timedelta64(18 * 7, "D")
    with pytest.raises(UserError, match=r"the time 2017-07-02 01:00:00 comes after .*; sort the file by time$"):
        read(write(tmp_path / "ahu.csv", times, unit_readings(200)))
