"""Physical channels: what they say, where they say nothing, and that every measured unit's points are told."""

import numpy as np
import pytest

from data_provider.channel_frames import channel_scaler, in_channels
from data_provider.channels import CHANNELS, NAMES, POINTS, physical, points_of, points_of_channels
from data_provider.frames import Frame
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.role_names import role_of
from data_provider.trends.table import column_names
from utils.errors import UserError

TIMES = np.datetime64("2024-07-01T12:00:00") + np.arange(4) * np.timedelta64(15, "m")
READINGS = {
    "SA_TEMP": 57.0, "SA_TEMPSPT": 55.0, "OA_TEMP": 90.0, "MA_TEMP": 80.0, "RA_TEMP": 75.0, "OA_DMPR_DM": 0.2,
    "CHWC_VLV_DM": 0.6, "HWC_VLV_DM": 0.0,
}  # fmt: skip
SAID = {
    "supply_above_cooling": 0.2, "supply_below_heating": -0.2, "coil_rise": -23 / 30, "mixed_return": 5 / 20,
    "outdoor_return": 15 / 40, "mixed_expected": 2 / 15, "fraction_command": 1 / 3 - 0.2, "mixed_outside": 0.0,
    "idle_rise": 0.0, "cooling_command": 23 / 35 - 0.6, "heating_command": 0.0, "damper": -0.6, "cooling_valve": 0.2,
    "heating_valve": -1.0, "outdoor": 0.6, "return": 0.2, "supply": -8 / 30, "cooling_set_point": -0.25, "noon": 1.0,
}  # fmt: skip


def points(**changes: float | None) -> dict[str, np.ndarray]:
    return {name: np.full(4, value) for name, value in {**READINGS, **changes}.items() if value is not None}


def said(name: str, **changes: float | None) -> float:
    return float(physical(TIMES, points(**changes))[0, NAMES.index(name)])


@pytest.mark.parametrize("name", NAMES)
def test_every_channel_says_what_it_is_called(name):
    assert said(name) == pytest.approx(SAID[name], abs=1e-6)


def test_channels_stay_in_their_range_whatever_is_read():
    rng = np.random.default_rng(1)
    wild = {name: rng.normal(0, 10.0 ** rng.integers(-2, 7), 4) for name in POINTS}
    wild["MA_TEMP"][1] = np.inf
    values = physical(TIMES, wild)
    assert values.dtype == np.float32
    assert (np.abs(values[~np.isnan(values)]) <= 1).all()


@pytest.mark.parametrize("lost", sorted(READINGS))
def test_a_missing_point_masks_what_is_made_of_it_and_nothing_else(lost):
    for values in (points(**{lost: None}), {**points(), lost: np.full(4, np.nan)}):
        masked = np.isnan(physical(TIMES, values)).all(0)
        assert masked.tolist() == [lost in points_of(channel) for channel in CHANNELS]


def test_one_set_point_is_both_and_two_are_taken_where_there_are_two():
    assert said("supply_below_heating", SA_TEMPSPT_HTG=50.0) == pytest.approx(-0.7)
    assert said("supply_above_cooling", SA_TEMPSPT_CLG=60.0) == pytest.approx(-0.3)
    assert said("supply_above_cooling", SA_TEMPSPT=None, SA_TEMPSPT_CLG=60.0) == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("fraction_command", {"OA_TEMP": 78.0}),  # outdoor and return air alike
        ("idle_rise", {"HWC_VLV_DM": 0.5}),
        ("cooling_command", {"HWC_VLV_DM": 0.5}),
        ("heating_command", {"CHWC_VLV_DM": 0.5}),
    ],
)
def test_a_channel_that_can_say_nothing_is_zero_not_missing(name, changes):
    assert said(name, **changes) == 0


def test_shut_valves_that_leave_air_as_it_is_say_so():
    assert said("idle_rise", CHWC_VLV_DM=0.0) == -1.0  # clipped: 23 F colder behind two shut valves
    assert said("idle_rise", CHWC_VLV_DM=0.0, SA_TEMP=82.0) == pytest.approx(0.2)


def test_the_table_of_points_is_that_of_the_masks():
    made_of = points_of_channels()
    assert made_of.shape[1] == len(CHANNELS)
    assert made_of.any(1).all()
    assert [*made_of.sum(0)] == [len(channel.points) for channel in CHANNELS]


def frame(columns: tuple[str, ...], values: list[float]) -> Frame:
    table = np.tile(np.array(values, np.float32), (4, 1))
    return Frame("mine", table, TIMES.astype("datetime64[s]"), columns, np.ones(4, bool), "normal")


def test_columns_are_told_by_name_and_brought_to_their_units():
    columns = ("Supply Air Temperature", "Mixed Air Temperature", "Return Air Temperature", "OA_DMPR_DM", "Note")
    celsius = frame(columns, [13.889, 26.667, 23.889, 20.0, 5.0])
    found = in_channels(celsius, lambda column: "C" if "Temperature" in column else "")
    assert found.columns == NAMES
    assert found.values[0, NAMES.index("coil_rise")] == pytest.approx(-23 / 30, abs=1e-3)
    assert found.values[0, NAMES.index("damper")] == pytest.approx(-0.6)
    with pytest.raises(UserError, match=r"mine: the unit of 'Supply Air Temperature' is unknown; state it in --roles"):
        in_channels(celsius, lambda column: "")


def test_too_few_points_are_one_line():
    with pytest.raises(
        UserError, match=r"--channels physical needs SA_TEMP and two of MA_TEMP.*it finds SA_TEMP, MA_TEMP"
    ):
        in_channels(frame(("SA_TEMP", "MA_TEMP"), [55.0, 60.0]), lambda column: "F")


def test_channels_are_not_scaled_again():
    values = physical(TIMES, points())
    np.testing.assert_allclose(channel_scaler().transform(values), values, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "told"),
    [("MZVAV-2-1", 8), ("MZVAV-2-2", 8), ("SZCAV", 9), ("SZVAV", 9)],
)
def test_points_of_every_measured_unit_are_told(lbnl_2020, name, told):
    path = lbnl_2020 / f"{name}.csv"
    found = {role.name for column in column_names(path, ReadOptions()) if (role := role_of(column))}
    assert len(found & {*POINTS}) == told
