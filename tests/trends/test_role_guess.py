"""Guesses of `doctor`: which column is which point, whatever a building calls it, and what readings say against it."""

import csv
from pathlib import Path

import numpy as np
import pytest

from data_provider.datasets import lbnl_simulated
from data_provider.simulator import simulate
from data_provider.trends.assignment import Column
from data_provider.trends.columns import Signal, match, signals_of
from data_provider.trends.guess import guess
from data_provider.trends.likeness import likeness, meanings
from data_provider.trends.point_names import without_unit

# Role -> its name in each of many ways of naming points; no name is that of a measured file.
STYLES = [*csv.DictReader(Path(__file__).with_name("naming_styles.csv").open(encoding="utf-8"))]
NAMES = [name for name in STYLES[0] if name != "role"]
# What the single-duct set's networks take, and the column that says when the unit works.
ASKED = tuple(row["role"] for row in STYLES if row["role"] not in ("SA_TEMPSPT", "SF_SPD_DM", "RF_SPD_DM"))
RIGHT = 24  # of 27


@pytest.fixture(scope="module")
def readings(tmp_path_factory) -> dict[str, np.ndarray]:
    """Point -> four days of five-minute readings; "Datetime" -> when."""
    folder = tmp_path_factory.mktemp("simulated")
    [path] = simulate(output=folder, runs=["AHU_annual"], start="2018-04-09", days=4, seed=1, file_format="csv")
    rows = [*csv.DictReader(path.open())][::5]
    found = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "Datetime"}
    return {**found, "Datetime": np.array([row["Datetime"] for row in rows], "datetime64[s]")}


def guessed(
    points: dict[str, np.ndarray], names: dict[str, str], asked: tuple[str, ...] = ASKED
) -> dict[str, tuple[str | None, str]]:
    """Role -> the column proposed for it and the doubt about it, of a file with some names for some points."""
    signals: tuple[Signal, ...] = signals_of(asked, [lbnl_simulated.unit_of(name) for name in asked], None)
    called = [names[point] for point in points if point != "Datetime"]
    bare = without_unit(called)
    values = [points[point] for point in points if point != "Datetime"]
    columns = {at: Column(called[at], values[at], None, bare[at]) for at in range(len(called))}
    origins, _ = match("unit.csv", called, signals, None, ())
    result = guess(signals, origins, columns, times=points["Datetime"], working_column="SYS_CTL")
    return {one.signal.column: (None if one.place is None else columns[one.place].name, one.doubt) for one in result}


def named(style: str) -> dict[str, str]:
    return {row["role"]: row[style] for row in STYLES}


@pytest.mark.parametrize("style", NAMES)
def test_of_27_roles_at_least_24_are_right_and_the_rest_is_marked(style, readings):
    names = named(style)
    found = guessed(readings, names)
    wrong = {role: column for role, (column, _) in found.items() if column != names[role]}
    assert len(found) - len(wrong) >= RIGHT, wrong
    assert [role for role, column in wrong.items() if column is not None and not found[role][1]] == []


def test_units_before_the_points_do_not_matter(readings):
    names = {role: f"Campus/B7.AHU-03.{name}" for role, name in named("terse").items()}
    found = guessed(readings, names)
    assert {role: column for role, (column, _) in found.items() if column != names[role]} == {}


def test_a_name_of_one_point_is_given_to_another_where_that_fits_all_better(readings):
    """OA_DMPR is a position by its own name; beside an OA_DMPR_POS it is the command, and a person is asked."""
    names = named("vfd")
    assert (names["OA_DMPR_DM"], names["OA_DMPR"]) == ("OA_DMPR", "OA_DMPR_POS")
    found = guessed(readings, names)
    assert (found["OA_DMPR_DM"][0], found["OA_DMPR"][0]) == ("OA_DMPR", "OA_DMPR_POS")
    assert "'OA_DMPR' is also a name of OA_DMPR" in found["OA_DMPR_DM"][1]


def test_points_that_the_model_does_not_use_are_not_taken_for_others(readings):
    """Without the supply air's temperature its set point is not proposed in its place, nor power for a speed."""
    rest = {name: values for name, values in readings.items() if name not in ("SA_TEMP", "SF_SPD", "SA_SP")}
    found = guessed(rest, named("words"))
    assert [found[role][0] for role in ("SA_TEMP", "SF_SPD", "SA_SP")] == [None, None, None]
    points = {name: readings[name] for name in ("Datetime", "SA_TEMPSPT")}
    names = {"SA_TEMPSPT": "Discharge Air Temp Heating Setpoint"}
    assert guessed(points, names, ("SA_TEMPSPT",))["SA_TEMPSPT"][0] is None


def test_the_plant_s_points_are_none_of_the_unit_s(readings):
    plant = {
        "pump": "Hot Water Pump VFD Command", "water": "Hot Water Supply Temperature Set Point",
        "box": "Zone Damper Command", "boiler": "Boiler Status", "loop": "Chilled Water Supply Temperature",
    }  # fmt: skip
    names = {**named("words"), **plant}
    asked = (*ASKED, "HWC_VLV_DM", "SA_TEMPSPT_HTG")
    points = {name: readings[name] for name in ("Datetime", "OA_TEMP", "RA_TEMP")}
    points |= {"pump": readings["SF_CS"], "water": readings["SA_TEMPSPT"], "box": readings["OA_DMPR_DM"]}
    points |= {"boiler": readings["SF_SPD_DM"], "loop": readings["SA_TEMP"]}
    assert {column for column, _ in guessed(points, names, asked).values()} == {
        None,
        "Outside Air Temp",
        "Return Air Temp",
    }


def test_a_position_stands_in_for_a_command_that_is_not_logged(readings):
    asked = ("SA_TEMP", "CHWC_VLV_DM", "OA_DMPR_DM")
    points = {name: readings[name] for name in ("Datetime", "SA_TEMP", "CHWC_VLV", "OA_DMPR", "OA_DMPR_DM")}
    found = guessed(points, named("words"), asked)
    assert found["CHWC_VLV_DM"][0] == "Cooling Valve Position"
    assert "it is a cooling coil valve position, and no column is the command" in found["CHWC_VLV_DM"][1]
    assert found["OA_DMPR_DM"][0] == "Outside Air Damper Command"


def test_settled_points_are_those_that_names_and_readings_leave_no_doubt_about(readings):
    doubts = {role: doubt for role, (_, doubt) in guessed(readings, named("words")).items()}
    settled = {role for role, doubt in doubts.items() if not doubt}
    assert {"SA_TEMP", "OA_TEMP", "RA_TEMP", "OA_DMPR_DM", "CHWC_VLV", "SYS_CTL", "ZONE_TEMP_3"} <= settled
    assert all("its readings look like" in doubts[role] for role in doubts if role not in settled)  # units of a flow


@pytest.mark.parametrize(
    ("first", "second", "role", "words"),
    [
        ("OA_TEMP", "RA_TEMP", "RA_TEMP", "return air swings more than outdoor air"),
        ("MA_TEMP", "OA_TEMP", "MA_TEMP", "mixed air lies outside outdoor and return air"),
        ("OA_CFM", "SA_CFM", "OA_CFM", "more outdoor air than supply air"),
        ("SF_WAT", "SF_SPD_DM", "SF_WAT", "its readings are odd for supply fan power"),
        ("SA_TEMP", "CHWC_VLV_DM", "CHWC_VLV_DM", "a command and its position do not move together"),
    ],
)
def test_readings_that_contradict_a_name_are_marked(first, second, role, words, readings):
    names = named("words")
    assert words not in guessed(readings, names)[role][1]
    swapped = {**readings, first: readings[second], second: readings[first]}
    column, doubt = guessed(swapped, names)[role]
    assert words in doubt, (column, doubt)


def test_readings_decide_where_names_do_not(readings):
    """Two columns are called return air; the one that mixed air lies beside is it."""
    names = {**named("words"), "other": "Return Air Temp 2"}
    for order in (False, True):
        away = readings["RA_TEMP"] + 25.0
        pair = (away, readings["RA_TEMP"]) if order else (readings["RA_TEMP"], away)
        points = {**readings, "RA_TEMP": pair[0], "other": pair[1]}
        assert guessed(points, names)["RA_TEMP"][0] == ("Return Air Temp 2" if order else "Return Air Temp")


@pytest.mark.parametrize(
    ("name", "role", "other"),
    [
        ("SF_VFD_SPEED", "SF_SPD", "SF_WAT"),
        ("DUCT_SP_SP", "SA_SPSPT", "SA_TEMPSPT"),
        ("SA_T_SP", "SA_TEMPSPT", "SA_SP"),
        ("OAD-POS", "OA_DMPR", "OA_DMPR_DM"),
        ("Abluft Temperatur", "RA_TEMP", "SA_TEMP"),
        ("K\u00fchlventil Stellsignal", "CHWC_VLV_DM", "HWC_VLV_DM"),
        ("RTN_AIR_TEMPRATURE", "RA_TEMP", "MA_TEMP"),
        ("Preheat Valve Cmd", "HWC_VLV_DM", "CHWC_VLV_DM"),
    ],
)
def test_names_are_read_piece_by_piece(name, role, other):
    assert likeness(name, role) > likeness(name, other)


def test_a_name_that_says_nothing_is_like_nothing():
    assert max(likeness(name, role) for name in ("AI_101", "Point 7", "xyzzy", "", "---") for role in ASKED) == 0
    assert len(meanings("s d c f p sp stat " * 20)) <= 16  # however many ways there are to read it
