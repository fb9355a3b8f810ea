"""Roles and units: what is recognised, what is converted, and what is only suspected."""

import numpy as np
import pytest

from data_provider.datasets.lbnl_simulated import SINGLE_DUCT_SIGNALS, unit_of
from data_provider.trends.columns import signals_of, split_unit
from data_provider.trends.role_names import role_of, short_role_of
from data_provider.trends.roles import read_roles
from data_provider.trends.units import TABLE_UNITS, UNITS, convert, find_unit, interval
from tests.trends.kit import COLUMNS, RANGES, clock, lines, one, read, unit_readings, write
from tests.trends.kit import UNITS as MODEL_UNITS
from utils.errors import UserError


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (77, "F", "C", 25), (25, "C", "F", 77), (-40, "C", "F", -40), (298.15, "K", "F", 77),
        (1000, "CFM", "L/s", 471.94745),
        (1000, "CFM", "m3/h", 1699.01082), (1, "m3/s", "CFM", 2118.88), (1, "in. w.g.", "Pa", 249.08891),
        (1, "kPa", "hPa", 10), (1, "psi", "in. w.g.", 27.6799), (55, "%", "0-1", 0.55), (0.55, "0-1", "%", 55),
        (2.5, "kW", "W", 2500), (1, "hp", "kW", 0.7457), (3412.14, "BTU/h", "kW", 1),
    ],
)  # fmt: skip
def test_conversions_known_from_tables(value, source, target, expected):
    assert convert(np.array([float(value)]), UNITS[source], UNITS[target])[0] == pytest.approx(expected, rel=2e-5)


@pytest.mark.parametrize("source", UNITS.values(), ids=lambda unit: unit.name)
def test_a_conversion_and_back_changes_nothing(source):
    values = np.linspace(-50, 150, 41)
    for target in UNITS.values():
        if source.quantity == target.quantity:
            back = convert(convert(values, source, target), target, source)
            np.testing.assert_allclose(back, values, rtol=1e-12, atol=1e-10)
        else:
            with pytest.raises(ValueError, match="measure different things"):
                convert(values, source, target)


@pytest.mark.parametrize("unit", UNITS.values(), ids=lambda unit: unit.name)
def test_every_spelling_means_its_unit(unit):
    for word in (unit.name, *unit.aliases):
        assert find_unit(word) is unit
        assert find_unit(f" {word.upper()} ") is unit


def test_spellings_met_in_exports():
    words = ("\u00b0F", "deg. C", "in/wc", "in. H2O", "cfm", "l/s", "m\u00b3/h", "pct", "kw")
    assert [unit.name for unit in map(find_unit, words) if unit] == [
        "F", "C", "in. w.g.", "in. w.g.", "CFM", "L/s", "m3/h", "%", "kW",
    ]  # fmt: skip
    assert find_unit("furlong") is None
    assert set(TABLE_UNITS.values()) <= set(UNITS)
    assert interval((32.0, 212.0), "temperature", UNITS["C"]) == pytest.approx((0.0, 100.0))


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("SAT (degF)", "SAT", "F"), ("SAT [\u00b0C]", "SAT", "C"), ("SAT, F", "SAT", "F"),
        ("Static (in. w.g.)", "Static", "in. w.g."),
        ("Temp (Supply)", "Temp (Supply)", None), ("SAT", "SAT", None), ("OAD (%)", "OAD", "%"), ("A, B", "A, B", None),
    ],
)  # fmt: skip
def test_units_in_headers(header, name, unit):
    assert split_unit(header) == (name, UNITS[unit] if unit else None)


@pytest.mark.parametrize("column", SINGLE_DUCT_SIGNALS)
def test_every_signal_of_the_single_duct_set_has_a_role(column):
    role = role_of(column)
    assert role is not None
    assert role.name == column
    unit = find_unit(unit_of(column))
    if unit:  # SA_SPSPT is in. w.g., SF_WAT is W
        assert unit.quantity == role.quantity


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Supply_Air_Temperature_Sensor", "SA_TEMP"), ("brick:Discharge_Air_Temperature_Sensor", "SA_TEMP"),
        ("https://brickschema.org/schema/Brick#Outside_Air_Temperature_Sensor", "OA_TEMP"),
        ("Mixed_Air_Temperature_Sensor", "MA_TEMP"), ("Return_Air_Temperature_Sensor", "RA_TEMP"),
        ("Supply_Air_Static_Pressure_Setpoint", "SA_SPSPT"), ("Outside_Damper.Damper_Position_Command", "OA_DMPR_DM"),
        ("Chilled_Water_Valve/Valve_Command", "CHWC_VLV_DM"), ("discharge air temp sensor", "SA_TEMP"),
        ("sensor temp air outside point", "OA_TEMP"), ("zone-3-air-temp-sensor", "ZONE_TEMP_3"),
        ("discharge fan speed cmd", "SF_CS"), ("chilled-water-valve-cmd", "CHWC_VLV_DM"),
        ("discharge air temp sp", "SA_TEMPSPT"), ("AHU-2 Supply Air Temperature", "SA_TEMP"),
        ("AHU: Supply Air Duct Static Pressure", "SA_SP"), ("AHU: Return Air Fan Speed Control Signal", "RF_CS"),
        ("Occupancy Mode Indicator", "SYS_CTL"), ("SupplyAirTemperature", "SA_TEMP"), ("sa_temp", "SA_TEMP"),
        ("Supply Water Temperature", None), ("DAT", None), ("=1+1", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_brick_haystack_and_others(name, role):
    found = role_of(name)
    assert (found.name if found else None) == role


def test_abbreviations_are_known_but_not_relied_on(tmp_path):
    assert [r.name for r in map(short_role_of, ("DAT", "AHU-1.DA-T", "ZN-T2", "AHU3_OAD")) if r] == [
        "SA_TEMP", "SA_TEMP", "ZONE_TEMP_2", "OA_DMPR_DM",
    ]  # fmt: skip
    path = write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60), names=("DAT", *COLUMNS[1:]))
    assert one(path).missing == ("SA_TEMP",)


def test_brick_and_haystack_names_are_read_and_said(tmp_path):
    names = ("Discharge_Air_Temperature_Sensor", "outside air temp sensor", *COLUMNS[2:])
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60), names=names))
    np.testing.assert_array_equal(trend.values, unit_readings(60).astype(np.float32))
    said = lines(trend, "column")
    assert "'Discharge_Air_Temperature_Sensor' as SA_TEMP, 'outside air temp sensor' as OA_TEMP" in said


def test_two_units_in_one_file_are_not_mixed_up(tmp_path):
    names = ("AHU-1 Supply Air Temperature", "AHU-2 Supply Air Temperature", *COLUMNS[2:])
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60), names=names))
    assert trend.missing == ("SA_TEMP", "OA_TEMP")
    assert "AHU-1 Supply Air Temperature, AHU-2 Supply Air Temperature may all be SA_TEMP" in lines(trend)
    assert np.isnan(trend.values[:, :2]).all()


def _roles(tmp_path, text):
    (tmp_path / "roles.yaml").write_text(text, encoding="utf-8")
    return read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=MODEL_UNITS)


def test_a_role_map_names_columns_by_any_name_of_the_role(tmp_path):
    names = ("a", "b", "c", *COLUMNS[3:])
    path = write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60), names=names)
    text = (
        "SA_TEMP: {column: a, unit: F}\nbrick:Outside_Air_Temperature_Sensor: b\nreturn air temp sensor: {column: c}\n"
    )
    trend = one(path, roles=_roles(tmp_path, text))
    np.testing.assert_array_equal(trend.values, unit_readings(60).astype(np.float32))
    assert trend.missing == ()


def test_a_map_may_name_points_that_the_model_does_not_use(tmp_path):
    """One map serves the base model, and runs that were trained on other points."""
    path = tmp_path / "roles.yaml"
    path.write_text("SA_TEMP: a\nZONE_TEMP_1: z\n")
    assert [*read_roles(path, columns=("SA_TEMP",), units=("F",)).entries] == ["SA_TEMP"]
    path.write_text("ZONE_TEMP_1: z\n")
    with pytest.raises(UserError, match=r"unknown role 'ZONE_TEMP_1'.*choose one of: SA_TEMP"):
        read_roles(path, columns=("SA_TEMP",), units=("F",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "SA_TMP: {column: a}",
            "unknown role 'SA_TMP' (did you mean 'SA_TEMP'?); choose one of: SA_TEMP, OA_TEMP, RA_TEMP",
        ),
        ("SA_TEMP: {column: a, unit: furlong}", "SA_TEMP: unknown unit 'furlong'; choose one of: F, C, K, CFM, L/s"),
        (
            "SA_TEMP: {column: a, unit: kW}",
            "SA_TEMP: kW measures power, and SA_TEMP is a temperature; correct the unit",
        ),
        ("OA_DMPR_DM: {column: a, unit: F}", "OA_DMPR_DM: F measures temperature, and OA_DMPR_DM is a fraction"),
        ("SA_TEMP: {unit: F}", "SA_TEMP: write it as {column: NAME, unit: F}"),
        ("SA_TEMP: {column: a, units: F}", "SA_TEMP: unknown word 'units'; only column, unit and states are known"),
        ("SA_TEMP: a\nSA_TEMP: b", "line 2: 'SA_TEMP' is there twice; keep one"),
        ("SA_TEMP: a\nsa_temp: b", "SA_TEMP is there twice; keep one"),
        ("SA_TEMP: [a, b]", "SA_TEMP: write it as {column: NAME, unit: F}"),
        ("- a\n- b", "it holds no roles"),
        ("", "it holds no roles"),
        ("{}", "it names no role; choose from: SA_TEMP"),
        ("a: b: c", "cannot be read as YAML"),
        ("SA_TEMP: !!python/object/apply:os.system ['true']", "cannot be read as YAML"),
        ("[" * 1200, "; write"),
        ("\x00", "cannot be read as YAML"),
    ],
)
def test_a_wrong_role_map_says_why(tmp_path, text, expected):
    with pytest.raises(UserError) as error:
        _roles(tmp_path, text)
    assert expected in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "roles.yaml"))
    assert "\n" not in str(error.value)


def test_a_role_map_that_would_fill_the_memory_is_refused(tmp_path):
    text = ["a0: &a0 [lol, lol]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30))]
    (tmp_path / "roles.yaml").write_text("SA_TEMP:\n  unit: F\n  column:\n" + "\n".join(f"    {x}" for x in text))
    with pytest.raises(UserError, match="it has an alias"):
        read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=MODEL_UNITS)


def test_a_role_map_that_is_not_there_or_too_large(tmp_path):
    with pytest.raises(UserError, match=r"no such file; python run.py doctor .* writes a first role map"):
        read_roles(tmp_path / "no.yaml", columns=COLUMNS, units=MODEL_UNITS)
    with pytest.raises(UserError, match="larger than 1 MiB, so it is not a role map"):
        _roles(tmp_path, "# " + "x" * 2**20)


def test_a_column_that_the_file_lacks(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=60), unit_readings(60))
    trend = one(path, roles=_roles(tmp_path, "SA_TEMP: {column: Nowhere, unit: F}"))
    assert "SA_TEMP: no column 'Nowhere', which" in lines(trend, "missing")
    assert np.isnan(trend.values[:, 0]).all()
    assert not np.isnan(trend.values[:, 1:]).any()


def _changed(column, change):
    values = unit_readings(288)
    values[:, column] = change(values[:, column])
    return values


@pytest.mark.parametrize(
    ("column", "change", "probable"),
    [
        (0, lambda v: (v - 32) / 1.8, "C"), (2, lambda v: (v - 32) / 1.8, "C"), (0, lambda v: (v + 459.67) / 1.8, "K"),
        (4, lambda v: v * 249.08891, "Pa"), (5, lambda v: v * 100, "%"), (6, lambda v: v / 1000, "kW"),
    ],
)  # fmt: skip
def test_a_unit_that_does_not_fit_is_named_and_nothing_converted(tmp_path, column, change, probable):
    path = write(tmp_path / "ahu.csv", clock(rows=288), _changed(column, change))
    with pytest.raises(UserError) as error:
        read(path)
    assert f": {COLUMNS[column]}: " in str(error.value)
    assert f'write its unit into the role map: unit: "{probable}"' in str(error.value)
    fixed = one(path, roles=_roles(tmp_path, f'{COLUMNS[column]}: {{column: {COLUMNS[column]}, unit: "{probable}"}}'))
    np.testing.assert_allclose(fixed.values, unit_readings(288), rtol=2e-6)


def test_a_wrong_unit_in_the_role_map_is_noticed_too(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=288), unit_readings(288))
    with pytest.raises(UserError, match=r"SA_TEMP: a median of 57.* is not what it reads in K, but would be in F"):
        read(path, roles=_roles(tmp_path, "SA_TEMP: {column: SA_TEMP, unit: K}"))
    with pytest.raises(
        UserError, match=r"OA_DMPR_DM: a highest reading of 0.\d+ is not what it reads in %, but would be"
    ):
        read(path, roles=_roles(tmp_path, 'OA_DMPR_DM: {column: OA_DMPR_DM, unit: "%"}'))


def test_a_flow_far_from_training_is_reported_and_left(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=288), _changed(3, lambda v: v * 1.69901082))
    trend = one(path)
    assert "SA_CFM: a 95th percentile of 7" in lines(trend, "unit")
    assert "is far from training's 0 to 5000, and would fit in m3/h" in lines(trend, "unit")
    assert trend.values[:, 3].max() > 6000
    assert "far from training" not in lines(one(path, ranges=None))


def test_a_shut_valve_does_not_hide_percentages(tmp_path):
    values = unit_readings(288)
    values[:, 5] = 0
    values[100:104, 5] = 85
    with pytest.raises(
        UserError, match="OA_DMPR_DM: a highest reading of 85 is not what it reads in 0-1, but would be in %"
    ):
        read(write(tmp_path / "ahu.csv", clock(rows=288), values))


def test_units_that_contradict_each_other_are_said(tmp_path):
    names = ("SA_TEMP (F)", "OA_TEMP (kW)", *COLUMNS[2:])
    path = write(
        tmp_path / "ahu.csv",
        clock(rows=60),
        [[f"{row[0]} C", *row[1:]] for row in unit_readings(60).tolist()],
        names=names,
    )
    trend = one(path)
    assert "SA_TEMP: F is stated for it, and its cells say C: read as F; correct the role map" in lines(trend, "unit")
    assert "OA_TEMP: 'OA_TEMP (kW)' is in kW, and the model's is in F: not used" in lines(trend, "missing")
    assert trend.missing == ("OA_TEMP",)


def test_codes_are_missing_only_where_the_point_cannot_read_them(tmp_path):
    values = unit_readings(60)
    values[10, 0] = values[11, 5] = 999  # neither a temperature nor a share
    values[12, 3] = values[13, 6] = 999  # but a flow and a power
    values[14, 3] = values[15, 1] = -9999
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), values), max_age_seconds=1)
    unknown = np.argwhere(np.isnan(trend.values)).tolist()
    assert unknown == [[10, 0], [11, 5], [14, 3], [15, 1]]
    assert trend.values[12, 3] == trend.values[13, 6] == 999
    assert len([problem for problem in trend.problems if problem.kind == "code"]) == 4


def test_codes_of_a_point_nobody_knows(tmp_path):
    values = np.stack([np.arange(60.0), np.arange(60.0)], 1)
    values[10, 0] = 9999
    path = write(tmp_path / "ahu.csv", clock(rows=60), values, names=("signal A", "signal B"))
    settings = {"columns": ("signal A", "signal B"), "units": ("", "")}
    kept = one(path, **settings, ranges=None)
    assert kept.values[10, 0] == 9999
    assert "9999 stands 1 times and may stand for a missing reading" in lines(kept, "code")
    trained = one(path, **settings, ranges={"signal A": (0.0, 60.0)}, max_age_seconds=1)
    assert np.isnan(trained.values[10, 0])
    assert "the model's unit is unknown, so numbers are taken as they are for signal A, signal B" in lines(trained)


def test_a_share_without_a_unit_goes_by_its_training_range():
    column = "AHU: Outdoor Air Damper Control Signal"
    for ranges, unit in (({column: (0.0, 1.0)}, "0-1"), ({column: (0.0, 100.0)}, "%"), (None, None)):
        [signal] = signals_of([column], [""], ranges)
        assert (signal.unit.name if signal.unit else None) == unit
    [own] = signals_of(["OA_DMPR_DM"], [""], None)
    assert own.unit is UNITS["0-1"]
    assert set(RANGES) == set(COLUMNS)


def test_a_nearly_shut_valve_in_percent_is_believed_where_others_are_in_percent(tmp_path):
    names, units = ("OA_DMPR_DM", "CHWC_VLV_DM", "SA_TEMP"), ("%", "%", "F")
    values = np.stack([unit_readings(60)[:, 5] * 100, unit_readings(60)[:, 5], unit_readings(60)[:, 0]], 1)
    settings = {"columns": names, "units": units, "ranges": None}
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), values, names=names), **settings)
    np.testing.assert_allclose(trend.values, values, rtol=1e-6)
    values[:, 0] /= 100
    with pytest.raises(
        UserError, match=r"OA_DMPR_DM: a highest reading of .* is not what it reads in %, but would be in 0-1"
    ):
        read(write(tmp_path / "ahu.csv", clock(rows=60), values, names=names), **settings)


def test_a_role_that_two_of_the_model_s_columns_have_is_not_guessed(tmp_path):
    path = write(
        tmp_path / "ahu.csv", clock(rows=60), unit_readings(60)[:, :2], names=("Discharge Air Temp", "OA_TEMP")
    )
    columns = ("AHU-1: Supply Air Temperature", "AHU-2: Supply Air Temperature", "OA_TEMP")
    trend = one(path, columns=columns, units=("F", "F", "F"), ranges=None)
    assert trend.missing == columns[:2]


def test_a_column_with_cells_in_two_units_keeps_the_one_most_are_in(tmp_path):
    cells = [[f"{row[0]} F", *row[1:]] for row in unit_readings(60).tolist()]
    cells[30][0] = "14 C"
    trend = one(write(tmp_path / "ahu.csv", clock(rows=60), cells))
    assert "line 32, SA_TEMP: 1 cells are not numbers, the first '14 C'" in lines(trend, "cell")
    assert trend.values[30, 0] == np.float32(unit_readings(60)[29, 0])


def test_times_may_stand_in_a_column_without_a_name(tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=20), unit_readings(20), time_name="")
    (tmp_path / "roles.yaml").write_text('time: {column: ""}')
    roles = read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=MODEL_UNITS)
    assert len(one(path, roles=roles).times) == 20


def test_counts_are_refused_as_shares_and_read_with_their_unit(tmp_path):
    values = unit_readings(60)
    values[:, 5] = np.round(np.clip(values[:, 5], 0, 1) * 10_000)
    path = write(tmp_path / "ahu.csv", clock(rows=60), values)
    with pytest.raises(UserError, match='would be in 0-10000; write its unit into the role map: unit: "0-10000"'):
        read(path)
    (tmp_path / "roles.yaml").write_text('OA_DMPR_DM: {column: OA_DMPR_DM, unit: "0-10000"}')
    roles = read_roles(tmp_path / "roles.yaml", columns=COLUMNS, units=MODEL_UNITS)
    np.testing.assert_allclose(one(path, roles=roles).values[:, 5], values[:, 5] / 10_000, rtol=1e-6)
