"""The house: which rooms may know which, how large a file may grow, and that every registry is what it says."""

import ast
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import run
from tests.conftest import REPOSITORY

ROOMS = ("exp", "models", "layers", "data_provider", "utils")

# Who may import whom: run -> exp -> {models, data_provider, utils}; models -> layers.
ALLOWED = {
    "run": {"exp", "benchmarks", "utils"},
    "exp": {"models", "layers", "data_provider", "utils"},
    "models": {"layers", "utils"},
    "layers": set(),
    "data_provider": {"utils"},
    "utils": set(),
}
# Which packages of exp/ may import which; so there is no circle among them.
PACKAGES = {
    "evaluation": set(),
    "runs": {"evaluation"},
    "reporting": {"runs", "evaluation"},
    "exporting": {"runs", "evaluation"},
    "training": {"reporting", "runs", "evaluation"},
    "detection": {"reporting", "runs", "evaluation"},
    "diagnosis": {"detection", "runs", "evaluation"},
    "serving": {"detection", "runs", "evaluation"},
}
# Which packages of data_provider/ may import which.
DATA_PACKAGES = {
    "simulator": set(),
    "leaks": {"splits", "trends"},
    "splits": set(),
    "trends": set(),
    "datasets": {"simulator", "trends"},
}
FOREIGN_TO_LAYERS = {"torch", "math", "collections", "typing", "functools", "dataclasses", "itertools", "__future__"}


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((REPOSITORY / room).rglob("*.py"))]
    return [REPOSITORY / "run.py", *found]


def imports_of(path: Path) -> set[str]:
    """Names of the top-level packages that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def names_imported(path: Path) -> set[str]:
    """Dotted names of the modules that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def room_of(path: Path) -> str:
    first = path.relative_to(REPOSITORY).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_imports_point_one_way(path):
    room = room_of(path)
    others = imports_of(path) & ({*ROOMS, "run", "tests", "benchmarks"} - {room})
    assert others <= ALLOWED[room], f"{path} imports {others - ALLOWED[room]}"


@pytest.mark.parametrize(("room", "packages"), [("exp", PACKAGES), ("data_provider", DATA_PACKAGES)])
def test_packages_of_a_room_point_one_way(room, packages):
    folders = {path.name for path in (REPOSITORY / room).iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(packages)
    for package, allowed in packages.items():
        for path in (REPOSITORY / room / package).rglob("*.py"):
            others = {name.split(".")[1] for name in names_imported(path) if name.startswith(f"{room}.")} - {package}
            assert not others & set(packages) - allowed, f"{path} imports {others - allowed}"


def test_verbs_are_imported_by_nobody_but_the_table_and_the_public_names():
    verbs = {f"exp.{path.stem}" for path in (REPOSITORY / "exp").glob("*.py")} - {"exp.__init__", "exp.api"}
    assert verbs <= set(run.MODULES.values())
    for path in modules():
        if path != REPOSITORY / "exp" / "api.py":
            assert not names_imported(path) & verbs, path


def test_a_folder_has_no_family_of_files():
    """More than two files whose names begin alike are a package in disguise."""
    places = [REPOSITORY / room for room in (*ROOMS, "benchmarks", "tests")]
    for folder in {path.parent for place in places for path in place.rglob("*.py")}:
        stems = [path.stem.removeprefix("test_") for path in folder.glob("*.py")]
        first = Counter(stem.split("_")[0] for stem in stems)
        assert not {word: number for word, number in first.items() if number > 2 and word}, folder


def test_layers_build_on_torch_alone():
    for path in (REPOSITORY / "layers").rglob("*.py"):
        foreign = imports_of(path) - FOREIGN_TO_LAYERS - {"layers"}
        # pyts is the reference that the fields are checked against, imported where the check runs.
        assert foreign <= {"pyts", "numpy", "os"}, f"{path} imports {foreign}"


def test_timm_is_reached_through_its_own_module():
    """utils/timm_compat.py imports it by name, where torchvision's missing operators can be dealt with."""
    assert [path for path in modules() if "timm" in imports_of(path)] == []


@pytest.mark.parametrize(
    "path", [*modules(), *(REPOSITORY / "benchmarks").rglob("*.py")], ids=lambda p: str(p.relative_to(REPOSITORY))
)
def test_a_file_stays_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 45, f"{path}:{node.name} has {length} lines"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_source_is_ascii_but_for_the_banner(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if any(word in line for word in ("梯度累积配置", "实际batch_size", "有效batch_size")):
            continue
        assert line.isascii(), f"{path}:{number} is not ASCII"


def test_every_public_thing_is_described():
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree) or not tree.body, f"{path} has no docstring"
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}:{node.name} has no docstring"


def test_top_level_holds_what_the_design_names():
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True).stdout.split("\n")
    if not any(listed):
        pytest.skip("not a git checkout, so there is no list of the repository's files")
    top = {name.split("/")[0] for name in listed if name}
    named = {"run.py", "exp", "models", "data_provider", "layers", "utils", "scripts", "dataset"}
    beside = {"tests", "benchmarks", "docs", ".ci", ".gitignore", "LICENSE", "README.md", "README.zh-CN.md"}
    beside |= {"pyproject.toml", "setup.py", "requirements.txt", "requirements-test.txt", "requirements-docs.txt"}
    beside |= {"requirements.lock"}
    beside |= {"CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "mkdocs.yml", "examples"}
    beside |= {".pre-commit-config.yaml", ".github", "SECURITY.md", "Dockerfile", ".dockerignore", "compose.yaml"}
    assert top - beside - named == {"test_gradient_accumulation.py"}
    assert {name for name in listed if name.startswith("dataset/")} == {"dataset/README.md"}
