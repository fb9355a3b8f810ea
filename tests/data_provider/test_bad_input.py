"""Data that cannot be used: one line that says what, where and what to do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_provider import load_data
from tests.data_provider.kit import folder_of_runs, frame, nine_runs, options, write
from utils.errors import UserError

Make = Callable[[Path], dict[str, object]]
CASES: dict[str, tuple[Make, str]] = {}


def case(words: str) -> Callable[[Make], Make]:
    """Registers a way to make bad data and the words that its error must hold."""

    def register(make: Make) -> Make:
        CASES[make.__name__] = (make, words)
        return make

    return register


@case(r"no such file or folder; name the place of the data with --root_path|no such folder")
def missing_folder(path: Path) -> dict[str, object]:
    return {"data": "folder", "root_path": str(path / "none")}


@case(r"there is no .csv, .csv.gz, .parquet, .xlsx, .xlsm or .zinc file; put trend files there")
def empty_folder(path: Path) -> dict[str, object]:
    (path / "notes.txt").write_text("nothing here", encoding="utf-8")
    return {"data": "folder", "root_path": str(path)}


@case(r"all data has the class 'only'; two at least are needed to tell apart: give data of another class")
def one_class(path: Path) -> dict[str, object]:
    return {"data": "folder", "root_path": str(folder_of_runs(path, labels=("only",)))}


@case(r"class 'short' has no window of 96 steps: its longest segment without a gap has 50.*smaller --seq_len")
def one_run_too_short(path: Path) -> dict[str, object]:
    folder_of_runs(path)
    write(frame(rows=50), path / "short.csv")
    return {"data": "folder", "root_path": str(path)}


@case(r"no window is left for the val part; use a smaller --seq_len or --stride, or more --rows|none for training")
def too_few_windows(path: Path) -> dict[str, object]:
    return {"data": "folder", "root_path": str(folder_of_runs(path)), "rows": 150}


@case(r"b: column 'signal C' is missing, which a has|b\.csv: column 'signal C' is missing, which a\.csv has")
def column_missing_in_one_file(path: Path) -> dict[str, object]:
    write(frame(rows=500), path / "a.csv")
    write(frame(rows=500, columns=2), path / "b.csv")
    return {"data": "folder", "root_path": str(path)}


@case(r"a\.csv: column 'signal C' is missing, which b\.csv has")
def column_added_in_one_file(path: Path) -> dict[str, object]:
    write(frame(rows=500, columns=2), path / "a.csv")
    write(frame(rows=500), path / "b.csv")
    return {"data": "folder", "root_path": str(path)}


@case(r"b: column 'signal B' holds no readings; take it out of all files, or fill it")
def column_without_a_reading(path: Path) -> dict[str, object]:
    write(frame(rows=500), path / "a.csv")
    table = frame(rows=500)
    table["signal B"] = np.nan
    write(table, path / "b.csv")
    return {"data": "folder", "root_path": str(path)}


@case(r"every column of readings is constant")
def nothing_changes(path: Path) -> dict[str, object]:
    for name in "ab":
        table = frame(rows=500)
        table.iloc[:, 1:] = 1.5
        write(table, path / f"{name}.csv")
    return {"data": "folder", "root_path": str(path)}


@case(r"no run holds readings of a working unit")
def never_working(path: Path) -> dict[str, object]:
    for name in "ab":
        write(frame(rows=500).assign(SYS_CTL=0), path / f"{name}.csv")
    return {"data": "folder", "root_path": str(path)}


@case(r"damper_stuck_075_annual.parquet: column 'SA_SP' is missing; the file has Datetime")
def published_column_missing(path: Path) -> dict[str, object]:
    import pandas as pd

    nine_runs(path, days=1)
    file = path / "damper_stuck_075_annual.parquet"
    write(pd.read_parquet(file).drop(columns="SA_SP"), file)
    return {"data": "DualGAF", "root_path": str(path)}


@case(r"readings are 1min apart; they cannot give steps of 30s: use --sample_period 1min or more")
def step_too_fine(path: Path) -> dict[str, object]:
    return {"data": "folder", "root_path": str(folder_of_runs(path)), "sample_period": "30s"}


@case(r"--sample_period 'soon' is not a length of time; write it as 30s, 5min or 1h")
def step_in_other_words(path: Path) -> dict[str, object]:
    return {"data": "folder", "root_path": str(folder_of_runs(path)), "sample_period": "soon"}


@case(r"labels.csv: stuck.csv has no label; add a line, or move the file away")
def a_file_without_a_label(path: Path) -> dict[str, object]:
    (folder_of_runs(path) / "labels.csv").write_text("file,label\nleak.csv,x\nnormal,y\n", encoding="utf-8")
    return {"data": "folder", "root_path": str(path)}


@case(r"labels.csv: there is no file ../leak.csv in that folder")
def a_label_for_a_file_elsewhere(path: Path) -> dict[str, object]:
    text = "file,label\n../leak.csv,x\nleak,x\nnormal,y\nstuck,z\n"
    (folder_of_runs(path) / "labels.csv").write_text(text, encoding="utf-8")
    return {"data": "folder", "root_path": str(path)}


@case(r"labels.csv: line 1 must name the columns file,label")
def labels_with_other_columns(path: Path) -> dict[str, object]:
    (folder_of_runs(path) / "labels.csv").write_text("name,class\nleak,x\n", encoding="utf-8")
    return {"data": "folder", "root_path": str(path)}


@case(r"labels.csv: line 3: leak is there twice")
def a_label_twice(path: Path) -> dict[str, object]:
    (folder_of_runs(path) / "labels.csv").write_text("file,label\nleak,x\nleak,y\n", encoding="utf-8")
    return {"data": "folder", "root_path": str(path)}


@case(r"--label binary needs a class without fault")
def binary_without_a_normal_class(path: Path) -> dict[str, object]:
    return {"data": "folder", "root_path": str(folder_of_runs(path, labels=("a", "b"))), "label": "binary"}


@case(r"this is a folder; name one file with --root_path, or use --data folder")
def csv_is_a_folder(path: Path) -> dict[str, object]:
    return {"data": "csv", "root_path": str(path)}


@case(r"column 'label' is missing; the file has Datetime, signal A")
def csv_without_labels(path: Path) -> dict[str, object]:
    return {"data": "csv", "root_path": str(write(frame(rows=500), path / "unit.csv"))}


@case(r"there is no labelled row in the data")
def csv_with_empty_labels(path: Path) -> dict[str, object]:
    return {"data": "csv", "root_path": str(write(frame(rows=500).assign(label=""), path / "unit.csv"))}


@case(r"SZVAV-faults.csv: no such file; the fault schedule belongs beside the readings")
def measured_without_a_schedule(path: Path) -> dict[str, object]:
    write(frame(rows=500), path / "SZVAV.csv")
    return {"data": "LBNL_SZVAV", "root_path": str(path)}


@case(r"column 'Fault Detection Ground Truth'.* is missing|is not written as")
def measured_with_other_columns(path: Path) -> dict[str, object]:
    write(frame(rows=500), path / "SZVAV.csv")
    (path / "SZVAV-faults.csv").write_text("fault type,fault intensity,fault occurred time\n", encoding="utf-8")
    return {"data": "LBNL_SZVAV", "root_path": str(path)}


@pytest.mark.parametrize("name", CASES)
def test_bad_data_gives_one_line(tmp_path: Path, name: str) -> None:
    make, words = CASES[name]
    given = make(tmp_path)
    with pytest.raises(UserError, match=words) as caught:
        load_data(options(**given))
    assert "\n" not in str(caught.value)
