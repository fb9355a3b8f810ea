"""An entry of the cache is there whole or not at all, at every moment of its making."""

import shutil
from pathlib import Path

from data_provider import load_data
from tests.data_provider.kit import folder_of_runs
from tests.data_provider.test_cache import asked, content, entries, same
from tests.moments import looking


def files_of(entry: Path) -> dict[str, int] | None:
    """Names and sizes, None where there is no entry."""
    return {path.name: path.stat().st_size for path in entry.iterdir()} if entry.exists() else None


def test_nobody_ever_sees_half_an_entry(tmp_path: Path) -> None:
    """Another process that looks at any moment finds none, or the whole."""
    folder = folder_of_runs(tmp_path / "runs", rows=1440)
    options = asked(folder, cache_path=str(tmp_path / "prepared"))
    first = content(load_data(options))
    (entry,) = entries(tmp_path / "prepared")
    whole = files_of(entry)
    shutil.rmtree(entry)
    with looking(lambda: files_of(entry)) as found:
        second = content(load_data(options))
    assert found == [None, whole]
    assert same(first, second)
