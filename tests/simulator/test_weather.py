"""Weather: Chicago's normals month by month, the sun, and weather files good and bad."""

import numpy as np
import pytest

from data_provider.simulator import climate, epw, weather
from data_provider.simulator.moist_air import moist_air, psychrometrics
from data_provider.simulator.schedule import gains, occupied
from data_provider.simulator.sun import clear_sky, on_walls, split, sun_at
from data_provider.simulator.units import to_f
from utils.errors import UserError

FIRST = np.datetime64("2018-01-01")
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@pytest.fixture(scope="module")
def year() -> tuple[weather.Hourly, np.ndarray]:
    """A year by the hour, and by the minute."""
    source = weather.hourly(first=FIRST, days=365, seed=2018, file=None)
    return source, weather.minutes(source=source, first=FIRST, days=365, seed=2018)


def test_months_are_near_the_normals(year):
    source, minutes = year
    month = np.repeat(np.repeat(np.arange(12), _LENGTHS), 1440)
    hour_month = month[::60]
    f = to_f(minutes["dry_bulb"])
    dew = to_f(source.dew_point[: 365 * 24])
    hours = FIRST.astype("datetime64[h]") + np.arange(365 * 24)
    sun = sun_at(climate.CHICAGO, hours.astype("datetime64[s]") + np.timedelta64(1800, "s"))
    level = source.diffuse[: 365 * 24] + source.beam[: 365 * 24] * np.maximum(sun.height, 0)
    for number in range(12):
        days = f[month == number].reshape(-1, 1440)
        assert days.mean() == pytest.approx(climate.MEAN_F[number], abs=0.3)
        assert days.max(1).mean() == pytest.approx(climate.HIGH_F[number], abs=2.0)
        assert days.min(1).mean() == pytest.approx(climate.LOW_F[number], abs=2.7)
        assert dew[hour_month == number].mean() == pytest.approx(climate.DEW_F[number], abs=0.6)
        daily = level[hour_month == number].sum() / _LENGTHS[number] / 1000
        assert daily == pytest.approx(climate.LEVEL_KWH[number], rel=0.05)
        assert days.mean(1).std() > 2.0  # days differ
    assert -30 < f.min() < 15
    assert 85 < f.max() < 105


def test_weather_is_possible_and_steady(year):
    source, minutes = year
    assert (source.dew_point <= source.dry_bulb).all()
    air = moist_air(climate.CHICAGO.elevation)
    dry = minutes["dry_bulb"]
    saturated = np.interp(dry, -60 + 0.02 * np.arange(len(air.ratio)), air.ratio)
    assert (minutes["humidity"] <= saturated + 1e-9).all()
    assert np.abs(np.diff(dry)).max() < 0.6  # K a minute
    assert minutes["walls"].min() >= 0.0
    assert minutes["walls"].max() < 1100.0


def test_a_days_weather_does_not_depend_on_the_span(year):
    day = np.datetime64("2018-07-09")
    source = weather.hourly(first=day, days=3, seed=2018, file=None)
    alone = weather.minutes(source=source, first=day, days=3, seed=2018)
    start = int((day - FIRST).astype(int)) * 1440
    for name in ("dry_bulb", "humidity", "walls"):
        np.testing.assert_allclose(alone[name], year[1][name][start : start + 4320], rtol=1e-9, atol=1e-9)


def test_another_seed_is_another_year_of_the_same_climate(year):
    other = weather.hourly(first=FIRST, days=31, seed=7, file=None).dry_bulb
    mine = year[0].dry_bulb[: len(other)]
    assert np.abs(other - mine).mean() > 1.0
    assert other[: 31 * 24].mean() == pytest.approx(mine[: 31 * 24].mean(), abs=0.1)


def test_the_sun_stands_where_it_should():
    """Noon heights at the solstices and the equinox; east in the morning, west in the evening, north hardly ever."""
    place = climate.CHICAGO
    noons = np.array(["2018-06-21T11:52", "2018-12-21T11:50", "2018-03-20T11:59"], dtype="datetime64[s]")
    heights = np.degrees(np.arcsin(sun_at(place, noons).height))
    assert heights == pytest.approx([90 - 41.98 + 23.44, 90 - 41.98 - 23.44, 90 - 41.98], abs=0.6)
    times = np.array(["2018-06-21T07:00", "2018-06-21T12:00", "2018-06-21T17:00", "2018-06-21T23:00"])
    sun = sun_at(place, times.astype("datetime64[s]"))
    beam, diffuse = split(sun, clear_sky(sun))
    walls = on_walls(sun, beam, diffuse)
    assert walls[0].argmax() == 1
    assert walls[1].argmax() == 0
    assert walls[2].argmax() == 3
    assert (walls[3] == 0).all()
    np.testing.assert_allclose(beam * np.maximum(sun.height, 0) + diffuse, clear_sky(sun), rtol=0.02, atol=1.0)


def test_people_come_and_go():
    times = np.datetime64("2018-01-01T00:00") + np.arange(7 * 1440)  # a Monday
    heat, latent = gains(times, 2018)
    hour = np.arange(7 * 1440) / 60
    assert heat[:, 4].argmax() < 5 * 1440
    assert latent[(hour > 2) & (hour < 4)].max() == 0
    assert heat.sum(1)[hour == 2][0] > 1000  # what never sleeps
    assert heat[hour == 10].sum() > 3 * heat[hour == 6 * 24 + 10].sum()
    assert occupied(times).sum() == 5 * 960 + 720
    assert (gains(times, 2018)[0] == heat).all()
    assert (gains(times, 2019)[0] != heat).any()


def test_fog_at_the_dew_point():
    """The humidity of a dew point is the library's."""
    air = moist_air(climate.CHICAGO.elevation)
    pressure = psychrometrics().GetStandardAtmPressure(climate.CHICAGO.elevation)
    want = psychrometrics().GetHumRatioFromTDewPoint(12.3, pressure)
    assert np.interp(12.3, -60 + 0.02 * np.arange(len(air.ratio)), air.ratio) == pytest.approx(want, rel=1e-5)


def epw_lines(days: tuple[int, ...] = _LENGTHS) -> list[str]:
    """A weather file of a place in Denmark: 10 C plus the month, sun at noon."""
    head = ["LOCATION,Nowhere,-,DNK,made up,000000,55.6,12.6,1.0,5.0"] + ["HEADER"] * 7
    rows = []
    for month, length in enumerate(days, 1):
        for day in range(1, length + 1):
            for hour in range(1, 25):
                beam = 400 if hour == 12 else 0
                numbers = [10.0 + month, 5.0, 70, 101000, 0, 0, 0, 100, beam, 50 if 8 < hour < 17 else 0]
                rows.append(",".join(map(str, [2001, month, day, hour, 0, "?", *numbers, *([0] * 19)])))
    return head + rows


@pytest.fixture
def write_epw(tmp_path):
    def write(lines: list[str]):
        path = tmp_path / "place.epw"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def test_reads_a_weather_file(write_epw):
    path = write_epw(epw_lines())
    first = np.datetime64("2020-02-27")  # a leap year that the file does not know
    source = weather.hourly(first=first, days=4, seed=1, file=path)
    assert source.site.latitude == 55.6
    assert source.site.elevation == 5.0
    assert source.dry_bulb[[0, 48, 71, 72]].tolist() == [12.0, 12.0, 12.0, 13.0]
    assert source.beam[[11, 12]].tolist() == [400.0, 0.0]  # hour 12 of the file is 11 to 12
    minutes = weather.minutes(source=source, first=first, days=4, seed=1)
    assert minutes["dry_bulb"][:1440].mean() == pytest.approx(12.0, abs=0.1)
    assert minutes["walls"][11 * 60 + 30].max() > 100


def test_a_leap_year_file_serves_other_years(write_epw):
    path = write_epw(epw_lines((31, 29, *_LENGTHS[2:])))
    assert len(epw.read_epw(path)[1][0]) == 8784
    hours = np.array(["2019-02-28T23", "2019-03-01T00", "2019-12-31T23", "2020-02-29T00"], dtype="datetime64[h]")
    assert epw.rows_of(hours, 8784).tolist() == [59 * 24 - 1, 60 * 24, 8783, 59 * 24]


def broken(line: int, column: int, text: str) -> list[str]:
    lines = epw_lines()
    parts = lines[line].split(",")
    parts[column] = text
    lines[line] = ",".join(parts)
    return lines


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["a,b", "1,2"], "not an EPW"),
        ([], "not an EPW"),
        (epw_lines()[:5000], "4992 hours"),
        (broken(0, 6, "north"), "line 1"),
        (broken(0, 6, "95"), "no such place"),
        (broken(20, 6, "warm"), "line 21: dry bulb is 'warm'"),
        (broken(20, 6, "99.9"), "line 21: dry bulb 99.9"),
        (broken(21, 7, "nan"), "line 22: dew point nan"),
        (broken(22, 14, "9999"), "line 23: direct normal radiation"),
        (broken(23, 15, "-5"), "line 24: diffuse horizontal radiation"),
        (broken(24, 3, "3"), "line 25: expected month 1 day 1 hour 17"),
        ([line if i != 30 else "2001,1,1" for i, line in enumerate(epw_lines())], "line 31: expected"),
    ],
)
def test_says_what_is_wrong_with_a_weather_file(write_epw, lines, says):
    with pytest.raises(UserError, match=says) as caught:
        epw.read_epw(write_epw(lines))
    assert "\n" not in str(caught.value)


def test_refuses_a_huge_or_binary_weather_file(tmp_path):
    huge = tmp_path / "huge.epw"
    with huge.open("wb") as file:
        file.truncate(20 * 2**20)
    with pytest.raises(UserError, match="larger than 16 MB"):
        epw.read_epw(huge)
    binary = tmp_path / "binary.epw"
    binary.write_bytes(bytes(range(256)) * 64)
    with pytest.raises(UserError, match="EPW"):
        epw.read_epw(binary)
    with pytest.raises(UserError, match="no weather file"):
        epw.read_epw(tmp_path)
