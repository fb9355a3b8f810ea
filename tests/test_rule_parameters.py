"""A unit's parameters from its trends."""

import numpy as np
import pytest

from models.rules import Parameters, UnitPoints, infer

START = np.datetime64("2024-07-01T08:00:00")


def damper(*, command: np.ndarray, outdoor: np.ndarray) -> Parameters:
    number = len(command)
    times = START + np.arange(number) * np.timedelta64(300, "s")
    values = {"OA_DMPR_DM": command, "OA_TEMP": outdoor, "RA_TEMP": np.full(number, 74.0)}
    return infer(UnitPoints(times, np.ones(number, bool), values))


def test_the_minimum_position_is_read_off_hot_hours():
    rng = np.random.default_rng(2)
    outdoor = np.where(np.arange(2000) % 200 < 60, 90.0, 55.0)
    command = np.where(outdoor > 80, 0.32 + rng.normal(0, 0.003, 2000), rng.uniform(0.32, 1.0, 2000))
    found = damper(command=command, outdoor=outdoor)
    assert found.inferred == {"minimum_damper"}
    assert found.sources()["minimum_damper"] == "inferred"
    assert {source for name, source in found.sources().items() if name != "minimum_damper"} == {"default"}
    assert found.minimum_damper == pytest.approx(0.32, abs=0.01)


@pytest.mark.parametrize(
    ("command", "outdoor"),
    [
        (np.full(2000, 0.5), np.full(2000, 55.0)),  # never a moment that tells
        (np.full(2000, 1.0), np.full(2000, 90.0)),  # a damper that is open is not at its minimum
        (np.linspace(0, 1, 2000), np.full(2000, 90.0)),  # no plateau
        (np.full(2000, np.nan), np.full(2000, 90.0)),
    ],
)
def test_a_minimum_position_that_nothing_tells_is_not_invented(command, outdoor):
    assert damper(command=command, outdoor=outdoor) == Parameters()


def test_a_unit_that_never_runs_tells_nothing():
    times = START + np.arange(10) * np.timedelta64(300, "s")
    assert infer(UnitPoints(times, np.zeros(10, bool), {"OA_DMPR_DM": np.full(10, 0.3)})) == Parameters()
    assert infer(UnitPoints(times, np.ones(10, bool), {})) == Parameters()
    assert infer(UnitPoints(times[:0], np.ones(0, bool), {"OA_DMPR_DM": np.zeros(0)})) == Parameters()


def test_a_damper_that_never_moves_tells_its_position_in_hot_hours():
    found = damper(command=np.full(2000, 0.15), outdoor=np.full(2000, 90.0))
    assert found.minimum_damper == pytest.approx(0.15)
    assert found.inferred


def test_hours_of_heating_tell_the_minimum_as_well():
    number = 500
    heats = np.arange(number) % 2 == 0
    values = {
        "OA_DMPR_DM": np.where(heats, 0.25, 0.9),
        "HWC_VLV_DM": np.where(heats, 0.4, 0.0),
        "OA_TEMP": np.full(number, 40.0),
        "RA_TEMP": np.full(number, 72.0),
    }
    times = START + np.arange(number) * np.timedelta64(300, "s")
    assert infer(UnitPoints(times, np.ones(number, bool), values)).minimum_damper == pytest.approx(0.25)
    assert infer(UnitPoints(times, ~heats, values)) == Parameters()  # while it stands, nothing counts


def test_what_someone_gives_is_neither_inferred_nor_default():
    sources = Parameters(fan_rise=1.0).sources()
    assert sources["fan_rise"] == "given"
    assert sources["minimum_damper"] == "default"
