"""What this program needs and whether it is installed; works where nothing is."""

import importlib
import importlib.metadata
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from utils.errors import UserError

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
OLDEST_PYTHON = (3, 11)

# Optional packages and what each is for.
EXTRAS = {
    "onnx": "export to ONNX",
    "onnxruntime": "checking the export to ONNX",
    "onnxscript": "export to ONNX",
    "aeon": "baselines to compare with, as MultiRocket",
    "tensorboard": "--tracker tensorboard",
    "mlflow-skinny": "--tracker mlflow",
    "sqlalchemy": "--tracker mlflow, databases for --input and --output",
    "duckdb": "databases of DuckDB for --input and --output",
    "alembic": "--tracker mlflow",
    "optuna": "tune",
}


@dataclass(frozen=True)
class Package:
    """A package as found.

    Attributes:
        name: on the package index.
        wanted: the range of versions, "" for any.
        version: the one installed, "" if none is.
        use: what it is for; "" for what is always needed.
    """

    name: str
    wanted: str
    version: str
    use: str = ""

    @property
    def fits(self) -> bool:
        """Whether it is there in a version that works."""
        return bool(self.version) and within(self.version, self.wanted)


def within(version: str, wanted: str) -> bool:
    """Whether a version lies in a range as ">=2.6,<2.14". Only release numbers count: 2.13.0+cpu is 2.13.0."""
    for clause in filter(None, wanted.replace(" ", "").split(",")):
        match = re.fullmatch(r"(>=|<=|==|!=|<|>)([\d.]+)", clause)
        if match is None:
            raise ValueError(f"cannot compare with '{clause}'")
        have, limit = _release(version), _release(match[2])
        size = max(len(have), len(limit))
        a, b = have + (0,) * (size - len(have)), limit + (0,) * (size - len(limit))
        holds = {">=": a >= b, "<=": a <= b, "==": a == b, "!=": a != b, "<": a < b, ">": a > b}
        if not holds[match[1]]:
            return False
    return True


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else (0,)


def needed() -> list[Package]:
    """The packages of requirements.txt.

    Raises:
        UserError: the file is not there.
    """
    try:
        lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise UserError(f"{REQUIREMENTS}: no such file; copy the whole project again") from None
    found = []
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*([<>=!0-9., ]*)", line.split("#")[0].strip())
        if match:
            found.append(Package(match[1], match[2].strip(), version_of(match[1])))
    return found


def extras() -> list[Package]:
    """The optional packages."""
    return [Package(name, "", version_of(name), use) for name, use in EXTRAS.items()]


def version_of(name: str) -> str:
    """The version installed, "" if none is."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def graphics() -> str:
    """What torch says about a GPU, in words."""
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as error:
        return f"unknown: torch cannot be imported ({' '.join(str(error).split())[:100]})"
    if torch.version.cuda is None:
        return "none: this torch is built for the CPU; everything runs there"
    if not torch.cuda.is_available():
        return f"none: torch is built for CUDA {torch.version.cuda}, but sees no GPU; everything runs on the CPU"
    names = {torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())}
    return f"CUDA {torch.version.cuda}, {torch.cuda.device_count()} GPU: {', '.join(sorted(names))}"


def report() -> tuple[list[str], bool]:
    """What is installed, what is missing and what to do, a line each; and whether everything needed is there."""
    wanted, optional = needed(), extras()
    oldest = ".".join(map(str, OLDEST_PYTHON))
    python_fits = sys.version_info[:2] >= OLDEST_PYTHON
    lines = [_line("python", platform.python_version(), f">={oldest}", "ok" if python_fits else "too old")]
    lines += [_line(p.name, p.version or "-", p.wanted or "any", _state(p)) for p in wanted]
    lines += [f"GPU: {graphics()}", "", "optional:"]
    lines += [
        _line(p.name, p.version or "-", "any", "ok" if p.fits else f"not installed; for {p.use}") for p in optional
    ]
    bad = [package for package in wanted if not package.fits]
    lines.append("")
    if not python_fits:
        lines.append(f"to do: install Python {oldest} or newer, and the packages into it")
    if bad:
        lines.append(f"to do: python -m pip install {' '.join(_quoted(package) for package in bad)}")
    absent = [package.name for package in optional if not package.fits]
    if absent:
        lines.append(f"if you want what they are for: python -m pip install {' '.join(absent)}")
    if python_fits and not bad:
        lines.append("everything needed is installed")
    return lines, python_fits and not bad


def _state(package: Package) -> str:
    if not package.version:
        return "missing"
    return "ok" if package.fits else "a version this program is not tested with"


def _quoted(package: Package) -> str:
    return f'"{package.name}{package.wanted}"' if package.wanted else package.name


def _line(name: str, version: str, wanted: str, state: str) -> str:
    return f"{name:<14}{version:<18}{wanted:<16}{state}".rstrip()
