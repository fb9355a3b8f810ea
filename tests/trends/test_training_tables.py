"""What training makes of files that detection reads as well: role maps, held changes, first rows, nested folders."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from data_provider import load_data
from data_provider.trends.read_options import ReadOptions
from data_provider.trends.roles import read_roles
from data_provider.trends.table import read_table
from tests.data_provider.kit import folder_of_runs, frame, options
from tests.data_provider.kit import write as write_frame
from tests.trends.kit import one
from tests.trends.test_one_reader import NAMES, UNITS, plain, readings
from utils.errors import UserError


def test_a_share_in_percent_keeps_what_would_be_a_code_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "ahu.csv"
    path.write_text("Datetime,OA_DMPR\n2018-01-01 00:00,99.9\n2018-01-01 00:05,50\n", encoding="utf-8")
    assert read_table(path).values[0, 0] == np.float32(99.9)


def test_a_role_map_renames_and_converts_for_training(tmp_path: Path) -> None:
    lines = plain()
    lines[0] = "Datetime,AHU-1 DAT,Flow (L/s),SYS_CTL"
    path, roles = tmp_path / "ahu.csv", tmp_path / "roles.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    roles.write_text("SA_TEMP: {column: AHU-1 DAT, unit: C}\nSA_CFM: {column: Flow}\n", encoding="utf-8")
    table = read_table(path, ReadOptions(roles=read_roles(roles)))
    assert table.columns == NAMES
    np.testing.assert_allclose(table.column("SA_TEMP"), readings()[:, 0] * 1.8 + 32, rtol=1e-6)
    np.testing.assert_allclose(table.column("SA_CFM"), readings()[:, 1] / 0.47194745, rtol=1e-6)
    trend = one(path, columns=NAMES, units=UNITS, roles=read_roles(roles, columns=NAMES, units=UNITS))
    np.testing.assert_allclose(table.values, trend.values, rtol=1e-6)
    roles.write_text("SA_TEMP: {column: AHU-1 SAT}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"no column 'AHU-1 SAT', which .*roles.yaml names for SA_TEMP"):
        read_table(path, ReadOptions(roles=read_roles(roles)))


def test_changes_of_value_hold_in_training_for_max_age(tmp_path: Path) -> None:
    lines = plain()
    lines[2:] = [",".join((*line.split(",")[:2], "", line.split(",")[3])) for line in lines[2:]]
    path = tmp_path / "ahu.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    table = read_table(path, ReadOptions(max_age_seconds=1800))
    assert np.flatnonzero(~np.isnan(table.column("SA_CFM"))).tolist() == [*range(7)]
    assert table.repaired == {"changes of value held": 6}


def test_only_the_first_rows_are_read(tmp_path: Path) -> None:
    path = tmp_path / "ahu.csv"
    lines = ["A title", *plain(), "2017-03-07 00:00:00,broken,1"]
    for ending, pack in ((".csv", bytes), (".csv.gz", gzip.compress)):
        path = tmp_path / f"ahu{ending}"
        path.write_bytes(pack("\n".join(lines).encode()))
        assert len(read_table(path, rows=20).values) == 20


def test_folders_in_folders_and_packed_files_are_runs(tmp_path: Path) -> None:
    folder_of_runs(tmp_path, labels=("normal", "leak"))
    text = (tmp_path / "leak.csv").read_bytes()
    (tmp_path / "leak.csv").unlink()
    (tmp_path / "2018" / "may").mkdir(parents=True)
    (tmp_path / "2018" / "may" / "leak.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "notes.zip").write_bytes(b"PK")
    data = load_data(options(data="folder", root_path=str(tmp_path)))
    assert data.info.classes == ("normal", "leak")
    assert any("notes.zip: .zip files are not read" in line for line in data.info.report["warnings"])
    (tmp_path / "labels.csv").write_text("file,label\nnormal,normal\n2018/may/leak.csv.gz,valve\n", encoding="utf-8")
    data = load_data(options(data="folder", root_path=str(tmp_path)))
    assert data.info.classes == ("normal", "valve")


def test_runs_in_different_units_are_refused(tmp_path: Path) -> None:
    for name, unit in (("leak", "C"), ("normal", "F")):
        rows = "".join(f"2018-01-01 00:{minute:02},{50 + minute} {unit}\n" for minute in range(60))
        (tmp_path / f"{name}.csv").write_text("Datetime,SA_TEMP\n" + rows, encoding="utf-8")
    with pytest.raises(UserError, match=r"normal.csv: column 'SA_TEMP' is in F, and in C in .*leak.csv; export both"):
        load_data(options(data="folder", root_path=str(tmp_path)))


def test_links_in_a_folder_of_training_data_are_followed(tmp_path: Path) -> None:
    write_frame(frame(rows=4320, seed=1), tmp_path / "elsewhere" / "leak.csv")
    folder = folder_of_runs(tmp_path / "data", labels=("normal",))
    (folder / "leak.csv").symlink_to(tmp_path / "elsewhere" / "leak.csv")
    assert load_data(options(data="folder", root_path=str(folder))).info.classes == ("normal", "leak")


def test_flags_of_reading_are_part_of_the_cache_s_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    folder = folder_of_runs(tmp_path / "runs")
    load_data(options(data="folder", root_path=str(folder)))
    load_data(options(data="folder", root_path=str(folder), time_zone="Etc/GMT+6"))
    roles = tmp_path / "roles.yaml"
    roles.write_text("SA_TEMP: {column: signal A}\n", encoding="utf-8")
    data = load_data(options(data="folder", root_path=str(folder), roles=str(roles)))
    assert data.info.columns == ("SA_TEMP", "signal B", "signal C")
    assert len([*(tmp_path / "home" / "dualgafnet").iterdir()]) == 3


def test_rows_of_several_units_are_refused_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("time,where,a\n2018-01-01 00:00,AHU-1,55\n2018-01-01 00:00,AHU-2,60\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"perhaps a row is a reading of the point in column 'where' \('AHU-1'\)"):
        read_table(path)


def test_a_zone_in_the_middle_of_a_format_is_refused() -> None:
    with pytest.raises(UserError, match="the zone, %Z or %z, must stand at the end"):
        ReadOptions(time_format="%Z %H:%M")


def test_a_format_without_a_year_is_refused() -> None:
    with pytest.raises(UserError, match="--time_format '%m/%d %H:%M' has no year"):
        ReadOptions(time_format="%m/%d %H:%M")
