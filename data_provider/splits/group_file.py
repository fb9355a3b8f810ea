"""A YAML file that says which group each run belongs to: `AHU-3 2018: north wing`, a line a file of the data."""

from pathlib import Path

import yaml

from utils.errors import UserError

_LARGEST = 2**20  # bytes
ENDINGS = (".yaml", ".yml")


def read_groups(path: Path) -> dict[str, str]:
    """Run -> group.

    Raises:
        UserError: there is no such file, or it is no such table.
    """
    if not path.is_file():
        raise UserError(f"--group {path}: no such file; write one with a line 'FILE: GROUP' for each file of the data")
    if path.stat().st_size > _LARGEST:
        raise UserError(f"--group {path}: larger than {_LARGEST // 2**20} MiB, so it is not a table of groups")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):  # they may grow without end
            raise UserError(f"--group {path}: it holds aliases; write each group out")
        stored = yaml.load(text, yaml.BaseLoader)  # words alone
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise UserError(f"--group {path}: not YAML ({' '.join(str(error).split())[:120]})") from None
    if not isinstance(stored, dict) or not all(isinstance(value, str) for value in stored.values()):
        raise UserError(f"--group {path}: write 'FILE: GROUP', a line for each file of the data")
    return {str(run).removesuffix(".csv").removesuffix(".parquet"): group for run, group in stored.items()}
