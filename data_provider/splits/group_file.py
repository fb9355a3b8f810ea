"""A YAML file that says which group each run belongs to: `AHU-3 2018: north wing`, a line a file of the data."""

from pathlib import Path

import yaml

from utils.errors import UserError
from utils.plain_yaml import load_plain
from utils.safe_reading import one_line, read_bounded

_LARGEST = 2**20  # bytes
ENDINGS = (".yaml", ".yml")


def read_groups(path: Path) -> dict[str, str]:
    """Run -> group.

    Raises:
        UserError: there is no such file, or it is no such table.
    """
    if not path.exists():
        raise UserError(f"--group {path}: no such file; write one with a line 'FILE: GROUP' for each file of the data")
    content = read_bounded(path, largest=_LARGEST)
    try:
        stored = load_plain(content, words=True)
    except UserError as error:
        raise UserError(f"--group {path}: {error}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"--group {path}: not YAML ({one_line(str(error))[:120]})") from None
    if not isinstance(stored, dict) or not all(isinstance(value, str) for value in stored.values()):
        raise UserError(f"--group {path}: write 'FILE: GROUP', a line for each file of the data")
    return {str(run).removesuffix(".csv").removesuffix(".parquet"): group for run, group in stored.items()}
