"""A dual-duct air-handling unit with four rooms, for whoever lacks the published LBNL files (docs/SIMULATOR.md).

Importing this package is cheap: the compiler is loaded with `runs`.
"""

from data_provider.simulator.dual_duct.faults import PUBLISHED, RUNS

__all__ = ["PUBLISHED", "RUNS"]
