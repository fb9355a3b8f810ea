"""One small data set for all tests of this folder."""

from pathlib import Path

import pytest

from tests.kit import write_folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("training") / "data", days=8)
