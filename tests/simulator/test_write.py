"""Files of the simulator: what is in them, that they come out the same again, and what is refused."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from data_provider.simulator import RUNS, runs, simulate, write
from data_provider.simulator.records import POINT_NAMES
from tests.conftest import REPOSITORY
from tests.simulator.test_weather import epw_lines
from utils.errors import UserError

_NAMES = (
    "SA_TEMP SA_TEMPSPT OA_TEMP MA_TEMP RA_TEMP SF_SPD_DM RF_SPD_DM OA_CFM RA_CFM SA_CFM SF_CS SF_SPD RF_CS RF_SPD "
    "SF_WAT RF_WAT OA_DMPR_DM OA_DMPR RA_DMPR_DM RA_DMPR CHWC_VLV_DM CHWC_VLV SA_SP SA_SPSPT SYS_CTL ZONE_TEMP_1 "
    "ZONE_TEMP_2 ZONE_TEMP_3 ZONE_TEMP_4 ZONE_TEMP_5"
)
POINTS = tuple(_NAMES.split())
SPAN = {"start": "2018-05-14", "days": 2, "progress": False}


def test_a_file_has_the_30_points_every_minute(tmp_path):
    paths = simulate(output=tmp_path / "deep" / "er", runs=["coi_stuck_025_annual", "AHU_annual"], **SPAN)
    assert [path.name for path in paths] == ["coi_stuck_025_annual.parquet", "AHU_annual.parquet"]
    assert POINT_NAMES == POINTS
    for path in paths:
        table = pd.read_parquet(path)
        assert list(table.columns) == ["Datetime", *POINTS]
        assert (table["Datetime"] == pd.date_range("2018-05-14", periods=2880, freq="min")).all()
        assert not table.isna().any().any()
        between = [name for name in POINTS if name.split("_")[1] in ("SPD", "CS", "DMPR", "VLV", "CTL")]
        assert table[between].min().min() >= 0
        assert table[between].max().max() <= 1
        assert table["SA_CFM"].max() < 16000
        assert table[[name for name in POINTS if "TEMP" in name]].stack().between(30, 100).all()
    assert {path.name for path in paths[0].parent.iterdir()} == {*(path.name for path in paths), "SIMULATED.json"}


def test_csv_and_parquet_say_the_same(tmp_path):
    (parquet,) = simulate(output=tmp_path / "a", runs=["oa_bias_2_annual"], **SPAN)
    (csv,) = simulate(output=tmp_path / "b", runs=["oa_bias_2_annual"], file_format="csv", **SPAN)
    assert csv.name == "oa_bias_2_annual.csv"
    text = csv.read_text(encoding="ascii").splitlines()[1]
    assert text.startswith("2018-05-14 00:00:00,")
    read = pd.read_csv(csv, parse_dates=["Datetime"], date_format="%Y-%m-%d %H:%M:%S")
    whole = pd.read_parquet(parquet)
    np.testing.assert_allclose(read[list(POINTS)].to_numpy(np.float32), whole[list(POINTS)].to_numpy(), rtol=1e-6)
    assert (read["Datetime"] == whole["Datetime"]).all()


def test_same_seed_same_bytes_and_other_seed_other_bytes(tmp_path):
    runs = ["AHU_annual", "coi_leakage_040_annual"]
    first = [path.read_bytes() for path in simulate(output=tmp_path, runs=runs, **SPAN)]
    again = [path.read_bytes() for path in simulate(output=tmp_path, runs=runs, **SPAN)]
    alone = simulate(output=tmp_path / "alone", runs=runs[1:], **SPAN)[0].read_bytes()
    other = [path.read_bytes() for path in simulate(output=tmp_path, runs=runs, seed=1, **SPAN)]
    assert first == again
    assert first[1] == alone  # whatever else is simulated beside it
    assert first[0] != other[0]
    assert first[0] != first[1]


def test_a_longer_run_begins_like_a_shorter(tmp_path, monkeypatch):
    """Blocks of days are invisible in the numbers."""
    (whole,) = simulate(output=tmp_path / "a", runs=["AHU_annual"], start="2018-05-14", days=3, progress=False)
    monkeypatch.setattr("data_provider.simulator.spans.BLOCK", 1)
    (parts,) = simulate(output=tmp_path / "b", runs=["AHU_annual"], start="2018-05-14", days=3, progress=False)
    pd.testing.assert_frame_equal(pd.read_parquet(whole), pd.read_parquet(parts))


def test_the_note_tells_that_it_is_simulated(tmp_path):
    simulate(output=tmp_path, runs=["AHU_annual"], **SPAN)
    simulate(output=tmp_path, runs=["coi_stuck_010_annual"], seed=5, **SPAN)
    note = json.loads((tmp_path / "SIMULATED.json").read_text())
    assert note["what"] == "simulated, not measured"
    assert (note["seed"], note["start"], note["days"]) == (5, "2018-05-14", 2)
    assert note["runs"] == ["coi_stuck_010_annual"]
    assert note["simulator_version"] == runs.VERSION
    assert {name: how["seed"] for name, how in note["files"].items()} == {
        "AHU_annual.parquet": 2018,
        "coi_stuck_010_annual.parquet": 5,
    }


def test_the_short_run_keeps_to_its_season(tmp_path):
    name = "damper_stuck_100_annual_short"
    (path,) = simulate(output=tmp_path, runs=[name], start="2018-03-30", days=4, progress=False)
    times = pd.read_parquet(path)["Datetime"]
    assert (times.iloc[0], times.iloc[-1]) == (pd.Timestamp("2018-04-01 00:00"), pd.Timestamp("2018-04-02 23:59"))
    with pytest.raises(UserError, match="1 April to 31 October"):
        simulate(output=tmp_path, runs=[name], start="2018-11-01", days=30, progress=False)


def test_simulates_with_a_weather_file(tmp_path):
    file = tmp_path / "place.epw"
    file.write_text("\n".join(epw_lines()), encoding="ascii")
    (path,) = simulate(output=tmp_path / "out", runs=["AHU_annual"], weather=file, **SPAN)
    assert pd.read_parquet(path)["OA_TEMP"].mean() == pytest.approx(59.0, abs=0.5)  # 10 C and 5 for May
    assert json.loads((tmp_path / "out" / "SIMULATED.json").read_text())["weather"] == "place.epw"


def test_a_broken_weather_file_leaves_nothing_behind(tmp_path):
    file = tmp_path / "place.epw"
    file.write_text("\n".join(epw_lines()[:100]), encoding="ascii")
    with pytest.raises(UserError, match="92 hours"):
        simulate(output=tmp_path / "out", runs=["AHU_annual"], weather=file, **SPAN)
    assert not (tmp_path / "out").exists()


def test_one_file_a_run_whatever_the_format(tmp_path):
    simulate(output=tmp_path, runs=["AHU_annual", "coi_bias_2_annual"], **SPAN)
    simulate(output=tmp_path, runs=["AHU_annual"], file_format="csv", **SPAN)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["AHU_annual.csv", "SIMULATED.json", "coi_bias_2_annual.parquet"]
    assert sorted(json.loads((tmp_path / "SIMULATED.json").read_text())["files"]) == [files[0], files[2]]


def test_leaves_measured_files_alone(tmp_path):
    real = tmp_path / "AHU_annual.csv"
    real.write_text("real data")
    with pytest.raises(UserError, match="not simulated"):
        simulate(output=tmp_path, runs=["AHU_annual"], **SPAN)
    assert real.read_text() == "real data"
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_half_done_is_left(tmp_path, monkeypatch):
    simulate(output=tmp_path, runs=["AHU_annual"], **SPAN)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(write, "_table", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        simulate(output=tmp_path, runs=["AHU_annual"], seed=9, **SPAN)
    monkeypatch.setattr(write, "_table", _full)
    with pytest.raises(UserError, match="No space left"):
        simulate(output=tmp_path, runs=["AHU_annual"], seed=9, **SPAN)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def _interrupt(*_):
    raise KeyboardInterrupt


def _full(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"runs": ["coi_stuck_025"]}, "unknown run 'coi_stuck_025'.*coi_stuck_025_annual"),
        ({"runs": []}, "no list of runs"),
        ({"runs": "AHU_annual"}, "no list of runs"),
        ({"days": 0}, "0 days"),
        ({"days": -3}, "-3 days"),
        ({"days": 10**9}, "1000000000 days"),
        ({"seed": -1}, "seed -1"),
        ({"start": "1 May 2018"}, "start '1 May 2018'"),
        ({"start": "2018-02-30"}, "start '2018-02-30'"),
        ({"start": "NaT"}, "start 'NaT'"),
        ({"start": "0001-01-01"}, "start '0001-01-01'"),
        ({"start": "2018-05"}, "start '2018-05'"),
        ({"file_format": "xlsx"}, "unknown file format 'xlsx'.*csv, parquet"),
        ({"weather": "nowhere.epw"}, "no weather file nowhere.epw"),
    ],
)
def test_refuses_what_cannot_be(tmp_path, change, says):
    with pytest.raises(UserError, match=says) as caught:
        simulate(**{"output": tmp_path / "new", "runs": ["AHU_annual"], **SPAN, **change})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_refuses_a_folder_that_is_none(tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(UserError, match="is a file"):
        simulate(output=file, runs=["AHU_annual"], **SPAN)
    with pytest.raises(UserError, match="cannot write"):
        simulate(output=file / "below", runs=["AHU_annual"], **SPAN)
    (tmp_path / "SIMULATED.json").write_text("{")
    with pytest.raises(UserError, match=r"SIMULATED\.json is not readable"):
        simulate(output=tmp_path, runs=["AHU_annual"], **SPAN)


def test_asking_for_the_runs_is_cheap():
    """Neither the compiler nor psychrolib is loaded until something is simulated."""
    heavy = {"numba", "psychrolib", "pyarrow", "torch", "scipy"}
    code = f"import sys, data_provider.simulator; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_stays_compiled_where_numba_is_told_not_to_compile(tmp_path):
    """NUMBA_DISABLE_JIT is how pyts becomes quick to import; a simulation in plain Python would take hours."""
    code = (
        "from pathlib import Path; from data_provider.simulator import loop, simulate;"
        f"simulate(output=Path({str(tmp_path)!r}), runs=['AHU_annual'], start='2018-05-14', days=2, progress=False);"
        "print(type(loop.advance).__name__)"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "NUMBA_CACHE_DIR": str(tmp_path / "cache")}  # none is there
    said = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert said.stdout.strip() == "CPUDispatcher", said.stderr
    assert (tmp_path / "AHU_annual.parquet").is_file()


def test_every_run_simulates(tmp_path):
    paths = simulate(output=tmp_path, runs=list(RUNS), start="2018-05-14", days=1, progress=False)
    assert len({path.read_bytes() for path in paths}) == 21
