"""The installed package: a wheel, unpacked far from the repository, does what the folder does."""

import os
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import setuptools
from setuptools.errors import SetupError

from tests.conftest import REPOSITORY
from tests.kit import write_folder

DOCTEST = """
import doctest, sys
import dualgafnet as api
names = {name: getattr(api, name) for name in api.__all__}
found = doctest.DocTestFinder(recurse=False).find(api, "api", extraglobs=names)
runner = doctest.DocTestRunner()
for test in found:
    runner.run(test)
assert runner.tries > 10, runner.tries
sys.exit(min(runner.failures, 1))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder that holds the package, as pip installs it, and nothing that it needs."""
    base = tmp_path_factory.mktemp("package")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [
        *pip,
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(base),
        str(_copy(base)),
    ]
    subprocess.run(build, check=True, capture_output=True, cwd=base)
    (wheel,) = base.glob("*.whl")
    target = base / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)],
        check=True,
        capture_output=True,
        cwd=base,
    )
    return target


def _copy(base: Path) -> Path:
    """What a package is made of, elsewhere: building leaves folders behind."""
    source = base / "source"
    for room in ("benchmarks", "data_provider", "exp", "layers", "models", "utils"):
        shutil.copytree(REPOSITORY / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml", "requirements.txt", "run.py", "setup.py"):
        shutil.copy(REPOSITORY / name, source)
    return source


def _run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    """Runs Python with the package on its path, far from the repository."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)


def test_one_name_is_installed(installed):
    (wheel,) = installed.parent.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"dualgafnet"}
    assert "dualgafnet/py.typed" in names
    assert "dualgafnet/models/base/weights.safetensors" in names
    for name in ("uplot/uPlot.iife.min.js", "uplot/uPlot.min.css", "uplot/LICENSE", "templates/charts.js"):
        assert f"dualgafnet/exp/reporting/{name}" in names
    assert wheel.stat().st_size < 4 * 2**20
    requirements = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").split()
    metadata = zipfile.ZipFile(wheel).read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert metadata.count("Requires-Dist:") - metadata.count("extra ==") == len(requirements)


def test_a_source_distribution_holds_what_is_packed(installed):
    code = "import setuptools.build_meta as backend; backend.build_sdist('..')"
    source = installed.parent / "source"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=source)
    (archive,) = installed.parent.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        held = {name.split("/", 1)[1] for name in file.getnames() if "/" in name}
    (wheel,) = installed.parent.glob("*.whl")
    packed = [name.removeprefix("dualgafnet/") for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name]
    assert {name for name in packed if name not in ("__init__.py", "__main__.py", "py.typed")} <= held
    assert "run.py" in held


def test_the_version_is_that_of_the_distribution(installed, tmp_path):
    code = "import dualgafnet, importlib.metadata as m; print(dualgafnet.__version__ == m.version('dualgafnet'))"
    assert _run(installed, tmp_path, "-c", code).stdout == "True\n"


def test_the_import_is_light(installed, tmp_path):
    code = "import sys, dualgafnet; print(dir(dualgafnet), 'torch' in sys.modules); print(dualgafnet.Options().seed)"
    done = _run(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "'load_data'" in done.stdout
    assert "False" in done.stdout
    assert "2021" in done.stdout


def test_the_command_answers(installed, tmp_path):
    command = subprocess.run(
        [sys.executable, str(installed / "bin" / "dualgafnet"), "--help"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert command.returncode == 0, command.stderr
    assert command.stdout.startswith("usage: dualgafnet [VERB] [flags]")
    assert "run.py" not in command.stdout
    wrong = _run(installed, tmp_path, "-m", "dualgafnet", "detect")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("dualgafnet: detect needs --input")
    alone = _run(installed, tmp_path, "-m", "dualgafnet", "--zero_optimizer", "--data", "csv", "--root_path", "none")
    assert alone.returncode == 2
    built = (installed / "dualgafnet" / "exp" / "training" / "build.py").read_text(encoding="utf-8")
    assert "torchrun --nproc_per_node 2 -m dualgafnet" in built
    examined = _run(installed, tmp_path, "-m", "dualgafnet", "doctor")
    assert "everything needed is installed" in examined.stdout


def test_the_command_completes(installed, tmp_path):
    pytest.importorskip("shtab")
    script = _run(installed, tmp_path, "-m", "dualgafnet", "completion", "bash").stdout
    assert script.rstrip().endswith("_shtab_dualgafnet dualgafnet")
    assert "run.py" not in script


def test_what_an_installation_cannot_do_is_said(installed, tmp_path):
    wrong = _run(installed, tmp_path, "-m", "dualgafnet", "benchmark", "accumulation", "--quick", "--write")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("dualgafnet: --write fills in a page of the documentation")
    code = "import setuptools.build_meta as backend; backend.build_editable('..')"
    source = installed.parent / "source"
    editable = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=source)
    assert editable.returncode == 1
    assert "it cannot be editable; use run.py instead" in editable.stderr


@pytest.mark.parametrize("line", ["import os, utils.files", "import sys; from utils import files"])
def test_an_import_that_would_miss_the_package_stops_the_build(line, monkeypatch):
    monkeypatch.setattr(setuptools, "setup", lambda **words: None)
    packing = runpy.run_path(str(REPOSITORY / "setup.py"))
    with pytest.raises(SetupError, match=r"line 1: give 'import utils.*' a line of its own"):
        packing["below_the_package"](line + "\n")


def test_a_training_and_a_detection(installed, tmp_path):
    data = write_folder(tmp_path / "data", days=6)
    words = ["--data", "folder", "--root_path", str(data), "--result_path", "results", "--seq_len", "16"]
    words += ["--feature_dim", "8", "--train_epochs", "1", "--block_days", "1", "--num_workers", "1"]
    done = _run(installed, tmp_path, "-m", "dualgafnet", "train", *words)
    assert done.returncode == 0, done.stderr
    run = done.stdout.rsplit("run folder: ", 1)[1].strip()
    file = sorted(data.glob("*.csv"))[0]
    found = _run(installed, tmp_path, "-m", "dualgafnet", "detect", "--run", run, "--input", str(file), "--output", "o")
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "o" / "report.html").is_file()
    again = _run(installed, tmp_path, "-m", "dualgafnet", "test", "--run", run)
    assert again.returncode == 0, again.stderr


def test_the_base_model_comes_along(installed, tmp_path):
    days = ("2018-05-07 00:00:00", "2018-05-07 00:01:00")
    (tmp_path / "a.csv").write_text("Datetime,SA_TEMP\n" + "".join(f"{day},55\n" for day in days), encoding="utf-8")
    wrong = _run(installed, tmp_path, "-m", "dualgafnet", "detect", "--input", "a.csv", "--output", "o")
    assert "the base model, trained on simulated units, decides" in wrong.stdout
    assert "a.csv" in wrong.stderr


def test_the_web_app_comes_along(installed, tmp_path):
    code = (
        "from dualgafnet.exp.serving import app, jobs, pages, service; from pathlib import Path; "
        "import dualgafnet; s = service.Service(Path('o'), dualgafnet.Options()); app.app_of(s); "
        "print(pages.STYLE.is_file(), jobs.program()[1:], service.POINTS[1:]); s.jobs.close()"
    )
    done = _run(installed, tmp_path, "-c", code)
    assert done.stdout == "True ['-m', 'dualgafnet'] ('-m', 'dualgafnet.exp.serving.points')\n", done.stderr
    points = _run(installed, tmp_path, "-m", "dualgafnet.exp.serving.points", "--input", "none", "--output", "p.json")
    assert points.returncode == 2, points.stderr
    assert not (tmp_path / "p.json").exists()


def test_the_examples_of_the_public_names_run(installed, tmp_path):
    done = _run(installed, tmp_path, "-c", DOCTEST)
    assert done.returncode == 0, done.stdout + done.stderr
