"""`train --like`: simulated data with the points of a building's own files."""

import logging

import numpy as np
import pandas as pd
import pytest
import yaml

from data_provider import load_data
from data_provider.simulator import NINE, simulate
from exp.training.like import like_files
from utils.command_line import parse
from utils.errors import UserError

OWN = {
    "SA_TEMP": "AHU3 Zuluft", "OA_TEMP": "AHU3 Aussenluft", "MA_TEMP": "AHU3 Mischluft", "RA_TEMP": "AHU3 Abluft",
    "CHWC_VLV_DM": "AHU3 Kuehlventil", "OA_DMPR_DM": "AHU3 Klappe", "SF_SPD": "AHU3 Ventilator",
}  # fmt: skip
CELSIUS = ("SA_TEMP", "OA_TEMP", "MA_TEMP", "RA_TEMP")


def export(path, *, step="10min", without=(), rows=600):
    """A building's own file: its names, Celsius, percent."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({"Datetime": pd.date_range("2026-01-05", periods=rows, freq=step)})
    for role, name in OWN.items():
        if role in without:
            continue
        low, high = (10, 24) if role in CELSIUS else (0, 100)
        table[name] = (low + (high - low) * random.random(rows)).round(2)
    path.parent.mkdir(exist_ok=True)
    table.to_csv(path, index=False)


@pytest.fixture
def roles(tmp_path):
    entries = {role: {"column": name, "unit": "C" if role in CELSIUS else "%"} for role, name in OWN.items()}
    path = tmp_path / "roles.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


def asked(tmp_path, roles, *flags):
    return parse(["train", "--like", str(tmp_path / "in"), "--roles", str(roles), *flags])


def test_the_points_and_the_step_are_those_of_the_files(tmp_path, roles, caplog):
    export(tmp_path / "in" / "a.csv")
    export(tmp_path / "in" / "b.csv", without=("CHWC_VLV_DM",))
    with caplog.at_level(logging.INFO):
        options = like_files(asked(tmp_path, roles, "--drop_columns", "SF_SPD"))
    assert "6 of 26 simulated points are in every file, windows have a step of 10min" in caplog.text
    dropped = options.drop_columns.split(",")
    assert len(dropped) == len({*dropped}) == 21
    assert {"SF_SPD", "CHWC_VLV_DM", "SA_CFM"} <= {*dropped}
    assert not {*dropped} & {*CELSIUS, "OA_DMPR_DM"}
    assert (options.sample_period, options.seq_len) == ("600s", 48)
    assert options.roles is None  # of the files, not of the simulated data


@pytest.mark.parametrize(("step", "period"), [("1min", "300s"), ("5min", "300s"), ("10min", "600s"), ("15min", "900s")])
def test_windows_have_the_step_of_the_files_or_the_next_longer_one(tmp_path, roles, step, period):
    export(tmp_path / "in" / "a.csv", step=step)
    assert like_files(asked(tmp_path, roles)).sample_period == period


def test_what_is_said_on_the_line_stands(tmp_path, roles):
    export(tmp_path / "in" / "a.csv")
    options = like_files(asked(tmp_path, roles, "--sample_period", "15min", "--seq_len", "24"))
    assert (options.sample_period, options.seq_len) == ("15min", 24)
    assert like_files(parse(["train"])) == parse(["train"])


@pytest.mark.parametrize(
    ("step", "without", "flags", "said"),
    [
        ("30min", (), (), r"a\.csv: .*30min|a\.csv: .*30 min"),
        ("10min", tuple(OWN)[:4], (), "have 3 of the simulated unit's points in common"),
        ("10min", (), ("--data", "folder"), "--data folder is other data"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, roles, step, without, flags, said):
    export(tmp_path / "in" / "a.csv", step=step, without=without)
    with pytest.raises(UserError, match=said) as error:
        like_files(asked(tmp_path, roles, *flags))
    assert "\n" not in str(error.value)


def test_simulated_data_with_these_points_is_what_training_gets(tmp_path, roles):
    export(tmp_path / "in" / "a.csv", step="15min")
    simulate(output=tmp_path / "sim", runs=NINE, days=4)
    flags = ("--root_path", str(tmp_path / "sim"), "--seq_len", "16", "--stride", "4", "--block_days", "1")
    data = load_data(like_files(asked(tmp_path, roles, *flags)))
    assert {*data.info.columns} == {*OWN}
    assert (data.info.period_seconds, len(data.info.classes)) == (900, 9)
    assert data.info.report["simulated"]
