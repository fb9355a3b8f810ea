"""Where data lies unless somebody names another place, and which version this is."""

import sys
from pathlib import Path


def rooms() -> Path:
    """The folder of the rooms, with whatever lies in them: the repository, or the installed package."""
    return Path(__file__).resolve().parent.parent


def home() -> Path:
    """The folder of `dataset/`: the repository, or the working directory where the program is installed."""
    return rooms() if (rooms() / "run.py").is_file() else Path.cwd()


def program() -> list[str]:
    """The words that start this program in a process of its own."""
    script = rooms() / "run.py"
    return [sys.executable, str(script)] if script.is_file() else [sys.executable, "-m", rooms().name]


def version() -> str:
    """The version of the repository, or of the installed package."""
    import importlib.metadata
    import tomllib

    project = rooms() / "pyproject.toml"
    if (project.parent / "run.py").is_file() and project.is_file():
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return importlib.metadata.version("dualgafnet")
