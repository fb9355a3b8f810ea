"""Units with models of one's own folder: stated ones are kept with the model, and heeded where nobody stated them."""

from pathlib import Path

import numpy as np
import pytest

from data_provider.prepare import load_data
from data_provider.trends.columns import signals_of
from data_provider.trends.roles import read_roles
from tests.kit import write_folder
from tests.trends.kit import COLUMNS, RANGES, UNITS, clock, lines, one, unit_readings, write
from utils.options import Options

NO_UNITS = ("",) * len(COLUMNS)
SI = {"SA_TEMP": "C", "OA_TEMP": "C", "RA_TEMP": "C", "SA_CFM": "L/s", "SA_SP": "Pa", "OA_DMPR_DM": "%", "SF_WAT": "kW"}
FACTORS = {"L/s": 0.47194745, "Pa": 249.08891, "%": 100.0, "kW": 0.001}


def in_si(values: np.ndarray) -> np.ndarray:
    """(T, 7) readings of the made-up unit as another building logs them."""
    columns = [
        (values[:, at] - 32) / 1.8 if SI[name] == "C" else values[:, at] * FACTORS[SI[name]]
        for at, name in enumerate(COLUMNS)
    ]
    return np.stack(columns, axis=1)


def map_of(folder: Path, units: dict[str, str]) -> Path:
    path = folder / "roles.yaml"
    path.write_text("".join(f'{name}: {{column: {name}, unit: "{unit}"}}\n' for name, unit in units.items()))
    return path


def test_the_map_s_units_are_heeded_where_training_stated_none(tmp_path):
    """The model's own unit is told by its training readings; a file in other units reads as one in those."""
    path = write(tmp_path / "ahu.csv", clock(rows=96), in_si(unit_readings(96)))
    roles = read_roles(map_of(tmp_path, SI), columns=COLUMNS, units=NO_UNITS)
    trend = one(path, units=NO_UNITS, roles=roles)
    np.testing.assert_allclose(trend.values, unit_readings(96), rtol=1e-4)
    assert "the model's readings look like F, so it is read in that: SA_TEMP (C), OA_TEMP (C), RA_TEMP (C)" in lines(
        trend
    )


def test_units_in_the_header_are_heeded_as_well(tmp_path):
    names = tuple(f"{name} [{unit}]" for name, unit in SI.items())
    path = write(tmp_path / "ahu.csv", clock(rows=96), in_si(unit_readings(96)), names=names)
    np.testing.assert_allclose(one(path, units=NO_UNITS).values, unit_readings(96), rtol=1e-4)


def test_without_a_stated_unit_nothing_is_converted(tmp_path):
    celsius = unit_readings(96)
    celsius[:, :3] = (celsius[:, :3] - 32) / 1.8
    path = write(tmp_path / "ahu.csv", clock(rows=96), celsius)
    np.testing.assert_allclose(one(path, units=NO_UNITS).values, celsius, rtol=1e-5)


@pytest.mark.parametrize(
    ("column", "trained", "unit"),
    [
        ("SA_TEMP", (50, 90), "F"), ("SA_TEMP", (10, 32), "C"), ("SA_TEMP", (284, 305), "K"),
        ("SA_CFM", (0, 5000), "CFM"), ("Supply Air Flow", (0, 5000), None),
        ("SA_SP", (0, 2), "in. w.g."), ("SA_SP", (0, 500), "Pa"),
        ("Anything", (0, 1), None), ("SA_TEMP", (-900, 9000), None),
    ],
)  # fmt: skip
def test_what_training_readings_say_of_their_unit(column, trained, unit):
    [signal] = signals_of([column], [""], {column: trained})
    assert signal.unit is None
    assert (signal.likely.name if signal.likely else None) == unit


def test_outdoor_air_is_in_the_unit_of_the_other_temperatures():
    ranges = {"OA_TEMP": (0.0, 30.0), "SA_TEMP": (10.0, 32.0)}
    assert [s.likely and s.likely.name for s in signals_of([*ranges], ["", ""], ranges)] == ["C", "C"]
    assert [s.likely for s in signals_of(["OA_TEMP"], [""], ranges)] == [None]
    stated = signals_of([*ranges], ["F", "F"], ranges)
    assert [(s.unit.name, s.likely) for s in stated if s.unit] == [("F", None), ("F", None)]


def test_a_unit_that_cannot_be_heeded_is_said(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=96), unit_readings(96))
    roles = read_roles(map_of(tmp_path, {"OA_TEMP": "C"}), columns=COLUMNS, units=NO_UNITS)
    ranges = {"OA_TEMP": RANGES["OA_TEMP"]}
    assert "units that are stated change nothing for OA_TEMP (C)" in lines(
        one(path, units=NO_UNITS, roles=roles, ranges=ranges)
    )
    assert "change nothing" not in lines(one(path, units=UNITS, roles=roles))


def test_training_keeps_the_units_that_its_files_or_its_map_state(tmp_path):
    root = write_folder(tmp_path / "data", days=6)
    flags = {"data": "folder", "root_path": str(root), "seq_len": 12, "cache_path": str(tmp_path / "cache")}
    assert {*load_data(Options(**flags)).info.units} == {""}
    (tmp_path / "roles.yaml").write_text("SUPPLY: {column: SUPPLY, unit: F}\nOUTDOOR: {column: OUTDOOR, unit: C}\n")
    info = load_data(Options(**flags, roles=str(tmp_path / "roles.yaml"))).info
    units = dict(zip(info.columns, info.units, strict=True))
    assert units == {"SUPPLY": "F", "OUTDOOR": "F", "COMMAND": "", "POSITION": "", "FAN": ""}
    again = load_data(Options(**flags, roles=str(tmp_path / "roles.yaml"))).info  # from the cache
    assert again.units == info.units
