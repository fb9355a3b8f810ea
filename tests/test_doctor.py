"""`doctor`: what is installed, how a file fits a model, and a first role map that makes it fit."""

import dataclasses
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from data_provider.frames import DataInfo
from data_provider.scaler import Scaler
from data_provider.segmentation import Recipe
from data_provider.trends.files import trend_files
from data_provider.trends.roles import read_roles
from exp import doctor
from exp.detection.load import load_detector
from exp.diagnosis import packages
from exp.evaluation import calibration
from exp.evaluation.decision import Decision
from exp.runs.artifact import save_artifact
from models.build import model_of
from tests.conftest import REPOSITORY
from tests.trends.kit import COLUMNS, RANGES, UNITS, clock, one, unit_readings, write
from utils.errors import UserError
from utils.options import Options

WIDTH = len(COLUMNS)


def _model(folder: Path, augment: str = "") -> Path:
    """The folder of an untrained model of the made-up unit."""
    options = Options(seq_len=12, feature_dim=4, augment=augment)
    info = DataInfo(
        data="DualGAF",
        columns=COLUMNS,
        units=UNITS,
        classes=("normal", "leak"),
        normal="normal",
        period_seconds=300,
        seq_len=12,
        step=6,
        counts={},
        protocol="",
        leaking=False,
    )
    low, high = (np.array([RANGES[name][end] for name in COLUMNS], np.float32) for end in (0, 1))
    decision = Decision(
        temperature=1.0,
        score="confidence",
        novelty_quantiles=np.linspace(0, 1, calibration.RATES),
        false_alarm_quantiles=np.zeros(0),
        compared={},
        lower=low - (high - low) / 10,
        upper=high + (high - low) / 10,
        distance=None,
        reference_window=np.zeros((WIDTH, 12), np.float32),
    )
    save_artifact(
        folder,
        model=model_of(options, info),
        info=info,
        scaler=Scaler(minimum=low, maximum=high),
        recipe=Recipe(columns=COLUMNS, period_seconds=300, hold_seconds=900, working_column="SYS_CTL"),
        decision=decision,
        options=options,
    )
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return _model(tmp_path_factory.mktemp("run") / "model")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def _examine(model: Path, source: Path, **changes) -> int:
    return doctor.run(Options(input=str(source), run=str(model), **changes))


def _working(values: np.ndarray) -> np.ndarray:
    """Readings with SYS_CTL behind them: off in the first quarter."""
    on = (np.arange(len(values)) >= len(values) // 4).astype(float)
    return np.hstack([values, on[:, None]])


def test_a_file_that_fits(model, tmp_path, capsys):
    path = write(tmp_path / "ahu.csv", clock(rows=192), _working(unit_readings(192)), names=(*COLUMNS, "SYS_CTL"))
    assert _examine(model, path) == 0
    out = capsys.readouterr().out
    assert "times: 2017-03-06 00:00:00 to 2017-03-06 15:55:00, in a zone that nobody named (--time_zone)" in out
    assert "readings: 192, one every 5min" in out
    assert "columns: 7 of the model's 7" in out
    assert "windows of 1h without a gap: 12" in out  # the last three quarters of sixteen hours
    assert out.rstrip().endswith("role map: roles.yaml (7 settled, 1 to check, 0 open)") or "can be evaluated" in out
    assert "no answer" not in out


def test_what_looks_wrong_is_said(model, tmp_path, capsys):
    values = unit_readings(192)
    values[100:190, 2] = 72.0
    values[50:130, 0] += 50
    values[20:40, 1] = np.nan
    path = write(tmp_path / "ahu.csv", clock(rows=192), values)
    assert _examine(model, path, time_zone="America/Chicago") == 0
    out = capsys.readouterr().out
    assert "and when that was in UTC is known" in out
    evaluated = load_detector(Options(run=str(model), time_zone="America/Chicago")).read(trend_files(path)[0])
    outside = [reason.startswith("SA_TEMP reads 1") for reason in evaluated.reason]
    assert (evaluated.verdict[outside] == "no answer").all()
    expected = f"{sum(outside)} of {len(outside)} windows would get no answer, because its readings leave the range"
    assert 10 < sum(outside) < len(outside)
    assert f"look at: SA_TEMP: {expected} of training (" in out
    assert "look at: RA_TEMP: it reads 72 from 2017-03-06" in out
    assert "look at: there is no column 'SYS_CTL', which says when the unit works" in out
    assert "windows of 1h without a gap: 13" in out  # one before the hole, twelve behind it


def test_a_missing_sensor_matters_unless_the_model_was_trained_without(model, tmp_path, capsys):
    path = write(tmp_path / "ahu.csv", clock(rows=96), unit_readings(96)[:, 1:], names=COLUMNS[1:])
    with pytest.raises(
        UserError, match="it lacks SA_TEMP, and the model needs all of its columns; name them with --roles"
    ):
        _examine(model, path)
    assert "cannot be evaluated: it lacks SA_TEMP" in capsys.readouterr().out
    assert _examine(_model(tmp_path / "model", augment="drop_sensor:0.3"), path) == 0
    out = capsys.readouterr().out
    assert "columns: 6 of the model's 7" in out
    assert "can be evaluated" in out


def test_windows_that_lack_too_many_sensors_are_counted_as_detect_counts_them(tmp_path, capsys):
    model = _model(tmp_path / "model", augment="drop_sensor:0.1")
    values = unit_readings(192)
    values[96:, :4] = np.nan
    path = write(tmp_path / "ahu.csv", clock(rows=192), values)
    assert _examine(model, path) == 0
    evaluated = load_detector(Options(run=str(model))).read(trend_files(path)[0])
    poor = sum("sensors are missing" in reason for reason in evaluated.reason)
    assert 10 < poor < len(evaluated.reason)
    expected = f"{poor} of {len(evaluated.reason)} windows would get no answer, because they lack more sensors than 3"
    assert f"look at: {expected}" in capsys.readouterr().out


def test_doctor_counts_windows_with_gaps_that_detect_answers(tmp_path, capsys):
    model = _model(tmp_path / "model", augment="drop_sensor:0.3")
    values = unit_readings(96)
    values[np.arange(96) % 11 < 5, 0] = np.nan  # one sensor is silent so often that no window has all readings
    path = write(tmp_path / "ahu.csv", clock(rows=96), values)
    assert _examine(model, path) == 0
    said = capsys.readouterr().out
    answered = load_detector(Options(run=str(model))).read(trend_files(path)[0]).verdict != "no answer"
    assert answered.any()
    assert "can be evaluated" in said


def test_too_short_and_too_slow(model, tmp_path):
    short = write(tmp_path / "short.csv", clock(rows=11), unit_readings(11))
    with pytest.raises(UserError, match="no segment of 1h without a gap while the unit works; give a longer export"):
        _examine(model, short)
    slow = write(tmp_path / "slow.csv", clock(rows=96, step=900), unit_readings(96))
    with pytest.raises(UserError, match="readings are 15min apart, and the model needs steps of 5min"):
        _examine(model, slow)


def test_the_first_role_map_makes_the_file_fit(model, tmp_path, capsys):
    values = unit_readings(288)
    foreign = _working(values)
    foreign[:, :3] = (values[:, :3] - 32) / 1.8
    foreign[:, 4] = values[:, 4] * 249.08891
    foreign[:, 5] = values[:, 5] * 100
    names = ("AHU-1 DAT", "Outside_Air_Temperature_Sensor", "Return Temp (Air)", "Supply Air Flow [cfm]", "AHU-1 DSP",
             "AHU-1 OA Damper Cmd: pos", "Supply Fan Power, W", "AHU-1 OCC")  # fmt: skip
    path = write(tmp_path / "ahu.csv", clock(rows=288), foreign, style="desigo", names=names)
    with pytest.raises(UserError):
        _examine(model, path, vendor="desigo")
    capsys.readouterr()
    text = Path("roles.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    assert {role: (entry["column"], entry.get("unit")) for role, entry in content.items()} == {
        "SA_TEMP": ("AHU-1 DAT", "C"),
        "OA_TEMP": ("Outside_Air_Temperature_Sensor", "C"),
        "RA_TEMP": ("Return Temp (Air)", "C"),
        "SA_CFM": ("Supply Air Flow [cfm]", "CFM"),
        "SA_SP": ("AHU-1 DSP", "Pa"),
        "OA_DMPR_DM": ("AHU-1 OA Damper Cmd: pos", "%"),
        "SF_WAT": ("Supply Fan Power, W", "W"),
        "SYS_CTL": ("AHU-1 OCC", "on/off"),
    }
    checks = {line.split(":")[0] for line in text.splitlines() if "# check" in line and not line.startswith("# ")}
    assert checks == {"SA_TEMP", "OA_TEMP", "RA_TEMP", "SA_SP", "OA_DMPR_DM"}
    assert _examine(model, path, vendor="desigo", roles="roles.yaml") == 0
    roles = read_roles(Path("roles.yaml"), columns=(*COLUMNS, "SYS_CTL"), units=(*UNITS, ""))
    np.testing.assert_allclose(one(path, vendor="desigo", roles=roles).values, values, rtol=1e-5)


def test_a_second_call_keeps_what_a_person_wrote(model, tmp_path, capsys):
    path = write(tmp_path / "ahu.csv", clock(rows=96), unit_readings(96))
    mine = (
        "# Jo, 3 May: the outdoor sensor of the east roof\nOA_TEMP: {column: RA_TEMP, unit: F}  # until it is mended\n"
    )
    Path("roles.yaml").write_text(mine)
    assert _examine(model, path) == 0
    assert "role map: roles.yaml (brought up to date, " in capsys.readouterr().out
    text = Path("roles.yaml").read_text()
    assert text.startswith(mine)
    read = {role: entry["column"] for role, entry in yaml.safe_load(text).items()}
    assert read["OA_TEMP"] == "RA_TEMP"
    assert {role: read[role] for role in ("SA_TEMP", "SF_WAT")} == {"SA_TEMP": "SA_TEMP", "SF_WAT": "SF_WAT"}
    assert "RA_TEMP" not in {role for role in read if read[role] != "RA_TEMP"} & {*read}  # its column is taken
    assert _examine(model, path) == 0
    assert Path("roles.yaml").read_text() == text
    assert _examine(model, path, output="roles.yaml") == 0
    assert Path("roles.yaml").read_text() == text


def test_a_map_that_is_given_is_left_alone(model, tmp_path, capsys):
    path = write(tmp_path / "ahu.csv", clock(rows=96), unit_readings(96))
    Path("roles.yaml").write_text("SA_TEMP: {column: SA_TEMP, unit: F}\n")
    assert _examine(model, path, roles="roles.yaml") == 0
    assert "role map:" not in capsys.readouterr().out
    assert Path("roles.yaml").read_text() == "SA_TEMP: {column: SA_TEMP, unit: F}\n"


def test_what_is_no_role_map_is_not_written_to(model, tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=96), unit_readings(96))
    for name, content, words in [
        ("config.yaml", b"seq_len: 12\n", "config.yaml: unknown role 'seq_len'"),
        ("notes.txt", b"call Jo: [3 May\n", "notes.txt: cannot be read as YAML"),
        ("picture.png", b"\x89PNG\xff\xfe", "picture.png is no role map; name another file with --output"),
    ]:
        Path(name).write_bytes(content)
        with pytest.raises(UserError, match=words):
            _examine(model, path, output=name)
        assert Path(name).read_bytes() == content
    with pytest.raises(UserError, match=r"nowhere/roles.yaml: cannot be written \(No such file or directory\)"):
        _examine(model, path, output="nowhere/roles.yaml")


def test_one_map_serves_a_folder(model, tmp_path, capsys):
    """Eight units whose points carry the unit's name; one lacks a point, and one has another besides."""
    folder = tmp_path / "exports"
    folder.mkdir()
    points = ("SAT", "OAT", "RAT", "SAF", "DSP", "OAD", "SF KW", "OCC")
    for unit in range(1, 9):
        values = _working(unit_readings(192, seed=unit))
        names = tuple(f"B7 AHU-{unit} {point}" for point in points)
        write(folder / f"unit{unit}.csv", clock(rows=192), values, names=names)
    with pytest.raises(UserError, match="and the model needs all of its columns; name them with --roles"):
        _examine(model, folder)
    out = capsys.readouterr().out
    assert "0 of 8 files can be evaluated" in out
    assert "with --roles roles.yaml: 8 of 8 files can be evaluated" in out
    text = Path("roles.yaml").read_text()
    assert {role: entry["column"] for role, entry in yaml.safe_load(text).items()} == {
        role: f"B7 AHU-{{unit}} {point}" for role, point in zip((*COLUMNS, "SYS_CTL"), points, strict=True)
    }
    assert "{unit} is what stands there in each file" in text
    assert _examine(model, folder, roles="roles.yaml") == 0
    assert "8 of 8 files can be evaluated" in capsys.readouterr().out


def test_names_that_are_no_plain_words_come_back(model, tmp_path):
    names = ('=SA: "x" {y} # z', "'quoted'", "- dash", "yes", "1e3", "a\u00e4\u00b0", "tab\there")
    path = write(tmp_path / "ahu.csv", clock(rows=96), unit_readings(96), names=names)
    text = "".join(
        f"{role}: {yaml.safe_dump(name, default_style=chr(34)).strip()}\n"
        for role, name in zip(COLUMNS, names, strict=True)
    )
    Path("given.yaml").write_text(text, encoding="utf-8")
    assert _examine(model, path, roles="given.yaml", output="again.yaml") == 0
    written = yaml.safe_load(Path("again.yaml").read_text(encoding="utf-8"))
    assert [written[role]["column"] for role in COLUMNS] == list(names)


def test_a_folder_is_told_of_file_by_file(model, tmp_path, capsys):
    folder = tmp_path / "trends"
    folder.mkdir()
    write(folder / "b.csv", clock(rows=96), unit_readings(96))
    (folder / "a.csv").write_bytes(b"")
    with pytest.raises(UserError, match=r"trends/a.csv: the file is empty; export it again"):
        _examine(model, folder)
    out = capsys.readouterr().out
    assert out.index("a.csv: cannot be evaluated: the file is empty") < out.index("b.csv: can be evaluated")
    assert "1 of 2 files can be evaluated" in out


def test_without_a_file_it_says_what_is_installed(capsys):
    assert doctor.run(Options()) == 0
    out = capsys.readouterr().out
    for line in (REPOSITORY / "requirements.txt").read_text().split():
        name = line.replace("<", ">").split(">")[0]
        assert f"{name:<14}{importlib.metadata.version(name)}" in out
    for name in packages.EXTRAS:
        assert f"\n{name:<14}" in out
    assert "GPU: " in out
    assert out.rstrip().endswith("everything needed is installed")


def test_what_is_missing_or_too_old_is_said_with_what_to_do(monkeypatch, capsys):
    versions = {"torch": "2.5.1+cu124", "pyarrow": "", "aeon": "0.8.0"}
    known = packages.version_of
    monkeypatch.setattr(packages, "version_of", lambda name: versions.get(name, known(name)))
    assert doctor.run(Options()) == 1
    out = capsys.readouterr().out
    assert "torch         2.5.1+cu124       >=2.6,<2.14     a version this program is not tested with" in out
    assert "pyarrow       -                 >=17            missing" in out
    assert 'to do: python -m pip install "torch>=2.6,<2.14" "pyarrow>=17"' in out
    assert "aeon          0.8.0             any             ok" in out
    assert "everything needed is installed" not in out


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("2.13.0+cpu", ">=2.6,<2.14", True), ("2.14.0", ">=2.6,<2.14", False), ("2.6", ">=2.6.0", True),
        ("2.10", ">=2.9", True), ("3.0.0rc1", "<3", False), ("1.0", "!=1.0", False), ("1.0", "==1", True),
        ("5", "", True),
    ],
)  # fmt: skip
def test_versions_compare_as_numbers(version, wanted, holds):
    assert packages.within(version, wanted) is holds


def test_it_works_where_nothing_is_installed():
    """Only the standard library may be imported before the list is printed."""
    blocked = "numpy torch pandas yaml pyarrow"
    code = (
        f"import sys\nfor name in {blocked.split()}: sys.modules[name] = None\n"
        "from exp import doctor\nfrom utils.options import Options\nsys.exit(doctor.run(Options()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "GPU: unknown: torch cannot be imported" in done.stdout


def test_the_options_are_the_ones_it_asks_for():
    names = {field.name for field in dataclasses.fields(Options)}
    assert {"input", "run", "roles", "vendor", "time_zone", "max_age", "output", "unknown_rate"} <= names


def test_a_fan_is_proposed_where_no_column_says_when_the_unit_works(model, tmp_path, capsys):
    """The file lacks SYS_CTL. What doctor writes gives the same as what detect takes by itself."""
    speed = np.where(np.arange(192) % 96 < 60, 0.7, 0.0)
    values = np.column_stack([unit_readings(192), speed])
    path = write(tmp_path / "ahu.csv", clock(rows=192), values, names=(*COLUMNS, "Supply Fan Speed"))
    assert _examine(model, path) == 0
    out = capsys.readouterr().out
    assert "ahu.csv: can be evaluated\n  look at: there is no column 'SYS_CTL', which says when the unit works: " in out
    text = (tmp_path / "roles.yaml").read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith('SYS_CTL: {column: "Supply Fan Speed"}')]
    assert line.endswith("# check: nothing says when the unit works; this shows it")
    assert _examine(model, path, roles=str(tmp_path / "roles.yaml")) == 0
    out = capsys.readouterr().out
    assert "the column given for 'SYS_CTL' holds a speed: the unit is taken to work while it turns" in out
    assert "works: 10.0 h of 16.0 h, as SYS_CTL says" in out


def test_output_may_be_a_folder(model, tmp_path):
    path = write(tmp_path / "ahu.csv", clock(rows=192), unit_readings(192))
    (tmp_path / "maps").mkdir()
    assert _examine(model, path, output=str(tmp_path / "maps")) == 0
    assert (tmp_path / "maps" / "roles.yaml").is_file()


def test_it_says_how_a_file_is_written(model, tmp_path, capsys):
    path = write(tmp_path / "ahu.csv", clock(rows=600), unit_readings(600), style="yearfirst")
    assert _examine(model, path) == 0
    expected = "read as: columns separated by bars, decimal commas, times yearfirst (as 2017/03/11 01:05:00)"
    assert expected in capsys.readouterr().out
