"""Where data lies unless somebody names another place, and which version this is."""

from pathlib import Path


def home() -> Path:
    """The folder of `dataset/`: the repository, or the working directory where the program is installed."""
    above = Path(__file__).resolve().parent.parent
    return above if (above / "run.py").is_file() else Path.cwd()


def version() -> str:
    """The version of the repository, or of the installed package."""
    import importlib.metadata
    import tomllib

    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if (project.parent / "run.py").is_file() and project.is_file():
        return tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"]
    return importlib.metadata.version("dualgafnet")
