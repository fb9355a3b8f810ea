"""A fleet: draws that can be repeated, physics of every kind of unit, faults that show as textbooks say."""

import csv
import json
from functools import cache

import numpy as np
import pyarrow.parquet
import pytest

from data_provider.simulator.faults import Fault
from data_provider.simulator.fleet import simulate_fleet
from data_provider.simulator.fleet.draw import KINDS, draw_unit
from data_provider.simulator.fleet.faults import CLASSES, FAULTS, draw_fault
from data_provider.simulator.fleet.unit import LOGGED, Surroundings, days_of, surroundings
from data_provider.simulator.loop import advance
from data_provider.simulator.moist_air import psychrometrics
from data_provider.simulator.noise import generator
from data_provider.simulator.records import POINTS, TRACE, ZONES
from data_provider.simulator.runs import at_rest
from run import main
from utils.errors import UserError

LIBRARY = psychrometrics()
SEED = 11


def first_of(kind: str, **wanted: float) -> int:
    """The number of the first unit of a kind whose design has these values."""
    units = ((number, draw_unit(SEED, number)) for number in range(400))
    return next(n for n, u in units if u.kind == kind and all(u.design[name] == v for name, v in wanted.items()))


@cache
def met(number: int) -> Surroundings:
    """What a unit meets for some days."""
    return surroundings(draw_unit(SEED, number), seed=SEED, days=2)


def played(number: int, fault: Fault, *, traced: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """POINTS and, if traced, TRACE records of a unit's settled minutes, a fault present from the start."""
    unit, (times, outdoors, noise, air) = draw_unit(SEED, number), met(number)
    points, traces = np.zeros(len(times), POINTS), np.zeros(len(times) if traced else 1, TRACE)
    advance(at_rest(), unit.design, outdoors, noise, fault, air, points, traces, np.zeros(ZONES), np.zeros(ZONES))
    started = np.convolve(points["SYS_CTL"], np.ones(120), "full")[: len(times)] == 120  # for two hours
    return points[started], traces[started] if traced else traces


@cache
def without_fault(number: int) -> np.ndarray:
    """POINTS records of a unit's settled minutes."""
    return played(number, Fault())[0]


def enthalpy(t: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.array([LIBRARY.GetMoistAirEnthalpy(float(a), float(b)) for a, b in zip(t, w, strict=True)])


def test_a_unit_is_the_same_in_a_fleet_of_any_size(tmp_path):
    few = simulate_fleet(output=tmp_path / "few", units=2, days=2, seed=3, progress=False)
    many = simulate_fleet(output=tmp_path / "many", units=3, days=2, seed=3, progress=False)
    assert [path.name for path in many[:4]] == [path.name for path in few]
    assert [path.read_bytes() for path in many[:4]] == [path.read_bytes() for path in few]
    again = simulate_fleet(output=tmp_path / "few", units=2, days=2, seed=4, progress=False)
    assert [path.read_bytes() for path in again] != [path.read_bytes() for path in many[:4]]


def test_the_tables_beside_a_fleet_tell_its_units_and_days(tmp_path):
    written = simulate_fleet(output=tmp_path, units=2, days=3, seed=5, progress=False)
    assert json.loads((tmp_path / "SIMULATED.json").read_text())["fleet"]["units"] == 2
    with (tmp_path / "units.csv").open() as file:
        units = [*csv.DictReader(file)]
    with (tmp_path / "days.csv").open() as file:
        days = [*csv.DictReader(file)]
    assert [unit["unit"] for unit in units] == ["unit_0000", "unit_0001"]
    assert {unit["kind"] for unit in units} <= {*KINDS}
    assert len(days) == 6
    assert {day["fault"] for day in days} <= {*FAULTS}
    faulty = pyarrow.parquet.read_table(written[1]).to_pandas()
    assert [*faulty.columns] == ["Datetime", *LOGGED, "fault", "severity", "shows"]
    shown = faulty.groupby(faulty["Datetime"].dt.date)["shows"].sum() * float(units[0]["step_minutes"]) / 60
    assert shown.tolist() == pytest.approx([float(day["hours_shown"]) for day in days[:3]], abs=0.01)


def test_a_faulty_day_and_its_twin_meet_the_same_weather_and_differ_only_where_the_fault_shows():
    for day in days_of(draw_unit(SEED, 1), seed=SEED, days=6):
        if day.fault.kind not in ("oa_sensor_bias",):
            np.testing.assert_array_equal(day.faulty["OA_TEMP"], day.fault_free["OA_TEMP"])
        names = [name for name in LOGGED if "TEMP" in name or name.endswith("_DM")]
        gap = np.nanmax(
            [np.abs(day.faulty[n] - day.fault_free[n]) / (2.5 if "TEMP" in n else 0.15) for n in names], axis=0
        )
        assert (gap[day.shows] > 0.5).all()  # the log rounds
        assert (gap[~day.shows & (day.faulty["SF_SPD_DM"] > 0)] < 1.5).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("behind", [0.0, 1.0])
def test_air_gets_what_coils_and_fan_give_in_every_kind_of_unit(kind, behind):
    _, trace = played(first_of(kind, heating_behind=behind), Fault(), traced=True)
    trace = trace[::53]
    part = trace["fraction"]
    mixed = part * enthalpy(trace["outdoor_t"], trace["outdoor_w"])
    mixed += (1 - part) * enthalpy(trace["return_t"], trace["return_w"])
    np.testing.assert_allclose(enthalpy(trace["mixed_t"], trace["mixed_w"]), mixed, rtol=1e-9, atol=1e-6)
    entering = trace["mixed_t"] if behind else trace["preheated_t"]
    taken = enthalpy(entering, trace["mixed_w"]) - enthalpy(trace["coil_steady_t"], trace["coil_steady_w"])
    np.testing.assert_allclose(trace["mass_flow"] * taken, trace["coil_power"], rtol=1e-9, atol=1e-3)
    assert (trace["supply_t"] > (trace["preheated_t"] if behind else trace["coil_steady_t"]) - 1.0).all()


SIGNATURES = {
    "oa_damper_stuck": (Fault(damper=1.0), "OA_CFM", 1),
    "oa_damper_leak": (Fault(damper_leak=0.9), "OA_CFM", 1),
    "cooling_valve_stuck": (Fault(valve=1.0), "SA_TEMP", -1),
    "cooling_valve_leak": (Fault(leak=0.5), "SA_TEMP", -1),
    "heating_valve_stuck": (Fault(heating=1.0), "SA_TEMP", 1),
    "heating_valve_leak": (Fault(heating_leak=0.8), "SA_TEMP", 1),
    "ma_sensor_bias": (Fault(mixed_bias=4.0), "MA_TEMP", 1),
    "ra_sensor_bias": (Fault(return_bias=4.0), "RA_TEMP", 1),
    "oa_sensor_bias": (Fault(outdoor_bias=4.0), "OA_TEMP", 1),
    "sa_sensor_bias": (Fault(supply_bias=-4.0), "SA_TEMP", -1),
    "cooling_coil_fouling": (Fault(clean=0.1), "CHWC_VLV_DM", 1),
    "unstable_loop": (Fault(gain=20.0), "CHWC_VLV_DM", 0),
    "plant_outage": (Fault(chilled=0.0), "SA_TEMP", 1),
}


def test_every_fault_has_a_signature():
    assert {*SIGNATURES} == {*FAULTS} == {*CLASSES} - {"normal"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SIGNATURES)
def test_faults_move_what_textbooks_say_they_move(kind, name):
    """Among a few units of the kind at least one shows the fault; none shows its opposite."""
    fault, point, sign = SIGNATURES[name]
    moved = []
    for number in [n for n in range(40) if draw_unit(SEED, n).kind == kind][:4]:
        free, faulty = without_fault(number), played(number, fault)[0]
        rows = min(len(free), len(faulty))
        if sign:
            moved.append(sign * float(np.mean(faulty[point][:rows] - free[point][:rows])))
        else:
            moved.append(float(np.abs(np.diff(faulty[point])).sum() - np.abs(np.diff(free[point])).sum()))
    scale = {"OA_CFM": 100.0, "CHWC_VLV_DM": 0.02}.get(point, 0.5)
    assert max(moved) > scale, moved
    assert min(moved) > -scale, moved


def test_severities_are_shares_of_flow():
    draw, design = generator(1, "severity"), draw_unit(SEED, 0).design
    found = [draw_fault(draw, design) for _ in range(600)]
    assert {fault.kind for fault in found} == {*FAULTS}
    for fault in found:
        if fault.kind == "heating_valve_leak":
            assert fault.fault.heating_leak ** design["heating_exponent"] == pytest.approx(fault.severity)
        assert fault.kind.endswith("bias") or 0 <= fault.severity <= 20


def test_mistakes_are_one_line(tmp_path, capsys):
    (tmp_path / "mine.csv").write_text("x")
    with pytest.raises(UserError, match="holds something else than a fleet"):
        simulate_fleet(output=tmp_path, units=1, days=1, progress=False)
    with pytest.raises(UserError, match="--fleet a number to 10000"):
        simulate_fleet(output=tmp_path / "a", units=10**6, days=1, progress=False)
    with pytest.raises(UserError, match="--days a number to 365"):
        simulate_fleet(output=tmp_path / "a", units=1, days=400, progress=False)
    assert main(["simulate", "--fleet", "2", "--runs", "all", "--output", str(tmp_path / "b")]) == 2
    assert "--runs is of the one unit's runs" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()
