"""Where data lies unless somebody names another place, and which version this is."""

import sys
from pathlib import Path


def home() -> Path:
    """The folder of `dataset/`: the repository, or the working directory where the program is installed."""
    above = Path(__file__).resolve().parent.parent
    return above if (above / "run.py").is_file() else Path.cwd()


def program() -> list[str]:
    """The words that start this program in a process of its own."""
    above = Path(__file__).resolve().parent.parent
    if (above / "run.py").is_file():
        return [sys.executable, str(above / "run.py")]
    return [sys.executable, "-m", above.name]


def version() -> str:
    """The version of the repository, or of the installed package."""
    import importlib.metadata
    import tomllib

    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if (project.parent / "run.py").is_file() and project.is_file():
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return importlib.metadata.version("dualgafnet")
