"""Trend files for the tests of the web app."""

import pandas as pd
import pytest

from data_provider.simulator.fleet import simulate_fleet


@pytest.fixture(scope="session")
def unit(tmp_path_factory) -> bytes:
    """Five days of a simulated unit with a fault each, as CSV."""
    folder = tmp_path_factory.mktemp("fleet")
    simulate_fleet(output=folder, units=1, days=5, seed=5, progress=False)
    table = pd.read_parquet(folder / "unit_0000_faults.parquet")
    return table.drop(columns=["fault", "severity", "shows"]).to_csv(index=False).encode()
