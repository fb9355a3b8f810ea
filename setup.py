"""Packs the rooms of the repository as one package, `dualgafnet`, with every import below that name.

In the repository the rooms stand side by side and `python run.py` finds them. Installed, names such as `utils` would
collide with those of others, so each file is copied to `dualgafnet/` and its imports are put below that name.
"""

import ast
import io
import re
import shutil
import tokenize
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.errors import SetupError

PACKAGE = "dualgafnet"
ROOMS = ("benchmarks", "data_provider", "exp", "layers", "models", "utils")
HOME = Path(__file__).resolve().parent
# What messages call the program.
CALLS = (
    ("python run.py", PACKAGE),
    ("2 run.py", f"2 -m {PACKAGE}"),
    ('["python", "run.py"]', f'["{PACKAGE}"]'),
    ("run.py", PACKAGE),
)


class BuildPackage(build_py):
    """Writes the package instead of collecting packages that exist."""

    def run(self) -> None:
        """Writes build_lib/dualgafnet."""
        write_package(Path(self.build_lib) / PACKAGE, version=self.distribution.get_version())

    def get_source_files(self) -> list[str]:
        """The repository's own files, those that a source distribution holds."""
        return ["run.py", "requirements.txt", *(str(path.relative_to(HOME)) for path in room_files())]


class RefuseEditable(editable_wheel):
    """Refuses `pip install -e`, which would take exp/ for the package."""

    def run(self) -> None:
        """Raises SetupError."""
        raise SetupError("the package is written from the rooms, so it cannot be editable; use run.py instead")


def room_files() -> list[Path]:
    """The files that are packed: code, templates and tables."""
    files = [path for room in ROOMS for path in sorted((HOME / room).rglob("*")) if path.is_file()]
    return [path for path in files if not {"__pycache__", "parity"} & set(path.relative_to(HOME).parts)]


def write_package(target: Path, *, version: str) -> None:
    """Writes the rooms, below the name of the package, into a folder that is made again."""
    shutil.rmtree(target, ignore_errors=True)
    for path in room_files():
        _copy(path, target / path.relative_to(HOME))
    _copy(HOME / "run.py", target / "__main__.py")
    _copy(HOME / "exp" / "api.py", target / "__init__.py")
    with (target / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(f'\n\n__version__ = "{version}"\n')
    shutil.copy(HOME / "requirements.txt", target)  # what `doctor` compares with
    (target / "py.typed").touch()


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".py":
        target.write_text(below_the_package(path.read_text(encoding="utf-8")), encoding="utf-8")
    elif path.suffix == ".j2":
        target.write_text(_as_called(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copy(path, target)


def below_the_package(source: str) -> str:
    """A file of the repository as a file of the package: imports, names of modules in strings, calls of the program."""
    rooms = "|".join(ROOMS)
    imported = {node.lineno for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)}
    lines = source.splitlines(keepends=True)
    for number in imported:
        pattern = rf"^(\s*(?:from|import) )({rooms})(?=[.\s])"
        lines[number - 1] = re.sub(pattern, rf"\g<1>{PACKAGE}.\g<2>", lines[number - 1])
    _check_imports("".join(lines))
    return _with_strings("".join(lines))


def _check_imports(source: str) -> None:
    """Raises SetupError if a room is still imported by its own name."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name.split(".")[0] in ROOMS:
                raise SetupError(f"line {node.lineno}: give 'import {name}' a line of its own")


def _with_strings(source: str) -> str:
    """Changes the strings and comments of a file, from the last to the first."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type in (tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)):
            begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
            source = source[:begin] + _as_called(_module(token.string)) + source[end:]
    return source.replace('["python", "run.py"]', f'["{PACKAGE}"]')


def _module(text: str) -> str:
    """A string that names a module of the repository names it below the package."""
    name = text.strip("\"'")
    path = HOME / name.replace(".", "/")
    is_module = name.split(".")[0] in ROOMS and (path.with_suffix(".py").is_file() or path.is_dir())
    return text.replace(name, f"{PACKAGE}.{name}") if is_module and "." in name else text


def _as_called(text: str) -> str:
    """Calls the program by the package's command."""
    if text == '"run.py"':  # a word of a command, see `Options.command`
        return text
    for written, said in CALLS:
        text = text.replace(written, said)
    return text


setup(
    packages=[PACKAGE],
    package_dir={PACKAGE: "exp"},
    cmdclass={"build_py": BuildPackage, "editable_wheel": RefuseEditable},
)
