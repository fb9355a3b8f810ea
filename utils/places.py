"""Where data lies unless somebody names another place."""

from pathlib import Path


def home() -> Path:
    """The folder of `dataset/`: the repository, or the working directory where the program is installed."""
    above = Path(__file__).resolve().parent.parent
    return above if (above / "run.py").is_file() else Path.cwd()
