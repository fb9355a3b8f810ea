"""One role map for many units: {unit} in names of points, found from a folder's names and resolved for each file."""

from pathlib import Path

import numpy as np
import pytest

from data_provider.trends.read_options import ReadOptions
from data_provider.trends.roles import read_roles
from data_provider.trends.table import read_table
from data_provider.trends.unit_templates import templates, unit_of
from tests.trends.kit import COLUMNS, UNITS, clock, lines, one, unit_readings, write
from utils.errors import UserError

SHORT = ("SAT", "OAT", "RAT", "SAF", "DSP", "OAD", "SFKW")


@pytest.mark.parametrize(
    ("form", "units"),
    [
        ("AHU-{unit}_", ("1", "2", "10")),
        ("B7_AHU{unit}.", ("1", "11", "21")),
        ("{unit} ", ("North", "Nord", "Northeast")),
        ("NAE{unit}.", ("1/AHU-1", "2/AHU-7")),
        ("{unit}_", ("AHUA", "AHUB")),
        ("Bldg 4 RTU {unit} ", ("3", "4", "5", "6", "7", "8", "9", "33")),
    ],
)
def test_a_folder_shows_what_stands_for_the_unit(form, units):
    names = [[form.replace("{unit}", unit) + point for point in SHORT] for unit in units]
    for own, others in [(names[0], names[1:]), (names[-1], names[:-1])]:
        found = templates(own, others)
        assert [found[name] for name in own] == [form + point for point in SHORT]


def test_shared_points_stay_and_points_of_one_unit_get_its_form():
    own = ["Site OAT", "AHU-1 ZN1-T", "AHU-1 SAT", "AHU-1 RAT", "AHU-1 HUM"]
    other = ["Site OAT", "AHU-2 ZN1-T", "AHU-2 SAT", "AHU-2 RAT"]
    assert [*templates(own, [other]).values()] == [
        "Site OAT", "AHU-{unit} ZN1-T", "AHU-{unit} SAT", "AHU-{unit} RAT", "AHU-{unit} HUM"
    ]  # fmt: skip


def test_names_that_have_nothing_in_common_stay():
    assert [*templates(["SAT", "RAT"], [["SAT", "RAT"]]).values()] == ["SAT", "RAT"]
    assert [*templates(["SAT", "RAT"], [["Zuluft", "Abluft"]]).values()] == ["SAT", "RAT"]
    assert [*templates(["SAT"], []).values()] == ["SAT"]
    assert templates([], [["SAT"]]) == {}


def test_the_unit_is_the_one_that_most_names_agree_on():
    forms = ["AHU-{unit}_SAT", "AHU-{unit}_RAT"]
    assert unit_of(forms, ["AHU-1_SAT", "AHU-1_RAT", "AHU-1_VAV-2_RAT"]) == ["1"]
    assert unit_of(forms, ["AHU-1_SAT (degF)", "AHU-1_RAT [F]"]) == ["1"]
    assert unit_of(forms, ["SAT"]) == []
    assert sorted(unit_of(forms, ["AHU-1_SAT", "AHU-2_SAT"])) == ["1", "2"]
    assert unit_of(forms, ["AHU-1_SAT", "AHU-2_SAT"], "ahu-2.csv") == ["2"]
    assert unit_of(["{unit}.A.{unit}"], ["x.A.y", "z.A.z"]) == ["z"]


def file_of(folder: Path, unit: str, points: tuple[str, ...] = SHORT, time_name: str = "Datetime") -> Path:
    names = tuple(f"AHU-{unit}_{point}" for point in points)
    return write(folder / f"unit{unit}.csv", clock(rows=96), unit_readings(96), names=names, time_name=time_name)


def map_of(folder: Path, text: str = "") -> Path:
    forms = zip(COLUMNS, SHORT, strict=True)
    path = folder / "roles.yaml"
    path.write_text(text or "".join(f'{role}: {{column: "AHU-{{unit}}_{point}"}}\n' for role, point in forms))
    return path


@pytest.mark.parametrize("unit", ["1", "2", "10"])
def test_one_map_serves_every_file(unit, tmp_path):
    roles = read_roles(map_of(tmp_path), columns=COLUMNS, units=UNITS)
    trend = one(file_of(tmp_path, unit), roles=roles)
    np.testing.assert_allclose(trend.values, unit_readings(96), rtol=1e-6)
    assert trend.missing == ()


def test_training_takes_the_same_map(tmp_path):
    table = read_table(file_of(tmp_path, "7"), ReadOptions(roles=read_roles(map_of(tmp_path))))
    assert table.columns == COLUMNS
    np.testing.assert_allclose(table.values, unit_readings(96), rtol=1e-6)


def test_the_column_of_times_may_carry_the_unit(tmp_path):
    text = map_of(tmp_path).read_text() + 'time: {column: "AHU-{unit}_Logged"}\n'
    roles = read_roles(map_of(tmp_path, text), columns=COLUMNS, units=UNITS)
    trend = one(file_of(tmp_path, "3", time_name="AHU-3_Logged"), roles=roles)
    assert len(trend.times) == 96


def test_a_point_that_a_unit_lacks_is_named_as_that_unit_would_call_it(tmp_path):
    roles = read_roles(map_of(tmp_path), columns=COLUMNS, units=UNITS)
    trend = one(file_of(tmp_path, "4", (*SHORT[:-1], "other")), roles=roles)
    assert trend.missing == ("SF_WAT",)
    assert "no column 'AHU-4_SFKW', which" in lines(trend, "missing")


def test_two_units_in_a_file_that_fit_alike_are_asked_for(tmp_path):
    names = tuple(f"AHU-{unit}_{point}" for unit in (1, 2) for point in SHORT)
    path = write(tmp_path / "both.csv", clock(rows=96), np.tile(unit_readings(96), 2), names=names)
    map_of(tmp_path)
    with pytest.raises(UserError, match=r"\{unit\} in .*roles.yaml may be 1, 2; take the units apart with --unit_from"):
        one(path, roles=read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=UNITS))
    with pytest.raises(UserError, match=r"both.csv: \{unit\} in .*roles.yaml may be 1, 2; take the units apart"):
        read_table(path, ReadOptions(roles=read_roles(tmp_path / "roles.yaml")))


def test_braces_without_quotes_are_explained(tmp_path):
    map_of(tmp_path, "SA_TEMP: {column: AHU-{unit}_SAT}\n")
    with pytest.raises(UserError, match=r"""write 'ROLE: \{column: "AHU-\{unit\} SAT", unit: F\}'"""):
        read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=UNITS)
