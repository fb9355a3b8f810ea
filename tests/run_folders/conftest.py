"""One small run for all tests of this folder."""

from pathlib import Path

import pytest

from tests.kit import train, write_folder


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("run_folders") / "data", days=9)


@pytest.fixture(scope="session")
def trained(data: Path) -> Path:
    flags = ["--feature_dim", "4", "--classifier", "simple", "--train_epochs", "1", "--batch_size", "16"]
    status, folder = train(data, data.parent / "runs", *flags)
    assert status == 0
    return folder.resolve()
